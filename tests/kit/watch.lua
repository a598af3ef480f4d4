-- SPDX-License-Identifier: GPL-2.0-only
-- make watch with a module and VMs: a user of an installed kit edits a module.

local installed = require "installed"
local kit = require "kit"
local runner = require "runner"
local session = require "provium.session"

for _, file in ipairs { "watch.mk", "installed.mk", "config.mk", "user-module.mk", "test.mk" } do
	session.depend(("%s/mk/%s"):format(kit.root, file))
end

local SOURCE = [[
#include <linux/module.h>
#include "../value.h"
MODULE_LICENSE("GPL");
static int value = VALUE;
module_param(value, int, 0444);
]]

local TEST = [[
test("the value is 2", { fixture = provium.profile }, function(vm)
	vm:insmod("drv")
	assert_eq("2\n", vm:exec("cat /sys/module/drv/parameters/value").stdout)
end)
]]

-- The steps of the user, and what is expected after each of them. The output is
-- in the module's folder, in a file that is left out.
local SCRIPT = [[
provium make watch T=value >.said 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait' EXIT
expect() {
	for i in $(seq 1200); do
		! grep -q "^watch: $1, " .said || return 0
		sleep 0.05
	done
	echo "no: $1"
	exit 1
}
expect 'run 1 failed'
echo '#define VALUE 2' >../value.h
expect 'run 2 passed'
sed -i 's/= VALUE/= VALUE + 1/' drv.c
expect 'run 3 failed'
sed -i 's/VALUE + 1/VALUE +/' drv.c
expect 'run 4 failed'
sed -i 's/VALUE +;/VALUE;/' drv.c
expect 'run 5 passed'
]]

local why = installed.missing()

test("make watch with an installed kit shows the verdict of each save of a module and of a header beside it", function()
	if why then skip(why) end
	runner.with_folder(function(dir)
		local user = installed.new(dir)
		local module = user.home .. "/work/drv"
		runner.add_file(module .. "/Kbuild", "obj-m := drv.o\n")
		runner.add_file(module .. "/drv.c", SOURCE)
		runner.add_file(module .. "/tests/value.lua", TEST)
		runner.add_file(user.home .. "/work/value.h", "#define VALUE 1\n")
		runner.shell(("chown -R --reference=%s %s/work"):format(user.home, user.home))
		local problem = user:run(module, SCRIPT)
		local said = runner.read(module .. "/.said")
		assert_eq(nil, problem:match("no: [^\n]*"), said)
		assert_contains(said, "the value is 2 ... FAIL: expected \"2\\n\", got \"1\\n\"")
		assert_contains(said, "watch: run 2: saved " .. user.home .. "/work/value.h")
		assert_contains(said, "watch: run 3: saved drv.c")
		assert_contains(said, "the value is 2 ... FAIL: expected \"2\\n\", got \"3\\n\"")
		assert_contains(said, module .. "/drv.c:4:27: error: ")
		assert_eq(0, runner.count_marked("HOME=" .. user.home))
	end)
end)
