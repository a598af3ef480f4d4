-- SPDX-License-Identifier: GPL-2.0-only
-- provium.const: the kernel's constants by name.
--
-- Reading an unknown name raises an error: a nil among the arguments of a
-- system call would be noticed much later.

local core = require "provium.core"
local suggest = require "provium.suggest"

return setmetatable(core.const, {
	__index = function(const, name)
		if type(name) ~= "string" then
			error(("provium.const: expected a name, got %s"):format(type(name)), 2)
		end
		error(("provium.const: there is no constant \"%s\"%s"):format(name, suggest(name, const)), 2)
	end,
	__newindex = function(_, name)
		error(("provium.const.%s cannot be set"):format(tostring(name)), 2)
	end,
})
