# SPDX-License-Identifier: GPL-2.0-only
# A kernel for make kselftest and make kunit: minimal with what the kernel's own
# tests need.
#
# tree_configs: config files in the kernel's source, merged before the
#               fragments. One that does not exist is passed over, and an option
#               that the kernel has dropped is a note, not an error

fragments    = base boot virtio modules observe process io fs net kselftest kunit
tree_configs = $(patsubst %,tools/testing/selftests/%/config,$(sort \
	       $(KSELFTEST_TARGETS) $(TARGETS))) tools/testing/kunit/configs/default.config
machine      = microvm
append       = noreplace-smp no_timer_check log_buf_len=1M
