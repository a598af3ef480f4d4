# SPDX-License-Identifier: GPL-2.0-only
# Compares what the fragments ask for with what kconfig made of it.
#
#	awk -v tree=KERNEL_TREE -f check.awk FRAGMENT... .config
#
# An option whose dependencies are not met is dropped by kconfig in silence. Here it
# is an error, with what it depends on.

BEGIN { FS = "=" }

!/^CONFIG_/ { next }

FILENAME == ARGV[ARGC - 1] {
	got[$1] = value($0)
	next
}

{
	asked[$1] = value($0)
	asker[$1] = FILENAME
}

END {
	for (option in asked) {
		have = option in got ? got[option] : "n"
		if (have == asked[option])
			continue
		printf "%s: %s=%s was asked for, kconfig made it %s\n%s", asker[option],
			option, asked[option], have, reasons(substr(option, 8)) >"/dev/stderr"
		dropped++
	}
	exit dropped > 0
}

function value(line)
{
	return substr(line, index(line, "=") + 1)
}

# What the tree's Kconfig files say about the symbol's dependencies, an indented line
# for each: its own "depends on", and the conditions it stands under in its file.
function reasons(symbol,    find, file, text)
{
	find = "grep -rlE '^[ \t]*(menu)?config " symbol "$' --include='Kconfig*' " tree
	while ((find | getline file) > 0)
		text = text reasons_in(file, symbol)
	close(find)
	return text ? text : "\tno Kconfig file of this kernel knows it\n"
}

function reasons_in(file, symbol,    line, word, depth, cond, inside, text, i)
{
	while ((getline line < file) > 0) {
		split(line, word, /[ \t]+/)
		if (line ~ /^if /)
			cond[++depth] = substr(line, 4)
		else if (line ~ /^(menu|choice)([ \t]|$)/)
			cond[++depth] = ""
		else if (line ~ /^(endif|endmenu|endchoice)/)
			depth--
		if (line ~ /^(menu)?config |^(end)?(if|menu|choice)|^source /) {
			inside = (line ~ /^(menu)?config / && word[2] == symbol)
			for (i = 1; inside && i <= depth; i++)
				if (cond[i])
					text = text "\tonly if " cond[i] "\n"
		} else if (line ~ /^[ \t]+depends on / && inside) {
			sub(/^[ \t]+/, "", line)
			text = text "\t" line "\n"
		}
	}
	close(file)
	return text ? text : "\tdepends on nothing in " file ": does its prompt have a condition?\n"
}
