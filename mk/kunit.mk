# SPDX-License-Identifier: GPL-2.0-only
# make kunit: the KUnit suites of the profile's kernel (mk/kunit/kunit.lua). The
# kernel log with the results is written to out/kunit/PROFILE.log.

.PHONY: kunit
kunit: ## use: run the kernel's KUnit suites (PROFILE=kselftest has KUnit; SUITE=GLOB chooses)
kunit: all
	@mkdir -p $O/kunit && KUNIT_SUITE='$(SUITE)' KUNIT_LOG=$O/kunit/$(PROFILE).log \
	$(RUNNER) test mk/kunit/kunit.lua
