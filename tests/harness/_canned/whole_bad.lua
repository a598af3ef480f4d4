-- SPDX-License-Identifier: GPL-2.0-only
-- A file without test() that fails.

log("on the way")
assert_eq(5, 2 + 2)
