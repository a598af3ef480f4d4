# SPDX-License-Identifier: GPL-2.0-only
# A module's system calls, from its .def: everything that is made of them.
#
#	awk -v what=WHAT -f calls.awk modules/kacs/kacs.def
#
# what=header  kacs_calls.h: numbers and the handlers' prototypes
# what=source  kacs_calls.c: argument conversion, the table, its registration
# what=lua     kacs.calls.lua: for vm.kacs (runner/lua/calls.lua)
# what=page    docs/kacs.md
# what=new     nothing yet: see new-call.awk
#
# A row of the .def:
#
#	1003 create_token spec:in:len flags:flags
#		A line of what it does.
#		EPERM when
#
# An argument is NAME:TYPE, see `ctype` below; NAME:in:LEN, NAME:out:LEN,
# NAME:inout:LEN is a buffer and its length, NAME:struct:TAG a pointer to a
# struct. Lines that start with "#:" are text for the page, "#" is a comment.

BEGIN {
	FIRST = 1000
	LAST = 1063
	ctype["int"] = "int"
	ctype["fd"] = "int"
	ctype["u32"] = "u32"
	ctype["flags"] = "u32"
	ctype["u64"] = "u64"
	ctype["s64"] = "s64"
	ctype["str"] = "const char __user *"
	ctype["in"] = "const void __user *"
	ctype["out"] = "void __user *"
	ctype["inout"] = "void __user *"
	split("auto break case char const continue default do double else enum extern float for " \
	      "goto if inline int long register restrict return short signed sizeof static " \
	      "struct switch typedef union unsigned void volatile while current bool true false", list, " ")
	for (i in list)
		keyword[list[i]] = 1
	module = ARGV[1]
	sub(/.*\//, "", module)
	sub(/\.def$/, "", module)
}

/^#:/ { text[n + 0] = text[n + 0] substr($0, 4) "\n"; next }
/^[ \t]*(#|$)/ { next }
/^[^ \t]/ { row(); next }
!n { fail("a line about a call, before the first call"); next }
/^[ \t]+E[A-Z0-9]+ / { errors[n]++; errno[n, errors[n]] = $1; when[n, errors[n]] = rest(); next }
{ sub(/^[ \t]+/, ""); doc[n] = doc[n] (doc[n] ? " " : "") $0 }

END {
	for (i = 1; i <= n; i++)
		if (!doc[i])
			fail_at(line[i], name[i] ": no line says what it does")
	if (failed)
		exit 1
	if (what == "header") header()
	if (what == "source") source()
	if (what == "lua") lua()
	if (what == "page") page()
}

function fail_at(at, message)
{
	printf "%s: %s\n", FILENAME == "-" ? "new-syscall" : FILENAME ":" at, message >"/dev/stderr"
	failed = 1
}

function fail(message) { fail_at(FNR, message) }

function rest(    s)
{
	s = $0
	sub(/^[ \t]*[^ \t]+[ \t]+/, "", s)
	return s
}

# --- reading the .def ---

function row(    i)
{
	n++
	nr[n] = $1
	name[n] = $2
	line[n] = FNR
	if ($1 !~ /^[0-9]+$/ || $1 < FIRST || $1 > LAST)
		fail("number " $1 ": expected one of " FIRST " to " LAST)
	else if ($1 in by_nr)
		fail("number " $1 " is " name[by_nr[$1]] "'s already (line " line[by_nr[$1]] ")")
	else
		by_nr[$1] = n
	check_name($2, "a call")
	if ($2 in by_name)
		fail("there is a " $2 " already (line " line[by_name[$2]] ")")
	by_name[$2] = n
	for (i = 3; i <= NF; i++)
		argument($i)
	if (words[n] > 6)
		fail($2 ": " words[n] " arguments, and a system call has at most 6 (a buffer takes 2)")
}

function check_name(s, what)
{
	if (s !~ /^[a-z][a-z0-9_]*$/ || length(s) > 40 || s in keyword)
		fail("name \"" s "\" of " what ": expected small letters, digits and _, no word of C's")
}

function word(s)
{
	check_name(s, "an argument")
	if ((n, s) in seen)
		fail(name[n] ": two arguments are called " s)
	seen[n, s] = 1
	words[n]++
}

# Parses one argument of a row: it is one argument of the handler, and one or
# two words of the system call.
function argument(s,    part, parts, k)
{
	parts = split(s, part, ":")
	k = ++args[n]
	arg[n, k] = part[1]
	type[n, k] = part[2]
	word(part[1])
	if (part[2] ~ /^(in|out|inout)$/ && parts == 3) {
		len[n, k] = part[3]
		word(part[3])
	} else if (part[2] == "struct" && parts == 3) {
		len[n, k] = part[3]
		check_name(part[3], "a struct")
	} else if (!(part[2] in ctype) || part[2] ~ /^(in|out|inout)$/ || parts != 2) {
		fail("argument \"" s "\": expected NAME:TYPE with int, fd, u32, flags, u64, s64 or str; " \
		     "or NAME:in:LEN, NAME:out:LEN, NAME:inout:LEN, NAME:struct:TAG")
	}
}

# --- the C header and source ---

function is_buffer(t) { return t ~ /^(in|out|inout)$/ }

function c_type(i, k)
{
	return type[i, k] == "struct" ? "struct " len[i, k] " __user *" : ctype[type[i, k]]
}

function declare(t, s) { return t (t ~ /\*$/ ? "" : " ") s }

function prototype(i,    k, s)
{
	for (k = 1; k <= args[i]; k++) {
		s = s (k > 1 ? ", " : "") declare(c_type(i, k), arg[i, k])
		if (is_buffer(type[i, k]))
			s = s ", size_t " len[i, k]
	}
	return "long " module "_" name[i] "(" (s ? s : "void") ")"
}

function made_from()
{
	return "/* SPDX-License-Identifier: GPL-2.0-only */\n" \
	       "/* Made from " module ".def by mk/gen/calls.awk; do not edit. */\n"
}

function header(    i, k, guard, tags)
{
	guard = toupper(module) "_CALLS_H"
	printf "%s#ifndef %s\n#define %s\n\n#include <linux/compiler.h>\n#include <linux/types.h>\n\n", \
		made_from(), guard, guard
	for (i = 1; i <= n; i++)
		for (k = 1; k <= args[i]; k++)
			if (type[i, k] == "struct" && !(len[i, k] in tags)) {
				tags[len[i, k]] = 1
				printf "struct %s;\n", len[i, k]
			}
	printf "\nenum {\n"
	for (i = 1; i <= n; i++)
		printf "\tNR_%s_%s = %d,\n", module, name[i], nr[i]
	printf "};\n\n/* In init as the last step, in exit as the first: see <linux/provium_syscalls.h>. */\n" \
	       "int %s_calls_register(void);\nvoid %s_calls_unregister(void);\n", module, module
	for (i = 1; i <= n; i++)
		printf "\n/* %d: %s */\n%s;\n", nr[i], doc[i], prototype(i)
	print "\n#endif"
}

function convert(i,    k, at, s)
{
	for (k = 1; k <= args[i]; k++) {
		s = s (k > 1 ? ", " : "") "(" c_type(i, k) ")args[" at++ + 0 "]"
		if (is_buffer(type[i, k]))
			s = s ", args[" at++ + 0 "]"
	}
	return s
}

function source(    i)
{
	printf "%s#include <linux/kernel.h>\n#include <linux/module.h>\n#include <linux/provium_syscalls.h>\n\n" \
	       "#include \"%s_calls.h\"\n", made_from(), module
	for (i = 1; i <= n; i++)
		printf "\nstatic long call_%s(const unsigned long args[6])\n{\n\treturn %s_%s(%s);\n}\n", \
			name[i], module, name[i], convert(i)
	print "\nstatic const struct provium_syscall calls[] = {"
	for (i = 1; i <= n; i++)
		printf "\t{ %d, \"%s_%s\", call_%s, THIS_MODULE },\n", nr[i], module, name[i], name[i]
	printf "};\n\nint %s_calls_register(void)\n{\n\treturn provium_syscalls_register(calls, ARRAY_SIZE(calls));\n}\n" \
	       "\nvoid %s_calls_unregister(void)\n{\n\tprovium_syscalls_unregister(calls, ARRAY_SIZE(calls));\n}\n", \
		module, module
}

# --- the Lua file ---

function lua(    i, k)
{
	print "-- Made from " module ".def by mk/gen/calls.awk; do not edit.\nreturn {"
	for (i = 1; i <= n; i++) {
		printf "\t{ nr = %d, name = \"%s\", args = {", nr[i], name[i]
		for (k = 1; k <= args[i]; k++)
			printf " { name = \"%s\", type = \"%s\" },", arg[i, k], type[i, k]
		printf " }, errors = {"
		for (k = 1; k <= errors[i]; k++)
			printf " \"%s\",", errno[i, k]
		print " } },"
	}
	print "}"
}

# --- the reference page ---

# The arguments of vm.MODULE:NAME(). The length of a buffer is not among them.
function lua_args(i,    k, s)
{
	for (k = 1; k <= args[i]; k++)
		s = s (k > 1 ? ", " : "") (type[i, k] == "out" ? len[i, k] : arg[i, k])
	return s
}

function lua_results(i,    k, s)
{
	s = "ret"
	for (k = 1; k <= args[i]; k++)
		if (type[i, k] ~ /^(out|inout|struct)$/)
			s = s ", " arg[i, k]
	return s
}

function page(    v)
{
	printf "<!-- Made from modules/%s/%s.def by mk/gen/calls.awk; do not edit. -->\n", \
		module, module
	printf "# %s: system calls\n\n%s%s", module, text[0], text[0] ? "\n" : ""
	print "| nr | call | |\n| --- | --- | --- |"
	for (v = FIRST; v <= LAST; v++)
		if (v in by_nr)
			index_line(by_nr[v])
	for (v = FIRST; v <= LAST; v++)
		if (v in by_nr)
			section(by_nr[v])
}

function index_line(i)
{
	printf "| %d | [%s_%s](#%s_%s) | %s |\n", nr[i], module, name[i], module, name[i], doc[i]
}

# Returns the text, broken into lines of at most 80 columns.
function wrapped(text,    words, count, k, line, lines)
{
	count = split(text, words, " ")
	for (k = 1; k <= count; k++) {
		if (line && length(line " " words[k]) > 80) {
			lines = lines line "\n"
			line = ""
		}
		line = line (line ? " " : "") words[k]
	}
	return lines line
}

function section(i,    k, c)
{
	c = prototype(i)
	gsub(/ __user/, "", c)
	printf "\n## %s_%s\n\n%s\n\n    %s;\t/* %d */\n    %s = vm.%s:%s(%s)\n", module, name[i], wrapped(doc[i]), \
		c, nr[i], lua_results(i), module, name[i], lua_args(i)
	if (errors[i])
		print "\n| error | when |\n| --- | --- |"
	for (k = 1; k <= errors[i]; k++)
		printf "| %s | %s |\n", errno[i, k], when[i, k]
	if (text[i])
		printf "\n%s", text[i]
}
