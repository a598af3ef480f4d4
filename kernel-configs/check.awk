# SPDX-License-Identifier: GPL-2.0-only
# Checks that kconfig kept every option that the fragments set.
#
#	awk -v tree=KERNEL_TREE -f check.awk FRAGMENT... .config
#
# kconfig silently drops an option whose dependencies are not met. This program
# makes that an error, and prints the dependencies.

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

# Returns the symbol's dependencies according to the tree's Kconfig files, an
# indented line each: its own, and those of the menus and files around it, up to
# the top of the tree.
function reasons(symbol,    file, text)
{
	file = find("(menu)?config " symbol "$")
	if (!file)
		return "\tthis kernel has no such option\n"
	for (; file; file = parent(file)) {
		text = text conditions(file, symbol)
		symbol = "\"" substr(file, length(tree) + 2) "\""
	}
	return text ? text : "\tdepends on nothing: another option selects it or computes it\n"
}

function parent(file)
{
	return find("source \"" substr(file, length(tree) + 2) "\"")
}

# Returns the first Kconfig file, of x86 or of no architecture, with a line that
# matches.
function find(line,    command, file, found)
{
	command = "grep -rlE '^[ \t]*" line "' --include='Kconfig*' --exclude-dir=tests " tree
	while ((command | getline file) > 0)
		if (!found && (file !~ /\/arch\/[^\/]+\// || file ~ /\/arch\/x86\//))
			found = file
	close(command)
	return found
}

# Returns the conditions of one entry of a Kconfig file: of the config symbol
# `name`, or of the line that sources the file `name`.
function conditions(file, name,    line, word, depth, around, state, text, i)
{
	while ((getline line < file) > 0) {
		split(line, word, /[ \t]+/)
		if (line ~ /^(if|menu|choice)([ \t]|$)/) {
			around[++depth] = word[1] == "if" ? "\tonly if " substr(line, 4) "\n" : ""
			state = "around"
		} else if (line ~ /^(endif|endmenu|endchoice)/) {
			depth--
			state = ""
		} else if (line ~ /^(menuconfig|config|source) /) {
			state = word[2] == name ? "inside" : ""
			for (i = 1; state && i <= depth; i++)
				text = text around[i]
		} else if (line ~ /^[ \t]+depends on /) {
			sub(/^[ \t]+/, "", line)
			if (state == "around")
				around[depth] = around[depth] "\t" line "\n"
			else if (state == "inside")
				text = text "\t" line "\n"
		}
	}
	close(file)
	return text
}
