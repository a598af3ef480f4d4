# SPDX-License-Identifier: GPL-2.0-only
# Turns the preprocessor's "#define EINVAL 22" into "X(EINVAL, 22)", names
# before aliases.

BEGIN { print "/* SPDX-License-Identifier: GPL-2.0-only */" }

$2 ~ /^E[0-9A-Z]+$/ && $3 ~ /^[0-9]+$/ { number[$2] = $3 }
$2 ~ /^E[0-9A-Z]+$/ && $3 ~ /^E[0-9A-Z]+$/ { stands_for[$2] = $3 }

END {
	for (name in number)
		printf "X(%s, %d)\n", name, number[name]
	for (name in stands_for)
		printf "X(%s, %d)\n", name, number[stands_for[name]]
}
