-- SPDX-License-Identifier: GPL-2.0-only
-- vm:ktap(): the results that another test program prints become results
-- within the running test.

local check = require "provium.check"
local errors = require "provium.errors"
local ktap = require "provium.ktap"
local session = require "provium.session"
local show = require "provium.show"

local results = { methods = {} }

local MAX_NAMES = 5	-- most names of failed results in a message

-- Returns how a program ended, as Parser:judge() takes it. ok, r: what
-- pcall(vm.exec) returned.
local function ending(ok, r)
	if not ok then return { reason = r.message:match "[^\n]*" } end
	if r.signal then return { reason = ("killed by signal %d"):format(r.signal) } end
	return { exit_code = r.exit_code }
end

-- Returns "2 of 7 results failed: NAME, NAME".
local function failed_text(out)
	local names = {}
	ktap.each_leaf(out.results, function(result, path)
		if result.verdict == errors.VERDICT.fail then names[#names + 1] = path end
	end)
	local more = #names - MAX_NAMES
	return ("%d of %d results failed: %s%s"):format(out.failed, out.passed + out.failed + out.skipped,
		table.concat(names, ", ", 1, math.min(#names, MAX_NAMES)),
		more > 0 and (" and %d more"):format(more) or "")
end

-- Adds the results to the running test, and counts each as a check. Raises an
-- error if the program failed; skips the test if the program says so.
function results.take(label, out)
	local t = session.test
	check.count = check.count + out.passed + out.failed
	if t then
		t.results = t.results or {}
		table.move(out.results, 1, #out.results, #t.results + 1, t.results)
	end
	if out.failed > 0 then
		errors.raise(errors.KIND.fail, "%s: %s%s", label, failed_text(out),
			out.message and "\n" .. out.message or "")
	end
	if out.message then errors.raise(errors.KIND.fail, "%s: %s", label, out.message) end
	if out.skip then errors.raise(errors.KIND.skip, "%s: %s", label, out.skip) end
	return out
end

-- Returns what Parser:judge() does for a program with that output.
function results.read(output, ended)
	local parser = ktap.new()
	for line in output:gmatch "([^\n]*)\n?" do parser:take(line) end
	return parser:judge(ended)
end

function results.methods:ktap(cmd, opts)
	local ok, r = pcall(self.exec, self, cmd, opts)
	local kind = not ok and errors.kind_of(r)
	if not ok and not (kind and r.stdout) then error(r, 0) end
	local label = ("ktap %q"):format(show.command(cmd))
	local out = results.read(r.stdout.value, ending(ok, r))
	if not ok then
		-- The error says more than the results: where the program hung,
		-- or the guest's last words.
		pcall(results.take, label, out)
		error(r, 0)
	end
	return results.take(label, out)
end

return results
