#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# packages.sh FOLDER PACKAGE...: downloads the first kernel package that apt
# knows, and its headers package, and unpacks them into FOLDER/root, without
# root's rights.
#
# FOLDER gets these links: kernel, the image; tree, its lib/modules/RELEASE;
# build, the headers, in which modules are built.
set -eu
folder=$1
shift

fail() {
	echo "kernel: $*" >&2
	exit 1
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	fail 'such a profile needs apt-get and dpkg-deb (Debian, Ubuntu); elsewhere give KERNEL=FILE KDIR=DIR'
fi

# Prints the names of these packages, and of the kernel's packages on which they
# depend.
closure() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "$@" | tr -d ' |<>' |
	sed 's/.*://' | grep -E '^linux-(image|headers|modules|kbuild|main-modules)' |
	sort -u | tr '\n' ' '
}

# A package without a version in its name, such as linux-image-amd64, is empty:
# it depends on the package with the kernel.
image=
for package in "$@"; do
	[ -n "$image" ] || image=$(apt-cache depends "$package" 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[^ ]*[0-9][^ ]*\)$/\1/p' | head -n 1)
done
[ -n "$image" ] || fail "apt knows none of: $*; run 'apt-get update' as root, or check the list of sources"
release=${image#linux-image-}
release=${release#unsigned-}
names=$(closure "$image" "linux-headers-$release")

rm -rf "$folder" && mkdir -p "$folder/packages" "$folder/root"
echo "kernel: downloading $names"
# shellcheck disable=SC2086 # a list of words
(cd "$folder/packages" && apt-get -qq -o APT::Sandbox::User= download $names) ||
	fail 'apt-get cannot download the packages: check the network and the list of sources'
for deb in "$folder"/packages/*.deb; do dpkg-deb -x "$deb" "$folder/root"; done
rm -r "$folder/packages"

root=$(cd "$folder/root" && pwd)
[ -d "$root/lib/modules" ] || ln -s usr/lib "$root/lib"
# The headers' Makefile includes another one by its installed path.
makefile=$root/usr/src/linux-headers-$release/Makefile
sed "s,/usr/src/,$root/usr/src/,g" "$makefile" >"$makefile.new" && mv "$makefile.new" "$makefile"
ln -s "root/boot/vmlinuz-$release" "$folder/kernel"
ln -s "root/lib/modules/$release" "$folder/tree"
ln -s "root/usr/src/linux-headers-$release" "$folder/build"
for link in kernel tree build/Makefile; do
	[ -e "$folder/$link" ] || fail "the packages ($names) lack $(readlink "$folder/${link%/*}")"
done
