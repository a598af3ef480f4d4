# SPDX-License-Identifier: GPL-2.0-only
# make new-syscall: a row in a module's .def, a handler to fill in and a test that fails.
#
#	make new-syscall MODULE=kacs NAME=frobnicate NR=1010 ARGS="fd:int buf:in:len"
#
# MODULE is a name in modules/ here, or a folder. DOC= is the line of what the call does.

ifneq ($(filter new-syscall,$(MAKECMDGOALS)),)

CALL_MODULE := $(or $(wildcard modules/$(MODULE)),$(MODULE:%/=%))
CALL_DEF    := $(CALL_MODULE)/$(notdir $(CALL_MODULE)).def
override MODULE :=
DOC ?= Nobody has written yet what it does.
export NAME NR ARGS DOC

call_usage = make new-syscall MODULE=kacs NAME=frobnicate NR=1010 ARGS="fd:int buf:in:len"

endif

.PHONY: new-syscall
new-syscall: ## a row, a handler to fill in and a failing test: MODULE= NAME= NR= ARGS=
	$(if $(and $(CALL_MODULE),$(NAME),$(NR)),,$(error new-syscall: $(call_usage)))
	$(if $(wildcard $(CALL_DEF)),,$(error new-syscall: there is no $(CALL_DEF): \
		see docs/adding-syscalls.md on how a module gets its first system call))
	@printf '%s %s %s\n\t%s\n' "$$NR" "$$NAME" "$$ARGS" "$$DOC" | \
	awk -v what=new -v others='$(wildcard modules/*/*.def)' -f mk/gen/calls.awk -f mk/gen/new-call.awk $(CALL_DEF) -
