-- SPDX-License-Identifier: GPL-2.0-only
-- A file without test() is one test.

assert_eq(4, 2 + 2)
