# SPDX-License-Identifier: GPL-2.0-only
# initramfs/base.list, busybox and the agent ─▶ out/initramfs/base.cpio.

INITRAMFS := $O/initramfs/base.cpio
BUSYBOX := $(firstword $(wildcard $(addsuffix /busybox,$(subst :, ,$(PATH)))))

INITRAMFS_FILES := $O/bin/agent $(BUSYBOX) $(addprefix initramfs/,passwd group fetch-modules \
	shell-rc)
INITRAMFS_ROOT  := $O/initramfs/root

# A link to busybox for each of its commands.
$O/initramfs/applets.list: $(BUSYBOX) mk/initramfs.mk
	$(if $(BUSYBOX),,$(error initramfs: no busybox in PATH; \
		run "$(this_make) deps", or install a static busybox))
	$(call run,GEN)mkdir -p $(@D) && $(BUSYBOX) --list-full | \
	grep -vxE 'bin/busybox|sbin/mod(probe|info)' | \
	sed 's,.*,slink /& /bin/busybox 0777 0 0,' >$@.tmp && mv $@.tmp $@

# Dates and owners are fixed, so that the same inputs give the same archive.
$(INITRAMFS): initramfs/base.list $O/initramfs/applets.list $(INITRAMFS_FILES) $(GEN_INIT_CPIO)
	$(call run,CPIO)mkdir -p $(INITRAMFS_ROOT) && cp $(INITRAMFS_FILES) $(INITRAMFS_ROOT)
	$(Q)sed 's|\$${ROOT}|$(INITRAMFS_ROOT)|' $(filter %.list,$^) | $(GEN_INIT_CPIO) -t 0 - >$@.tmp
	$(Q)mv $@.tmp $@

.PHONY: initramfs
initramfs: $(INITRAMFS) ## kit: build the initramfs, the guest's root: busybox and the agent
	@:
