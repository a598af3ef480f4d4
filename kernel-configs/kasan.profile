# SPDX-License-Identifier: GPL-2.0-only
# The default profile with KASAN and UBSAN.
#
# kbuild_args: the PVH entry runs before KASAN has its shadow memory, so the two
# files with its code must be built without KASAN.

fragments   = base boot virtio modules observe process io fs net kasan
machine     = microvm
append      = noreplace-smp no_timer_check log_buf_len=1M
kbuild_args = KASAN_SANITIZE_enlighten.o=n KASAN_SANITIZE_string.o=n
