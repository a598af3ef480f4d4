# SPDX-License-Identifier: GPL-2.0-only
# make kselftest: the selftests of the kernel tree (tools/testing/selftests),
# each program in a fresh clone.
#
#   mk/kselftest/tree, build     a copy of the selftests, and the build in it;
#                                nothing is written to the kernel tree
#   mk/kselftest/lib/            the tests of a folder of selftests
#   out/kselftest/SOURCE/        the copy (tree/), what was built (build/), what
#                                a guest gets (root/), compilers' output (log/),
#                                programs and files of each folder (TARGET.list)
#   out/kselftest/SOURCE/tests/  a test file and a fixture for each folder
#
# TARGETS= names folders of selftests, CLONE=target runs all programs of a
# folder in one clone.

KSELFTEST := $(abspath $O)/kselftest/$(KSOURCE)
KSELFTEST_TESTS := $(KSELFTEST)/tests
kselftest_name = $(subst /,-,$1)
confined = $(CONFINE) $(KSELFTEST) $(KSRC)

$(if $(filter kselftest%,$(MAKECMDGOALS)),$(if $(KERNEL)$(packages),$(error make kselftest: \
	the kernel of PROFILE=$(PROFILE) is not built here, so there is no source with its \
	selftests; use a profile that is built from source, such as PROFILE=minimal)))

$(KSELFTEST)/.tree: $(KSRC_READY) mk/kselftest/tree $(CONFINE)
	$(call run,COPY)mkdir -p $(KSELFTEST) && $(confined) mk/kselftest/tree $(KSRC) $(KSELFTEST)
	$(Q)touch $@

$(KSELFTEST)/%.list: $(KSELFTEST)/.tree mk/kselftest/build mk/kselftest/why.awk
	$(call run,SELFTESTS)$(confined) mk/kselftest/build $(KSELFTEST) $* $@

$(KSELFTEST_TESTS)/lib/kselftest.lua: mk/kselftest/lib/kselftest.lua
	@mkdir -p $(@D) && cp $< $@

# The test file and the fixture of each target.
define kselftest_files
$(KSELFTEST_TESTS)/$(call kselftest_name,$1).lua: $(KSELFTEST)/$1.list \
		$(KSELFTEST_TESTS)/lib/kselftest.lua mk/kselftest.mk
	@mkdir -p $(KSELFTEST_TESTS)/fixtures
	@echo 'require "kselftest".boot "$$<"' \
		>$(KSELFTEST_TESTS)/fixtures/kselftest-$(call kselftest_name,$1).lua
	@echo 'require "kselftest".tests("$1", "kselftest-$(call kselftest_name,$1)", "$$<")' >$$@
endef
$(foreach t,$(sort $(TARGETS)),$(eval $(call kselftest_files,$t)))

.PHONY: kselftest kselftest-build kselftest-plain
kselftest-build: $(foreach t,$(TARGETS),$(KSELFTEST_TESTS)/$(call kselftest_name,$t).lua)
	@:

kselftest: ## use: build the kernel's selftests (TARGETS="timers futex") and run each in a clone
kselftest: kselftest-build
	+@$(if $(CLONE),KSELFTEST_CLONE=$(CLONE) )$(MAKE) test TESTS=$(KSELFTEST_TESTS) \
	$(call args_of,$(filter-out T TESTS MODULE TARGETS CLONE,$(given))) T='$(call kselftest_name,$(TARGETS))'

kselftest-plain: ## kit: compare the results of make kselftest with those under QEMU alone
kselftest-plain: $(INITRAMFS) $(GEN_INIT_CPIO) $(KERNEL_IMAGE) $(KERNEL_MODULES)/.list
	@PLAIN_TARGETS='$(TARGETS)' PLAIN_FOLDER=$(KSELFTEST) PLAIN_KERNEL=$(KERNEL_IMAGE) \
	PLAIN_MODULES=$(KERNEL_MODULES) \
	PLAIN_RESULTS=$O/test/$(PROFILE).module$(KSELFTEST_TESTS) PLAIN_INITRAMFS=$(INITRAMFS) \
	PLAIN_GEN_INIT_CPIO=$(GEN_INIT_CPIO) $(RUNNER) test mk/kselftest/plain.lua
