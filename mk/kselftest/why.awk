# SPDX-License-Identifier: GPL-2.0-only
# The output of make -k -O for a folder of selftests ─▶ for each program that
# could not be built, its name, a tab and the first line that says why.

/(^|\/)(gcc|cc|clang)[^ ]* .* -o / { first = ""; next }

/error:|error :|cannot find|undefined reference|not found|[Nn]o such file/ && !first { first = $0 }

/\*\*\* \[.*\] Error/ {
	sub(/.*: /, "")
	sub(/\] Error.*/, "")
	tell($0, first)
	first = ""
}

/\*\*\* No rule to make target/ {
	line = $0
	sub(/^make[^*]*\*\*\* /, "", line)
	sub(/.*needed by '/, "")
	sub(/'.*/, "")
	tell($0, line)
}

function tell(program, reason)
{
	sub(/.*\//, "", program)
	if (reason && !(program in told))
		print program "\t" reason
	told[program] = 1
}
