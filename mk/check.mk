# SPDX-License-Identifier: GPL-2.0-only
# make check, make bisect: a verdict on the commit that is checked out, and the
# search for the commit that broke a test. runner/lua/commit.lua and bisect.lua
# do the work: they start make once more, because a build that fails is a
# verdict.

given_args = $(call args_of,$(given))

# What provium bisect builds at each commit. It passes a PROFILE_DIR= of its
# own, so that no other make changes the modules that its tests use.
.PHONY: for-commit
for-commit: $(KERNEL_IMAGE) $(DRIVERS) $(INITRAMFS) $(RUNNER) $(PROFILE_DIR)/profile.toml modules

.PHONY: check bisect
check: ## use: judge the commit that is checked out (T=, MATCH=, CLONES=n)
bisect: ## use: find the commit that broke a test (GOOD=, BAD=, T=, MODULE= or KERNEL_SRC=)
check bisect: $(RUNNER)
	$(plus)@$(RUNNER) $@ $(given_args)
