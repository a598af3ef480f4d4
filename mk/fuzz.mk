# SPDX-License-Identifier: GPL-2.0-only
# tests/fuzz/NAME.c ─▶ out/fuzz/NAME, a libFuzzer program for one decoder.
#
#   out/fuzz/obj/            the sources, compiled by clang with sanitizers and
#                            coverage
#   out/fuzz/new/NAME/       inputs that libFuzzer has found
#   out/fuzz/NAME.log        its output
#   out/fuzz/NAME.cov        how many lines of each function were run
#   tests/fuzz/corpus/NAME/  inputs to begin with, and those that once failed
#
# "make selftest T=fuzz" passes the corpus to every target without clang.

FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
SECONDS      ?= 60
RUNS         ?= -1
FUZZ_LEAST   := 90
FUZZ_CC      := clang
FUZZ_SAN     := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
FUZZ_FLAGS   := -O1 -g -std=gnu11 $(FUZZ_SAN) -fsanitize=fuzzer-no-link \
		-fprofile-instr-generate -fcoverage-mapping

# The parts of the agent that the targets use; the agent's main() is not among
# them.
FUZZ_AGENT := $(wildcard agent/shared/*.c) agent/guest/kernel_log_record.c
FUZZ_LIB   := tests/fuzz/lib/files.c tests/fuzz/lib/results.c
FUZZ_SRC   := $(filter-out runner/main.c,$(RUNNER_SRC)) $(FUZZ_AGENT) $(FUZZ_LIB)
FUZZ_OBJ   := $(patsubst %.c,$O/fuzz/obj/%.o,$(FUZZ_SRC) tests/fuzz/lib/entry.c)

# The functions of each decoder, as FILE:FUNCTION,...: the lines that count. The
# decoders ktap, ltp and kunit are in Lua; tests/fuzz/lib/results.c counts their
# lines.
decoder_wire := agent/wire/wire.c:wire_elem,wire_op_by_number,wire_int_size,get_int,$\
	wire_get_header,wire_take,wire_take_int,wire_take_bytes,least,wire_take_count,$\
	wire_arena_take,decode_list,decode_at,wire_decode,wire_payload \
	agent/wire/show.c:show_bytes,show_field,show_msg,wire_print
decoder_link := agent/shared/link.c:frame_size,compact,link_fill,link_peek,link_payload,wipe,$\
	link_drop,link_make_clean,link_recover agent/wire/stuffing.c:xor_bytes,$\
	stuffing_remove
decoder_conn := runner/vm/conn.c:conn_feed,conn_peek,conn_drop
decoder_qmp := runner/qemu/qmp.c:take_reply,take_event,take_line,qmp_parse
decoder_kmsg := agent/guest/kernel_log_record.c:kernel_log_record_cut,kernel_log_record_print
decoder_complaint := runner/complaint/parser.c:skip_stamps,inner_stamp,is_rule,starts_with,$\
	starts_stack,is_stack_line,fits,kind_of,add_text,expand,name_function,$\
	find_open,add_line,give_kind,open_report,is_aftermath,joins,opening,continue_report,$\
	feed_part,complaint_parser_feed
decoder_console := runner/qemu/console.c:console_read,read_tail,has_word,last_lines,console_tail,$\
	console_find
decoder_manifest := runner/fixture/manifest.c:manifest_set,load,load_list,load_texts,load_parents,$\
	manifest_from_json,hash_text,manifest_key
decoder_store := runner/fixture/store.c:fixture_release,open_file,store_read_manifest,$\
	is_sound_ram,open_ram,open_layer,open_layers,read_state,store_open_files
decoder_result := runner/report/result.c:result_read \
	runner/report/record.c:record_text,record_seconds,item_skipped,item_failed,$\
	item_each_result,counts_add_item,counts_add \
	runner/report/format.c:format_record,format_lines,string_of,vm_number,kernel,$\
	complaint,console,format_evidence,format_file_notes
decoder_last_failures := runner/run/last_failures.c:$(subst $(space),$(,),is_titles \
			 checked_entry last_failures_read last_failures_entry)
decoder_session := runner/make/session_file.c:add_planned,add_runner,find_runner,$\
	remove_runner,apply_event,session_file_read
decoder_probe := runner/probe/record.c:read_members,record_load
decoder_make_path := runner/report/make_path.c:relative,add_char,make_path_add
decoder_jobserver := runner/gate/jobserver.c:last_option,is_fifo,reopen,open_pipe,open_fifo,$\
	jobserver_open,jobserver_dry_run,jobserver_account_open
decoder_profile := runner/machine/profile.c:skip_space,parse_string,take_key,section_name,$\
	read_file,search,check,profile_load
decoder_json := runner/bind/json.c:bind_push_json,bind_json_decode

# The size limit of an input, in bytes: long inputs are slow.
fuzz_max_len = $(or $(max_len_$1),4096)
max_len_link := 18000
max_len_session := 512
max_len_complaint := 2048
max_len_make_path := 60

# --- building and running the libFuzzer programs

fuzz_compile := $(FUZZ_CC) $(CPPFLAGS) $(FUZZ_FLAGS)
$(call remember,$O/fuzz/obj/.flags,fuzz_compile)

$O/fuzz/obj/%.o: %.c $O/fuzz/obj/.flags | $(GENERATED)
	$(call run,CLANG)mkdir -p $(@D) && $(fuzz_compile) $(LUA_CPPFLAGS) -w -MMD -MP -c -o $@ $<

$O/fuzz/obj/runner/lua/embed.o: $O/gen/lua/.compiled

$(FUZZ_TARGETS:%=$O/fuzz/%): $O/fuzz/%: $O/fuzz/obj/tests/fuzz/%.o $(FUZZ_OBJ)
	$(call run,LINK)$(FUZZ_CC) $(FUZZ_SAN) -fsanitize=fuzzer -fprofile-instr-generate \
	-pthread -o $@ $^ $(LUA_LIBS) -lm

fuzz_cov = llvm-profdata merge -o $O/fuzz/$1.profdata $O/fuzz/$1.profraw && \
	llvm-cov report -show-functions -instr-profile=$O/fuzz/$1.profdata $O/fuzz/$1 \
	$(foreach d,$(decoder_$1),$(firstword $(subst :, ,$d))) >$O/fuzz/$1.cov

fuzz_run = mkdir -p $O/fuzz/new/$1 && FUZZ_COVERAGE=1 \
	LLVM_PROFILE_FILE=$(abspath $O)/fuzz/$1.profraw $(abspath $O)/fuzz/$1 \
	-max_total_time=$(SECONDS) -runs=$(RUNS) -max_len=$(call fuzz_max_len,$1) -timeout=10 \
	-print_final_stats=1 -artifact_prefix=$(abspath $O)/fuzz/$1- \
	$(abspath $O)/fuzz/new/$1 $(abspath tests/fuzz/corpus/$1) >$O/fuzz/$1.log 2>&1 || \
	{ tail -n 40 $O/fuzz/$1.log; exit 1; }; \
	$(if $(decoder_$1),$(call fuzz_cov,$1),: >$O/fuzz/$1.cov) && \
	awk -v name=$1 -v functions='$(decoder_$1)' -v least=$(FUZZ_LEAST) \
	-v root=$(CURDIR)/ -f mk/fuzz.awk $O/fuzz/$1.log $O/fuzz/$1.cov

$(if $(filter fuzz,$(MAKECMDGOALS)),$(foreach t,$(TARGET), \
	$(if $(filter $t,$(FUZZ_TARGETS)),,$(error \
	TARGET=$t: no fuzz target has this name; choose from: $(FUZZ_TARGETS)))))

.PHONY: fuzz $(FUZZ_TARGETS:%=fuzz-%)
fuzz: ## kit: fuzz the decoders (TARGET=NAME..., SECONDS=60 for each, RUNS=N)
fuzz: $(patsubst %,fuzz-%,$(or $(TARGET),$(FUZZ_TARGETS)))
	@:

$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $O/fuzz/%
	@$(call fuzz_run,$*)

# --- the corpus without libFuzzer: tests/host/fuzz.c, with all targets

fuzz_list := $(foreach t,$(FUZZ_TARGETS),T($t))
$(call remember,$O/gen/fuzz_targets.h,fuzz_list)

FUZZ_HOST := $(patsubst %.c,$(OBJ)/%.o,$(FUZZ_TARGETS:%=tests/fuzz/%.c) $(FUZZ_LIB) $(FUZZ_AGENT))

$(OBJ)/tests/fuzz/%.o: EXTRA = $(LUA_CPPFLAGS:-I%=-isystem %) -Dfuzz=fuzz_$(*F)
$(OBJ)/tests/host/fuzz.o: $O/gen/fuzz_targets.h
$(BIN)/host/fuzz: $(FUZZ_HOST)

DEPENDENCIES += $(FUZZ_OBJ:.o=.d) $(FUZZ_TARGETS:%=$O/fuzz/obj/tests/fuzz/%.d) $(FUZZ_HOST:.o=.d)
