#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# drivers.sh TREE FOLDER: copies the drivers that the agent needs, with the
# modules they depend on, out of a kernel's module tree.
#
# TREE is a lib/modules/RELEASE, or a folder in which a kernel was built.
# FOLDER gets the modules, unpacked; "list", which agent/guest/drivers.h
# describes; and "cpio", the list for gen_init_cpio.
set -eu
tree=$1 folder=$2

# Drivers for PCI devices, for the link to the runner (virtio-serial or vsock),
# for disks, and for a profile's root: overlayfs, a folder of the host.
wanted='virtio_pci virtio_console vmw_vsock_virtio_transport virtio_blk overlay 9pnet_virtio 9p'

rm -rf "$folder"
mkdir -p "$folder"
# Another make may build there: its temporary folders have hidden names.
find "$tree/" -mindepth 1 -name '.*' -prune -o '(' -name '*.ko' -o -name '*.ko.xz' \
	-o -name '*.ko.zst' -o -name '*.ko.gz' ')' -print >"$folder/files"
: >"$folder/list"

# In names of modules, - and _ are the same.
normalised() { sed 's,.*/,,; s,\.ko.*,,; s,-,_,g'; }

is_built_in() {
	[ -e "$tree/modules.builtin" ] && normalised <"$tree/modules.builtin" | grep -qx "$1"
}

# Prints the path of the module.
file_of() {
	pattern=$(echo "$1" | sed 's,_,[-_],g')
	grep -m 1 "/$pattern\.ko" "$folder/files"
}

unpack() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -dcq "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

# Adds a module to the list, after the modules that it depends on. Each module
# is added once.
add() {
	if is_built_in "$1" || grep -q " $1\(\.ko\)\?$" "$folder/list"; then return; fi
	file=$(file_of "$1") || {
		echo "missing $1" >>"$folder/list"
		return
	}
	unpack "$file" >"$folder/$1.ko"
	for needed in $(tr '\0' '\n' <"$folder/$1.ko" | sed -n 's/^depends=//p' | tr ',-' ' _'); do
		add "$needed"
	done
	echo "load $1.ko" >>"$folder/list"
}

for module in $wanted; do add "$module"; done
rm "$folder/files"
{
	echo 'dir /.provium 0755 0 0'
	echo 'dir /.provium/drivers 0755 0 0'
	for file in list $(sed -n 's/^load //p' "$folder/list"); do
		echo "file /.provium/drivers/$file $folder/$file 0644 0 0"
	done
} >"$folder/cpio"
