# SPDX-License-Identifier: GPL-2.0-only
# The default profile with KCSAN.
#
# kbuild_args: the PVH entry runs before KCSAN can find the current task, so its
# file must be built without KCSAN.

fragments   = base boot virtio modules observe process io fs net kcsan
machine     = microvm
append      = noreplace-smp no_timer_check log_buf_len=1M
kbuild_args = KCSAN_SANITIZE_enlighten.o=n
