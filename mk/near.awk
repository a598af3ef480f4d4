# SPDX-License-Identifier: GPL-2.0-only
# Prints the word of `known` that is nearest to `name`, if it is so near that
# one was meant: of 4 or 5 letters at most one is wrong, missing, added or
# exchanged with its neighbour, of more letters at most two. Capitals count as
# small letters.

function least(a, b) { return a < b ? a : b }

function distance(a, b,    d, i, j, same, swapped) {
	for (i = 0; i <= length(a); i++) d[i, 0] = i
	for (j = 0; j <= length(b); j++) d[0, j] = j
	for (i = 1; i <= length(a); i++)
		for (j = 1; j <= length(b); j++) {
			same = substr(a, i, 1) == substr(b, j, 1)
			d[i, j] = least(d[i - 1, j] + 1, d[i, j - 1] + 1)
			d[i, j] = least(d[i, j], d[i - 1, j - 1] + !same)
			swapped = substr(b, j, 1) substr(b, j - 1, 1)
			if (i > 1 && j > 1 && substr(a, i - 1, 2) == swapped)
				d[i, j] = least(d[i, j], d[i - 2, j - 2] + 1)
		}
	return d[length(a), length(b)]
}

BEGIN {
	fewest = 3
	n = split(known, words, " ")
	for (w = 1; w <= n; w++) {
		if (length(words[w]) < 4)
			continue
		wrong = distance(toupper(name), words[w])
		if (wrong <= (length(words[w]) > 5 ? 2 : 1) && wrong < fewest) {
			fewest = wrong
			nearest = words[w]
		}
	}
	if (nearest)
		print nearest
}
