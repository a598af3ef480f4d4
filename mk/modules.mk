# SPDX-License-Identifier: GPL-2.0-only
# modules/NAME/ and MODULE= ─▶ modules for the profile's kernel, in one folder.
#
#   out/kernel/SOURCE/PROFILE.modules/
#     tree/PATH/  a copy of the folder /PATH (mk/mirror/), in which kbuild
#                 builds; the folder itself is only read. make sees none of its
#                 file names
#     state/PATH/ stamps of that copy: changed, args, built, symvers; kos, the
#                 paths of its modules; stripped/, these without debugging
#                 information; last/, the stripped ones of the build before;
#                 outside.mk, the headers it read elsewhere
#   out/profile/PROFILE/modules/
#                 every stripped .ko; and NAME.calls.lua for a module with
#                 system calls. A file gets a new date only if its content
#                 changes. While a module is built, and after a failure, its .ko
#                 is not there but NAME.failed, which names the module's folder
#   out/profile/PROFILE/debug/
#                 links to the .ko files with debugging information, from which
#                 the runner takes the files and lines of stacks
#   docs/NAME.md  the reference page of its system calls

KIT_MODULES := $(realpath $(sort $(dir $(wildcard modules/*/Kbuild modules/*/Makefile))))
MODULE_DIRS := $(filter-out $(KIT_MODULES),$(MODULE_DIRS))
MODULE_SRC  := $(KIT_MODULES) $(MODULE_DIRS)

# Modules that have system calls. They need a kernel with the overlay.
with_calls = $(strip $(foreach m,$1,$(if $(wildcard $m/$(notdir $m).def),$m)))
CALLS_SRC := $(call with_calls,$(MODULE_SRC))

ifeq ($(HAS_SYSCALLS),)
$(if $(call with_calls,$(MODULE_DIRS)),$(error \
	MODULE=$(MODULE): the module has system calls, and the kernel of $(KERNEL_FROM) lacks \
	the overlay for them. To add it to a tree: kernel-configs/overlay/apply TREE))
MODULE_SRC := $(filter-out $(CALLS_SRC),$(MODULE_SRC))
CALLS_SRC :=
endif

MODULE_COPY  := $(KBUILD).modules/tree
MODULE_TREE  := $(abspath $(MODULE_COPY))
MODULE_STATE := $(KBUILD).modules/state
INSTALLED    := $(PROFILE_DIR)/modules

# --- the copy of a module's folder

# A module of the kit, or in the output folder, is copied alone (mirror -a):
# with the folders beside it, the copy would be the whole kit.
mirror_alone = $(if $(filter $(abspath $O)/% $(KIT_MODULES),$1),-a)

# --- building a module in its copy

# A folder with dkms.conf is built as that file says.
DKMS_BUILD := mk/dkms/build mk/dkms/bin/make

# Debugging information for gdb and for the lines of stacks. Paths in it and in
# __FILE__ are those of the sources, without the place of the copy: the whole
# path of the user's file, or "modules/echo/echo.c". The last map that fits
# counts.
path_map = -g -fdebug-prefix-map=$(or $(realpath $(KSRC)),$(abspath $(KSRC)))/= \
	   -fdebug-prefix-map=$(or $(realpath $(MODULE_KERNEL)),$(abspath $(KBUILD)))=. \
	   -ffile-prefix-map=$(MODULE_TREE)$(if $(filter $(CURDIR)/%,$1),$(CURDIR)/)=
# git in a module's build finds the repository that the module's folder is in,
# and never the kit's.
git_of = GIT_CEILING_DIRECTORIES=$(abspath $O) $$(test ! -e $1/worktree || \
	echo GIT_DIR=$1/git GIT_WORK_TREE=$$(cat $1/worktree))

# $(call build_kbuild,FOLDER), $(call build_dkms,FOLDER): the commands that
# build the copy. The second one also writes the list of the modules.
kbuild_variables = KCFLAGS=$(call quoted,$(strip $(path_map) $(KCFLAGS))) $(MODULE_ARGS)
build_kbuild = $(kbuild_make) $(kbuild_variables) M=$(MODULE_TREE)$(call place,$1) \
	PWD=$(MODULE_TREE)$(call place,$1) $(jobs) modules
build_dkms = $(if $(jobs),MAKEFLAGS=$(jobs)) mk/dkms/build $1 $(MODULE_TREE)$1 \
	$(MODULE_STATE)$1 $(MODULE_KERNEL) $(module_variables) $(kbuild_variables)

# $(call module_build,FOLDER,FOLDER BEFORE IT): the command that builds the
# copy, under locks, and confined to the output folder.
module_build = mk/lock.sh $(MODULE_STATE)$1/.building 'the module $(notdir $1)' \
	mk/lock.sh -s $(KBUILD).lock 'the module $(notdir $1)' \
	$(CONFINE) $(abspath $O) $1 \
	env $(call git_of,$(abspath $(MODULE_STATE))$1) TMPDIR=$(abspath $(MODULE_STATE))$1/.tmp \
	KBUILD_EXTRA_SYMBOLS=$(if $2,$(abspath $(MODULE_STATE))$2/symvers) \
	$(if $(call is_dkms,$1),$(call build_dkms,$1),$(call build_kbuild,$1))

# The kernel's source, if it has .c files: a package of headers has none.
KERNEL_FILES = $(if $(wildcard $(KSRC)/kernel/fork.c),$(abspath $(KSRC)))

# $(call outside,FOLDER,TARGET): a shell command that prints a rule by which the
# target depends on the headers outside of all copies that the build has read.
known_places = $(abspath $O)/ $(abspath $(KSRC))/ $(addsuffix /,$(realpath $(KSRC))) /usr/lib/ \
	       /usr/include/ /usr/src/
headers_read = grep -rhoE --include='.*.cmd' '^ +/[A-Za-z0-9_./+@-]+' $1 | sort -u
outside = $(headers_read) | awk -v target=$2 \
	'$(foreach p,$(known_places),index($$1, "$p") == 1 { next }) \
	{ print target ": " $$1; print $$1 ":" }'

no_module = MODULE=$1: the build made no module: $(call place,$1) has no obj-m line that \
	counts. Look for lines under "ifneq (…)" and for obj-$$(CONFIG_X): such variables can be \
	given to this make, as CONFIG_X=m

# $(call list_kos,FOLDER): recipe lines that list the .ko files that kbuild has
# made.
define list_kos
$(Q)test -s $(MODULE_TREE)$(call place,$1)/modules.order || \
	{ echo $(call quoted,$(call no_module,$1)) >&2; exit 1; }
	$(Q)sed 's/\.o$$/.ko/' $(MODULE_TREE)$(call place,$1)/modules.order >$(@D)/kos
endef

# $(call module_rules,FOLDER,EARLIER FOLDERS,CALLS FILES): the rules that build
# one module.
#
# The stamp symvers has the symbols of this module and of all modules before it.
# A module depends only on the symvers of the last one before it: with all of
# them as prerequisites, make would walk every path between them. The number in
# args is the version of the stamps' format: after a change of it, each module
# is built anew.
define module_rules
args_of_$1 := 3 $(MODULE_TREE) $2 $(abspath $(KBUILD)) $(KCFLAGS) $(MODULE_ARGS)
$$(call remember,$(MODULE_STATE)$1/args,args_of_$1)

$(MODULE_STATE)$1/changed: $(MIRROR) FORCE
	@$(MIRROR) $(call mirror_alone,$1) -x $(CURDIR) -x $O $(MODULE_TREE) $$(@D) $1

$(MODULE_STATE)$1/built: $(MODULE_STATE)$1/changed $(MODULE_STATE)$1/args $(KBUILD)/.built $3 \
		$(if $(call is_dkms,$1),$(DKMS_BUILD)) \
		$(patsubst %,$(MODULE_STATE)%/symvers,$(lastword $2)) | $(CONFINE)
	$$(if $$V,,@$$(info $$(space) MODULE	$(1:$(CURDIR)/%=%)))mkdir -p $(INSTALLED)
	$$(Q)mkdir -p $$(@D)/.tmp
	$$(Q)echo '$1' >$(INSTALLED)/$(notdir $1).failed
	$$(Q)mkdir -p $$(@D)/last && test ! -e $$(@D)/kos || while read -r ko; do \
		mv -f $(INSTALLED)/$$$${ko##*/} $$(@D)/last/ 2>/dev/null || :; done <$$(@D)/kos
	$$(plus)$$(Q){ $$(call module_build,$1,$(lastword $2)); echo $$$$? >$$(@D)/status; } \
	2>&1 | \
	awk -v tree=$(MODULE_TREE) -v kit=$(CURDIR)/ -v source=$$(KERNEL_FILES) \
	-f mk/module-messages.awk >&2; \
	test "$$$$(cat $$(@D)/status)" = 0
	$(if $(call is_dkms,$1),,$$(call list_kos,$1))
	$$(Q)rm -rf $$(@D)/stripped && mkdir $$(@D)/stripped && while read -r ko; do \
		strip --strip-debug -o $$(@D)/stripped/$$$${ko##*/} $$$$ko || exit; done <$$(@D)/kos
	$$(Q)cat $(if $(call is_dkms,$1),$$$$(find $(MODULE_TREE)$1 -name Module.symvers), \
		$(MODULE_TREE)$(call place,$1)/Module.symvers) \
		$(patsubst %,$(MODULE_STATE)%/symvers,$(lastword $2)) \
		</dev/null >$$(@D)/symvers.tmp; \
	$$(call update,$$(@D)/symvers.tmp,$$(@D)/symvers)
	$$(Q)$$(call outside,$(MODULE_TREE)$(call place,$1),$$@) >$$(@D)/outside.mk
	$$(Q)rm -f $(INSTALLED)/$(notdir $1).failed && touch $$@

$(MODULE_STATE)$1/symvers: $(MODULE_STATE)$1/built ;
endef

# $(call calls_rules,SOURCE FOLDER,BUILD FOLDER/NAME): the rule that makes C
# code, Lua and the page from a module's .def.
define calls_rules
$2_calls.h: what = header
$2_calls.c: what = source
$2.calls.lua: what = lua
$2.md: what = page
$2_calls.h $2_calls.c $2.calls.lua $2.md: $1/$(notdir $1).def mk/gen/calls.awk
	$$(call run,CALLS)mkdir -p $$(@D)
	$$(Q)awk -v what=$$(what) -f mk/gen/calls.awk $$< >$$@.tmp && mv $$@.tmp $$@
endef

calls_stem  = $(MODULE_COPY)$1/$(notdir $1)
calls_files = $(if $(filter $1,$(CALLS_SRC)),$(addprefix $(calls_stem),_calls.h _calls.c))

$(foreach m,$(CALLS_SRC),$(eval $(call calls_rules,$m,$(call calls_stem,$m))))

earlier :=
$(foreach m,$(KIT_MODULES),$(if $(filter $m,$(MODULE_SRC)), \
	$(eval $(call module_rules,$m,,$(call calls_files,$m)))))
$(foreach m,$(filter-out $(KIT_MODULES),$(MODULE_SRC)),$(eval $(call \
	module_rules,$m,$(earlier),$(call calls_files,$m)))$(eval earlier += $m))

DEPENDENCIES += $(MODULE_SRC:%=$(MODULE_STATE)%/outside.mk)
MODULE_BUILT := $(MODULE_SRC:%=$(MODULE_STATE)%/built)

# --- the folder with every .ko

# If a folder of the kit and one of the user's make a .ko of one name, the
# user's is taken. If two of the user's do, make stops.
kos_of    = $(foreach m,$1,$(foreach k,$(file <$(MODULE_STATE)$m/kos),$k))
user_kos  = $(call kos_of,$(filter-out $(KIT_MODULES),$(MODULE_SRC)))
kit_kos   = $(call kos_of,$(filter $(KIT_MODULES),$(MODULE_SRC)))
kos       = $(user_kos) $(filter-out $(addprefix %/,$(notdir $(user_kos))),$(kit_kos))
built_kos = $(foreach m,$(MODULE_SRC),$(addprefix $(MODULE_STATE)$m/stripped/,$(notdir \
	    $(filter $(kos),$(call kos_of,$m)))))
twice     = $(strip $(foreach k,$(sort $(notdir $1)),$(if \
	    $(word 2,$(filter %/$k,$1)),$(filter %/$k,$1))))
to_install = $(built_kos) $(CALLS_LUA)
wanted    = $(addprefix $(INSTALLED)/,$(notdir $(to_install)))
installed = $(wildcard $(addprefix $(INSTALLED)/*.,ko lua failed))
stale     = $(filter-out $(wanted),$(installed))

CALLS_LUA   := $(foreach m,$(CALLS_SRC),$(call calls_stem,$m).calls.lua)
CALLS_PAGES := $(foreach m,$(filter $(KIT_MODULES),$(CALLS_SRC)),$(call calls_stem,$m).md)

.PHONY: modules
modules: ## module: build every module in modules/, and yours (MODULE=~/mymod)
modules: $(INSTALLED)/.list $(KERNEL_MODULES)/.list

# Removes from that folder what belongs to other modules, as of an earlier
# MODULE=, and installs again what is missing there.
$(call remember,$(INSTALLED)/.for,MODULE_SRC)
$(INSTALLED)/.list: $(MODULE_BUILT) $(CALLS_LUA) $(CALLS_PAGES) $(INSTALLED)/.for \
		$(if $(call same,$(sort $(installed)),$(sort $(wanted))),,FORCE)
	$(if $(call twice,$(user_kos)),$(error MODULE=$(MODULE): these have one name: \
		$(patsubst $(MODULE_TREE)%,%,$(call twice,$(user_kos)))))
	@$(if $(stale),rm -f $(stale))
	@$(if $(built_kos),for ko in $(built_kos); do last=$${ko%/stripped/*}/last/$${ko##*/}; \
		test ! -e $$last || ! cmp -s $$ko $$last || mv -f $$last $(INSTALLED)/; done)
	@$(if $(to_install),install -C -m 644 -t $(INSTALLED) $(to_install))
	@mkdir -p $(PROFILE_DIR)/debug && rm -f $(PROFILE_DIR)/debug/*.ko
	@$(if $(kos),ln -sfrt $(PROFILE_DIR)/debug $(kos))
	@$(if $(CALLS_PAGES),install -C -m 644 -t docs $(CALLS_PAGES))
	@touch $@

# A test that loads a module has the module's file in this folder among the
# dependencies of its verdict, so make needs a rule for the file. There are two
# rules, because make assumes that a pattern rule with two targets remakes both.
$(INSTALLED)/%.ko: modules ;
$(INSTALLED)/%.calls.lua: modules ;
