# SPDX-License-Identifier: GPL-2.0-only
# modules/NAME/ and MODULE= ─▶ modules for the profile's kernel, in one folder.
#
#   out/kernel/SOURCE/PROFILE.modules/NAME/
#                 links to the sources, because kbuild builds where the sources
#                 are; and the files that mk/gen/calls.awk makes from NAME.def
#   out/profile/PROFILE/modules/
#                 every .ko, without debugging information; and NAME.calls.lua
#                 for a module with system calls. A file gets a new date only if
#                 its content changes
#   out/profile/PROFILE/debug/
#                 links to the .ko files with debugging information, from which
#                 the runner takes the files and lines of stacks
#   docs/NAME.md  the reference page of its system calls

$(if $(MODULE),$(if $(wildcard $(MODULE)/Kbuild $(MODULE)/Makefile),,$(error \
	MODULE=$(MODULE): not the folder of a module: it has no Kbuild and no Makefile)))

MODULE_SRC := $(sort $(patsubst %/,%, \
	      $(dir $(wildcard modules/*/Kbuild modules/*/Makefile)) $(MODULE)))

$(if $(call same,$(words $(MODULE_SRC)),$(words $(sort $(notdir $(MODULE_SRC))))),,$(error \
	MODULE=$(MODULE): modules/ has a module of this name; rename the folder))

MODULE_BUILD := $(KBUILD).modules

# Modules that have system calls. They need a kernel with the overlay.
with_calls = $(foreach m,$1,$(if $(wildcard $m/$(notdir $m).def),$m))
CALLS_SRC := $(call with_calls,$(MODULE_SRC))

ifeq ($(HAS_SYSCALLS),)
$(if $(call with_calls,$(MODULE)),$(error \
	MODULE=$(MODULE): the module has system calls, and the kernel of $(KERNEL_FROM) lacks \
	the overlay for them. To add it to a tree: kernel-configs/overlay/apply TREE))
MODULE_SRC := $(filter-out $(CALLS_SRC),$(MODULE_SRC))
CALLS_SRC :=
endif

# The sources, without the files that a build inside the source folder left
# there.
module_files = $(filter-out %.o %.ko %.mod %.mod.c %.cmd %.symvers %/modules.order, \
		 $(call files,$1))

# The folder of a module's sources as messages of the kernel and the debugger
# show it: "modules/echo", or the full path of the user's folder.
shown_folder = $(if $(filter modules/%,$1),$1,$(abspath $1))

# Debugging information for gdb and for the lines of stacks. __FILE__ and the
# debugging information name the source folder, not the folder of the links. Of
# two prefixes that fit, gcc takes the later one.
module_flags = KCFLAGS='-g -fdebug-prefix-map=$(abspath $(KBUILD))=. \
	       -fdebug-prefix-map=$(or $(realpath $(KSRC)),$(abspath $(KSRC)))/= \
	       -ffile-prefix-map=$(abspath $2)=$(call shown_folder,$1)'

# $(call module_rules,SOURCE FOLDER,BUILD FOLDER,FILES,GENERATED)
define module_rules
$2.files := $(call module_flags,$1,$2) $3
$$(call remember,$2/.files,$2.files)
$2/.built: $3 $2/.files $4 $(KBUILD)/.built
	$$(call run,MODULE)mkdir -p $(sort $(dir $(3:$1/%=$2/%))) && find $2 -type l -delete
	$$(Q)$(foreach f,$3,ln -s $(abspath $f) $(f:$1/%=$2/%) &&) true
	$$(plus)$$(Q)$$(kbuild) M=$(abspath $2) $(call module_flags,$1,$2) $$(jobs) modules
	$$(Q)rm -rf $2/.stripped && mkdir -p $2/.stripped
	$$(Q)sed 's/\.o$$$$/.ko/' $2/modules.order | while read -r ko; do \
		strip --strip-debug -o $2/.stripped/$$$${ko##*/} $$$$ko || exit; done
	$$(Q)touch $$@
endef

# $(call calls_rules,SOURCE FOLDER,BUILD FOLDER/NAME)
define calls_rules
$2_calls.h: what = header
$2_calls.c: what = source
$2.calls.lua: what = lua
$2.md: what = page
$2_calls.h $2_calls.c $2.calls.lua $2.md: $1/$(notdir $1).def mk/gen/calls.awk
	$$(call run,CALLS)mkdir -p $$(@D)
	$$(Q)awk -v what=$$(what) -f mk/gen/calls.awk $$< >$$@.tmp && mv $$@.tmp $$@
endef

calls_stem  = $(MODULE_BUILD)/$(notdir $1)/$(notdir $1)
calls_files = $(if $(filter $1,$(CALLS_SRC)),$(addprefix $(calls_stem),_calls.h _calls.c))

$(foreach m,$(CALLS_SRC),$(eval $(call calls_rules,$m,$(call calls_stem,$m))))

$(foreach m,$(MODULE_SRC),$(eval $(call \
	module_rules,$m,$(MODULE_BUILD)/$(notdir $m),$(call module_files,$m), \
	$(call calls_files,$m))))

MODULE_BUILT := $(foreach m,$(MODULE_SRC),$(MODULE_BUILD)/$(notdir $m)/.built)

# Modules that are no longer built are removed from the folder.
kos = $(shell sed 's/\.o$$/.ko/' $(MODULE_BUILT:.built=modules.order) 2>/dev/null)
built_kos = $(shell find $(MODULE_BUILT:.built=.stripped) -name '*.ko' 2>/dev/null)
to_install = $(built_kos) $(CALLS_LUA)
stale = $(filter-out $(addprefix $(PROFILE_DIR)/modules/,$(notdir $(to_install))), \
	  $(wildcard $(PROFILE_DIR)/modules/*.ko $(PROFILE_DIR)/modules/*.lua))

CALLS_LUA   := $(foreach m,$(CALLS_SRC),$(call calls_stem,$m).calls.lua)
CALLS_PAGES := $(foreach m,$(filter modules/%,$(CALLS_SRC)),$(call calls_stem,$m).md)

.PHONY: modules
modules: ## module: build every module in modules/, and yours (MODULE=~/mymod)
modules: $(MODULE_BUILT) $(CALLS_LUA) $(CALLS_PAGES) FORCE
	@mkdir -p $(PROFILE_DIR)/modules
	@$(if $(stale),rm -f $(stale))
	@$(if $(to_install),install -C -m 644 -t $(PROFILE_DIR)/modules $(to_install))
	@mkdir -p $(PROFILE_DIR)/debug && rm -f $(PROFILE_DIR)/debug/*.ko
	@$(if $(kos),ln -sfrt $(PROFILE_DIR)/debug $(kos))
	@$(if $(CALLS_PAGES),install -C -m 644 -t docs $(CALLS_PAGES))

# A test that loads a module has the module's file in this folder among the
# dependencies of its verdict, so make needs a rule for the file. There are two
# rules, because make assumes that a pattern rule with two targets remakes both.
$(PROFILE_DIR)/modules/%.ko: modules ;
$(PROFILE_DIR)/modules/%.calls.lua: modules ;
