-- Tests with results that come while a program runs, from a VM that is none.
local ktap = require "provium.ktap"
local stream = require "provium.result_stream"

local vm = { core = { console_size = function() return 0 end }, log_next = 0, is_running = function() return false end }
vm.root = vm

local function run()
	local reader = stream.new(vm, ktap.new(), { 1 })
	reader:begin()
	reader:take("1..1\n  # Subtest: outer\n  # why\n  not ok 1 in", "")
	reader:take("ner\n", "")
end

test("comes", run)
test("dies", function()
	run()
	os.execute "kill -9 $PPID"
end)
