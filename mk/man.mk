# SPDX-License-Identifier: GPL-2.0-only
# The --help of the commands, docs/api.md ─▶ manual pages
#
#   out/man/provium.1
#   out/man/provium-test.5

MAN_PAGES := $O/man/provium.1 $O/man/provium-test.5

# The day of the last change of a page's text.
man_awk = awk -v date=$$(date -u -d "@$${SOURCE_DATE_EPOCH:-$$(stat -Lc %Y $<)}" +%F)

$O/man/provium.1: $(RUNNER) mk/man.awk
	$(call run,GEN)mkdir -p $(@D) && \
	$(man_awk) -v runner=$< -f mk/man.awk >$@.tmp && mv $@.tmp $@

$O/man/provium-test.5: docs/api.md mk/man.awk
	$(call run,GEN)mkdir -p $(@D) && $(man_awk) -f mk/man.awk $< >$@.tmp && mv $@.tmp $@

.PHONY: man
man: $(MAN_PAGES) ## kit: make the manual pages that "make install" installs, in out/man
	@:
