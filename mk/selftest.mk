# SPDX-License-Identifier: GPL-2.0-only
# tests/host/*.c ─▶ programs that test ours without a VM; then the harness's own tests.
#
#   out/bin/host/X       one program for each tests/host/X.c (out/san/host/X with SAN=1)
#   out/bin/host/X.tap   what it said: "ok N - name", "not ok N - name", "# exit N"

HOST_TESTS := $(patsubst tests/host/%.c,$(BIN)/host/%,$(wildcard tests/host/*.c))
HOST_LIB   := $(call objects,$(wildcard tests/host/lib/*.c))
HARNESS    := $(wildcard tests/harness)

DEPENDENCIES += $(HOST_TESTS:$(BIN)/host/%=$(OBJ)/tests/host/%.d)

$(HOST_TESTS): $(BIN)/host/%: $(OBJ)/tests/host/%.o $(HOST_LIB) \
		$(filter-out $(OBJ)/runner/main.o,$(RUNNER_OBJ))
	$(call run,LINK)mkdir -p $(@D) && \
	$(CC) $(if $(SAN),$(SANFLAGS)) -o $@.tmp $^ $(LUA_LIBS) && mv $@.tmp $@

# They are told where the programs are that they talk to. One that hangs has failed.
%.tap: % $(AGENT) $(RUNNER) FORCE
	@PROVIUM_AGENT=$(abspath $(AGENT)) PROVIUM_RUNNER=$(abspath $(RUNNER)) \
	timeout --foreground 300 $< >$@ 2>&1; echo "# exit $$?" >>$@

$(BIN)/host/harness.out: $(RUNNER) FORCE
	$(plus)@mkdir -p $(@D); timeout --foreground 300 $(RUNNER) test $(HARNESS) >$@ 2>&1; echo "# exit $$?" >>$@

.PHONY: selftest
selftest: $(HOST_TESTS:=.tap) $(if $(HARNESS),$(BIN)/host/harness.out) ## our own tests, without a VM; SAN=1
	@awk -f mk/selftest.awk $^
