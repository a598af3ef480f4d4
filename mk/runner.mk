# SPDX-License-Identifier: GPL-2.0-only
# runner/ and agent/wire/ ─▶ out/bin/provium, which contains the Lua files;
# and forkserver.so, a library that the runner preloads into QEMU.

RUNNER     := $(BIN)/provium
RUNNER_SRC := $(filter-out runner/qemu/forkserver/preload.c, \
	      $(wildcard runner/*.c runner/*/*.c runner/*/*/*.c agent/wire/*.c))
RUNNER_OBJ := $(call objects,$(RUNNER_SRC))

# pkg-config runs once, and only if something is compiled.
once = $(eval $1 := $$(shell $2))$($1)
pc = pkg-config $1 lua5.4 jansson 2>/dev/null || pkg-config $1 lua jansson
# The runner loads libedit when the user gets a prompt (runner/bind/line.c).
LUA_CPPFLAGS = $(call once,LUA_CPPFLAGS,$(call pc,--cflags libedit))
LUA_LIBS     = $(call once,LUA_LIBS,$(call pc,--libs))

# -isystem: the macros of these headers would cause warnings.
$(OBJ)/runner/% $(OBJ)/tests/host/%: EXTRA = $(LUA_CPPFLAGS:-I%=-isystem %)

# runner/lua/embed.c includes the compiled chunks with .incbin, which dependency
# files do not mention.
LUA_SRC     := $(wildcard runner/lua/*.lua)
COMPILE_LUA := $O/bin/compile-lua

$O/gen/lua/.compiled: $(LUA_SRC) $(COMPILE_LUA)
	$(call run,LUA)mkdir -p $(@D) && $(COMPILE_LUA) $(@D) $(LUA_SRC) && touch $@

$(COMPILE_LUA): mk/gen/lua.c $O/obj/.flags
	$(call run,HOSTCC)mkdir -p $(@D) && \
	$(compile) $(LUA_CPPFLAGS:-I%=-isystem %) -o $@.tmp $< $(LUA_LIBS) && mv $@.tmp $@

$(OBJ)/runner/lua/embed.o: $O/gen/lua/.compiled

# The same for the page with a report.
$(OBJ)/runner/report/html.o: runner/report/page.html runner/report/page.js

# Loaded into QEMU, so it is built without sanitizers even if SAN=1.
FORKSERVER := $O/bin/forkserver.so

$(FORKSERVER): runner/qemu/forkserver/preload.c runner/qemu/child_setup.c \
		runner/qemu/forkserver/request.h runner/qemu/child_setup.h $O/obj/.flags
	$(call run,CC)mkdir -p $(@D) && \
	$(compile) -fPIC -shared -o $@.tmp $(filter %.c,$^) && mv $@.tmp $@

$(RUNNER): $(RUNNER_OBJ) | $(FORKSERVER) $O/kit
	$(call run,LINK)mkdir -p $(@D) && \
	$(CC) $(if $(SAN),$(SANFLAGS)) -o $@.tmp $^ $(LUA_LIBS) && mv $@.tmp $@

.PHONY: runner
runner: $(RUNNER) ## kit: build the runner, out/bin/provium, which runs tests
	@:
