# SPDX-License-Identifier: GPL-2.0-only
# Prints C sources in a form in which line breaks, columns within lines and
# continuation lines do not count: one line for each part up to a ";", "{" or
# "}", with its indentation if it is a statement that follows another one.
FNR == 1 { end_part(); after = 0 }
{
	match($0, /^[ \t]*/)
	if (part == "" && after)
		indent = substr($0, 1, RLENGTH)
	line = substr($0, RLENGTH + 1)
	sub(/[ \t]*\\$/, "", line)
	if (line == "")
		next
	while (match(line, /[;{}]/)) {
		part = part " " substr(line, 1, RSTART)
		line = substr(line, RSTART + 1)
		end_part()
	}
	part = part " " line
	if (line == "" || line ~ /\*\/$/ || (line ~ /^#/ && $0 !~ /\\$/))
		end_part()
	after = part == "" && $0 ~ /;$/
}
END { end_part() }

function end_part() {
	gsub(/[ \t]+/, " ", part)
	gsub(/\( /, "(", part)
	gsub(/ \)/, ")", part)
	gsub(/ ?\{ ?/, "{", part)
	gsub(/ ?\} ?/, "}", part)
	sub(/^ /, "", part)
	if (part != "")
		print FILENAME ": " indent part
	part = indent = ""
}
