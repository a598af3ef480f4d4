-- SPDX-License-Identifier: GPL-2.0-only
-- A VM that makes short calls, each with a short limit. The limit in seconds is written
-- to the file "calls" in the folder $PROVIUM_HOST_FAULT after the first one.

local session = require "provium.session"

local vm = provium.create():boot { memory = "128M" }
vm.timeout = 1

local function call() assert(vm:exec("sleep 0.3").ok) end

test("makes calls", function()
	call()
	local file = assert(io.open(os.getenv("PROVIUM_HOST_FAULT") .. "/calls", "w"))
	file:write(vm.timeout * session.slowness)
	file:close()
	for _ = 1, 10 do call() end
end)
