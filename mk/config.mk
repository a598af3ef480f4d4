# SPDX-License-Identifier: GPL-2.0-only
# Variables that a user can set, and checks of them before anything is built.

# "make install" puts the built programs into bin/ of the installed kit, which
# is only read: what is built goes to a folder of the user's.
KIT_INSTALLED := $(wildcard bin/provium)

# Variables with such short names can be in anybody's environment, with another
# meaning. They count only on the command line; the others, such as ACCEL, in
# the environment too.
$(foreach v,O T N V SHARD FIXTURE HERE PREFIX DESTDIR PROFILES KERNELS NAME NR ARGS SAN \
	FAILFAST LAUNCH RECORD CHAOS MODULE TESTS TARGETS SUITE CLONE KERNEL_SRC KERNEL KDIR \
	CONFIG KCFLAGS LLVM LLVM_IAS CROSS_COMPILE,$(if $(filter \
	environment%,$(origin $v)),$(eval undefine $v)))

ifneq ($(KIT_INSTALLED),)
O         := $(or $(PROVIUM_OUT),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/provium/out)
endif
O         ?= out#       the folder for everything that is built
PROFILES  ?=#           several profiles: "make test" runs on each, and prints a table
KERNELS   ?=#           several kernel trees: KERNELS="NAME=TREE ..."
KERNEL    ?=#           the image of a kernel that is built already, or "running"
KDIR      ?=#           its build tree or headers, in which modules are built
ifneq ($(KERNEL),)
PROFILE   ?= $(if $(filter running,$(KERNEL)),running,own)
endif
PROFILE   ?= minimal#   the kernel to build and test: kernel-configs/PROFILE.profile
ACCEL     ?=#           accelerator: auto, kvm or tcg
TRANSPORT ?=#           connection to the guest: auto, vsock or serial
KERNEL_SRC ?=#          your kernel tree; empty: the distribution's linux-source package
CONFIG    ?=#           files with kernel options of yours, added to those of the profile
MODULE    ?=#           the folder of your out-of-tree module, or several with blanks between
TESTS     ?=#           the folder of your tests; empty: MODULE/tests
T         ?=#           the tests to run, by file or folder: T='kit/boot calls/b*'
SHARD     ?=#           run one part of the tests: SHARD=2/5 is every fifth, from the second on
FIXTURE   ?=#           the fixture to open (make shell, repl, gdb)
N         ?= 100#       how often "make stress" runs the tests
FAILFAST  ?=#           1: start no further test after a failure
LAUNCH    ?=#           a command that runs each test file on some host: LAUNCH='srun -n1'
RECORD    ?=#           1: record the VMs, and keep those of failed tests (make test, make stress)
CHAOS     ?=#           a seed: the same, under a timing that the seed determines
V         ?=#           1: show the commands
PREFIX    ?= /usr/local#  where "make install" installs the kit
DESTDIR   ?=#           a folder that stands for / while it installs
NAME      ?=#           the name of the new call (make new-syscall)
NR        ?=#           its number, 1000 to 1063
ARGS      ?=#           its arguments: "fd:int buf:in:len"
SAN       ?=#           1: build runner and agent with sanitizers
TARGETS   ?= $(KSELFTEST_TARGETS)#  folders of the kernel's selftests (make kselftest)
CLONE     ?=#           "target": all programs of a target in one VM (make kselftest)
SUITE     ?=#           the suites to run: a name with wildcards (make kunit)

# What make kselftest runs if TARGETS= is not given: folders that need no
# network card, no hardware, and no other languages than C and shell.
KSELFTEST_TARGETS := breakpoints capabilities clone3 core exec filesystems filesystems/binderfs \
	filesystems/epoll futex ipc kcmp landlock membarrier memfd mincore mount mount_setattr \
	move_mount_set_group mqueue nsfs openat2 perf_events pid_namespace pidfd prctl proc ptrace \
	rlimits rseq sched seccomp sigaltstack size splice static_keys sync syscall_user_dispatch \
	sysctl timens timers tmpfs uevent vDSO vm x86 cgroup lib user

# kbuild cannot build in a folder whose path has a blank or a colon: it splits
# paths at blanks, and takes a colon for the mark of a rule.
unfit = $(or $(filter-out 0 1,$(words x$1)),$(findstring :,$1))
$(foreach v,CURDIR O KERNEL_SRC KERNEL KDIR PREFIX DESTDIR,$(if $(call unfit,$($v)), \
	$(error $v='$($v)': kbuild cannot build in a path with blanks or colons; \
	move or rename the folder)))

# An installed kit is only read, so a relative O= there is a folder below the
# one in which make was started. "make -C KIT" leaves that folder in PWD.
ifneq ($(KIT_INSTALLED),)
override O := $(if $(filter /%,$O),$O,$(PWD)/$O)
endif

override V := $(filter-out 0,$V)
override SAN := $(filter-out 0,$(SAN))

# A relative path of the user's is one from the folder in which make was
# started, or else from the kit's. "make -C KIT" leaves the former in PWD.
caller := $(if $(filter environment,$(origin PWD)),$(if $(call unfit,$(PWD)),,$(PWD)))
candidates = $(if $(filter /%,$1),$1,$(caller:%=%/$1) $(CURDIR)/$1)
from_caller = $(abspath $(firstword $(wildcard $(call candidates,$1)) $1))

# The runner prints commands that work in the folder in which the user typed
# this one (runner/base/caller.h).
this_make := make
ifneq ($(filter-out $(CURDIR),$(realpath $(caller))),)
export PROVIUM_CALLER := $(realpath $(caller))
this_make := make -C $(CURDIR)
endif

# make sets CC to "cc" by default; only a CC that the user set counts.
ifeq ($(origin CC),default)
CC := gcc
endif

# Exported for the runner. A variable that is empty is not exported.
export PROFILE
$(foreach v,ACCEL TRANSPORT,$(if $($v),$(eval export $v)))

# Variables on the command line of this make, and those in the environment, do
# not reach kbuild, in which V, O and CC mean something else. kbuild gets what
# it needs by name.
unexport ARCH CROSS_COMPILE LLVM LLVM_IAS KCFLAGS KAFLAGS KCPPFLAGS KRUSTFLAGS \
	HOSTCFLAGS USERCFLAGS CFLAGS_MODULE AFLAGS_MODULE LDFLAGS_MODULE W C CF CHECK M MO \
	SUBDIRS LOCALVERSION KERNELRELEASE KERNELVERSION KBUILD_OUTPUT KBUILD_EXTMOD \
	KBUILD_EXTRA_SYMBOLS KBUILD_VERBOSE KBUILD_MODPOST_WARN KBUILD_CFLAGS KCONFIG_CONFIG \
	KCONFIG_ALLCONFIG CDPATH MAKEFILES
MAKEOVERRIDES :=
