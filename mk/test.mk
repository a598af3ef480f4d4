# SPDX-License-Identifier: GPL-2.0-only
# tests/*.lua ─▶ one verdict each, a file that exists only after a pass.
#
#   out/test/PROFILE/NAME.ok      the verdict: the test passed with these inputs
#   out/test/PROFILE/NAME.d       what it was made from, written by the runner
#   out/test/PROFILE/NAME.result  how it went, written in any case
#   out/test/PROFILE/order.mk     from the last run: what took longest
#   out/report/                   all of it as results.tap, junit.xml, results.jsonl

TEST_DIR := $O/test/$(PROFILE)
apart    := fixtures lib host harness canned bench
TESTS    := $(patsubst tests/%.lua,%,$(filter %.lua,$(call files,tests)))
TESTS    := $(sort $(filter-out $(foreach d,$(apart),$d/%),$(TESTS)))

# T= chooses by name, of a file or a folder, with the shell's wildcards.
ifneq ($T,)
CHOSEN := $(filter $(TESTS:%=tests/%.lua),$(wildcard tests/$T.lua tests/*/$T.lua tests/$T/*.lua $T))
CHOSEN := $(CHOSEN:tests/%.lua=%)
CHOSEN_GOALS := $(filter test retest stress check test-kvm,$(MAKECMDGOALS))
$(if $(CHOSEN_GOALS),$(if $(CHOSEN),,$(error T=$T: no such test; there are: $(TESTS))))
else
CHOSEN := $(TESTS)
endif

# make starts what it finds first first: what never ran, then what took longest.
ORDER :=
-include $(TEST_DIR)/order.mk
CHOSEN := $(filter-out $(ORDER),$(CHOSEN)) $(filter $(CHOSEN),$(ORDER))

VERDICTS := $(CHOSEN:%=$(TEST_DIR)/%.ok)
TEST_INPUTS := $(RUNNER) $(KERNEL_IMAGE) $(INITRAMFS)
AGAIN := $(filter retest,$(MAKECMDGOALS))
FAIL_FAST := $(if $(filter-out 0,$(FAILFAST)),--fail-fast)


# The recipe succeeds even if the test fails, so that make runs the other tests too:
# the runner then leaves out the .ok file, and the summary has the exit status. The job
# tokens of a killed runner are returned by the second command.
$(VERDICTS): $(TEST_DIR)/%.ok: tests/%.lua $(TEST_INPUTS) \
		$(if $(AGAIN),FORCE) | accel
	$(plus)@mkdir -p $(@D) && $(RUNNER) test --verdict $(@:.ok=) \
		--session $(TEST_DIR)/.session $(FAIL_FAST) $< || \
	$(RUNNER) make-return-tokens $(@:.ok=) $< $$?

# A result that is older than this was there before.
$(TEST_DIR)/.start: FORCE
	@mkdir -p $(@D) && touch $@

# The last thing before the tests, and of "test" the first: were it made for the first
# of the tests, make would begin with the second.
.PHONY: accel
accel: $(TEST_INPUTS) $O/provium.toml | modules $(TEST_DIR)/.start
	$(plus)@$(RUNNER) make-plan $(if $(AGAIN),--all) $(TEST_INPUTS:%=--input %) $(TEST_DIR)/.session $(VERDICTS:.ok=)
	$(plus)@$(RUNNER) accel $(PROFILE)

# With .SECONDARY, make leaves what does not exist for last: of what is phony, not.
STEPS := $(CHOSEN:%=verdict-of-%)
.PHONY: $(STEPS)
$(STEPS): verdict-of-%: $(TEST_DIR)/%.ok

.PHONY: test retest
test: accel $(STEPS) ## run the tests that changed or did not pass; T=glob chooses, -jN
retest: accel $(STEPS) ## run them all, whatever passed before
test retest:
	$(plus)@$(RUNNER) make-order $(TEST_DIR)/order.mk $(TESTS:%=$(TEST_DIR)/%)
	$(plus)@$(RUNNER) make-summary --since $(TEST_DIR)/.start --report $O/report $(FAIL_FAST) $(sort $(VERDICTS:.ok=))

.PHONY: stress
stress: all accel ## run the tests of T= N times over
	$(plus)@$(RUNNER) test --repeat $N $(FAIL_FAST) $(CHOSEN:%=tests/%.lua)

.PHONY: doctor
doctor: $(TEST_INPUTS) $O/provium.toml ## what this machine offers, what will be used, and why
	+@$(RUNNER) doctor $(PROFILE)

DEPENDENCIES += $(VERDICTS:.ok=.d)
