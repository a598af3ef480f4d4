# SPDX-License-Identifier: GPL-2.0-only
# What a build can be told from outside, and what must hold before it starts.

O         ?= out#       where everything is built
PROFILE   ?= minimal#   which kernel: kernel-configs/PROFILE.profile
ACCEL     ?=#           auto, kvm or tcg (the runner reads it)
TRANSPORT ?=#           auto, vsock or serial (the runner reads it)
KERNEL_SRC ?=#          a kernel tree, else the distribution's source package
MODULE    ?=#           the folder of a module that is not in modules/
T         ?=#           which tests: a glob over their names
N         ?= 100#       how often: make stress
FAILFAST  ?=#           1: after a failure no further test starts
V         ?=#           1 shows the commands
NAME      ?=#           of the call: make new-syscall
NR        ?=#           its number, 1000 to 1063
ARGS      ?=#           its arguments: "fd:int buf:in:len"
SAN       ?=#           1 builds our own programs with sanitizers

# kbuild splits every path it is given at blanks, and reads a colon as make does:
# it cannot build there, so nothing else starts.
unfit = $(or $(filter-out 0 1,$(words x$1)),$(findstring :,$1))
$(foreach v,CURDIR O KERNEL_SRC MODULE,$(if $(call unfit,$($v)), \
	$(error $v is '$($v)': kbuild cannot build in a path with blanks or colons)))

# make's built-in CC is not a choice that anybody made.
ifeq ($(origin CC),default)
CC := gcc
endif

# For the runner; empty means that nobody asked.
export PROFILE
$(foreach v,ACCEL TRANSPORT,$(if $($v),$(eval export $v)))

# Variables given to this make are not meant for kbuild: V, O and CC have a meaning
# of their own there. What it needs, it is given by name.
MAKEOVERRIDES :=
