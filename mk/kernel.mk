# SPDX-License-Identifier: GPL-2.0-only
# Kernel source and a profile ─▶ the kernel that everything runs on.
#
#   out/src/NAME/                  the distribution's source package, unpacked, and the
#                                  system-call overlay (kernel-configs/overlay) in it
#   out/kernel/SOURCE/PROFILE/     where kbuild works: one folder for each source
#   out/profile/PROFILE/vmlinux    the stripped image of the source in use: it changes
#                                  when its content does, and only then
#   out/profile/PROFILE/modules/   its modules (modules.mk)
#   out/provium.toml               the profiles that have been built, for the runner

# --- the source: a tree of the user's, or the newest package

ifneq ($(KERNEL_SRC),)

KSRC    := $(abspath $(KERNEL_SRC))
KSOURCE := $(notdir $(KSRC))-$(firstword $(shell echo '$(KSRC)' | cksum))

$(if $(wildcard $(KSRC)/Kconfig),,$(error \
	KERNEL_SRC=$(KERNEL_SRC) is no kernel tree: there is no Kconfig in it))
$(if $(wildcard $(KSRC)/.config $(KSRC)/include/config),$(error \
	KERNEL_SRC=$(KERNEL_SRC) has been built in, and kbuild can build such a tree nowhere \
	else. Clean it (make -C $(KERNEL_SRC) mrproper removes its .config, too) or give a \
	worktree of it (git -C $(KERNEL_SRC) worktree add)))

# Only kbuild knows what has changed in there, so it is asked each time.
KSRC_READY := FORCE

else

# Name, size and date of the newest tarball.
tarball := $(shell stat -L -c '%n %s %Y' /usr/src/linux-source-*.tar.* 2>/dev/null | \
	     sort -V | tail -n 1)
TARBALL := $(firstword $(tarball))
KSOURCE := $(firstword $(subst .tar, ,$(notdir $(TARBALL))))
KSRC    := $(abspath $O)/src/$(KSOURCE)
UNPACKED := $O/src/$(or $(KSOURCE),linux-source).unpacked
KSRC_READY := $(UNPACKED:.unpacked=.overlaid)

# The files get today's date: to make, an update is newer than what was built before.
$(UNPACKED): $(if $(call same,$(file <$(UNPACKED)),$(tarball)),,FORCE)
	$(if $(TARBALL),,$(error no kernel source: run "make deps", or give KERNEL_SRC=))
	$(call run,UNPACK)rm -rf $O/src/new $(KSRC) && mkdir -p $O/src/new
	$(Q)tar -xmf $(TARBALL) -C $O/src/new
	$(Q)mv $O/src/new/* $(KSRC) && rmdir $O/src/new
	$(Q)echo '$(tarball)' >$@

$(KSRC_READY): $(UNPACKED) $(wildcard kernel-configs/overlay/*)
	$(call run,OVERLAY)kernel-configs/overlay/apply $(KSRC)
	$(Q)touch $@

endif

# A tree of the user's is not written to: it has the overlay if the user put it there.
HAS_SYSCALLS := $(if $(KERNEL_SRC),$(wildcard $(KSRC)/include/linux/provium_syscalls.h),yes)

# --- the profile: which fragments, which machine

profiles := $(patsubst kernel-configs/%.profile,%,$(wildcard kernel-configs/*.profile))
$(if $(filter $(PROFILE),$(profiles)),,$(error \
	no profile '$(PROFILE)' in kernel-configs/; there are: $(profiles)))
include kernel-configs/$(PROFILE).profile
FRAGMENTS := $(fragments:%=kernel-configs/%.config)

# --- kbuild

KBUILD := $O/kernel/$(KSOURCE)/$(PROFILE)
PROFILE_DIR := $O/profile/$(PROFILE)
KERNEL_IMAGE := $(PROFILE_DIR)/vmlinux

# The same inputs give the same image.
REPRODUCIBLE := KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=provium \
		KBUILD_BUILD_HOST=provium KBUILD_BUILD_VERSION=1 LOCALVERSION=

# Two makes in one checkout would write over each other: they take turns.
kbuild = flock $O/kernel/.lock \
	 $(MAKE) $(if $V,V=1,-s) -C $(KSRC) O=$(abspath $(KBUILD)) $(REPRODUCIBLE) $(kbuild_args)

# allnoconfig: what no fragment asks for is off. Of two that ask, the last wins.
$(KBUILD)/.configured: $(FRAGMENTS) kernel-configs/$(PROFILE).profile \
		       kernel-configs/check.awk $(KSRC_READY)
	$(call run,CONFIG)mkdir -p $(KBUILD)
	$(Q)awk -F= '/^CONFIG_/ { asked[$$1] = $$0 } END { for (o in asked) print asked[o] }' \
		$(FRAGMENTS) >$(KBUILD)/asked.config
	$(plus)$(Q)$(kbuild) KCONFIG_ALLCONFIG=asked.config allnoconfig
	$(Q)awk -v tree=$(KSRC) -f kernel-configs/check.awk $(FRAGMENTS) $(KBUILD)/.config
	$(Q)touch $@

$(KBUILD)/.built: $(KBUILD)/.configured
	$(plus)$(call run,KERNEL)$(kbuild) $(jobs) vmlinux modules
	$(Q)strip -o $(KBUILD)/vmlinux.stripped $(KBUILD)/vmlinux
	$(Q)touch $@

$(KERNEL_IMAGE): $(KBUILD)/.built FORCE
	@mkdir -p $(@D)
	@install -C -m 644 $(KBUILD)/vmlinux.stripped $@

.PHONY: kernel
kernel: $(KERNEL_IMAGE) ## the profile's kernel
	@:

# --- what the runner is told

define profile_toml
[profile.$(PROFILE)]
kernel  = "profile/$(PROFILE)/vmlinux"
modules = "profile/$(PROFILE)/modules"
initrd  = "initramfs/base.cpio"
machine = "$(machine)"
append  = "$(append)"
$(if $(cpu),cpu     = "$(cpu)")
$(if $(share),share   = "$(share)")
endef

$(call remember,$(PROFILE_DIR)/profile.toml,profile_toml)

$O/provium.toml: $(PROFILE_DIR)/profile.toml
	$(call run,GEN)cat $O/profile/*/profile.toml >$@.tmp && mv $@.tmp $@
