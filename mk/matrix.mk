# SPDX-License-Identifier: GPL-2.0-only
# PROFILES= and KERNELS= ─▶ make test on each of several kernels, and a table.
#
#   PROFILES="A B"            on the kernel of each of these profiles
#   KERNELS="NAME=TREE ..."   on each of these kernel trees, built with PROFILE=
#                             (with each of PROFILES=): PROFILE@NAME
#
#   out/report/KERNEL/         the reports of one kernel
#   out/report/matrix.txt      the table
#
# Each kernel is a make of its own, with PROFILE=KERNEL, so each has verdicts of
# its own.

$(if $(filter command%,$(origin PROFILE)),$(if $(PROFILES),$(error \
	PROFILES=$(PROFILES) PROFILE=$(PROFILE): give only one of these variables)))
$(if $(KERNEL)$(KERNEL_SRC),$(error $(if $(KERNELS),KERNELS=$(KERNELS),PROFILES=$(PROFILES)) \
	$(if $(KERNEL),KERNEL=$(KERNEL),KERNEL_SRC=$(KERNEL_SRC)): KERNEL= and KERNEL_SRC= name \
	one kernel; give KERNELS="NAME=TREE ..." for several trees))
$(foreach g,$(filter-out test retest,$(or $(MAKECMDGOALS),all)),$(error $g: only "make test" and \
	"make retest" take PROFILES= and KERNELS=; for $g, give PROFILE=NAME or KERNEL_SRC=TREE))

$(foreach p,$(PROFILES),$(if $(filter $p,$(or $(profiles),$p)),,$(error \
	PROFILES=$(PROFILES): there is no profile $p; choose from: $(profiles))))

# $(call kernel_tree,NAME=TREE): the file Kconfig in the kernel tree TREE.
kernel_name = $(firstword $(subst =, ,$1))
kernel_tree = $(firstword $(wildcard $(addsuffix /Kconfig,$(call candidates,$(patsubst \
	~/%,$(HOME)/%,$(patsubst $(kernel_name)=%,%,$1))))))
kernel_names := $(foreach k,$(KERNELS),$(call kernel_name,$k))

$(foreach k,$(KERNELS),$(if $(and $(findstring =,$k),$(filter-out =%,$k)),,$(error \
	KERNELS=$(KERNELS): expected NAME=TREE, got "$k")))
$(foreach k,$(KERNELS),$(if $(call kernel_tree,$k),,$(error KERNELS=$(KERNELS): \
	$(patsubst $(call kernel_name,$k)=%,%,$k) is not a kernel tree: it has no Kconfig)))
$(if $(filter-out $(words $(kernel_names)),$(words $(sort $(kernel_names)))),$(error \
	KERNELS=$(KERNELS): two kernels have one name))

# The kernels to test: each profile, or "PROFILE@NAME=TREE" for each profile
# with each tree.
columns := $(foreach p,$(or $(PROFILES),$(PROFILE)),$(or \
	$(foreach k,$(KERNELS),$p@$k),$p))
column_name = $(call kernel_name,$1)
COLUMNS := $(foreach c,$(columns),$(call column_name,$c))

FOR_COLUMNS := $(filter-out PROFILE PROFILES KERNELS HERE O,$(given))
column_tree = $(if $(findstring =,$1),KERNEL_SRC=$(patsubst %/Kconfig,%,$(call \
	kernel_tree,$(1:$(firstword $(subst @, ,$1))@%=%))))
column_args = PROFILE=$(column_name) REPORT=$O/report/$(column_name) $(column_tree)

# A kernel that does not build gets a column in the table, too, so make goes on
# with the others.
define column_recipe
@echo; echo '$(column_name):'
$(plus)@$(MAKE) O=$O $(MAKECMDGOALS) $(column_args) $(call args_of,$(FOR_COLUMNS)) || true

endef

.PHONY: test retest
test retest: $(RUNNER)
	@rm -rf $(COLUMNS:%=$O/report/%) && mkdir -p $O/report
	$(foreach c,$(columns),$(call column_recipe,$c))
	@echo; $(RUNNER) make-matrix $O/report $(COLUMNS)
