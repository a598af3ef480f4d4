# SPDX-License-Identifier: GPL-2.0-only
# Counts the results of the host tests and of tests/harness/. Prints the output
# of those that failed.

# A host test prints "ok 1 - a name" for each check. The runner prints its
# counts in the last line: "ok: 12 passed" or "FAIL: 10 passed, 2 failed".
/^ok [0-9]+/     { passed++; next }
/^not ok [0-9]+/ { failed++; bad[FILENAME]++ }
/^ok: [0-9]+ passed/ { passed += $2; skipped += number_before("skipped"); next }
/^(FAIL|BROKEN): / {
	passed += number_before("passed")
	failed += number_before("failed") + number_before("broken")
	skipped += number_before("skipped")
	bad[FILENAME]++
}

/^# exit / {
	if ($3 != 0 && !bad[FILENAME]) {
		failed++
		text[FILENAME] = text[FILENAME] "ended with status " $3 "\n"
		bad[FILENAME]++
	}
	if (bad[FILENAME])
		printf "%s:\n%s", FILENAME, text[FILENAME]
	next
}

{ text[FILENAME] = text[FILENAME] $0 "\n" }

END {
	printf "selftest: %d passed, %d failed%s\n", passed, failed,
		skipped ? ", " skipped " skipped" : ""
	exit failed > 0
}

function number_before(word,    i)
{
	for (i = 2; i <= NF; i++)
		if (index($i, word) == 1)
			return $(i - 1)
	return 0
}
