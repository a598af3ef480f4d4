# SPDX-License-Identifier: GPL-2.0-only
# runner/ and the wire ─▶ out/bin/provium, with the Lua part of it inside; beside it
# forkserver.so, which it has QEMU load.

RUNNER     := $(BIN)/provium
RUNNER_SRC := $(filter-out runner/qemu/forkserver/preload.c, \
	      $(wildcard runner/*.c runner/*/*.c runner/*/*/*.c agent/wire/*.c))
RUNNER_OBJ := $(call objects,$(RUNNER_SRC))

# Asked for once, and only when something is compiled.
once = $(eval $1 := $$(shell $2))$($1)
pc = pkg-config $1 lua5.4 jansson 2>/dev/null || pkg-config $1 lua jansson
LUA_CPPFLAGS = $(call once,LUA_CPPFLAGS,$(call pc,--cflags))
LUA_LIBS     = $(call once,LUA_LIBS,$(call pc,--libs))

# Their macros are not written for our warnings.
$(OBJ)/runner/% $(OBJ)/tests/host/%: EXTRA = $(LUA_CPPFLAGS:-I%=-isystem %)

# The Lua sources come in by .incbin, which no dependency file knows of.
$(OBJ)/runner/lua/embed.o: $(wildcard runner/lua/*.lua)

# For QEMU, not for us: without sanitizers in any case.
FORKSERVER := $O/bin/forkserver.so

$(FORKSERVER): runner/qemu/forkserver/preload.c runner/qemu/child_setup.c \
		runner/qemu/forkserver/request.h runner/qemu/child_setup.h $O/obj/.flags
	$(call run,CC)mkdir -p $(@D) && $(compile) -fPIC -shared -o $@.tmp $(filter %.c,$^) && mv $@.tmp $@

$(RUNNER): $(RUNNER_OBJ) | $(FORKSERVER)
	$(call run,LINK)mkdir -p $(@D) && \
	$(CC) $(if $(SAN),$(SANFLAGS)) -o $@.tmp $^ $(LUA_LIBS) && mv $@.tmp $@

.PHONY: runner
runner: $(RUNNER) ## the program that runs tests: out/bin/provium
	@:
