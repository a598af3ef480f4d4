# SPDX-License-Identifier: GPL-2.0-only
# MODULE= ─▶ the folders of the user's modules, and what kbuild needs to know.
#
#   MODULE_DIRS           the folders, as real paths, in the user's order
#   $(call place,FOLDER)  the folder of its Kbuild: itself, or one inside
#   MODULE_ARGS           variables for its Kbuild from the command line

# HERE=: the folder in which "provium make" was started. If it has a makefile or
# a dkms.conf, it is taken for a module's, unless it is a kernel tree or the
# kit, or the targets need no module.
need_module = $(filter-out help doctor deps kernel clean distclean,$(or $(MAKECMDGOALS),all))
makefiles = $(if $(wildcard $1/Kconfig $1/mk/test.mk),,$(wildcard $1/dkms.conf \
	$(foreach f,Kbuild Makefile,$1/$f $1/*/$f)))
ifneq ($(HERE),)
MODULE := $(if $(need_module),$(if $(call unfit,$(HERE))$(call makefiles,$(HERE)),$(HERE)))
endif

folder = $(firstword $(wildcard $(addsuffix /.,$(realpath $(call candidates,$1)))))
typed  = $(MODULE:~/%=$(HOME)/%)

$(foreach m,$(typed),$(if $(call folder,$m),,$(error MODULE=$(MODULE): there is no folder \
	$(firstword $(call candidates,$m)). Give the folder of a module, or several with blanks \
	between them; a path with a blank in it must be renamed)))

MODULE_DIRS := $(foreach m,$(typed),$(patsubst %/.,%,$(call folder,$m)))

# The characters that make or the shell would take for syntax.
odd := : \# $$ % = ; & ( ) ' " ` \ * ? [ ] < > |
$(foreach m,$(MODULE_DIRS),$(foreach c,$(odd),$(if $(findstring $c,$m),$(error \
	MODULE=$m: the path has a '$c', which make cannot handle; move or rename the folder))))

$(if $(filter $(CURDIR),$(MODULE_DIRS)),$(error MODULE=$(MODULE): this is Provium's own folder. \
	Give the path of your module's folder))

# Finds the folder of the Kbuild: the module's folder, src/, module/ or another
# folder in it, the first whose makefile sets obj-m, obj-y or obj-$(...). A
# folder with dkms.conf is built as that file says.
is_dkms = $(wildcard $1/dkms.conf)
with_objects = $(shell cd $1 && grep -lsE '^[[:space:]]*obj-[$$my]' Kbuild Makefile \
	*/Kbuild */Makefile)
choose = $(if $(filter Kbuild Makefile,$2),$1,$(or \
	$(firstword $(foreach p,src module,$(if $(filter $p/Kbuild $p/Makefile,$2),$1/$p))), \
	$(call choose_other,$1,$(sort $(patsubst %/,%,$(dir $2))))))
choose_other = $(if $(word 2,$2),$(error MODULE=$1: there is more than one module. \
	Choose one of its folders, or several: MODULE="$(addprefix $1/,$2)"),$(or \
	$(if $2,$1/$2),$(patsubst %/,%,$(dir $(firstword $(wildcard $1/Kbuild $1/Makefile)))), \
	$(error MODULE=$1: not the folder of a module: neither it nor src/, module/ or another \
	folder in it has a Kbuild or a Makefile with obj-m)))
find_place = $(call choose,$1,$(call with_objects,$1))

$(foreach m,$(MODULE_DIRS),$(if $(call is_dkms,$m),,$(eval place_of_$m := $(call find_place,$m))))
place = $(or $(place_of_$1),$1)

# Variables of the command line that are not the kit's are for the Kbuild, such
# as CONFIG_X=m or KCFLAGS=-DDEBUG.
KIT_VARIABLES := O PROFILE ACCEL TRANSPORT KERNEL_SRC CONFIG MODULE TESTS T N SHARD FAILFAST \
	V NAME NR ARGS SAN CC JOBS SECONDS RUNS TARGET DOC RECORD CHAOS GOOD BAD MATCH CLONES \
	KERNEL KDIR KERNELS PROFILES PREFIX DESTDIR HERE KIT_MODULES LLVM LLVM_IAS CROSS_COMPILE \
	MAKEFLAGS MAKEOVERRIDES SHELL PWD M PROFILE_DIR TESTS_AT REPORT TARGETS CLONE SUITE \
	FIXTURE
on_command_line := $(foreach v,$(filter-out PROVIUM_% $(KIT_VARIABLES),$(.VARIABLES)), \
	$(if $(findstring command line,$(origin $v)),$v))

# A name that is near to one of the kit's, and that no makefile of the module
# reads, is a typing error, by which the kit would do something else.
NEAR := $(dir $(lastword $(MAKEFILE_LIST)))near.awk
to_check = $(filter-out CONFIG_% KBUILD_% KCONFIG_% KCFLAGS,$(on_command_line))
near = $(shell awk -v name=$(call quoted,$1) \
	-v known='$(filter-out PWD SHELL HERE,$(KIT_VARIABLES))' -f $(NEAR))
makefiles_of = $(foreach d,$(MODULE_DIRS),$(wildcard $(foreach p,$d $(call place,$d), \
	$p/Kbuild $p/Makefile $p/GNUmakefile) $d/dkms.conf))
is_read = $(if $(MODULE_DIRS),$(shell grep -lw -e $(call quoted,$1) $(makefiles_of) /dev/null))
$(foreach v,$(to_check),$(foreach n,$(call near,$v),$(if $(call is_read,$v),,$(error \
	$v=$($v): there is no variable $v; did you mean $n=? "make help" lists the variables))))

# Names by which makefiles of modules choose the kernel's tree.
$(foreach v,$(filter KERNELDIR KERNEL_DIR KERNELSRC KSRC KERNEL_PATH KERNEL_TREE KERNEL_SOURCE \
	KVER KVERSION,$(to_check)),$(error $v=$($v): this does not choose the kernel here. \
	KERNEL_SRC=TREE builds a kernel tree, KERNEL=IMAGE with KDIR=TREE uses a kernel that is \
	built, and PROFILE=distro is the distribution's))

MODULE_ARGS := $(foreach v,$(filter-out KCFLAGS,$(sort $(on_command_line))),$v=$(call quoted,$($v)))
