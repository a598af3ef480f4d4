-- SPDX-License-Identifier: GPL-2.0-only
-- A VM that makes short calls, each with a short limit. The limit in seconds is written
-- to the file "calls" in the folder $PROVIUM_HOST_FAULT before the first one.

local session = require "provium.session"

local vm = provium.create():boot { memory = "128M" }
vm.timeout = 1
local file = assert(io.open(os.getenv("PROVIUM_HOST_FAULT") .. "/calls", "w"))
file:write(vm.timeout * session.slowness)
file:close()
test("makes calls", function()
	for _ = 1, 10 do assert(vm:exec("sleep 0.3").ok) end
end)
