# SPDX-License-Identifier: GPL-2.0-only
# How rules are written here: what they print, and how a stamp comes to mean content.

# The letters that make was given, as in "make -kn": there are none in "-j4".
short_flags := $(filter-out --%,$(firstword -$(MAKEFLAGS)))

# Before a line that enters another make or runs tests, for the sake of make's job
# slots. A plain "+" would run it for "make -n", -q and -t, too, and kbuild takes no
# dry run: it links what it did not compile.
plus := $(if $(strip $(foreach f,n q t,$(findstring $f,$(short_flags)))),,+)

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:

# Nothing that took time to build is thrown away as an intermediate file, and
# nothing half-written stays.
.SECONDARY:
.DELETE_ON_ERROR:

.PHONY: FORCE
FORCE:

# $(call run,WHAT)COMMAND: shows "  WHAT  target", or with V=1 the command itself.
#
#	prog: prog.o
#		$(call run,LINK)$(CC) -o $@ $^
run = $(if $V,,@$(info $(space)$(space)$1	$@))
Q := $(if $V,,@)
empty :=
space := $(empty) $(empty)

# $(call update,NEW,FILE): the shell command that puts NEW in FILE's place if it
# says something else, and lets FILE grow old if not.
update = if cmp -s $1 $2; then rm -f $1; else mv -f $1 $2; fi

# $(call remember,FILE,VARIABLE): a rule for FILE that holds the variable's text and
# gets a new date only with a new text. No process is started to find that out.
#
#	$(call remember,$(OBJ)/.flags,compile)
#	$(OBJ)/%.o: %.c $(OBJ)/.flags
same = $(and $(findstring x$1x,x$2x),$(findstring x$2x,x$1x))
remember = $(eval $(call remember_rule,$1,$2))
define remember_rule
$1: $(if $(call same,$(file <$1),$($2)),,FORCE)
	@$$(shell mkdir -p $$(@D))$$(file >$$@,$$($2))
endef

# $(call files,FOLDER): every file below it, for as many floors as there are.
files = $(foreach f,$(wildcard $1/*),$(if $(wildcard $f/.),$(call files,$f),$f))

# $(call jobs): a kernel is built on all processors, unless make was told how many.
jobs = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
