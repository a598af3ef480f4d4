# SPDX-License-Identifier: GPL-2.0-only
# Variables that a user can set, and checks of them before anything is built.

O         ?= out#       the folder for everything that is built
KERNEL    ?=#           a kernel image that somebody else built, or "running"
KDIR      ?=#           its build tree or headers, in which modules are built
ifneq ($(KERNEL),)
PROFILE   ?= $(if $(filter running,$(KERNEL)),running,own)
endif
PROFILE   ?= minimal#   the kernel to build and test: kernel-configs/PROFILE.profile
ACCEL     ?=#           accelerator: auto, kvm or tcg
TRANSPORT ?=#           connection to the guest: auto, vsock or serial
KERNEL_SRC ?=#          your kernel tree; empty: the distribution's linux-source package
MODULE    ?=#           the folder of your out-of-tree module
T         ?=#           the tests to run, by file or folder: T=kit/boot, T='calls/b*'
N         ?= 100#       how often "make stress" runs the tests
FAILFAST  ?=#           1: start no further test after a failure
V         ?=#           1: show the commands
NAME      ?=#           the name of the new call (make new-syscall)
NR        ?=#           its number, 1000 to 1063
ARGS      ?=#           its arguments: "fd:int buf:in:len"
SAN       ?=#           1: build runner and agent with sanitizers

# kbuild cannot build in a folder whose path has a blank or a colon: it splits
# paths at blanks, and takes a colon for the mark of a rule.
unfit = $(or $(filter-out 0 1,$(words x$1)),$(findstring :,$1))
$(foreach v,CURDIR O KERNEL_SRC KERNEL KDIR MODULE,$(if $(call unfit,$($v)), \
	$(error $v='$($v)': kbuild cannot build in a path with blanks or colons; \
	move or rename the folder)))

# make sets CC to "cc" by default; only a CC that the user set counts.
ifeq ($(origin CC),default)
CC := gcc
endif

# Exported for the runner. A variable that is empty is not exported.
export PROFILE
$(foreach v,ACCEL TRANSPORT,$(if $($v),$(eval export $v)))

# Variables on the command line of this make must not reach kbuild: V, O and CC
# mean something else there. kbuild gets what it needs by name.
MAKEOVERRIDES :=
