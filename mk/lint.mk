# SPDX-License-Identifier: GPL-2.0-only
# make lint: checks of the sources that need no VM and take under a minute.

LINT_FILES  = $(filter-out tests/harness/_canned/% LICENSE,$(shell git ls-files))
LINT_TEXT   = $(filter %.c %.h %.lua %.js %.mk %.awk %.sh %.def %.config %.profile %.md \
	      Makefile .ci/run, $(LINT_FILES))
LINT_SHELL := mk/deps.sh mk/drivers.sh mk/kernel-modules.sh mk/lock.sh mk/packages.sh .ci/run \
	      kernel-configs/overlay/apply mk/dkms/build mk/dkms/fetch mk/dkms/bin/make \
	      mk/slurm/cluster completion/provium.bash
LINT_STEPS := text format leftovers paths shell lua functions layout

.PHONY: lint $(LINT_STEPS:%=lint-%)
lint: ## kit: check the sources: text, format, shell, Lua, functions, layout (make deps-dev)
lint: $(LINT_STEPS:%=lint-%)
	@echo 'lint: ok'

# Lengths of lines and files, blanks at line ends, marks of conflicts.
lint-text:
	@LC_ALL=C awk -f mk/lint.awk $(LINT_TEXT)

# Files that an editor or a patch left behind.
lint-leftovers:
	@$(if $(filter %.orig %.rej %~ %.swp,$(LINT_FILES)),echo 'lint: remove these files: \
	$(filter %.orig %.rej %~ %.swp,$(LINT_FILES))'; false)

# No file contains a path of one developer's machine.
lint-paths:
	@! git grep -nE '/home/[a-z]+/|$(CURDIR)/' -- . ':!mk/lint.mk'

lint-shell:
	@shellcheck $(LINT_SHELL)

lint-lua:
	@luacheck -q --no-color --formatter plain runner/lua tests mk

lint-functions:
	@ctags -o - --fields=+ne --kinds-C=f $(filter runner/%.c agent/%.c,$(LINT_FILES)) | \
	awk -f mk/functions.awk

# No file includes a header of a higher floor (tests/host/floors.c), and no
# files include each other.
lint-layout: $(BIN)/host/floors
	@$< | awk '/^(not ok|#)/ { print; bad = 1 } END { exit bad }'

# What clang-format would change in the C sources, except line breaks and the
# columns of comments and tables: it cannot keep those that are aligned by tabs.
FORMAT_FILES = $(filter %.c %.h,$(LINT_FILES))

lint-format:
	@rm -rf $O/format && mkdir -p $O/format/new
	@cp --parents .clang-format $(FORMAT_FILES) $O/format/new
	@cd $O/format/new && clang-format -i $(FORMAT_FILES) && \
	awk -f $(abspath mk/format.awk) $(FORMAT_FILES) >../wanted
	@awk -f mk/format.awk $(FORMAT_FILES) >$O/format/present
	@diff -U1 --label present --label 'as clang-format wants it' $O/format/present $O/format/wanted

# --- for editors

.PHONY: tags
tags: ## kit: make an index of the C and Lua sources for editors (ctags)
	$(call run,TAGS)ctags -o $@ $(filter %.c %.h %.lua,$(LINT_FILES))

# compile_commands.json, for the language server of an editor: how each source
# is compiled.
COMPILED := $(RUNNER_SRC) $(AGENT_SRC) $(wildcard tests/host/*.c tests/host/lib/*.c) \
	    tests/bench/bench.c
compile_command = {"directory":"$(CURDIR)","file":"$1","command":"$(subst ",\",$(compile)) \
	$(LUA_CPPFLAGS:-I%=-isystem %) -c $1"}
comma := ,

compile_commands.json: ## kit: tell language servers how each C source is compiled
compile_commands.json: $(GENERATED) FORCE
	$(call run,GEN)printf '%s\n' '[' $(foreach f,$(COMPILED), \
	'$(call compile_command,$f)$(if $(filter $f,$(lastword $(COMPILED))),,$(comma))') ']' >$@
