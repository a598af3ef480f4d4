# SPDX-License-Identifier: GPL-2.0-only
# make watch: "make test" again after each save of a source or a test. The loop
# is runner/cmd/watch.c.

# Without MODULE= and TESTS=, the tests are those of the kit, and so are the
# sources. The files that a build and a test have read elsewhere are known when
# they have ended (-i).
WATCHED := $(MODULE_DIRS) $(TEST_DIRS) $(if $(KERNEL_SRC),$(KSRC)) $(user_fragments) \
	   $(if $(TEST_ROOT),$(wildcard agent initramfs kernel-configs mk modules runner))
WATCHED_INPUTS := $(MODULE_DIRS:%=$(MODULE_STATE)%) $(if $(TEST_ROOT),$(TEST_DIR), \
	   $(TEST_DIRS:%=$(TEST_DIR)%))

.PHONY: watch
watch: $(RUNNER) ## use: run the tests again after each save (T=, MODULE=, KERNEL_SRC=)
	$(plus)@exec $(RUNNER) make-watch -x $O $(if $(TEST_ROOT),,-x $(CURDIR)) \
	$(WATCHED_INPUTS:%=-i %) $(WATCHED) -- \
	$(MAKE) --no-print-directory O=$O test $(call args_of,$(filter-out HERE O,$(given)))
