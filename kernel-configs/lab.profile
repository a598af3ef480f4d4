# SPDX-License-Identifier: GPL-2.0-only
# A machine that has what this one may not have: KVM and vsock (make test-kvm).
#
# share: the host's root, read-only under a layer in memory, is the guest's: whatever
# runs here runs there.

fragments = base boot virtio modules observe process io fs net hypervisor hostfs
machine   = microvm
append    = noreplace-smp no_timer_check
share     = /
