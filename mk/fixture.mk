# SPDX-License-Identifier: GPL-2.0-only
# tests/fixtures/NAME.lua ─▶ a fixture: a booted VM in files, which tests clone.
#
#   out/fixtures/NAME/KEY/      the fixture; KEY is a hash of all its inputs
#   out/fixtures/NAME/.built    touched when the runner has checked the fixture
#   out/fixtures/NAME/.built.d  its inputs, written by the runner
#
# The runner compares the contents of the inputs. make only decides, by dates,
# whether the runner has to be asked.

FIXTURES := $(patsubst tests/fixtures/%.lua,%,$(wildcard tests/fixtures/*.lua))

$(FIXTURES:%=$O/fixtures/%/.built): $O/fixtures/%/.built: tests/fixtures/%.lua $(TEST_INPUTS) \
		| modules $O/provium.toml
	$(call run,FIXTURE)$(RUNNER) fixture build $(if $V,-v) --stamp $@ $<

.PHONY: $(FIXTURES:%=fixture-%)
$(FIXTURES:%=fixture-%): fixture-%: $O/fixtures/%/.built
	@:

.PHONY: fixtures
fixtures: ## use: build the fixtures of tests/fixtures/; fixture-NAME: one of them (V=1: why)
fixtures: $(FIXTURES:%=fixture-%)
	@:

DEPENDENCIES += $(FIXTURES:%=$O/fixtures/%/.built.d)
