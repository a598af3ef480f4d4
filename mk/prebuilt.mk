# SPDX-License-Identifier: GPL-2.0-only
# A kernel that is built already ─▶ the kernel that the tests run on.
#
#   KERNEL=FILE KDIR=DIR   an image, and its build tree or headers
#   KERNEL=running         the kernel of this machine
#   PROFILE=distro         the packages of a profile with packages=
#
#   out/kernel/prebuilt/PROFILE/   links: kernel, the image; build, the build
#                                  tree or headers; tree, the module tree
#   out/profile/PROFILE/vmlinuz    a copy of the image
#   out/profile/PROFILE/drivers/   the modules that the agent loads to reach the
#                                  runner (drivers.sh)
#   out/profile/PROFILE/drivers.cpio   the same, as an initramfs

KBUILD       := $O/kernel/prebuilt/$(PROFILE)
KERNEL_IMAGE := $(PROFILE_DIR)/vmlinuz
KERNEL_TREE  := $(KBUILD)/tree
DRIVERS      := $(PROFILE_DIR)/drivers.cpio
KSRC         := $(if $(KERNEL),$(call from_caller,$(KDIR)),$(KBUILD))
KERNEL_FROM  := $(if $(KERNEL),KERNEL=$(KERNEL),PROFILE=$(PROFILE))

ifneq ($(KERNEL),)

ifeq ($(KERNEL),running)
release := $(shell uname -r)
IMAGE := $(firstword $(wildcard /boot/vmlinuz-$(release) /lib/modules/$(release)/vmlinuz) \
	   /boot/vmlinuz-$(release))
KDIR  := $(or $(KDIR),/lib/modules/$(release)/build)
KSRC  := $(KDIR)
else
IMAGE := $(call from_caller,$(KERNEL))
override KDIR := $(if $(KDIR),$(call from_caller,$(KDIR)))
endif

$(if $(filter ok,$(shell test -r $(IMAGE) -a -f $(IMAGE) && echo ok)),,$(error \
	KERNEL=$(KERNEL): cannot read $(IMAGE); expected a kernel image, bzImage or vmlinux. \
	(Ubuntu lets only root read images in /boot: sudo chmod a+r FILE)))
$(if $(KDIR),,$(error KERNEL=$(KERNEL): give KDIR=DIR too: the folder in which this kernel \
	was built, or its headers, such as /lib/modules/RELEASE/build; modules are built there))
# The release is taken from utsrelease.h if possible: Debian's kernel.release
# has the version of the source.
release := $(firstword $(foreach f,$(addprefix $(KDIR)/include/,generated/utsrelease.h \
	config/kernel.release),$(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p; /^[0-9][^ ]*$$/p' \
	$f 2>/dev/null)))
$(if $(and $(wildcard $(KDIR)/Makefile),$(release)),,$(error \
	KDIR=$(KDIR): expected the folder in which the kernel was built, or its headers: it has \
	no Makefile, or no include/generated/utsrelease.h. \
	On Debian, the package linux-headers-RELEASE has the headers))

# The module tree: KDIR itself if modules were built there, which leaves a file
# modules.builtin; else /lib/modules/RELEASE.
TREE := $(firstword $(if $(wildcard $(KDIR)/modules.builtin),$(abspath $(KDIR))) \
	  $(wildcard $(realpath $(KDIR))/../../../lib/modules/$(release) \
	  /lib/modules/$(release)) $(abspath $(KDIR)))

origins := $(IMAGE) $(abspath $(KDIR)) $(TREE)
$(call remember,$(KBUILD)/origins,origins)

$(KBUILD)/.built: $(KBUILD)/origins $(IMAGE) $(wildcard $(KDIR)/include/generated/autoconf.h)
	@ln -sfn $(IMAGE) $(@D)/kernel && ln -sfn $(abspath $(KDIR)) $(@D)/build
	@ln -sfn $(TREE) $(@D)/tree && touch $@

else

# The packages are fetched again if this folder has moved, because the headers
# contain absolute paths.
release = $(notdir $(realpath $(KBUILD)/tree))
fetched := $(abspath $(KBUILD)) $(packages)
$(call remember,$(KBUILD).packages,fetched)

$(KBUILD)/.built: $(KBUILD).packages mk/packages.sh
	$(call run,FETCH)mk/packages.sh $(KBUILD) $(packages) && touch $@

endif

# BTF of a module needs the kernel's vmlinux with debug information.
module_variables = $(if $V,V=1) CONFIG_DEBUG_INFO_BTF_MODULES=
MODULE_KERNEL    = $(abspath $(KBUILD))/build
kbuild_make = $(MAKE) $(if $V,,-s) -C $(MODULE_KERNEL) $(module_variables)

$(KERNEL_IMAGE): $(KBUILD)/.built
	@mkdir -p $(@D)
	@install -m 644 $(KBUILD)/kernel $@

# The kernel's file with symbols: of the tree in which it was built, or of
# Debian's package. The packages of a profile are fetched after make has read
# this.
SYMBOLS = $(realpath $(firstword $(wildcard $(if $(KERNEL),$(abspath $(KDIR))/vmlinux) \
	  /usr/lib/debug/boot/vmlinux-$(release))))

$(PROFILE_DIR)/debug/.linked: $(KBUILD)/.built $(if $(call same,$(SYMBOLS),$(realpath \
		$(PROFILE_DIR)/debug/vmlinux)),,FORCE)
	@mkdir -p $(@D) && rm -f $(@D)/vmlinux
	@$(if $(SYMBOLS),ln -s $(SYMBOLS) $(@D)/vmlinux &&) touch $@

$(KERNEL_IMAGE): | $(PROFILE_DIR)/debug/.linked

$(DRIVERS): $(KBUILD)/.built mk/drivers.sh $O/bin/gen_init_cpio
	$(call run,DRIVERS)mk/drivers.sh $(KERNEL_TREE) $(@:.cpio=)
	$(Q)$O/bin/gen_init_cpio -t 0 $(@:.cpio=)/cpio >$@.tmp && mv $@.tmp $@
