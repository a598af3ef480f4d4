# SPDX-License-Identifier: GPL-2.0-only
# The distribution's kernel for all machines. The one of the profile distro is
# for machines in a cloud: it has no graphics, video, sound, USB or I2C. The
# settings are those of distro.profile.

packages = linux-image-amd64 linux-image-generic
machine  = q35
append   = noreplace-smp no_timer_check cryptomgr.notests
