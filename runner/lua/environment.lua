-- SPDX-License-Identifier: GPL-2.0-only
-- Changes Lua's library for the test file: time limits reach coroutines, and
-- Lua files that are loaded become inputs.

local core = require "provium.core"

local environment = {}

-- The table coroutine that tests use. In this file's own environment that name
-- is a copy (embed.c).
local coroutine = _G.coroutine

-- Tells the core which coroutine runs, because the hook of a time limit must be
-- set in it.
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

-- Returns the value of package.path with which require() finds modules in dir,
-- dir/lib and dir/../lib.
function environment.search_path(dir) return ("%s/?.lua;%s/lib/?.lua;%s/../lib/?.lua"):format(dir, dir, dir) end

-- Lets require() find modules in these folders.  depend(path) is called for
-- every file that require(), dofile() or loadfile() load.
function environment.require(dir, depend)
	package.path = environment.search_path(dir)
	package.cpath = ""
	local find = package.searchers[2]
	package.searchers[2] = function(name)
		local path = package.searchpath(name, package.path)
		if path then depend(path) end
		return find(name)
	end
	for _, name in ipairs { "dofile", "loadfile" } do
		local original = _G[name]
		_G[name] = function(path, ...)
			if path then depend(path) end
			return original(path, ...)
		end
	end
end

return environment
