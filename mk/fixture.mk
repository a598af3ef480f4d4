# SPDX-License-Identifier: GPL-2.0-only
# TESTS/fixtures/NAME.lua ─▶ a fixture: a booted VM in files, which tests clone.
# The fixture of the profile's own name needs no script.
#
#   out/fixtures/NAME/KEY/              the fixture; KEY is a hash of its inputs
#   out/fixtures/NAME/.built-PROFILE    touched when the runner has checked it
#   out/fixtures/NAME/.built-PROFILE.d  its inputs, written by the runner
#
# The runner compares the contents of the inputs. make only decides, by dates,
# whether the runner has to be asked.

FIXTURE_SCRIPTS := $(wildcard $(TEST_DIRS:%=%/fixtures/*.lua))
FIXTURES        := $(sort $(PROFILE) $(patsubst %.lua,%,$(notdir $(FIXTURE_SCRIPTS))))
script_of        = $(firstword $(filter %/$1.lua,$(FIXTURE_SCRIPTS)))
FIXTURE_STAMPS  := $(FIXTURES:%=$O/fixtures/%/.built-$(PROFILE))

$(FIXTURE_STAMPS): $O/fixtures/%/.built-$(PROFILE): $(TEST_INPUTS) \
		| modules $O/provium.toml
	$(call run,FIXTURE)$(RUNNER) fixture build $(if $V,-v) --stamp $@ \
	$(or $(call script_of,$*),$*)

$(foreach f,$(FIXTURE_SCRIPTS), \
	$(eval $O/fixtures/$(basename $(notdir $f))/.built-$(PROFILE): $f))

.PHONY: $(FIXTURES:%=fixture-%)
$(FIXTURES:%=fixture-%): fixture-%: $O/fixtures/%/.built-$(PROFILE)
	@:

.PHONY: fixtures
fixtures: ## use: build the fixtures; fixture-NAME: one of them (V=1: why)
fixtures: $(FIXTURES:%=fixture-%)
	@:

DEPENDENCIES += $(FIXTURE_STAMPS:=.d)
