#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# progress.sh SECONDS FILES COMMAND...: runs kbuild and shows how many of about
# FILES files it has compiled and how long the others will take: on a terminal
# in one line that changes, otherwise in a new line every SECONDS seconds.
#
# FILES is 0 if only what has changed is compiled. The rest of kbuild's output
# is left out; errors and warnings are on standard error.
set -o pipefail
interval=$1
files=$2
shift 2

show() {
	local text="$n files" left
	if ((files)); then
		((n <= files)) || files=$n
		text="$n of about $files files"
		((left = SECONDS * (files - n) / n / 60 + 1))
		((n < 20)) || text+=", $left min left"
	fi
	if [ -t 1 ]; then
		printf '\r  KERNEL\t%s\e[K' "$text"
	else
		printf '  KERNEL\t%s\n' "$text"
	fi
}

"$@" | {
	n=0
	next=$interval
	[ ! -t 1 ] || next=0
	while read -r word _; do
		[[ $word =~ ^(CC|AS)$ ]] || continue
		((++n))
		((SECONDS >= next)) || continue
		show
		[ -t 1 ] || ((next = SECONDS + interval))
	done
	if [ -t 1 ] && ((n)); then
		printf '\r  KERNEL\t%s files\e[K\n' "$n"
	fi
}
