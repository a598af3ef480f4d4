# SPDX-License-Identifier: GPL-2.0-only
# tests/*.lua ─▶ one verdict each, a file that exists only after a pass.
#
#   out/test/PROFILE/NAME.ok      the verdict: the test passed with these inputs
#   out/test/PROFILE/NAME.d       what it was made from, written by the runner
#   out/test/PROFILE/NAME.result  how it went, written in any case

TEST_DIR := $O/test/$(PROFILE)
apart    := fixtures lib host harness canned bench
TESTS    := $(patsubst tests/%.lua,%,$(filter %.lua,$(call files,tests)))
TESTS    := $(sort $(filter-out $(foreach d,$(apart),$d/%),$(TESTS)))

# T= chooses by name, with the shell's wildcards.
ifneq ($T,)
CHOSEN := $(filter $(TESTS:%=tests/%.lua),$(wildcard tests/$T.lua tests/*/$T.lua $T))
CHOSEN := $(CHOSEN:tests/%.lua=%)
CHOSEN_GOALS := $(filter test retest stress check,$(MAKECMDGOALS))
$(if $(CHOSEN_GOALS),$(if $(CHOSEN),,$(error T=$T: no such test; there are: $(TESTS))))
else
CHOSEN := $(TESTS)
endif

VERDICTS := $(CHOSEN:%=$(TEST_DIR)/%.ok)
TEST_INPUTS := $(RUNNER) $(KERNEL_IMAGE) $(INITRAMFS)

# The runner makes the .ok file or not; that a test failed is not make's concern before
# the summary, so that the others go on. One that is killed leaves its debts to "settle".
$(VERDICTS): $(TEST_DIR)/%.ok: tests/%.lua $(TEST_INPUTS) \
		$(if $(filter retest,$(MAKECMDGOALS)),FORCE) | modules accel $(TEST_DIR)/.start
	+@mkdir -p $(@D) && $(RUNNER) test --verdict $(@:.ok=) $< || \
	$(RUNNER) settle $(@:.ok=) $< $$?

# A result that is older than this was there before.
$(TEST_DIR)/.start: FORCE
	@mkdir -p $(@D) && touch $@

.PHONY: accel
accel: $(TEST_INPUTS) $O/provium.toml
	+@$(RUNNER) accel $(PROFILE)

.PHONY: test retest
test: $(VERDICTS) ## run the tests that changed or did not pass; T=glob chooses, -jN
retest: $(VERDICTS) ## run them all, whatever passed before
test retest:
	+@$(RUNNER) summary --since $(TEST_DIR)/.start $(VERDICTS:.ok=)

.PHONY: stress
stress: all accel ## run the tests of T= N times over
	+@$(RUNNER) test --repeat $N $(CHOSEN:%=tests/%.lua)

DEPENDENCIES += $(VERDICTS:.ok=.d)
