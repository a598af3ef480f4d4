# SPDX-License-Identifier: GPL-2.0-only
# ccache, if it is installed: what was compiled once is not compiled again. This
# helps a search that goes back and forth between commits.
#
#   out/ccache/   its store, unless CCACHE_DIR is set
#
# The distribution's folder of links named as compilers comes first in PATH. So
# the commands stay the same, and kbuild, which compares them, compiles nothing
# anew when ccache is installed or removed.

CCACHE := $(firstword $(wildcard /usr/lib/ccache/gcc /usr/lib64/ccache/gcc /usr/lib/ccache/bin/gcc))

ifneq ($(CCACHE),)
export PATH := $(patsubst %/,%,$(dir $(CCACHE))):$(PATH)
export CCACHE_DIR := $(or $(CCACHE_DIR),$(abspath $O)/ccache)
endif
