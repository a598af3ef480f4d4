# SPDX-License-Identifier: GPL-2.0-only
# A machine that has what this one may not have: KVM and vsock (make test-kvm).
#
# q35: microvm's clocks are not enough for a machine that runs guests.
# append: QEMU's SVM now and then loses the news of an interrupt to a halted processor (it
#        changes a word of flags without the lock that others change it under); the next
#        tick brings it, if ticks come by themselves.
# cpu:   TCG lets a guest's guest set XCR0 and tells nobody, so that KVM has the wrong idea
#        of it: nobody there gets to see XSAVE, nor what rests on it.
# share: the host's root, read-only under a layer in memory, is the guest's: whatever
# runs here runs there.

fragments = base boot virtio modules observe process io fs net hypervisor hostfs
machine   = q35
append    = noreplace-smp no_timer_check nohz=off highres=off
cpu       = -xsave,-avx,-avx2,-f16c,-fma,-vaes,-vpclmulqdq
share     = /
