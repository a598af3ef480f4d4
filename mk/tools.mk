# SPDX-License-Identifier: GPL-2.0-only
# Programs that the build itself runs.
#
#   out/bin/gen_init_cpio  makes an initramfs (the runner runs it too)
#   out/bin/mirror         copies the folder of a module (mk/mirror/)
#   out/bin/confine        keeps a build from writing elsewhere (mk/confine/)

GEN_INIT_CPIO := $O/bin/gen_init_cpio
MIRROR        := $O/bin/mirror
CONFINE       := $O/bin/confine
MIRROR_SRC    := $(wildcard mk/mirror/*.c)

$(GEN_INIT_CPIO): initramfs/gen_init_cpio.c
	$(call run,HOSTCC)mkdir -p $(@D) && \
	$(CC) -O2 -Wall -Wextra -Werror -o $@.tmp $< && mv $@.tmp $@

$(MIRROR): $(MIRROR_SRC:%.c=$O/obj/%.o)
	$(call run,LINK)mkdir -p $(@D) && $(CC) -o $@.tmp $^ && mv $@.tmp $@

$(CONFINE): $O/obj/mk/confine/confine.o
	$(call run,LINK)mkdir -p $(@D) && $(CC) -o $@.tmp $^ && mv $@.tmp $@

DEPENDENCIES += $O/obj/mk/confine/confine.d $(MIRROR_SRC:%.c=$O/obj/%.d)
