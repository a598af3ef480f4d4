# SPDX-License-Identifier: GPL-2.0-only
# agent/ ─▶ out/bin/agent: the program that carries out calls in the guest.
#
#   out/bin/agent  linked statically, for the initramfs and for host tests
#   out/san/agent  with sanitizers, for host tests (SAN=1)

AGENT     := $(BIN)/agent
AGENT_SRC := $(wildcard agent/*.c agent/*/*.c)

$O/bin/agent: $(AGENT_SRC:%.c=$O/obj/%.o)
	$(call run,LINK)mkdir -p $(@D) && $(CC) -static -pthread -o $@.tmp $^ && mv $@.tmp $@

$O/san/agent: $(AGENT_SRC:%.c=$O/obj-san/%.o)
	$(call run,LINK)mkdir -p $(@D) && $(CC) $(SANFLAGS) -pthread -o $@.tmp $^ && mv $@.tmp $@

DEPENDENCIES += $(AGENT_SRC:%.c=$O/obj/%.d) $(AGENT_SRC:%.c=$O/obj-san/%.d)

.PHONY: agent
agent: $(AGENT) ## kit: build the agent, which carries out calls in the guest
	@:
