# SPDX-License-Identifier: GPL-2.0-only
# make deps, make deps-dev: packages of the distribution, by mk/deps.sh.

.PHONY: deps deps-dev deps-slurm
deps: ## use: install the packages that building and testing need (Debian, Ubuntu)
	@echo 'deps: everything is installed'
	@$(if $(CCACHE),,echo 'deps: optional: ccache makes kernels and modules compile faster the \
	second time. Your distribution has a package of that name; make uses it if it is there')

deps-dev: ## kit: install the packages for "make lint", "tags", "fuzz", "model" and "gdb"
	@echo 'deps-dev: everything is installed'

deps-slurm: ## kit: install the packages for "make test-slurm"
	@echo 'deps-slurm: everything is installed'

# For "make deps test" on a fresh clone: the other makefiles look for the
# packages' files while make reads them. make remakes included files before
# anything else and starts over if one has changed, so the packages are
# installed by the rule for such a file.
deps_sets := $(patsubst deps,user,$(patsubst deps-%,%,$(filter deps deps-dev deps-slurm,\
	$(MAKECMDGOALS))))
ifneq ($(if $(findstring n,$(short_flags)),,$(deps_sets)),)

include $(deps_sets:%=$O/deps-%.mk)

$(deps_sets:%=$O/deps-%.mk): $O/deps-%.mk: FORCE
	@mkdir -p $(@D) && mk/deps.sh $* $@ && { test -e $@ || touch $@; }

endif
