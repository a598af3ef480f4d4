# SPDX-License-Identifier: GPL-2.0-only
# Checks the text of files: lengths of lines and files, blanks at line ends, and
# the marks that git leaves at a conflict.
#
# At most 80 columns for a line of documentation or of comment, 120 for a line
# of code in Lua or JavaScript, 100 for other code, 600 lines for a file. A
# longer line passes where it cannot be broken well: a long string, a row of a
# table, a link, a line of one word.

FNR == 1 {
	check_length()
	file = FILENAME
	in_long_string = 0
}

{ limit = file ~ /\.md$/ || is_comment($0) ? 80 : file ~ /\.(lua|js)$/ ? 120 : 100 }

{ lines = FNR }

/[ \t]$/ { complain("blanks at the end of the line") }

/^(<<<<<<<|>>>>>>>) / { complain("a conflict was not resolved") }

file ~ /\.md$/ && /^(```|    )/ { next }

# A Lua string of several lines, [[...]].
file ~ /\.lua$/ && /\[\[/ { in_long_string = 1 }
/\]\]/ { in_long_string = 0 }
in_long_string { next }

columns($0) > limit && !is_unbreakable($0) {
	complain(columns($0) " columns; at most " limit ": break the line")
}

END {
	check_length()
	exit complaints > 0
}

function complain(text)
{
	printf "%s:%d: %s\n", FILENAME, FNR, text
	complaints++
}

function check_length()
{
	if (file && file !~ /\.md$/ && lines > 600) {
		printf "%s: %d lines; at most 600: split the file\n", file, lines
		complaints++
	}
}

function is_comment(line)
{
	return line ~ /^[ \t]*(\/\*|\*( |\/|$)|\/\/|--|#( |$))/
}

# Columns on the screen: a tab ends at a multiple of 8, a UTF-8 sequence is one.
function columns(line,    i, n, part, parts)
{
	gsub(/[\200-\277]/, "", line)
	parts = split(line, part, "\t")
	for (i = 1; i <= parts; i++) {
		n += length(part[i])
		if (i < parts)
			n += 8 - n % 8
	}
	return n
}

function is_unbreakable(line)
{
	if (line ~ /^\|/ || line ~ /https?:\/\//)
		return 1
	if (line ~ /^[ \t#*\/-]*[^ ]+$/)
		return 1
	return line ~ /\[\[|\]\]/ || has_long_string(line)
}

# A string of 20 characters or more.
function has_long_string(line)
{
	gsub(/\\./, "__", line)
	for (; match(line, /"[^"]*"|'[^']*'/); line = substr(line, RSTART + RLENGTH))
		if (RLENGTH >= 22)
			return 1
	return 0
}
