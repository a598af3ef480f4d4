# SPDX-License-Identifier: GPL-2.0-only
# make help, from the comments beside the rules; and how to get rid of things.

.PHONY: help
help: ## this list
	@echo 'make [VARIABLE=value ...] [-jN] [target ...]'; echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(sort $(MAKEFILE_LIST:$O/%=))
	@echo; awk -F ' *\\?= *|# +' '/^[A-Z_]+ *\?=.*# / { printf "  %-12s %s%s\n", $$1, $$3, \
		$$2 == "" ? "" : " (" $$2 ")" }' mk/config.mk

.PHONY: clean
clean: ## remove what is quick to build again (keeps the kernels and their source)
	rm -rf $(filter-out $O/src $O/kernel,$(wildcard $O/*))

.PHONY: distclean
distclean: ## remove all of out/
	rm -rf $O
