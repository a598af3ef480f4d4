# SPDX-License-Identifier: GPL-2.0-only
# make check, make bisect: a verdict on the commit that is checked out, and the
# search for the commit that broke a test. runner/lua/commit.lua and bisect.lua
# do the work: they start make once more, because a build that fails is a
# verdict.

# Variables that the user gave, on the command line or in the environment.
FOR_CHECK := T MATCH CLONES TESTS GOOD BAD TESTS_AT MODULE KERNEL_SRC PROFILE ACCEL TRANSPORT
from_user = $(filter command environment,$(firstword $(origin $1)))
given = $(sort $(foreach v,$(FOR_CHECK),$(if $(call from_user,$v),$v)) \
	$(foreach v,$(.VARIABLES),$(if $(findstring command,$(origin $v)),$v)))
# MODULE= and TESTS= as make has found them, from the caller's folder.
check_value = $(or $(if $(filter MODULE,$1),$(MODULE_DIRS)), \
		$(if $(filter TESTS,$1),$(TEST_DIRS)),$($1))
given_args = $(foreach v,$(given),$(if $($v),'$v=$(subst ','\'',$(call check_value,$v))'))

# What the runner has built for each commit of a search. It gives PROFILE_DIR=,
# so that no other make changes the modules that the tests use.
.PHONY: for-commit
for-commit: $(KERNEL_IMAGE) $(DRIVERS) $(INITRAMFS) $(RUNNER) $(PROFILE_DIR)/profile.toml modules

.PHONY: check bisect
check: ## use: judge the commit that is checked out (T=, MATCH=, CLONES=n)
bisect: ## use: find the commit that broke a test (GOOD=, BAD=, T=, MODULE= or KERNEL_SRC=)
check bisect: $(RUNNER)
	$(plus)@$(RUNNER) $@ $(given_args)
