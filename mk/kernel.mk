# SPDX-License-Identifier: GPL-2.0-only
# Kernel source and a profile ─▶ the kernel that the tests run on.
#
#   out/src/NAME/                 the distribution's source package, unpacked,
#                                 with the system-call overlay
#                                 (kernel-configs/overlay)
#   out/kernel/SOURCE/PROFILE/    kbuild's output folder, one for each source
#   out/profile/PROFILE/vmlinux   the stripped image; gets a new date only if
#                                 its content changes
#   out/profile/PROFILE/debug/    links to vmlinux and the modules with their
#                                 symbols, for gdb and for the lines of stacks
#   out/profile/PROFILE/modules/  its modules (modules.mk)
#
# A kernel that is built already: prebuilt.mk.
#
#   out/provium.toml              the profiles that were built, for the runner

# --- the profile: its configuration fragments and its machine

# PROFILE=NAME@WORD is the profile NAME with verdicts and modules of its own, as
# for another kernel tree.
base_profile := $(firstword $(subst @, ,$(PROFILE)))
profiles := $(patsubst kernel-configs/%.profile,%,$(wildcard kernel-configs/*.profile))
packages  :=
tree_configs :=
kernel_files := 1000
machine   := q35
append    := noreplace-smp no_timer_check
ifneq ($(KERNEL),)
$(if $(filter $(PROFILE),$(profiles)),$(error \
	PROFILE=$(PROFILE) KERNEL=$(KERNEL): this is a profile of the kit, whose kernel is built \
	or fetched; leave PROFILE= out, or give the kernel a name of your own))
else
$(if $(filter $(base_profile),$(profiles)),,$(error \
	PROFILE=$(PROFILE): no kernel-configs/$(base_profile).profile; choose from: $(profiles)))
include kernel-configs/$(base_profile).profile
endif

# CONFIG=: fragments of the user's, after those of the profile.
user_fragments := $(strip $(foreach f,$(CONFIG:~/%=$(HOME)/%),$(or $(firstword $(realpath $(call \
	candidates,$f))),$(error CONFIG=$f: there is no file $(firstword $(call candidates,$f))))))
FRAGMENTS := $(fragments:%=kernel-configs/%.config) $(user_fragments)
PROFILE_DIR := $O/profile/$(PROFILE)

# A part of a command: the config files in the kernel's source that exist.
from_tree = $(if $(tree_configs),$$(ls $(tree_configs:%=$(KSRC)/%) 2>/dev/null))

ifneq ($(KERNEL)$(packages),)
$(if $(CONFIG),$(error CONFIG=$(CONFIG): this kernel is not built here, so its options are \
	fixed; use a profile that is built from source, such as PROFILE=minimal))
include mk/prebuilt.mk
else

# --- the source: the user's tree, or the distribution's newest linux-source
# package

ifneq ($(KERNEL_SRC),)

KSRC    := $(call from_caller,$(KERNEL_SRC))
KSOURCE := $(notdir $(KSRC))-$(firstword $(shell echo '$(KSRC)' | cksum))

$(if $(wildcard $(KSRC)/Kconfig),,$(error \
	KERNEL_SRC=$(KERNEL_SRC): not a kernel tree: it has no Kconfig; \
	give the top of a kernel tree))
$(if $(wildcard $(KSRC)/.config $(KSRC)/include/config),$(error \
	KERNEL_SRC=$(KERNEL_SRC): the tree was built in place, and kbuild refuses to build such a \
	tree in another folder. Clean it (make -C $(KERNEL_SRC) mrproper; this removes its \
	.config) or give a worktree of it (git -C $(KERNEL_SRC) worktree add)))

# Only kbuild knows what has changed in the tree, so kbuild runs every time.
KSRC_READY := FORCE

else

# Name, size and date of the newest tarball.
TARBALL := $(wildcard /usr/src/linux-source-*.tar.*)
TARBALL := $(if $(word 2,$(TARBALL)),$(shell printf '%s\n' $(TARBALL) | sort -V | tail -n 1),\
	   $(TARBALL))
tarball := $(if $(TARBALL),$(shell stat -L -c '%n %s %Y' $(TARBALL)))
KSOURCE := $(firstword $(subst .tar, ,$(notdir $(TARBALL))))
KSRC    := $(abspath $O)/src/$(KSOURCE)
UNPACKED := $O/src/$(or $(KSOURCE),linux-source).unpacked
KSRC_READY := $(UNPACKED:.unpacked=.overlaid)

# tar -m: the files get today's date, so that after an update they are newer
# than the objects of the build before.
$(UNPACKED): $(if $(call same,$(file <$(UNPACKED)),$(tarball)),,FORCE)
	$(if $(TARBALL),,$(error kernel: no /usr/src/linux-source-*.tar.*: \
		run "$(this_make) deps", or give KERNEL_SRC=TREE))$(notice)
	$(call run,UNPACK)rm -rf $O/src/new $(KSRC) && mkdir -p $O/src/new
	$(Q)tar -xmf $(TARBALL) -C $O/src/new
	$(Q)mv $O/src/new/* $(KSRC) && rmdir $O/src/new
	$(Q)echo '$(tarball)' >$@

$(KSRC_READY): $(UNPACKED) $(wildcard kernel-configs/overlay/*)
	$(call run,OVERLAY)kernel-configs/overlay/apply $(KSRC)
	$(Q)touch $@

endif

# The user's tree is never written to. It has the system calls only if the user
# applied the overlay to it.
KERNEL_FROM  := KERNEL_SRC=$(KERNEL_SRC)
HAS_SYSCALLS := $(if $(KERNEL_SRC),$(wildcard $(KSRC)/include/linux/provium_syscalls.h),yes)

# --- kbuild

# LLVM= is 1, a version such as -14, or a folder with a slash at its end.
llvm_program = $(if $(filter %/,$(LLVM)),$(LLVM))$1$(if $(filter -%,$(LLVM)),$(LLVM))
$(if $(LLVM),$(foreach p,clang ld.lld llvm-ar,$(if $(shell command -v $(call llvm_program,$p) \
	2>/dev/null),,$(error LLVM=$(LLVM): there is no $(call llvm_program,$p); install it \
	(on Debian and Ubuntu: apt install clang lld llvm), or leave LLVM= out))))
# A kernel built by another compiler has an output folder of its own.
toolchain := $(strip $(foreach v,LLVM LLVM_IAS CROSS_COMPILE,$(if $($v),$v=$($v))))
KBUILD := $O/kernel/$(KSOURCE)/$(base_profile)$(if $(toolchain),-$(subst $(space),-,$(subst \
	=,,$(subst /,-,$(toolchain)))))
KERNEL_IMAGE := $(PROFILE_DIR)/vmlinux
KERNEL_TREE  := $(KBUILD)

# Fixed values in place of date, user and host, so that the same inputs give the
# same image.
REPRODUCIBLE := KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=provium \
		KBUILD_BUILD_HOST=provium KBUILD_BUILD_VERSION=1 LOCALVERSION=

module_variables = $(if $V,V=1) $(REPRODUCIBLE) $(toolchain) $(kbuild_args)
MODULE_KERNEL    = $(abspath $(KBUILD))
make_kbuild = $(MAKE) $1 -C $(KSRC) O=$(MODULE_KERNEL) $(module_variables)
kbuild_make = $(call make_kbuild,$(if $V,,-s))
# kbuild runs under a lock, because two makes in one checkout would overwrite
# each other's files.
with_lock = mk/lock.sh $(KBUILD).lock 'the kernel $(PROFILE)'
kbuild = $(with_lock) $(kbuild_make)

# Adds line tables, from which the runner takes the files and lines of a stack,
# unless the configuration asks for more debugging information. The tables stay
# in the unstripped vmlinux.
has_debug_info = $(shell grep -s '^CONFIG_DEBUG_INFO=y' $(KBUILD)/.config)
line_tables = $(if $(has_debug_info),,KCFLAGS='-g1 -fdebug-prefix-map=$(realpath $(KSRC))/= \
	      -fdebug-prefix-map=$(abspath $(KBUILD))=.')

# Printed once, before a build that takes minutes: a processor compiles about 60
# files a minute. If a kernel of KERNEL_SRC= is built, only what has changed in
# the tree is compiled.
minutes     = $(shell n=$$(nproc); echo $$((($(kernel_files) / 60 + n - 1) / n)))
is_built    = $(and $(KERNEL_SRC),$(wildcard $(KBUILD)/.built))
progress    = mk/progress.sh 20 $(if $(is_built),0,$(kernel_files))
notice_text = kernel: building the kernel of PROFILE=$(PROFILE), about $(minutes) minutes here$(if \
	      $(KERNEL_SRC)$(findstring command,$(origin PROFILE)),,. $\
	      PROFILE=distro needs no such build)
notice      = $(if $(noticed)$(is_built),,$(eval noticed := 1)$(info $(notice_text)))

# What the fragments set, without their comments. If two fragments set the same
# option, the last one wins. Only a change of content configures the kernel
# again.
$(KBUILD)/asked.config: $(FRAGMENTS) kernel-configs/$(base_profile).profile \
		$(if $(call same,$(file <$(KBUILD)/user-fragments),$(user_fragments) \
		$(tree_configs)),,FORCE) | $(KSRC_READY)
	@mkdir -p $(@D)
	@awk -F= '/^CONFIG_/ { asked[$$1] = $$0 } END { for (o in asked) print asked[o] }' \
		$(from_tree) $(FRAGMENTS) >$@.tmp
	@$(if $(kbuild_args),echo '# kbuild_args: $(kbuild_args)' >>$@.tmp)
	@$(call update,$@.tmp,$@)
	@echo '$(user_fragments) $(tree_configs)' >$(KBUILD)/user-fragments

# allnoconfig turns everything off that no fragment sets.
$(KBUILD)/.configured: $(KBUILD)/asked.config $(KSRC_READY) | kernel-configs/check.awk
	$(notice)$(call run,CONFIG)mkdir -p $(KBUILD)
	$(plus)$(Q)$(kbuild) KCONFIG_ALLCONFIG=asked.config allnoconfig
	$(Q)awk -v tree=$(KSRC) -f kernel-configs/check.awk $(FRAGMENTS) $(KBUILD)/.config
	$(if $(tree_configs),$(Q)awk -v tree=$(KSRC) -f kernel-configs/check.awk $(from_tree) \
	$(FRAGMENTS) $(KBUILD)/.config 2>&1 | sed 's/^[^\t]/note: &/')
	$(Q)touch $@

$(KBUILD)/.built: $(KBUILD)/.configured
	$(if $(wildcard $@),,$(notice))
	$(plus)$(call run,KERNEL)$(with_lock) $(if $V,,$(progress)) \
		$(make_kbuild) $(line_tables) $(jobs) vmlinux modules
	$(Q)strip -o $(KBUILD)/vmlinux.stripped $(KBUILD)/vmlinux
	$(Q)touch $@

# The profile's folder can hold the image of another kernel source or compiler:
# then the image is installed again.
$(call remember,$(PROFILE_DIR)/.built-in,KBUILD)
$(PROFILE_DIR)/.installed: $(KBUILD)/.built $(PROFILE_DIR)/.built-in \
		$(if $(wildcard $(KERNEL_IMAGE)),,FORCE)
	@mkdir -p $(@D)/debug
	@install -C -m 644 $(KBUILD)/vmlinux.stripped $(KERNEL_IMAGE)
	@ln -sfr $(KBUILD)/vmlinux $(@D)/debug/vmlinux && touch $@

$(KERNEL_IMAGE): $(PROFILE_DIR)/.installed ;

endif

# --- the kernel's own modules

# out/profile/PROFILE/kernel-modules/ has links to the kernel's own modules,
# which vm:insmod(NAME) takes if no module built here has that name. The verdict
# of a test depends on those that it used, so make needs a rule for them.
KERNEL_MODULES := $(PROFILE_DIR)/kernel-modules

$(KERNEL_MODULES)/.list: $(KBUILD)/.built mk/kernel-modules.sh
	@mk/kernel-modules.sh $(KERNEL_TREE) $(@D) && touch $@

$(KERNEL_MODULES)/%: $(KERNEL_MODULES)/.list ;

.PHONY: kernel
kernel: ## use: build or fetch the kernel of the profile (PROFILE=, or KERNEL= KDIR=)
kernel: $(KERNEL_IMAGE) $(DRIVERS) $(KERNEL_MODULES)/.list $O/provium.toml
	@:

# --- the profile as the runner reads it

define profile_toml
[profile.$(PROFILE)]
kernel  = "profile/$(PROFILE)/$(notdir $(KERNEL_IMAGE))"
modules = "profile/$(PROFILE)/modules"
kernel_modules = "profile/$(PROFILE)/kernel-modules"
debug   = "profile/$(PROFILE)/debug"
initrd  = "$(or $(DRIVERS:$O/%=%),initramfs/base.cpio)"
machine = "$(machine)"
append  = "$(append)"
$(if $(cpu),cpu     = "$(cpu)")
$(if $(share),share   = "$(share)")
endef

$(call remember,$(PROFILE_DIR)/profile.toml,profile_toml)

$O/provium.toml: $(PROFILE_DIR)/profile.toml
	$(call run,GEN)cat $O/profile/*/profile.toml >$@.tmp && mv $@.tmp $@
