# SPDX-License-Identifier: GPL-2.0-only
# tests/*/*.lua ─▶ a verdict for each, which is a file that exists only after a
# pass.
#
#   out/test/PROFILE/NAME.ok      the verdict: the test passed with these inputs
#   out/test/PROFILE/NAME.d       its inputs, written by the runner
#   out/test/PROFILE/NAME.result  the results, written after a failure too
#   out/test/PROFILE/order.mk     the tests by their time in the last run
#   out/report/                   all results: results.tap, junit.xml,
#                                 results.jsonl

TEST_DIR := $O/test/$(PROFILE)
apart    := fixtures lib host harness canned bench
TESTS    := $(patsubst tests/%.lua,%,$(filter %.lua,$(call files,tests)))
TESTS    := $(sort $(filter-out $(foreach d,$(apart),$d/%),$(TESTS)))

# T= chooses by name, of a file or a folder, with the shell's wildcards.
matching = $(wildcard tests/$1.lua tests/*/$1.lua tests/$1/*.lua $1)
ifneq ($T,)
CHOSEN := $(filter $(TESTS:%=tests/%.lua),$(call matching,$T))
CHOSEN := $(CHOSEN:tests/%.lua=%)
CHOSEN_GOALS := $(filter test retest stress test-kvm,$(MAKECMDGOALS))
$(if $(CHOSEN_GOALS),$(if $(CHOSEN),,$(error T=$T: no test has this name; choose from: $(TESTS))))
else
CHOSEN := $(TESTS)
endif

# make starts tests in the order of this list: first those that never ran, then
# those that took longest.
ORDER :=
-include $(TEST_DIR)/order.mk
CHOSEN := $(filter-out $(ORDER),$(CHOSEN)) $(filter $(CHOSEN),$(ORDER))

VERDICTS := $(CHOSEN:%=$(TEST_DIR)/%.ok)
TEST_INPUTS := $(RUNNER) $(KERNEL_IMAGE) $(INITRAMFS) $(DRIVERS)
AGAIN := $(filter retest,$(MAKECMDGOALS))
FAIL_FAST := $(if $(filter-out 0,$(FAILFAST)),--fail-fast)

# The recipe succeeds even if the test fails, so that make runs the other tests
# too: the runner then leaves out the .ok file, and the summary has the exit
# status. The job tokens of a killed runner are returned by the second command.
$(VERDICTS): $(TEST_DIR)/%.ok: tests/%.lua $(TEST_INPUTS) \
		$(if $(AGAIN),FORCE) | accel
	$(plus)@mkdir -p $(@D) && $(RUNNER) test --verdict $(@:.ok=) \
		--session $(TEST_DIR)/.session $(FAIL_FAST) $< || \
	$(RUNNER) make-return-tokens $(@:.ok=) $< $$?

# A result that is older than this file is from an earlier run.
$(TEST_DIR)/.start: FORCE
	@mkdir -p $(@D) && touch $@ || { echo "make test: cannot write to $(@D): if $O belongs to \
	another user, build in a folder of your own with O=FOLDER" >&2; exit 1; }

# Must be the first prerequisite of "test". If it were made only as a
# prerequisite of the first verdict, make would meanwhile start with the second
# one.
.PHONY: accel
accel: $(TEST_INPUTS) $O/provium.toml | modules $(TEST_DIR)/.start
	$(plus)@$(RUNNER) make-plan $(if $(AGAIN),--all) $(TEST_INPUTS:%=--input %) \
		$(TEST_DIR)/.session $(VERDICTS:.ok=)
	$(plus)@$(RUNNER) accel $(PROFILE)

# With .SECONDARY, make postpones files that do not exist. Phony targets in
# between keep the order of the list.
STEPS := $(CHOSEN:%=verdict-of-%)
.PHONY: $(STEPS)
$(STEPS): verdict-of-%: $(TEST_DIR)/%.ok

.PHONY: test retest
test: ## use: run the tests whose inputs changed or that did not pass (T= chooses, -jN)
retest: ## use: run all tests, ignoring earlier passes (T= chooses)
test retest: accel $(STEPS)
	$(plus)@$(RUNNER) make-order $(TEST_DIR)/order.mk $(TESTS:%=$(TEST_DIR)/%)
	$(plus)@$(RUNNER) make-summary --since $(TEST_DIR)/.start --report $O/report \
		$(FAIL_FAST) $(sort $(VERDICTS:.ok=))

.PHONY: stress
stress: all accel ## use: run the tests chosen with T= N times
	$(plus)@$(RUNNER) test --repeat $N $(FAIL_FAST) $(CHOSEN:%=tests/%.lua)

# Each test in a run of its own, N at a time: finds tests that depend on others.
ALONE := $(wildcard tests/harness/*.lua) $(TESTS:%=tests/%.lua)
ALONE := $(if $T,$(filter $(ALONE),$(call matching,$T)),$(ALONE))

.PHONY: test-alone
test-alone: all accel ## kit: run each test of T= alone, by its title; JOBS=n at a time
	@env -u MAKEFLAGS -u MAKELEVEL ALONE_TESTS="$(ALONE)" ALONE_OUT=$O/alone \
	ALONE_RUNNER=$(RUNNER) ALONE_JOBS=$(or $(JOBS),1) $(RUNNER) test mk/alone.lua

.PHONY: doctor
doctor: ## use: say what this machine offers, what will be used and why
doctor: $(TEST_INPUTS) $O/provium.toml
	+@$(RUNNER) doctor $(PROFILE)

DEPENDENCIES += $(VERDICTS:.ok=.d)
