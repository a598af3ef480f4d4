# SPDX-License-Identifier: GPL-2.0-only
# A VM that offers KVM and vsock to nested VMs, on any host (make test-kvm).
#
# machine: microvm's clocks are not precise enough for a VM that runs VMs
# append:  QEMU's SVM emulation sometimes loses an interrupt to a halted
#          processor, because it changes interrupt_request without the lock.
#          Periodic ticks (nohz=off highres=off) wake the processor again.
# cpu:     under TCG a nested VM can change XCR0 without KVM's knowledge, so
#          XSAVE is hidden, and with it the features that need XSAVE
# share:   the host's root, so that programs of the host run in the VM

fragments = base boot virtio modules observe process io fs net hypervisor hostfs
machine   = q35
append    = noreplace-smp no_timer_check nohz=off highres=off
cpu       = -xsave,-avx,-avx2,-f16c,-fma,-vaes,-vpclmulqdq
share     = /
