# SPDX-License-Identifier: GPL-2.0-only
# make deps, make deps-dev: packages of the distribution, by mk/deps.sh.

.PHONY: deps deps-dev
deps: ## install the packages that building and testing need (Debian, Ubuntu)
	@echo 'deps: everything is installed'

deps-dev: ## install the packages that "make lint" and "make tags" need
	@echo 'deps-dev: everything is installed'

# In "make deps test" on a fresh clone, the other makefiles look for what deps installs
# while make reads them. So it is installed before that: make remakes included files
# first, and starts over if one changed.
deps_sets := $(patsubst deps,user,$(patsubst deps-%,%,$(filter deps deps-dev,$(MAKECMDGOALS))))
ifneq ($(if $(findstring n,$(short_flags)),,$(deps_sets)),)

include $(deps_sets:%=$O/deps-%.mk)

$(deps_sets:%=$O/deps-%.mk): $O/deps-%.mk: FORCE
	@mkdir -p $(@D) && mk/deps.sh $* $@ && { test -e $@ || touch $@; }

endif
