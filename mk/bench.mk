# SPDX-License-Identifier: GPL-2.0-only
# tests/bench/ ─▶ out/bin/bench, which compares the kit with QEMU alone and with
# a program that only echoes bytes.

BENCH     := $O/bin/bench
BARE_CPIO := $O/bench/bare.cpio

$O/bench/bare: tests/bench/bare.c
	$(call run,CC)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(WARNINGS) -static -o $@ $<

$(BARE_CPIO): $O/bench/bare $(GEN_INIT_CPIO)
	$(call run,CPIO)printf '%s\n' 'dir /dev 0755 0 0' 'nod /dev/console 0600 0 0 c 5 1' \
	'file /bare $< 0755 0 0' | $(GEN_INIT_CPIO) -t 0 - >$@.tmp && mv $@.tmp $@

$(OBJ)/tests/bench/%: EXTRA = $(LUA_CPPFLAGS:-I%=-isystem %)

$(BENCH): $(call objects,tests/bench/bench.c) $(filter-out $(OBJ)/runner/main.o,$(RUNNER_OBJ))
	$(call run,LINK)$(CC) -o $@.tmp $^ $(LUA_LIBS) && mv $@.tmp $@

.PHONY: bench bench-nested bench-chaos test-recordings test-looks
bench: ## kit: measure what a boot, a call and a run of make cost, as ratios
bench: all $(BENCH) $(BARE_CPIO)
	@$(BENCH) $(PROFILE) $(BARE_CPIO) $(RUNNER) $(MAKE)
	@$(RUNNER) test tests/bench/fixtures.lua tests/bench/parallel.lua tests/bench/bisect.lua \
	tests/bench/edit.lua tests/bench/watch.lua tests/bench/selftests.lua \
	tests/bench/recording.lua tests/bench/shell.lua tests/bench/complaints.lua \
	tests/bench/profiles.lua

bench-nested: nested ## kit: the same on KVM and vsock inside a nested VM
	$(call nested_run,1/1,bench/nested)

bench-chaos: all ## kit: how often two races are lost without CHAOS= and with it (N=20)
	@RUNS=$(if $(filter command%,$(origin N)),$N) $(RUNNER) test tests/bench/chaos.lua

test-recordings: all ## kit: replay 50 recordings, and a rare race 20 times (an hour)
	@PROVIUM_RECORDINGS=50 $(RUNNER) test -f '^recordings of timers' tests/kit/recording.lua
	@$(RUNNER) test tests/bench/hung_recording.lua tests/bench/rare_race.lua

test-looks: all ## kit: look into five failures with gdb (PROFILE= chooses the kernel)
	@LOOKS=all $(RUNNER) test tests/kit/look.lua
