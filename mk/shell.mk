# SPDX-License-Identifier: GPL-2.0-only
# make shell, make repl, make gdb: a fixture ─▶ a clone of it, with your
# terminal on a shell in it, on a Lua prompt, or on gdb.

fixture_to_open = $(if $(FIXTURE),$(or $(call script_of,$(FIXTURE)),$(FIXTURE)))
files_of_T = $(or $(filter $(TEST_FILES),$(call matching,$T)),$T)

# A kernel from elsewhere has no debugging information, unless the user gave it.
ifneq ($(filter gdb,$(MAKECMDGOALS)),)
$(if $(DRIVERS),$(if $(wildcard $(PROFILE_DIR)/debug/vmlinux),,$(error make gdb: the kernel of \
	$(KERNEL_FROM) has no debugging information; use a kernel that is built here$(,) such as \
	PROFILE=minimal$(,) or put its unstripped vmlinux into $(abspath $(PROFILE_DIR))/debug)))
endif

.PHONY: shell repl gdb
shell: ## use: open a shell in a new VM (FIXTURE=NAME: in a clone of that fixture)
shell: $(TEST_INPUTS) $O/provium.toml | modules
	+@$(RUNNER) shell $(fixture_to_open)

repl: ## use: open a Lua prompt on a new VM (FIXTURE=NAME: on a clone of that fixture)
repl: $(TEST_INPUTS) $O/provium.toml | modules
	+@$(RUNNER) repl $(fixture_to_open)

gdb: ## use: debug a new VM with gdb (FIXTURE=NAME), or the VM of a test (T=)
gdb: $(TEST_INPUTS) $O/provium.toml | modules
	+@$(RUNNER) $(if $T,test --gdb $(files_of_T),gdb $(fixture_to_open))
