# SPDX-License-Identifier: GPL-2.0-only
# A machine that has what this one may not have: KVM and vsock (make test-kvm).
#
# q35: microvm's clocks are not enough for two processors that run guests.
# noxsave: of what TCG emulates of it, KVM passes on parts that do not fit together.
# share: the host's root, read-only under a layer in memory, is the guest's: whatever
# runs here runs there.

fragments = base boot virtio modules observe process io fs net hypervisor hostfs
machine   = q35
append    = noreplace-smp no_timer_check noxsave
share     = /
