# SPDX-License-Identifier: GPL-2.0-only
# tests/host/*.c and tests/harness/*.lua ─▶ tests of the kit that need no VM.
#
#   out/bin/host/X            the program of tests/host/X.c (with SAN=1:
#                             out/san/host/X)
#   out/bin/host/X.tap        its output: "ok N - name", "not ok N - name",
#                             "# exit N"
#   out/bin/host/harness.out  the output of tests/harness/

HOST_TESTS := $(patsubst tests/host/%.c,$(BIN)/host/%,$(wildcard tests/host/*.c))

HOST_LIB   := $(call objects,$(wildcard tests/host/lib/*.c))

# T= chooses by name: one host test, or one file of tests/harness/.
HOST_CHOSEN := $(patsubst tests/host/%.c,$(BIN)/host/%,$(wildcard tests/host/$(or $T,*).c))
HARNESS     := $(wildcard tests/harness$(if $T,/$T.lua))
$(if $(filter selftest,$(MAKECMDGOALS)),$(if $(HOST_CHOSEN)$(HARNESS),,$(error \
	T=$T: no test has this name; choose one of tests/host/*.c or tests/harness/*.lua)))

DEPENDENCIES += $(HOST_TESTS:$(BIN)/host/%=$(OBJ)/tests/host/%.d)

$(HOST_TESTS): $(BIN)/host/%: $(OBJ)/tests/host/%.o $(HOST_LIB) \
		$(filter-out $(OBJ)/runner/main.o,$(RUNNER_OBJ))
	$(call run,LINK)mkdir -p $(@D) && \
	$(CC) $(if $(SAN),$(SANFLAGS)) -o $@.tmp $^ $(LUA_LIBS) && mv $@.tmp $@

# The tests find the programs that they start by these variables. A test that
# hangs is killed and fails.
%.tap: % $(AGENT) $(RUNNER) FORCE
	@PROVIUM_AGENT=$(abspath $(AGENT)) PROVIUM_RUNNER=$(abspath $(RUNNER)) \
	timeout --foreground 300 $< >$@ 2>&1; echo "# exit $$?" >>$@

$(BIN)/host/harness.out: $(RUNNER) $O/provium.toml FORCE
	$(plus)@mkdir -p $(@D); timeout --foreground 600 $(RUNNER) test $(HARNESS) >$@ 2>&1; \
	echo "# exit $$?" >>$@

.PHONY: selftest
selftest: ## kit: run the tests that need no VM (T=gate: one of them; SAN=1: with sanitizers)
selftest: $(HOST_CHOSEN:=.tap) $(if $(HARNESS),$(BIN)/host/harness.out)
	@awk -f mk/selftest.awk $^
