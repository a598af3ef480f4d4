-- SPDX-License-Identifier: GPL-2.0-only
-- vm:program(): a C file of the test's folder, built statically on the host,
-- and run in the guest as a kselftest is.

local core = require "provium.core"
local errors = require "provium.errors"
local options = require "provium.options"
local results = require "provium.results"
local session = require "provium.session"

local program = { methods = {} }

local BUILD_TIMEOUT_S = 300
local GUEST_DIR = "/run/provium"	-- /run is a tmpfs in every guest
local MODE = 493			-- 0755

-- The characters of a path that make reads as they are.
local PLAIN_PATH = "^[%w/._+,@-]+$"

-- Makes the verdict depend on the headers that the compiler has read. The file
-- at path lists them as a rule for make.
local function depend_on_headers(path)
	local file = io.open(path, "rb")
	local rule = file and file:read("a"):match "^[^:]*:(.-[^\\])\n" or ""
	if file then file:close() end
	for header in rule:gmatch "[^%s\\]+" do session.depend(header) end
end

-- Builds the C file. Returns the path of the program on the host.
local function build(src, label)
	local home, _, kit = core.home()
	local out = ("%s/programs%s"):format(home, src:gsub("%.c$", ""))
	if not (src .. out):find(PLAIN_PATH) then
		error(("%s: %s: the path has a character that make cannot handle; rename the file or folder")
			:format(label, src), 0)
	end
	session.depend(src)
	local status, output = core.run_tool({ "env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL",
		"make", "-s", "-f", kit .. "/mk/program/Makefile", "SRC=" .. src, "OUT=" .. out }, BUILD_TIMEOUT_S)
	if status ~= 0 then
		errors.raise(errors.KIND.fail, "%s does not build:\n%s", label,
			(("\n" .. output):gsub("\nmake[:%[][^\n]*", ""):gsub("^%s+", ""):gsub("%s+$", "")))
	end
	depend_on_headers(out .. ".d")
	return out, output
end

local function read_file(path)
	local file = assert(io.open(path, "rb"))
	local data = file:read "a"
	file:close()
	return data
end

local PROGRAM_OPTIONS = { args = true, timeout = true, env = true, tty = true }

function program.methods:program(path, opts)
	path = options.string("program", "path", path)
	local label = "program " .. path
	opts = options.check(label, opts, PROGRAM_OPTIONS)
	local src = core.realpath(session.find_file(path))
	local name = path:match "([^/]+)%.c$"
	if not name or not src then
		error(("%s: %s"):format(label, name and "there is no such file" or "expected a file NAME.c"), 0)
	end
	local binary = read_file(build(src, label))
	-- The VM's own executor writes the program: a worker can lack the right
	-- to write there.
	self.root:syscall("mkdir", GUEST_DIR .. "\0", MODE)
	self.root:write_file(GUEST_DIR .. "/" .. name, binary, { mode = MODE })
	local argv = { GUEST_DIR .. "/" .. name, table.unpack(opts.args or {}) }
	return results.run_program(label, name, self, argv,
		{ timeout = opts.timeout, env = opts.env, tty = opts.tty })
end

return program
