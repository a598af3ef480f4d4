# SPDX-License-Identifier: GPL-2.0-only
# The default profile: boots in half a second, and has what most tests need.
#
# Settings of a profile:
#
# fragments:   its .config files; if two set the same option, the last one wins
# machine:     QEMU's machine type
# append:      arguments on the kernel's command line
# cpu:         features to add to or remove from QEMU's CPU model
# share:       a folder of the host that becomes the guest's root, with a layer
#              in memory on top, so the guest cannot change it
# kbuild_args: additional arguments on kbuild's command line
# kernel_files: about how many files kbuild compiles (default: 1000), from which
#              the time that is left is estimated
#
# noreplace-smp: with one processor, replacing the lock prefixes takes a tenth
# of an emulated boot. no_timer_check: saves 40 ms of counting ticks, as under
# KVM. log_buf_len: the kernel's log holds some 3,000 lines before it drops the
# first ones, in place of 1,500. That costs 2 % of a boot's instructions, and 1M
# would cost 8 %. The slower profiles have 1M.

fragments = base boot virtio modules observe process io fs net
machine   = microvm
append    = noreplace-smp no_timer_check log_buf_len=256K
