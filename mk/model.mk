# SPDX-License-Identifier: GPL-2.0-only
# agent/model/link.pml ─▶ the checks of the agent's protocol, by spin.
#
#   out/model/CHECK/pan      the checker of one set of switches, made by spin
#   out/model/CHECK.log      its output
#   out/model/CHECK/*.trail  the steps to a fault. In that folder, print them by
#                            spin -t -k *.trail -p ../../../agent/model/link.pml
#
# MODEL_GOOD must have no fault. Each known fault, put back by -DFAULT, must be
# found.

MODEL        := agent/model/link.pml
MODEL_GOOD   := calls wide parts
MODEL_FAULTS := link_lock link_unlock pass_role serve_frame
# The checker compresses states (COLLAPSE), and takes at most 3 GB of memory.
MODEL_CC     := $(CC) -O2 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=3000

model_wide        := -DWIDE
model_parts       := -DWIDE -DPARTS
model_link_lock   := -DFAULT=LINK_LOCK
model_link_unlock := -DFAULT=LINK_UNLOCK -DWIDE
model_pass_role   := -DFAULT=PASS_ROLE
model_serve_frame := -DFAULT=SERVE_FRAME

$O/model/%/pan: $(MODEL)
	$(call run,SPIN)mkdir -p $(@D) && cd $(@D) && rm -f *.trail && \
	spin -a $(model_$*) $(abspath $<) && $(MODEL_CC) -o pan pan.c

# pan -E: processes that still wait at the end of a run are no fault, because
# the model itself checks that nothing is left to do.
$O/model/%.log: $O/model/%/pan FORCE
	@cd $(<D) && ./pan -E -m100000 -w24 >../$*.log 2>&1; \
	grep -q '^State-vector .* errors: [01]$$' ../$*.log || { cat ../$*.log >&2; exit 1; }

.PHONY: model $(MODEL_GOOD:%=model-%) $(MODEL_FAULTS:%=model-%)
model: ## kit: check the model of the agent's protocol, and that it finds known faults
model: $(MODEL_GOOD:%=model-%) $(MODEL_FAULTS:%=model-%)

$(MODEL_GOOD:%=model-%): model-%: $O/model/%.log
	@if ! grep -q 'errors: 0$$' $< || grep -q '^Warning: Search not completed' $<; then \
	cat $<; echo 'model: $*: a fault, or the search was not completed' >&2; exit 1; fi; \
	sed -n 's/^ *\([0-9]*\) states, stored.*/model: $*: \1 states, no fault/p' $<

$(MODEL_FAULTS:%=model-%): model-%: $O/model/%.log
	@if ! grep -q 'errors: 1$$' $<; then cat $<; \
	echo 'model: the fault $* was put back, and was not found' >&2; exit 1; fi; \
	sed -n 's/^pan:1: .*(at depth \([0-9]*\))/model: the fault $* is found after \1 steps/p' $<
