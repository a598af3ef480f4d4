# SPDX-License-Identifier: GPL-2.0-only
# Turns the preprocessor's "#define __NR_getpid 39" into "X(getpid, 39)".

BEGIN { print "/* SPDX-License-Identifier: GPL-2.0-only */" }

$2 ~ /^__NR_/ && $3 ~ /^[0-9]+$/ { printf "X(%s, %d)\n", substr($2, 6), $3 }
