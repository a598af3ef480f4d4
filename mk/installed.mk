# SPDX-License-Identifier: GPL-2.0-only
# The programs of an installed kit, in place of the rules that build them.
#
#   bin/NAME ─▶ out/bin/NAME   in the user's folder, beside all that is built:
#                              a program takes its parent folder for out/

BIN           := $O/bin
RUNNER        := $(BIN)/provium
AGENT         := $(BIN)/agent
FORKSERVER    := $(BIN)/forkserver.so
GEN_INIT_CPIO := $(BIN)/gen_init_cpio
MIRROR        := $(BIN)/mirror
CONFINE       := $(BIN)/confine
PROGRAMS      := $(RUNNER) $(AGENT) $(FORKSERVER) $(GEN_INIT_CPIO) $(MIRROR) $(CONFINE)

# Programs are compared by content, not by date: a package can install a program
# with an older date.
$(PROGRAMS): $(BIN)/%: bin/% FORCE | $O/kit
	@mkdir -p $(@D) && install -C $< $@

.PHONY: runner
runner: $(PROGRAMS)
	@:
