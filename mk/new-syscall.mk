# SPDX-License-Identifier: GPL-2.0-only
# make new-syscall: adds a system call to a module: a row in its .def, a handler
# to fill in, and a test that fails until then.
#
#	make new-syscall MODULE=kacs NAME=frobnicate NR=1010 ARGS="fd:int buf:in:len"
#
# MODULE is the name of a module in modules/, or a folder. DOC= says what the
# call does.

ifneq ($(filter new-syscall,$(MAKECMDGOALS)),)

CALL_MODULE := $(and $(MODULE),$(or $(wildcard modules/$(MODULE)),$(MODULE:%/=%)))
CALL_DEF    := $(CALL_MODULE)/$(notdir $(CALL_MODULE)).def
override MODULE :=
DOC ?= (Not documented yet.)
export NAME NR ARGS DOC

call_usage = make new-syscall MODULE=kacs NAME=frobnicate NR=1010 ARGS="fd:int buf:in:len"

endif

.PHONY: new-syscall
new-syscall: ## module: add a system call: MODULE= NAME= NR= ARGS= (docs/adding-syscalls.md)
	$(if $(and $(CALL_MODULE),$(NAME),$(NR)),,$(error new-syscall: \
		MODULE=, NAME= and NR= are needed: $(call_usage)))
	$(if $(wildcard $(CALL_DEF)),,$(error new-syscall: no $(CALL_DEF): \
		docs/adding-syscalls.md says how a module gets its first system call))
	@printf '%s %s %s\n\t%s\n' "$$NR" "$$NAME" "$$ARGS" "$$DOC" | \
	awk -v what=new -v others='$(wildcard modules/*/*.def)' \
	-f mk/gen/calls.awk -f mk/gen/new-call.awk $(CALL_DEF) -
