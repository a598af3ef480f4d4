# SPDX-License-Identifier: GPL-2.0-only
# Manual pages (man(7)), from texts that users read elsewhere too.
#
#	awk -v runner=out/bin/provium -v date=2026-01-31 -f mk/man.awk
#		provium(1), from the --help of each command
#	awk -v date=2026-01-31 -f mk/man.awk docs/api.md
#		provium-test(5)
#
# The Markdown that it knows: headings, paragraphs, lists, tables, blocks of
# code that are indented, `code`, [text](address).

BEGIN {
	if (ARGC == 1) {
		header("PROVIUM", 1, "provium", "tests Linux kernels and modules in virtual machines")
		commands()
		print ".SH SEE ALSO\n.BR provium\\-test (5)"
		exit
	}
	header("PROVIUM-TEST", 5, "provium-test", "the Lua API of Provium's tests")
	print ".SH DESCRIPTION"
	is_after_heading = 1
}

/^# / { next }
/^###? / { flush(); heading($0); next }
/^\|/ { if (kind != "table") flush(); kind = "table"; rows[++nr_rows] = $0; next }
/^    / { if (kind != "code") flush(); kind = "code"; text = text "\n" substr($0, 5); next }
/^- / { flush(); kind = "item"; text = substr($0, 3); next }
/^$/ { flush(); next }
{ text = text (text == "" ? "" : " ") trim($0) }

END {
	if (ARGC == 1)
		exit
	flush()
	print ".SH SEE ALSO\n.BR provium (1)"
}

function header(title, section, name, what)
{
	print "'\\\" t\n.TH " roff(title) " " section " " date " Provium"
	print ".SH NAME\n" roff(name) " \\- " roff(what)
}

function heading(line,    level)
{
	level = line ~ /^###/ ? ".SS " : ".SH "
	sub(/^#+ /, "", line)
	gsub(/`/, "", line)
	print level quoted(level == ".SH " ? toupper(line) : line)
	is_after_heading = 1
}

# Prints the part of the page that was read last.
function flush()
{
	if (kind == "table")
		table()
	else if (kind == "code")
		literal(substr(text, 2))
	else if (text != "") {
		if (kind == "item")
			print ".IP \\(bu 3"
		else
			new_paragraph()
		paragraph(text)
	}
	kind = text = ""
	nr_rows = 0
}

function table(    i, j, n, cell)
{
	new_paragraph()
	print ".TS\nlb lb\nl lx."
	for (i = 1; i <= nr_rows; i++) {
		if (i == 2)
			continue
		n = split(rows[i], cell, / *\| */)
		for (j = 2; j < n; j++) {
			print (j > 2 ? "\tT{" : "T{")
			paragraph(cell[j])
			printf "T}"
		}
		print ""
	}
	print ".TE"
}

# --- provium(1) ---

# Prints the section of each command, in the order of `provium --help`.
function commands(    line, name, names, nr, i)
{
	print ".SH SYNOPSIS\n.B provium\n.I COMMAND\n.RI [ ARGUMENT ]...\n.SH DESCRIPTION"
	is_after_heading = 1
	while (((runner " --help") | getline line) > 0)
		if (line ~ /^  [a-z]/) {
			split(trim(line), name, " ")
			names[++nr] = name[1]
			tagged(name[1], trim(substr(trim(line), length(name[1]) + 1)))
		} else if (line ~ /^[A-Z]/) {
			new_paragraph()
			print inline(line) ":"
		}
	print ".SH COMMANDS"
	for (i = 1; i <= nr; i++)
		command(names[i])
}

function command(name,    line, before, tag, description)
{
	print ".SS provium " roff(name)
	while (((runner " " name " --help") | getline line) > 0) {
		if (line ~ /^(usage:|   or:) /) {
			print (line ~ /^usage/ ? ".B " : ".br\n.B ") roff(substr(line, 8))
		} else if (line ~ /^        /) {	# goes on with a description
			description = description " " trim(line)
		} else if (line ~ /^  /) {
			end_tag(tag, description)
			if (text != "")
				flush()
			tag = trim(split_tag(line))
			description = trim(substr(line, 3 + length(tag)))
		} else {
			end_tag(tag, description)
			tag = description = ""
			if (line == "")
				flush()
			else
				text = text (text == "" ? "" : " ") line
		}
	}
	end_tag(tag, description)
	flush()
}

# The text of a line before its description: options have theirs in column 21,
# other lines after two blanks or more.
function split_tag(line)
{
	if (line ~ /^  -/ && substr(line, 20, 1) == " " && substr(line, 21, 1) != " ")
		return substr(line, 3, 17)
	line = substr(line, 3)
	return match(line, /  +/) ? substr(line, 1, RSTART - 1) : line
}

# A tag without a description is an example.
function end_tag(tag, description)
{
	if (tag != "" && description == "")
		literal(tag)
	else if (tag != "")
		tagged(tag, trim(description))
}

# --- roff ---

function tagged(tag, description)
{
	print ".TP\n.B " roff(tag)
	paragraph(description)
}

function literal(lines)
{
	gsub(/\n+$/, "", lines)
	lines = roff(lines)
	gsub(/\n/, "\n\\\\\\&", lines)
	new_paragraph()
	print ".RS 4\n.nf\n\\&" lines "\n.fi\n.RE"
}

# A heading begins a paragraph by itself.
function new_paragraph()
{
	if (!is_after_heading)
		print ".PP"
	is_after_heading = 0
}

# Prints the text in lines of at most 78 bytes.
function paragraph(text,    i, n, word, line)
{
	n = split(inline(text), word, " ")
	for (i = 1; i <= n; i++) {
		if (line != "" && length(line) + length(word[i]) > 77) {
			print line
			line = ""
		}
		if (line == "" && word[i] ~ /^[.']/)
			word[i] = "\\&" word[i]
		line = line (line == "" ? "" : " ") word[i]
	}
	print line
}

# Converts `code` and [text](address).
function inline(text,    i, n, part, out)
{
	while (match(text, /\]\([^)]*\)/)) {
		out = substr(text, 1, RSTART - 1)
		text = substr(text, RSTART + RLENGTH)
		sub(/\[[^[]*$/, "&", out)
		i = last_bracket(out)
		text = substr(out, 1, i - 1) substr(out, i + 1) text
	}
	n = split(text, part, "`")
	out = ""
	for (i = 1; i <= n; i++)
		out = out (i % 2 ? roff(part[i]) : "\\fB" roff(part[i]) "\\fR")
	return out
}

function last_bracket(text,    i)
{
	for (i = length(text); i > 0 && substr(text, i, 1) != "["; i--)
		;
	return i
}

function roff(text)
{
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/…/, "...", text)
	return text
}

# One argument of a macro.
function quoted(text)
{
	text = roff(text)
	gsub(/"/, "\\(dq", text)
	return "\"" text "\""
}

function trim(text)
{
	gsub(/^[ \t]+|[ \t]+$/, "", text)
	return text
}
