# SPDX-License-Identifier: GPL-2.0-only
# make test-dkms: modules of others, which the distribution packages as source
# (NAME-dkms), are built for the profile's kernel and tested.
#
#   tests/dkms/NAME.lua            the test of a package
#   tests/dkms/kernel.config       kernel options that packages need and the
#                                  profile minimal lacks
#   out/dkms/NAME/                 the package, unpacked (mk/dkms/fetch); remove
#                                  the folder to fetch it anew
#   out/dkms/NAME.PROFILE.skipped  why the package is not tested; else empty

DKMS_NAMES := $(patsubst tests/dkms/%.lua,%,$(wildcard tests/dkms/*.lua))
DKMS_CHOSEN := $(if $T,$(filter $T,$(DKMS_NAMES)),$(DKMS_NAMES))

# Kernel options, without CONFIG_, that a package needs and its dkms.conf does
# not name.
needs_acpi-call      := ACPI
needs_dm-writeboost  := BLK_DEV_DM LIBCRC32C
needs_evdi           := DRM I2C USB DRM_KMS_HELPER DRM_GEM_SHMEM_HELPER
needs_rapiddisk      := BLK_DEV_DM
needs_v4l2loopback   := VIDEO_DEV
needs_xtables-addons := NETFILTER_XTABLES NF_CONNTRACK NF_CONNTRACK_MARK NF_NAT \
			IP_NF_FILTER

# Packages with programs that a test runs in the guest.
with_xtables-addons := iptables libip4tc2 libip6tc2 libxtables12 xtables-addons-common

DKMS_FETCHED := $(DKMS_NAMES:%=$O/dkms/%/.fetched)

$(DKMS_FETCHED): $O/dkms/%/.fetched: mk/dkms/fetch
	$(call run,FETCH)mk/dkms/fetch $(@D) $*-dkms $(with_$*)
	$(Q)touch $@

# $(call dkms_lacks,NAME): commands that write which options the kernel lacks
# for the package, as the reasons why the package is not tested.
dkms_lacks = $(foreach c,$(needs_$1),grep -qE '^CONFIG_$c=[ym]' $(MODULE_KERNEL)/.config || \
	echo 'the kernel of $(PROFILE) lacks CONFIG_$c' >>$@.tmp;)
DKMS_STATES := $(DKMS_NAMES:%=$O/dkms/%.$(PROFILE).skipped)

$(DKMS_STATES): $O/dkms/%.$(PROFILE).skipped: $O/dkms/%/.fetched $(KBUILD)/.built FORCE
	@cat $(<D)/missing >$@.tmp 2>/dev/null || { : >$@.tmp; $(call dkms_lacks,$*) }
	@$(call update,$@.tmp,$@)

# Starts make once more for the tests: only after the .skipped files are made is
# it known which packages can be tested.
.PHONY: test-dkms
test-dkms: ## kit: build and test modules that the distribution packages as source (T=NAME chooses)
test-dkms: $(DKMS_CHOSEN:%=$O/dkms/%.$(PROFILE).skipped)
	+@$(MAKE) O=$O test TESTS=tests/dkms \
	$(call args_of,$(filter-out O TESTS MODULE,$(given))) \
	MODULE="$$(for name in $(DKMS_CHOSEN); do \
	test -s $O/dkms/$$name.$(PROFILE).skipped || realpath $O/dkms/$$name/source; \
	done | tr '\n' ' ')"
