# SPDX-License-Identifier: GPL-2.0-only
# The default profile under KASAN, lockdep and kmemleak: five times slower, and sees more.

fragments = base boot virtio modules observe process io fs net debug
machine   = microvm
append    = noreplace-smp no_timer_check
