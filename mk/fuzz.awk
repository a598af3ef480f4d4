# SPDX-License-Identifier: GPL-2.0-only
# The result of one fuzz target, from libFuzzer's statistics and the report of
# "llvm-cov report -show-functions".
#
#   -v name=TARGET -v functions="FILE:FUNCTION,... ..." -v least=PERCENT
#   -v root=FOLDER/  the top of the tree; paths in the report are absolute
#
# A target of Lua code prints how many of its lines were run as
# "stat::lua_lines: RUN ALL".
#
# Fails if a function is not in the report, or if less than `least` percent of
# the functions' lines were run.

BEGIN {
	nr_files = split(functions, files, " ")
	for (i = 1; i <= nr_files; i++) {
		split(files[i], part, ":")
		n = split(part[2], names, ",")
		for (k = 1; k <= n; k++)
			wanted[part[1] ":" names[k]] = 1
	}
}

/^stat::number_of_executed_units:/ { executions = $2 }
/^stat::lua_lines:/               { lines += $3; missed += $3 - $2 }
/^stat::lua_not_run:/             { poor = poor " line " $2 }
/^stat::average_exec_per_sec:/     { per_second = $2 }

# The report has a line "File 'PATH':" for each file, then a line for each
# function in it. The name of a static function is FILE:FUNCTION. The columns
# are: name, regions, missed, cover, lines, missed, cover.
/^File '/ {
	file = $2
	gsub(/[':]/, "", file)
	if (index(file, root) == 1)
		file = substr(file, length(root) + 1)
	next
}

{
	f = $1
	sub(/^.*:/, "", f)
	f = file ":" f
	if (f in wanted && NF >= 7) {
		lines += $5
		missed += $6
		if ($6)
			poor = poor " " $1 "(" $6 ")"
		delete wanted[f]
	}
}

END {
	for (f in wanted) {
		printf "fuzz: %s: the coverage report has no function %s; correct decoder_%s in mk/fuzz.mk\n",
			name, f, name
		bad = 1
	}
	percent = lines ? 100 * (lines - missed) / lines : 100
	printf "fuzz: %-13s %9d executions, %6d a second, %3d%% of %d lines\n",
		name, executions, per_second, percent, lines
	if (percent < least) {
		printf "fuzz: %s: expected %d%% of the decoder's lines; not run:%s\n", name, least, poor
		bad = 1
	}
	exit bad
}
