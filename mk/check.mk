# SPDX-License-Identifier: GPL-2.0-only
# make check, make bisect: a verdict on the commit that is checked out, and the
# search for the commit that broke a test. runner/lua/commit.lua and bisect.lua
# do the work: they start make once more, because a build that fails is a
# verdict.

given_args = $(call args_of,$(given))

# What the runner has built for each commit of a search. It gives PROFILE_DIR=,
# so that no other make changes the modules that the tests use.
.PHONY: for-commit
for-commit: $(KERNEL_IMAGE) $(DRIVERS) $(INITRAMFS) $(RUNNER) $(PROFILE_DIR)/profile.toml modules

.PHONY: check bisect
check: ## use: judge the commit that is checked out (T=, MATCH=, CLONES=n)
bisect: ## use: find the commit that broke a test (GOOD=, BAD=, T=, MODULE= or KERNEL_SRC=)
check bisect: $(RUNNER)
	$(plus)@$(RUNNER) $@ $(given_args)
