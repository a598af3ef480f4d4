# SPDX-License-Identifier: GPL-2.0-only
# tests/*/*.lua ─▶ a verdict for each, which is a file that exists only after a
# pass.
#
#   out/test/PROFILE/NAME.ok      the verdict: the test passed with these inputs
#   out/test/PROFILE/NAME.d       its inputs, written by the runner
#   out/test/PROFILE/NAME.result  the results, written after a failure too
#   out/test/PROFILE/order.mk     the tests by their time in the last run
#   out/test/PROFILE.module/      the same for the tests of MODULE= or TESTS=:
#                                 NAME is the whole path there
#   out/test/PROFILE/history.jsonl  the last runs, for index.html
#   out/report/                   all results: results.tap, junit.xml,
#                                 results.jsonl, summary.md, annotations.txt,
#                                 index.html

MK := $(dir $(lastword $(MAKEFILE_LIST)))
TEST_GOALS := $(filter test retest stress test-kvm check bisect watch,$(MAKECMDGOALS))

# The folders with the tests: those of the modules, or TESTS=, or the kit's.
ifneq ($(strip $(TESTS) $(MODULE_DIRS)),)

$(foreach d,$(TESTS),$(if $(call folder,$d),,$(error TESTS=$(TESTS): there is no folder \
	$(firstword $(call candidates,$d)))))
TEST_DIRS := $(patsubst %/.,%,$(foreach d,$(TESTS),$(call folder,$d)))
TEST_DIRS := $(or $(TEST_DIRS),$(patsubst %/.,%,$(wildcard $(MODULE_DIRS:%=%/tests/.))))
TEST_DIR  := $O/test/$(PROFILE).module
TEST_ROOT :=

# A name with a character that make cannot handle becomes "?".
find_tests = $(shell find $1 -mindepth 1 \( -name fixtures -o -name lib -o -name '[._]*' \) -prune \
	-o -name '*.lua' -print | LC_ALL=C sed "s/.*[][ \t:;\#$$%=&()'\"\`\\\\*?<>|].*/?/")
TEST_FILES := $(if $(TEST_DIRS),$(sort $(call find_tests,$(TEST_DIRS))))

$(if $(filter-out check bisect,$(TEST_GOALS)),$(if $(TEST_FILES),,$(error \
	$(if $(TESTS),TESTS=$(TESTS),MODULE=$(MODULE)): there are no tests: no file *.lua in \
	$(or $(TEST_DIRS),$(MODULE_DIRS:%=%/tests)). TESTS=FOLDER names another folder)))
$(if $(filter ?,$(TEST_FILES)),$(error $(TEST_DIRS): a test's file name has a character that \
	make cannot handle (blank : ; # $$ % = & ( ) quote \ * ? [ ] < > |); rename the file))

else

$(if $(and $(KIT_INSTALLED),$(TEST_GOALS)),$(error \
	no tests: neither MODULE= nor TESTS= is given$(if $(HERE),$(,) and $(HERE) is not the \
	folder of a module). An installed Provium has no tests of its own: go to the folder of a \
	module$(,) or give MODULE=FOLDER or TESTS=FOLDER))

TEST_DIRS  := tests
TEST_DIR   := $O/test/$(PROFILE)
TEST_ROOT  := tests
apart      := fixtures lib host harness canned bench dkms slurm
TEST_FILES := $(sort $(filter-out $(apart:%=tests/%/%),$(filter %.lua,$(call files,tests))))

endif

# $(call names,FILES): the names of tests, as in NAME.ok.
names = $(patsubst $(TEST_ROOT)/%.lua,%,$1)
TEST_NAMES := $(call names,$(TEST_FILES))

# T= chooses by name, of a file or a folder, with the shell's wildcards.
matching = $(foreach t,$1,$(wildcard $t $(foreach d,$(TEST_DIRS),$d/$t.lua $d/*/$t.lua $d/$t/*.lua \
	$d/$t/*/*.lua)))
ifneq ($T,)
CHOSEN := $(call names,$(filter $(call matching,$T),$(TEST_FILES)))
CHOSEN_GOALS := $(filter test retest stress test-kvm watch,$(MAKECMDGOALS))
unknown = $(strip $(foreach t,$T,$(if $(filter $(TEST_FILES),$(call matching,$t)),,$t)))
known = $(foreach d,$(TEST_DIRS),$(patsubst $d/%.lua,%,$(filter $d/%,$(TEST_FILES))))
$(if $(CHOSEN_GOALS),$(if $(unknown),$(error T=$(firstword $(unknown)): no test has this name; \
	choose from: $(known))))
else
CHOSEN := $(TEST_NAMES)
endif

# SHARD=2/5: of the chosen tests, sorted by name, every fifth one, from the
# second one on.
ifneq ($(SHARD),)
shard := $(shell echo $(call quoted,$(SHARD)) | \
	awk -F/ '/^[0-9]+\/[0-9]+$$/ && $$1 > 0 && $$1 <= $$2 { print $$1 " " $$2 }')
$(if $(shard),,$(error SHARD=$(SHARD): expected the number of a part and of all parts$(,) from \
	1/1$(,) such as 2/5))
CHOSEN := $(shell printf '%s\n' $(sort $(CHOSEN)) | awk 'NR % $(lastword $(shard)) == \
	$(firstword $(shard)) % $(lastword $(shard))')
endif

# make starts tests in the order of this list: first those that never ran, then
# those that took longest.
ORDER :=
-include $(TEST_DIR)/order.mk
CHOSEN := $(filter-out $(ORDER),$(CHOSEN)) $(filter $(CHOSEN),$(ORDER))

VERDICTS := $(CHOSEN:%=$(TEST_DIR)/%.ok)
TEST_INPUTS := $(RUNNER) $(KERNEL_IMAGE) $(INITRAMFS) $(DRIVERS)
REPORT := $O/report
AGAIN := $(filter retest,$(MAKECMDGOALS))
FAIL_FAST := $(if $(filter-out 0,$(FAILFAST)),--fail-fast)
LAUNCHED := $(if $(LAUNCH),--launch $(call quoted,$(LAUNCH)))
RECORDED := $(if $(CHAOS),--chaos $(call quoted,$(CHAOS)),$(if $(filter-out 0,$(RECORD)),--record))
$(if $(and $(LAUNCH),$(or $(RECORDED),$(filter stress,$(MAKECMDGOALS)))),$(error \
	LAUNCH= launches only the files of "make test" and "make retest"$(,) without RECORD= and \
	CHAOS=; leave out LAUNCH=))

# The recipe succeeds even if the test fails, so that make runs the other tests
# too: the runner then leaves out the .ok file, and the summary has the exit
# status.
$(VERDICTS): $(TEST_DIR)/%.ok: $(TEST_ROOT)/%.lua $(TEST_INPUTS) \
		$(if $(AGAIN),FORCE) | accel
	$(plus)@$(RUNNER) make-test $(@:.ok=) \
		--session $(TEST_DIR)/.session $(LAUNCHED) $(FAIL_FAST) $<

# A result file that is older than .start is from an earlier run.
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
	$(plus)@$(if $(LAUNCH),,$(RUNNER) accel $(PROFILE))

# With .SECONDARY, make postpones files that do not exist. Phony targets in
# between keep the order of the list.
STEPS := $(CHOSEN:%=verdict-of-%)
.PHONY: $(STEPS)
$(STEPS): verdict-of-%: $(TEST_DIR)/%.ok

test: ## use: run the tests whose inputs changed or that did not pass (T= chooses, -jN)
retest: ## use: run all tests, ignoring earlier passes (T= chooses)

ifneq ($(strip $(PROFILES) $(KERNELS)),)
include $(MK)matrix.mk
else ifneq ($(RECORDED),)

# Recorded VMs boot in place of being clones, so a pass is no verdict for the
# normal run.
.PHONY: test retest
test retest: $(TEST_INPUTS) $O/provium.toml | modules
	$(plus)@$(RUNNER) test $(RECORDED) $(FAIL_FAST) $(CHOSEN:%=$(TEST_ROOT)/%.lua)

else

.PHONY: test retest
test retest: accel $(STEPS)
	$(plus)@$(RUNNER) make-order $(TEST_DIR)/order.mk $(TEST_NAMES:%=$(TEST_DIR)/%)
	$(plus)@$(if $(VERDICTS),$(RUNNER) make-summary --since $(TEST_DIR)/.start \
		--report $(REPORT) --history $(TEST_DIR)/history.jsonl \
		$(FAIL_FAST) $(sort $(VERDICTS:.ok=)),\
	echo 'ok: 0 passed (SHARD=$(SHARD): no test is in this part)')

endif

.PHONY: stress
stress: all accel ## use: run the tests chosen with T= N times
	$(plus)@$(RUNNER) test --repeat $N $(FAIL_FAST) $(RECORDED) $(CHOSEN:%=$(TEST_ROOT)/%.lua)

# Each test in a run of its own, N at a time: finds tests that depend on others.
ALONE := $(if $(TEST_ROOT),$(wildcard tests/harness/*.lua)) $(TEST_FILES)
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
