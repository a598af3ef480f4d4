# SPDX-License-Identifier: GPL-2.0-only
# make deps: the distribution's packages that everything else is made from.

PACKAGES := gcc libc6-dev binutils pkg-config flex bison bc libelf-dev xz-utils \
	    linux-source busybox-static liblua5.4-dev libjansson-dev qemu-system-x86

# What to look for where there is no dpkg.
COMMANDS  := gcc pkg-config flex bison bc xz busybox qemu-system-x86_64
LIBRARIES := libc (static), libelf, lua 5.4, jansson

.PHONY: deps
deps: ## install the distribution's packages (Debian, Ubuntu)
	@echo 'deps: everything is there'

# "make deps test" in a fresh clone: what deps installs is found by wildcards while
# the makefiles are read, so it has to be there before. An included file that is
# remade makes make start over; that is exactly what is wanted here.
ifneq ($(and $(filter deps,$(MAKECMDGOALS)),$(if $(findstring n,$(short_flags)),,go)),)

include $O/deps.mk

$O/deps.mk: FORCE
	@mkdir -p $(@D)
	@$(if $(shell command -v dpkg-query),$(if $(missing_packages),$(install)),$(look))
	@$(if $(missing_packages),touch $@,test -e $@ || touch $@)

endif

missing_packages = $(eval missing_packages := $(filter-out \
	$(patsubst %=installed,%,$(installed)),$(PACKAGES)))$(missing_packages)
installed = $(shell dpkg-query -W -f '$${Package}=$${db:Status-Status} ' $(PACKAGES) 2>/dev/null)

root = $(if $(filter 0,$(shell id -u)),,$(or $(shell command -v sudo), \
	$(error deps: neither root nor sudo here. As root: apt-get install $(missing_packages))))
install = $(if $(MAKE_RESTARTS),$(error deps: apt-get did not install $(missing_packages))) \
	echo 'deps: installing $(missing_packages)' && \
	$(root) apt-get -qq update && $(root) env DEBIAN_FRONTEND=noninteractive \
	apt-get -qq install --no-install-recommends $(missing_packages)

# Elsewhere we cannot install, but we can say what there is to do.
missing_commands = $(foreach c,$(COMMANDS),$(if $(shell command -v $c),,$c))
look = echo 'deps: no dpkg here, so this is up to you. Commands that are missing: \
	$(or $(missing_commands),none). Libraries that are needed, with headers: $(LIBRARIES). \
	The kernel source: KERNEL_SRC=tree.'; test -z '$(missing_commands)'
