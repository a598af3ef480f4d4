# SPDX-License-Identifier: GPL-2.0-only
# The whole build is one make. "make help" lists its targets; each file in mk/
# has the rules for one subject.

.DEFAULT_GOAL := all

include mk/config.mk
include mk/rules.mk
include mk/deps.mk
include mk/ccache.mk
include mk/cc.mk
include mk/new-syscall.mk
include mk/kernel.mk
include mk/user-module.mk
include mk/modules.mk
include mk/agent.mk
include mk/initramfs.mk
include mk/runner.mk
include mk/test.mk
include mk/check.mk
include mk/fixture.mk
include mk/selftest.mk
include mk/lint.mk
include mk/fuzz.mk
include mk/bench.mk
include mk/nested.mk
include mk/help.mk

.PHONY: all
all: ## use: build everything that tests need (the default)
all: kernel modules initramfs runner $(O)/provium.toml
	@:

-include $(DEPENDENCIES)
