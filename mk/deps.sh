#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deps.sh user|dev|slurm STAMP: installs what is missing, with apt-get (Debian,
# Ubuntu).
#
# user: what building and testing need. dev: what "make lint", "make tags",
# "make fuzz", "make model" and "make gdb" need, and some tests of "make
# selftest"; Ubuntu has no package of Chromium. slurm: what "make test-slurm"
# needs. STAMP is touched if anything was installed.
# Without dpkg nothing is installed: the script prints which commands are
# missing, and fails if there are any.
set -eu

case $1 in
user)
	packages='gcc libc6-dev binutils pkg-config flex bison bc libelf-dev xz-utils
		linux-source busybox-static liblua5.4-dev libjansson-dev libedit-dev qemu-system-x86
		git zstd'
	commands='gcc pkg-config flex bison bc xz busybox qemu-system-x86_64 git zstd' ;;
dev)
	packages='clang-format lua-check shellcheck universal-ctags clang libclang-rt-dev llvm
		spin gdb mandoc zsh yamllint parallel'
	! grep -q '^ID=debian' /etc/os-release || packages="$packages chromium"
	commands='clang-format luacheck shellcheck ctags clang llvm-cov spin gdb mandoc zsh yamllint parallel' ;;
slurm)
	packages='slurmctld slurmd slurm-client'
	commands='slurmctld slurmd srun' ;;
*)
	echo "usage: $0 user|dev|slurm STAMP" >&2
	exit 2 ;;
esac

fail() {
	echo "deps: $*" >&2
	exit 1
}

missing_packages() {
	for p in $packages; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || printf '%s ' "$p"
	done
}

if ! command -v dpkg-query >/dev/null; then
	echo 'deps: this system has no dpkg: install these yourself, with headers:' \
		'libc (static), libelf, lua 5.4, jansson, libedit; and give KERNEL_SRC=TREE to make'
	missing=$(for c in $commands; do command -v "$c" >/dev/null || printf '%s ' "$c"; done)
	[ -z "$missing" ] || fail "missing commands: $missing"
	exit 0
fi

missing=$(missing_packages)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi
[ -z "$sudo" ] || command -v sudo >/dev/null ||
	fail "not root, and no sudo: run as root: apt-get install $missing"
echo "deps: installing $missing"
$sudo apt-get -qq update
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing
missing=$(missing_packages)
[ -z "$missing" ] || fail "apt-get did not install $missing"
touch "$2"
