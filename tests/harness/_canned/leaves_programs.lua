-- SPDX-License-Identifier: GPL-2.0-only
-- Its shell and the program in the shell's background write their numbers to
-- the file PIDS and do not end.

test("starts programs", { timeout = os.getenv "LIMIT" }, function()
	os.execute("sh -c 'echo $$ >>$PIDS; exec sleep 1000' & echo $$ >>$PIDS; sleep 1000; true")
end)
