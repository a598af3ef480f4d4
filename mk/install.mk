# SPDX-License-Identifier: GPL-2.0-only
# make install, make uninstall: the kit for all users of a machine.
#
#   PREFIX/lib/provium/        makefiles and sources of what is built for each
#                              user (kernels, modules, initramfs); bin/ has the
#                              programs that are built here
#   PREFIX/bin/provium         a link to the runner there
#   PREFIX/lib/provium/types/  the API for the language server of an editor
#   PREFIX/share/doc/provium/  README and docs/
#   PREFIX/share/man/          provium(1), provium-test(5)
#   PREFIX/share/bash-completion/completions/, PREFIX/share/zsh/site-functions/
#
# Nothing below PREFIX is written to when the kit is used (installed.mk).

KIT_PREFIX := $(DESTDIR)$(PREFIX)
KIT_LIB    := $(KIT_PREFIX)/lib/provium
KIT_SHARE  := $(KIT_PREFIX)/share
KIT_DOC    := $(KIT_SHARE)/doc/provium

# Files in folders of other programs, as FILE:PLACE.
KIT_SHARED := $O/man/provium.1:man/man1/provium.1 $O/man/provium-test.5:man/man5/provium-test.5 \
	      completion/provium.bash:bash-completion/completions/provium \
	      completion/_provium:zsh/site-functions/_provium

KIT_PROGRAMS := $(RUNNER) $(AGENT) $(FORKSERVER) $(GEN_INIT_CPIO) $(MIRROR) $(CONFINE)
KIT_FILES := Makefile LICENSE $(filter-out $(addprefix mk/,$(KIT_ONLY)),$(wildcard mk/*.*)) \
	     $(wildcard mk/gen/*.awk) $(DKMS_BUILD) $(call files,kernel-configs) \
	     $(call files,mk/kselftest) $(call files,mk/kunit) mk/program/Makefile \
	     $(addprefix initramfs/,base.list passwd group fetch-modules \
	     shell-rc) types/provium.lua

# Installed files keep their dates: with newer ones, every user's make would
# configure the kernels again.
install_file = install -pD -m $$(test -x $1 && echo 755 || echo 644) $1 $2/$1

.PHONY: install uninstall
install: ## use: install the kit for all users (PREFIX=, DESTDIR=)
install: $(KIT_PROGRAMS) $(MAN_PAGES)
	$(Q)rm -rf $(KIT_LIB) $(KIT_DOC)
	$(Q)umask 022 && mkdir -p $(KIT_LIB)/bin $(KIT_PREFIX)/bin
	$(Q)install -m 755 -t $(KIT_LIB)/bin $(KIT_PROGRAMS)
	$(Q)umask 022; for f in $(KIT_FILES); do $(call install_file,$$f,$(KIT_LIB)) || exit; done
	$(Q)umask 022; for f in README.md LICENSE docs/*.md docs/ci/*; do \
		$(call install_file,$$f,$(KIT_DOC)) || exit; done
	$(Q)umask 022; for f in $(KIT_SHARED); do \
		install -Dm 644 $${f%:*} $(KIT_SHARE)/$${f#*:} || exit; done
	$(Q)ln -sfn ../lib/provium/bin/provium $(KIT_PREFIX)/bin/provium
	@echo 'install: $(KIT_PREFIX)/bin/provium; in the folder of a module: provium make test'

uninstall: ## use: remove what "make install" has installed (PREFIX=, DESTDIR=)
	rm -rf $(KIT_LIB) $(KIT_DOC)
	rm -f $(KIT_PREFIX)/bin/provium $(addprefix $(KIT_SHARE)/, \
		$(foreach f,$(KIT_SHARED),$(lastword $(subst :, ,$f))))
