#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# kernel-modules.sh TREE FOLDER: fills FOLDER with links to the kernel's own
# modules, for vm:insmod(NAME).
#
# TREE is a lib/modules/RELEASE, or a folder in which a kernel was built.
set -eu
tree=$1 folder=$2
tree=$(cd "$tree" && pwd -P)

rm -rf "$folder"
mkdir -p "$folder"
# Another make may build there: its temporary folders have hidden names.
find "$tree" -mindepth 1 -name '.*' -prune -o '(' -name '*.ko' -o -name '*.ko.xz' \
	-o -name '*.ko.zst' -o -name '*.ko.gz' ')' -exec ln -sf -t "$folder" '{}' +
