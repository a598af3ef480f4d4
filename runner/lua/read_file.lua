-- SPDX-License-Identifier: GPL-2.0-only
-- Reads a whole file on the host. Returns its content, or nil if it cannot be
-- read.

return function(path)
	local file = io.open(path, "rb")
	local content = file and file:read("a")
	if file then file:close() end
	return content
end
