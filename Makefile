# SPDX-License-Identifier: GPL-2.0-only
# The whole build is one make. "make help" lists its targets; each file in mk/
# has the rules for one subject.

.DEFAULT_GOAL := all

include mk/config.mk
include mk/rules.mk
include mk/deps.mk
include mk/ccache.mk

# The rules for the kit's programs: build them, or take those of an installed
# kit.
ifeq ($(KIT_INSTALLED),)
include mk/cc.mk
include mk/tools.mk
include mk/agent.mk
include mk/runner.mk
else
include mk/installed.mk
endif

include mk/new-syscall.mk
include mk/kernel.mk
include mk/user-module.mk
include mk/modules.mk
include mk/initramfs.mk
include mk/test.mk
include mk/kselftest.mk
include mk/kunit.mk
include mk/check.mk
include mk/watch.mk
include mk/fixture.mk
include mk/shell.mk
include mk/help.mk

# For work on the kit itself. "make install" leaves these out.
KIT_ONLY := cc.mk tools.mk agent.mk runner.mk selftest.mk lint.mk fuzz.mk model.mk bench.mk \
	    nested.mk dkms.mk slurm.mk man.mk install.mk selftest.awk lint.awk format.awk \
	    functions.awk fuzz.awk man.awk alone.lua nested.lua
ifeq ($(KIT_INSTALLED),)
include mk/selftest.mk
include mk/lint.mk
include mk/fuzz.mk
include mk/model.mk
include mk/bench.mk
include mk/nested.mk
include mk/dkms.mk
include mk/slurm.mk
include mk/man.mk
include mk/install.mk
endif

.PHONY: all
all: ## use: build everything that tests need (the default)
all: kernel modules initramfs runner $(O)/provium.toml
	@:

-include $(DEPENDENCIES)
