# SPDX-License-Identifier: GPL-2.0-only
# C sources ─▶ objects; and headers generated from the system's own headers.
#
#   out/obj/PATH.o      from PATH.c
#   out/obj-san/PATH.o  the same, with sanitizers (SAN=1)
#   out/gen/nr.h        X(getpid, 39) for every x86-64 system call
#   out/gen/errno.h     X(EINVAL, 22) for every error; an alias follows its name
#   out/gen/const-uapi.h, const-libc.h
#                       X(O_CREAT) for constants of the headers in
#                       mk/gen/uapi.h and mk/gen/libc.h

OBJ := $O/obj$(if $(SAN),-san)
BIN := $O/$(if $(SAN),san,bin)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
	    -Wmissing-prototypes -Werror
CPPFLAGS := -D_GNU_SOURCE -I. -I$O
CFLAGS   := -std=gnu11 -O2 -g -ffile-prefix-map=$(CURDIR)=. $(WARNINGS)
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined

compile := $(CC) $(CPPFLAGS) $(CFLAGS)
compile_san := $(compile) $(SANFLAGS)

$(call remember,$O/obj/.flags,compile)
$(call remember,$O/obj-san/.flags,compile_san)

GENERATED := $O/gen/nr.h $O/gen/errno.h $O/gen/const-uapi.h $O/gen/const-libc.h

# EXTRA: options for some objects, as a target-specific variable.
$O/obj/%.o: %.c $O/obj/.flags | $(GENERATED)
	$(call run,CC)mkdir -p $(@D) && $(compile) $(EXTRA) -MMD -MP -c -o $@ $<

$O/obj-san/%.o: %.c $O/obj-san/.flags | $(GENERATED)
	$(call run,CC)mkdir -p $(@D) && $(compile_san) $(EXTRA) -MMD -MP -c -o $@ $<

# $(call objects,SOURCES): the objects of the sources. Their dependency files
# are added to DEPENDENCIES.
objects = $(foreach o,$(patsubst %.c,$(OBJ)/%.o,$1),$o$(eval DEPENDENCIES += $(o:.o=.d)))

# $(call macros,HEADER): a shell command that prints the macros HEADER defines.
# It also writes the dependency file of the target.
macros = echo '\#include $1' | $(CC) -D_GNU_SOURCE -I. -E -dM -MD -MF $@.d -MT $@ -

$O/gen/nr.h: mk/gen/nr.awk $O/obj/.flags
	$(call run,GEN)mkdir -p $(@D) && $(call macros,<asm/unistd_64.h>) >$@.in && \
	awk -f mk/gen/nr.awk $@.in | sort -t, -k2n >$@.tmp && mv $@.tmp $@

$O/gen/errno.h: mk/gen/errno.awk $O/obj/.flags
	$(call run,GEN)mkdir -p $(@D) && $(call macros,<errno.h>) >$@.in && \
	awk -f mk/gen/errno.awk $@.in | sort -t, -k2n -s >$@.tmp && mv $@.tmp $@

$O/gen/const-%.h: mk/gen/const.awk mk/gen/%.h $O/obj/.flags
	$(call run,GEN)mkdir -p $(@D) && $(call macros,"mk/gen/$*.h") >$@.in && \
	awk -v from=$* -f mk/gen/const.awk $@.in | LC_ALL=C sort >$@.tmp && mv $@.tmp $@

DEPENDENCIES += $(GENERATED:=.d)
