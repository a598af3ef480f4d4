-- SPDX-License-Identifier: GPL-2.0-only
-- Builds a fixture: runs its script and saves the VM that the script has made.

local core = require "provium.core"
local errors = require "provium.errors"
local fixture = require "provium.fixture"
local harness = require "provium.harness"
local kernel_log = require "provium.kernel_log"
local options = require "provium.options"
local session = require "provium.session"

local SCRIPT_OPTIONS = { leave_clean = true }
local MAX_BOOTS = 3	-- most boots, while the guest's kernel has no high-resolution timers

-- Returns the VM to save: the last one that the script has made.
local function vm_to_save(name)
	local vm = session.vms[#session.vms]
	if not vm then error(fixture.setup_failed("fixture %s: its script made no VM", name), 0) end
	local state = vm.core:info().state
	if state ~= "running" then
		local _, death = pcall(vm.read_file, vm, "/")	-- any call raises the reason of the death
		local new_error = errors.kind_of(death) == errors.KIND.broken and fixture.broken or fixture.setup_failed
		error(new_error("fixture %s: its VM is %s at the script's end, and must be running%s", name, state,
			state == "dead" and ": " .. tostring(death) or ""), 0)
	end
	return vm
end

-- Adds the state of the disk to an error that a full disk can cause. A guest's
-- memory is a file on that disk, and a guest that cannot write to it dies
-- without giving a reason.
-- is_setup: the script or its guest failed, unless the disk is full.
local function with_disk_state(name, message, is_setup)
	local store, is_full = core.fixture_store()
	local new_error = is_setup and not is_full and fixture.setup_failed or fixture.broken
	return new_error("fixture %s: %s%s", name, is_full and ("no space left in %s: "):format(store) or "", message)
end

-- Returns the options that the script has returned.
local function script_options(name)
	local opts = session.returned
	if type(opts) ~= "table" or getmetatable(opts) then return {} end	-- such as a VM
	local ok, err = pcall(options.check, "the script's result", opts, SCRIPT_OPTIONS)
	if not ok then error(fixture.setup_failed("fixture %s: %s", name, err), 0) end
	return opts
end

-- Saves the script's VM. Returns the manifest.
local function save(name, script)
	local vm = vm_to_save(name)
	local opts = script_options(name)
	local complaints, problems = kernel_log.take_complaints()
	if #complaints > 0 then
		error(fixture.setup_failed("fixture %s: the kernel complained: %s", name, kernel_log.titles(complaints)), 0)
	elseif #problems > 0 then
		error(fixture.setup_failed("fixture %s: %s", name, kernel_log.missing(problems)), 0)
	end
	if not vm:is_running() then vm_to_save(name) end	-- the VM died meanwhile: raises an error
	local ok, manifest = pcall(vm.core.save, vm.core, {
		name = name, script = script,
		default_profile = session.used_default_profile and core.default_profile() or nil,
		leave_clean = opts.leave_clean,
		inputs = session.input_paths("file"), identities = session.identities,
		parents = session.building.parents,
	})
	if not ok then error(with_disk_state(name, tostring(manifest)), 0) end
	return manifest
end

-- Runs the script. Returns nothing, or an error.
local function run(script, name, chain)
	local ok, result, is_setup = harness.run_script(script, fixture.BUILD_LIMIT_S, chain,
		script == fixture.BUILT_IN and fixture.boot_profile(name) or nil)
	if ok then return end
	if errors.kind_of(result) == errors.KIND.interrupted then return result end
	return with_disk_state(name, tostring(result), is_setup)
end

local function end_vms()
	fixture.drop_spare()
	session.kill_vms()
end

-- Runs the script again, a few times, if its VM has no high-resolution timers,
-- which a busy host can cause: every clone would lack them. Returns nothing, or
-- an error.
local function run_until_good(script, name, chain)
	for _ = 1, MAX_BOOTS do
		local err = run(script, name, chain)
		local vm = session.vms[#session.vms]
		if err or not vm or not vm:is_running() or not kernel_log.has_coarse_timers(vm) then return err end
		end_vms()
	end
	return fixture.broken("fixture %s: in %d boots, the kernel could not switch to high-resolution timers; " ..
		"build it while the host is less busy, or give its VM one processor", name, MAX_BOOTS)
end

-- Runs the script and saves its VM, even if the store has a current fixture.
-- Returns the manifest.
local function build_anew(name, script, chain)
	local ok, result = true, run_until_good(script, name, chain)
	if result then
		ok = false
	else
		ok, result = pcall(save, name, script)
	end
	end_vms()
	if not ok then error(result, 0) end
	return result
end

-- Builds the fixture unless there is a current one. chain: the names of the
-- fixtures that are being built and need this one. Returns the manifest, and
-- why the fixture was built (nil: it was current).
return function(name, script, chain)
	local _ <close> = core.fixture_lock(name)
	local handle, reason, warning = core.fixture_find(name, script)
	if handle then return handle:manifest() end
	io.stderr:write(warning)
	chain[#chain + 1] = name
	return build_anew(name, script, chain), reason
end
