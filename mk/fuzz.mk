# SPDX-License-Identifier: GPL-2.0-only
# tests/fuzz/NAME.c ─▶ out/fuzz/NAME, a libFuzzer program for one decoder.
#
#   out/fuzz/obj/            the sources, compiled by clang with sanitizers and
#                            coverage
#   out/fuzz/NAME.cov        which lines of the decoder a run has reached
#   tests/fuzz/corpus/NAME/  inputs worth keeping, and those that once failed
#
# It needs clang, its runtime and llvm (make deps-dev).

FUZZ_TARGETS := $(filter-out lib,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
SECONDS      ?= 60
FUZZ_CC      := clang
FUZZ_FLAGS   := -O1 -g -std=gnu11 -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=undefined -fprofile-instr-generate -fcoverage-mapping
FUZZ_OBJ     := $(patsubst %.c,$O/fuzz/obj/%.o,$(filter-out runner/main.c,$(RUNNER_SRC)) \
		tests/fuzz/lib.c)

# The sources whose coverage is measured.
decoder_wire      := agent/wire/wire.c
decoder_conn      := runner/vm/conn.c
decoder_qmp       := runner/qemu/qmp.c
decoder_kmsg      := agent/ops/do_kmsg.c
decoder_complaint := runner/complaint/parser.c
decoder_console   := runner/qemu/console.c
decoder_manifest  := runner/fixture/manifest.c
decoder_result    := runner/report/result.c
decoder_jobserver := runner/gate/jobserver.c
decoder_profile   := runner/machine/profile.c
decoder_json      := runner/bind/json.c

$O/fuzz/obj/%.o: %.c | $(GENERATED)
	$(call run,CLANG)mkdir -p $(@D) && \
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_FLAGS) $(LUA_CPPFLAGS) -w -MMD -MP -c -o $@ $<

$O/fuzz/obj/runner/lua/embed.o: $(wildcard runner/lua/*.lua)

$(FUZZ_TARGETS:%=$O/fuzz/%): $O/fuzz/%: $O/fuzz/obj/tests/fuzz/%.o $(FUZZ_OBJ)
	$(call run,LINK)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -fprofile-instr-generate \
	-o $@ $^ $(LUA_LIBS) -lm

# libFuzzer gets no folder in the tree for new inputs: it begins with the inputs
# in the tree and keeps new ones in out/.
fuzz_run = mkdir -p $O/fuzz/new/$1 tests/fuzz/corpus/$1 && \
	LLVM_PROFILE_FILE=$(abspath $O)/fuzz/$1.profraw \
	$(abspath $O)/fuzz/$1 -max_total_time=$(SECONDS) -max_len=65536 -timeout=10 \
	-print_final_stats=1 -artifact_prefix=$(abspath $O)/fuzz/$1- \
	$(abspath $O)/fuzz/new/$1 $(abspath tests/fuzz/corpus/$1) >$O/fuzz/$1.log 2>&1 || \
	{ tail -n 40 $O/fuzz/$1.log; exit 1; }; \
	llvm-profdata merge -o $O/fuzz/$1.profdata $O/fuzz/$1.profraw && \
	llvm-cov report $O/fuzz/$1 -instr-profile=$O/fuzz/$1.profdata $(decoder_$1) \
	>$O/fuzz/$1.cov && \
	awk -v name=$1 '/number_of_executed_units/ { n = $$2 } $$1 == "TOTAL" { lines = $$10 } \
	END { printf "fuzz: %-10s %9d executions, %s of the lines of %s\n", name, n, lines, "$(decoder_$1)" }' \
	$O/fuzz/$1.log $O/fuzz/$1.cov

.PHONY: fuzz $(FUZZ_TARGETS:%=fuzz-%)
fuzz: ## kit: fuzz the decoders: TARGET=, SECONDS=60 for each
fuzz: $(patsubst %,fuzz-%,$(or $(TARGET),$(FUZZ_TARGETS)))
	@:

$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $O/fuzz/%
	@$(call fuzz_run,$*)

DEPENDENCIES += $(FUZZ_OBJ:.o=.d) $(FUZZ_TARGETS:%=$O/fuzz/obj/tests/fuzz/%.d)
