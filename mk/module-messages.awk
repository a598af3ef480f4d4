# SPDX-License-Identifier: GPL-2.0-only
# Messages of a module's build, with the paths of the sources in place of those
# of the copy. For each missing symbol, a last line names the kernel's option
# that provides it.
#
# tree: the folder of the copies. kit: the kit's folder with a slash; its own
# modules' paths are relative to it. source: the kernel's source, if there is
# one.

{
	line = $0
	out = ""
	while (at = index(line, tree)) {
		out = out substr(line, 1, at - 1)
		line = substr(line, at + length(tree))
		if (index(line, kit) == 1)
			line = substr(line, length(kit) + 1)
	}
	print out line
	fflush()
}

/modpost: "[A-Za-z0-9_]+" .* undefined!/ {
	split($0, part, "\"")
	if (!(part[2] in missing) && nr < 5)
		missing[symbols[++nr] = part[2]]
}

/: Permission denied$/ {
	denied = 1
}

END {
	if (denied)
		print "The build of a module can write only in its copy, $(src) and $(obj), and in $TMPDIR"
	for (i = 1; i <= nr && source != ""; i++)
		explain(symbols[i])
}

function explain(symbol,    cmd, file, option)
{
	cmd = "cd " source " && grep -rlE --include='*.c' 'EXPORT_SYMBOL[A-Z_]*\\(" symbol "[,)]' " \
	      "arch/x86 block crypto drivers fs io_uring ipc kernel lib mm net security sound 2>/dev/null"
	if ((cmd | getline file) <= 0) {
		print symbol ": no file of the kernel exports this symbol. If another module of yours does, " \
		      "name both: MODULE=\"ITS-FOLDER THIS-FOLDER\""
		return
	}
	close(cmd)
	option = option_of(file)
	if (option == "")
		print symbol ": exported by " file ", which is not in this kernel"
	else
		print symbol ": exported by " file ", which is in the kernel only with " option \
		      ". Put the line \"" option "=y\" into a file and give make CONFIG=FILE " \
		      "(an option without a prompt is set by one that selects it)"
}

# Returns the option with which the Makefile of its folder builds the file.
function option_of(file,    folder, object, rule, line, list, option)
{
	folder = file
	sub(/\/[^\/]*$/, "", folder)
	object = substr(file, length(folder) + 2)
	sub(/\.c$/, ".o", object)
	file = source "/" folder "/Makefile"
	while ((getline line < file) > 0) {
		while (line ~ /\\$/ && (getline list < file) > 0)
			line = substr(line, 1, length(line) - 1) " " list
		if (line ~ /^[a-z0-9_-]+-(y|objs|\$\(CONFIG_[A-Z0-9_]+\))[ \t]*[:+]?=/)
			rule[++n] = line
	}
	close(file)
	for (i_rule = 1; i_rule <= 2 * n; i_rule++) {
		line = rule[(i_rule - 1) % n + 1]
		if (index(" " substr(line, index(line, "=") + 1) " ", " " object " ") == 0)
			continue
		if (match(line, /\$\(CONFIG_[A-Z0-9_]+\)/) && match(line, /CONFIG_[A-Z0-9_]+/))
			return substr(line, RSTART, RLENGTH)
		object = line
		sub(/-(y|objs)[ \t]*[:+]?=.*/, ".o", object)
	}
	return ""
}
