# SPDX-License-Identifier: GPL-2.0-only
# tests/fixtures/NAME.lua ─▶ a booted VM in files, from which tests get their clones.
#
#   out/fixtures/NAME/KEY/      ram, state, manifest; the key is of all that it was made from
#   out/fixtures/NAME/.built    as new as the last look at it
#   out/fixtures/NAME/.built.d  what it was made from, written by the runner
#
# The runner knows by content what is stale; make only spares the question.

FIXTURES := $(patsubst tests/fixtures/%.lua,%,$(wildcard tests/fixtures/*.lua))

$(FIXTURES:%=$O/fixtures/%/.built): $O/fixtures/%/.built: tests/fixtures/%.lua $(TEST_INPUTS) \
		| modules $O/provium.toml
	$(call run,FIXTURE)$(RUNNER) fixture build $(if $V,-v) --stamp $@ $<

.PHONY: $(FIXTURES:%=fixture-%)
$(FIXTURES:%=fixture-%): fixture-%: $O/fixtures/%/.built
	@:

# For "make help", which lists what it finds beside "##".
.PHONY: fixtures
fixtures: $(FIXTURES:%=fixture-%) ## all of tests/fixtures/; fixture-NAME one, V=1 why
	@:

DEPENDENCIES += $(FIXTURES:%=$O/fixtures/%/.built.d)
