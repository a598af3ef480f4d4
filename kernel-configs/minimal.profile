# SPDX-License-Identifier: GPL-2.0-only
# The default profile: boots in half a second, and has what tests use.
#
# fragments: the .config files it is made of; of two that set an option, the last wins
# machine:   QEMU's machine
# append:    kernel arguments
# kbuild_args: more for kbuild's command line
#
# noreplace-smp: patching the locks out of a kernel that has one processor costs a
# tenth of an emulated boot. no_timer_check: no 40 ms of counting ticks, as under KVM.

fragments = base boot virtio modules observe process io fs net
machine   = microvm
append    = noreplace-smp no_timer_check
