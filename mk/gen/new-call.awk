# SPDX-License-Identifier: GPL-2.0-only
# make new-syscall: checks a new row for a module's .def, then writes all that a
# call needs.
#
#	printf '%s\n\t%s\n' '1010 frobnicate fd:int buf:in:len' 'What it does.' |
#	awk -v others='other.def ...' -v what=new -f calls.awk -f new-call.awk FOLDER/kacs.def -
#
# calls.awk reads the new row after the .def's own rows, and so finds what is
# wrong with it. Nothing is written before all checks have passed.

END {
	folder = ARGV[1]
	sub(/\/[^\/]*$/, "", folder)
	handler_file = folder "/do_" name[n] ".c"
	test_file = "tests/" module "_" name[n] ".lua"
	if (FNR != 2)
		refuse("NAME, NR, ARGS and DOC are one line each")
	check_others()
	check_free(handler_file)
	check_free(test_file)
	check_symbol()
	check_kbuild()
	write_all()
	explain()
}

function refuse(message)
{
	printf "new-syscall: %s\n", message >"/dev/stderr"
	exit 1
}

function exists(file,    l, found)
{
	found = (getline l < file) >= 0
	close(file)
	return found
}

function check_free(file)
{
	if (exists(file))
		refuse(file " is there already")
}

# Two modules that use the same number could not be loaded together.
function check_others(    i, count, file, l, w)
{
	count = split(others, file, " ")
	for (i = 1; i <= count; i++) {
		while ((getline l < file[i]) > 0)
			if (split(l, w, " ") >= 2 && w[1] == nr[n] && file[i] != ARGV[1])
				refuse("number " nr[n] " is " w[2] "'s already (" file[i] ")")
		close(file[i])
	}
}

# The handler must not have the name of a function in the module.
function check_symbol(    command, file)
{
	command = "grep -lw " module "_" name[n] " " folder "/*.[ch]"
	if ((command | getline file) > 0)
		refuse(module "_" name[n] " is something else's name already (" file ")")
	close(command)
}

function check_kbuild(    l, found)
{
	while ((getline l < (folder "/Kbuild")) > 0)
		if (l ~ "^" module "-(y|objs)[ \t]*[:+]?=")
			found = 1
	close(folder "/Kbuild")
	if (!found)
		refuse(folder "/Kbuild: expected a line \"" module "-y := …\" to put another object after")
}

function write_all(    file)
{
	file = folder "/" module ".def"
	printf "\n%s\n\t%s\n", row_text(), doc[n] >>file
	close(file)
	file = folder "/Kbuild"
	printf "%s-y += do_%s.o\n", module, name[n] >>file
	close(file)
	printf "%s", handler() >handler_file
	printf "%s", lua_test() >test_file
}

function row_text(    k, s)
{
	s = nr[n] " " name[n]
	for (k = 1; k <= args[n]; k++)
		s = s " " arg[n, k] ":" type[n, k] (len[n, k] ? ":" len[n, k] : "")
	return s
}

function handler()
{
	return "// SPDX-License-Identifier: GPL-2.0-only\n" \
	       "/* " module "_" name[n] "(): " module ".def says what it promises. */\n\n" \
	       "#include <linux/errno.h>\n#include <linux/uaccess.h>\n\n" \
	       "#include \"" module "_calls.h\"\n\n" prototype(n) "\n{\n" \
	       "\treturn -ENOSYS;\t/* this line is yours: 0 or more, or -errno */\n}\n"
}

function sample(t)
{
	if (t == "str") return "\"/\""
	if (t == "in" || t == "inout") return "\"\""
	if (t == "struct") return "(\"\\0\"):rep(64)"
	return "0"
}

function lua_test(    k, s)
{
	for (k = 1; k <= args[n]; k++)
		s = s (k > 1 ? ", " : "") sample(type[n, k])
	return "-- SPDX-License-Identifier: GPL-2.0-only\n" \
	       "-- " module "_" name[n] ": the first of its tests. It fails until the handler does something.\n\n" \
	       "local calls = require \"calls\"\n\n" \
	       "local vm, test = calls.boot(\"" module "\")\n\n" \
	       "test(\"" name[n] ": a plain call succeeds\", function()\n" \
	       "\tassert_eq(0, (vm." module ":" name[n] "(" s ")))\nend)\n"
}

function explain()
{
	printf "%s_%s is system call %d. Written:\n", module, name[n], nr[n]
	printf "  %-34s its row: say there which errors it gives\n", folder "/" module ".def"
	printf "  %-34s its handler: the line with -ENOSYS is yours\n", handler_file
	printf "  %-34s builds the handler\n", folder "/Kbuild"
	printf "  %-34s its test, which fails until then\n", test_file
	printf "Next: fill in that line, then: make test T=%s_%s\n", module, name[n]
	printf "From Lua it is vm.%s:%s(%s); make writes docs/%s.md.\n", module, name[n], lua_args(n), module
}
