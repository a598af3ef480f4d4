# SPDX-License-Identifier: GPL-2.0-only
# make help, which prints the comments beside the rules and variables; and
# cleaning up.
#
# A rule's comment is "## GROUP: text", where GROUP is use, module or kit.

# $(call help_group,TITLE,GROUP): recipe lines that print the rules of a group.
define help_group
@echo; echo '$1'; awk -F ':.*## $2: ' '/^[a-z_.-]+( [a-z_.-]+)*:.*## $2: / \
	{ printf "  %-21s %s\n", $$1, $$2 }' $(sort $(MAKEFILE_LIST:$O/%=))
endef

.PHONY: help
help: ## use: print this list
	@echo 'usage: make [VARIABLE=value ...] [-jN] [target ...]'
	$(call help_group,Using the kit:,use)
	$(call help_group,Your kernel module:,module)
	$(call help_group,Working on the kit itself:,kit)
	@echo; echo 'Variables:'; awk -F ' *\\?= *|# +' '/^[A-Z_]+ *\?=.*# / { \
		printf "  %-21s %s%s\n", $$1, $$3, $$2 ~ /^($$|[$$])/ ? "" : " (default: " $$2 ")" \
		}' mk/config.mk

.PHONY: clean
clean: ## use: remove what is quick to build again; keep kernels and their source
	rm -rf $(filter-out $O/src $O/kernel,$(wildcard $O/*))

.PHONY: distclean
distclean: ## use: remove out/ altogether
	rm -rf $O
