# SPDX-License-Identifier: GPL-2.0-only
# Reads KTAP as the kernel's kunit.py does: kunit.py FOLDER FILE; a line a test.
import contextlib
import io
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])

with open(sys.argv[2], errors="backslashreplace") as file:
    lines = file.read().splitlines()
with contextlib.redirect_stdout(io.StringIO()) as said:
    import kunit_parser
    main = kunit_parser.parse_run_tests(lines)


def show(test, depth):
    print("  " * depth + test.status.name + " " + test.name)
    for child in test.subtests:
        show(child, depth + 1)


for test in main.subtests:
    show(test, 0)
print("errors", main.counts.errors)
if main.counts.errors:
    print(said.getvalue())
