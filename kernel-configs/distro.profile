# SPDX-License-Identifier: GPL-2.0-only
# The distribution's own kernel, from its packages: no kernel is built.
#
# packages: the first of these that apt knows is used (Debian, Ubuntu), with its
#           headers package
# machine:  such a kernel finds virtio devices on the PCI bus
# append:   as in minimal.profile; cryptomgr.notests leaves out self-tests that
#           take a second of an emulated boot

packages = linux-image-cloud-amd64 linux-image-virtual linux-image-amd64
machine  = q35
append   = noreplace-smp no_timer_check cryptomgr.notests
