# SPDX-License-Identifier: GPL-2.0-only
# The default: boots in half a second, builds in three minutes, has what tests use.

fragments = base boot virtio modules observe process io fs net
machine   = microvm
append    =
