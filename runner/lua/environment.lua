-- SPDX-License-Identifier: GPL-2.0-only
-- Lua's own library as a test file has it: coroutines that a time limit reaches, files that count as inputs.

local core = require "provium.core"

local environment = {}

-- A time limit has to interrupt coroutines, too: the core is told which one runs.
function environment.coroutines()
	local create, resume = coroutine.create, coroutine.resume
	local function back(before, ...)
		core.running(before)
		return ...
	end
	function coroutine.resume(co, ...)
		if type(co) ~= "thread" then return resume(co, ...) end
		return back(core.running(co), resume(co, ...))
	end
	local function unwrap(ok, ...)
		if ok then return ... end
		error((...), 0)
	end
	function coroutine.wrap(fn)
		local co = create(fn)
		return function(...) return unwrap(coroutine.resume(co, ...)) end
	end
end

-- Modules of the test's own: beside it, and in the lib/ folders above it; depend(path) is told of each.
function environment.require(dir, depend)
	package.path = ("%s/?.lua;%s/lib/?.lua;%s/../lib/?.lua"):format(dir, dir, dir)
	package.cpath = ""
	local find = package.searchers[2]
	package.searchers[2] = function(name)
		local loader, path = find(name)
		if type(loader) == "function" then depend(path) end
		return loader, path
	end
	for _, name in ipairs { "dofile", "loadfile" } do
		local plain = _G[name]
		_G[name] = function(path, ...)
			if path then depend(path) end
			return plain(path, ...)
		end
	end
end

return environment
