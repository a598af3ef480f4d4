# SPDX-License-Identifier: GPL-2.0-only
# make shell: a fixture ─▶ a clone of it, with your terminal on a shell in it.

.PHONY: shell
shell: ## use: open a shell in a new VM (FIXTURE=NAME: in a clone of that fixture)
shell: $(TEST_INPUTS) $O/provium.toml | modules
	+@$(RUNNER) shell $(if $(FIXTURE),$(or $(call script_of,$(FIXTURE)),$(FIXTURE)))
