# SPDX-License-Identifier: GPL-2.0-only
# modules/NAME/ and MODULE= ─▶ the .ko files of the profile's kernel, in one folder.
#
#   out/kernel/SOURCE/PROFILE.modules/NAME/  where kbuild works: links to the sources,
#                                            since M= builds where the sources are
#   out/profile/PROFILE/modules/             every .ko, changed only when it changed

$(if $(MODULE),$(if $(wildcard $(MODULE)/Kbuild $(MODULE)/Makefile),,$(error \
	MODULE=$(MODULE) is no module's folder: there is no Kbuild or Makefile in it)))

MODULE_SRC := $(sort $(patsubst %/,%, \
	      $(dir $(wildcard modules/*/Kbuild modules/*/Makefile)) $(MODULE)))

$(if $(call same,$(words $(MODULE_SRC)),$(words $(sort $(notdir $(MODULE_SRC))))),,$(error \
	MODULE=$(MODULE): modules/ has one of that name already))

MODULE_BUILD := $(KBUILD).modules

# What a build inside the source folder may have left there is no source.
module_files = $(filter-out %.o %.ko %.mod %.mod.c %.cmd %.symvers %/modules.order, \
		 $(call files,$1))

# $(call module_rules,SOURCE FOLDER,BUILD FOLDER,FILES)
define module_rules
$2.files := $3
$$(call remember,$2/.files,$2.files)
$2/.built: $3 $2/.files $(KBUILD)/.built
	$$(call run,MODULE)mkdir -p $(sort $(dir $(3:$1/%=$2/%))) && find $2 -type l -delete
	$$(Q)$(foreach f,$3,ln -s $(abspath $f) $(f:$1/%=$2/%) &&) true
	+$$(Q)$$(kbuild) M=$(abspath $2) $$(jobs) modules
	$$(Q)touch $$@
endef

$(foreach m,$(MODULE_SRC),$(eval $(call \
	module_rules,$m,$(MODULE_BUILD)/$(notdir $m),$(call module_files,$m))))

MODULE_BUILT := $(foreach m,$(MODULE_SRC),$(MODULE_BUILD)/$(notdir $m)/.built)

# The folder has what the sources in use make, and nothing of yesterday's.
built_kos = $(shell sed 's/\.o$$/.ko/' $(MODULE_BUILT:.built=modules.order))
stale_kos = $(filter-out $(addprefix $(PROFILE_DIR)/modules/,$(notdir $(built_kos))), \
	      $(wildcard $(PROFILE_DIR)/modules/*.ko))

.PHONY: modules
modules: $(MODULE_BUILT) FORCE ## every module in modules/, and MODULE=
	@mkdir -p $(PROFILE_DIR)/modules
	@$(if $(stale_kos),rm -f $(stale_kos))
	@$(if $(built_kos),install -C -m 644 -t $(PROFILE_DIR)/modules $(built_kos))

# A verdict that used a module waits for it, and is as old as it is.
$(PROFILE_DIR)/modules/%.ko: modules ;
