# SPDX-License-Identifier: GPL-2.0-only
# Messages of a module's build, with the paths of the sources in place of those
# of the copy.
#
# tree: the folder of the copies. kit: the kit's folder with a slash; its own
# modules' paths are relative to it.

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
