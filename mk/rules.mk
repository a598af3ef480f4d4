# SPDX-License-Identifier: GPL-2.0-only
# Helpers for rules: what a rule prints, and stamps that depend on content.

# The single-letter options of make, as in "make -kn". Empty for "make -j4".
short_flags := $(filter-out --%,$(firstword -$(MAKEFLAGS)))

# For a recipe line that starts another make or runs tests: it passes make's job
# tokens on, as "+" does. A plain "+" would also run the line for "make -n", -q
# and -t, and kbuild breaks in a dry run: it links objects that it did not
# compile.
plus := $(if $(strip $(foreach f,n q t,$(findstring $f,$(short_flags)))),,+)

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:

# make neither deletes intermediate files, some of which take minutes to build,
# nor keeps the half-written file of a recipe that failed.
.SECONDARY:
.DELETE_ON_ERROR:

.PHONY: FORCE
FORCE:

# $(call run,WORD)COMMAND: prints "  WORD  target", or the command itself with
# V=1.
#
#	prog: prog.o
#		$(call run,LINK)$(CC) -o $@ $^
run = $(if $V,,@$(info $(space)$(space)$1	$@))
Q := $(if $V,,@)
empty :=
space := $(empty) $(empty)
, := ,

# $(call update,NEW,FILE): a shell command that replaces FILE by NEW if the
# contents differ, and removes NEW otherwise, so that FILE keeps its date.
update = if cmp -s $1 $2; then rm -f $1; else mv -f $1 $2; fi

# $(call same,TEXT,TEXT): are they equal, apart from blanks? make 4.3 keeps the
# last newline of $(file <FILE) if the content is longer than 200 bytes.
same_text = $(and $(findstring x$1x,x$2x),$(findstring x$2x,x$1x))
same = $(call same_text,$(strip $1),$(strip $2))

# $(call remember,FILE,VARIABLE): a rule for FILE, which holds the value of the
# variable and gets a new date only if the value changes. make compares without
# any process.
#
#	$(call remember,$(OBJ)/.flags,compile)
#	$(OBJ)/%.o: %.c $(OBJ)/.flags
remember = $(eval $(call remember_rule,$1,$2))
define remember_rule
$1: $(if $(call same,$(file <$1),$($2)),,FORCE)
	@$(if $(findstring n,$(short_flags)),,$$(shell mkdir -p $$(@D))$$(file >$$@,$$($2)))
endef

# $(call files,FOLDER): every file below the folder, at any depth.
files = $(foreach f,$(wildcard $1/*),$(if $(wildcard $f/.),$(call files,$f),$f))

# $(jobs): kbuild uses all processors, unless make was given -j.
jobs = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

# out/kit is a link to this folder, by which the runner finds the makefiles.
$O/kit: $(if $(filter $(CURDIR),$(realpath $O/kit)),,FORCE)
	@mkdir -p $O && ln -sfnr . $@

# $(call quoted,TEXT): one word for the shell.
quoted = '$(subst ','\'',$1)'

# For another make: the variables that the user gave, on the command line or in
# the environment. MODULE= and TESTS= are as make has found them, from the
# caller's folder.
OFTEN_GIVEN := T MATCH CLONES TESTS GOOD BAD TESTS_AT MODULE KERNEL_SRC PROFILE ACCEL TRANSPORT
from_user = $(filter command environment,$(firstword $(origin $1)))
given = $(sort $(foreach v,$(OFTEN_GIVEN),$(if $(call from_user,$v),$v)) $(if $(MODULE),MODULE) \
	$(foreach v,$(.VARIABLES),$(if $(findstring command,$(origin $v)),$v)))
value_of = $(or $(if $(filter MODULE,$1),$(MODULE_DIRS)), \
	   $(if $(filter TESTS,$1),$(TEST_DIRS)),$($1))
args_of = $(foreach v,$1,$(if $($v),$v=$(call quoted,$(call value_of,$v))))
