# SPDX-License-Identifier: GPL-2.0-only
# The default profile with lockdep, kmemleak and the checks of debug.config:
# slower, but finds more.

fragments = base boot virtio modules observe process io fs net debug
machine   = microvm
append    = noreplace-smp no_timer_check log_buf_len=1M
