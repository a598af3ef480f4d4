-- SPDX-License-Identifier: GPL-2.0-only
-- Tells whether the sources of a module that make has built have changed since.
-- A test that runs without make tests the module as it was built.
--
-- make builds a module in a copy of its folder, FOLDER.modules/tree/PATH for
-- /PATH, and puts a link to its .ko there into the profile's folder debug
-- (mk/modules.mk).

local core = require "provium.core"
local read = require "provium.read_file"

local function modified_at(path) return tonumber(core.identity(path):match(" ([%d.]+)")) end

-- Returns the first source in the folder that was written after its copy and
-- differs from it. The build of a module can change or add files in the copy.
local function first_change(folder, copy)
	for _, name in ipairs(core.list(folder)) do
		local is_source = name:find("%.[chS]$") or name == "Kbuild" or name == "Makefile"
		local source, built_from = folder .. "/" .. name, copy .. "/" .. name
		if is_source and core.identity(source) and core.identity(built_from) and
			modified_at(source) > modified_at(built_from) and read(source) ~= read(built_from) then
			return source
		end
	end
end

-- Returns the path of a source that has changed since the module with this file
-- name was built, and the module's folder; or nil. Looks only into the folder
-- of the .ko. info: vm.core:info().
return function(info, file_name)
	local built = info.debug and core.realpath(info.debug .. "/" .. file_name)
	local copy, folder = (built or ""):match("^(.*%.modules/tree(/.*))/[^/]*$")
	if copy then return first_change(folder, copy), folder end
end
