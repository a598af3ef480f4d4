# SPDX-License-Identifier: GPL-2.0-only
# Reads "ctags --fields=+ne" and checks the lengths of functions as a whole: the
# median and the ninth decile. A single long function is no fault.

match($0, /line:[0-9]+/) { first = substr($0, RSTART + 5, RLENGTH - 5) }
match($0, /end:[0-9]+/) { count[substr($0, RSTART + 4, RLENGTH - 4) - first + 1]++; n++ }

END {
	for (size = 1; seen < n * 0.9; size++) {
		seen += count[size]
		if (!median && seen >= n / 2)
			median = size
	}
	printf "functions: %d; median %d lines (at most 16), nine in ten up to %d (at most 30)\n",
		n, median, size - 1
	exit median > 16 || size - 1 > 30
}
