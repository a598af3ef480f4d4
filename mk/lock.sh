#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# lock.sh [-s] FILE TEXT COMMAND...: runs the command while it holds the lock of
# the file; -s: together with others that use -s.
#
# If another make has the lock, a line says what waits, and for which process.
# The file has the pid of the make that was the last to get the lock.
set -eu

# Two locks at once need two descriptors.
if [ "$1" = -s ]; then
	shift
	exec 8>>"$1"
	lock='-s 8'
else
	exec 9>>"$1"
	lock='-x 9'
fi
file=$1
text=$2
shift 2

# shellcheck disable=SC2086 # two words
if ! flock -n $lock; then
	echo "  WAIT	$text waits for the make with pid $(cat "$file")" >&2
	flock $lock
fi
echo "$PPID" >"$file"
exec "$@"
