-- SPDX-License-Identifier: GPL-2.0-only
-- Reads kernel module files (.ko): their information section and their symbols.
--
-- A .ko is an ELF file (elf(5)). Its section .modinfo has strings "key=value",
-- each with a NUL at its end (include/linux/module.h, moduleparam.h).

local quote = require "provium.quote"

local module_file = {}

local HEADER_BYTES, SECTION_BYTES = 64, 64	-- Elf64_Ehdr, Elf64_Shdr
local ELF64_LITTLE_ENDIAN = "\x7fELF\2\1"

-- Programs of the host that unpack a compressed module, by the file's first
-- bytes.
local UNPACKERS = {
	{ magic = "\xfd7zXZ\0", program = "xz", package = "xz-utils" },
	{ magic = "\x28\xb5\x2f\xfd", program = "zstd", package = "zstd" },
	{ magic = "\x1f\x8b", program = "gzip", package = "gzip" },
}

module_file.SUFFIXES = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" }

-- Returns the name that the kernel gives to the module of a file: "my_mod" for
-- "/x/my-mod.ko.xz".
function module_file.name_of(path)
	return (path:match("[^/]*$"):gsub("%.ko$", ""):gsub("%.ko%.%w+$", ""):gsub("-", "_"))
end

local function unpacker_of(data)
	for _, unpacker in ipairs(UNPACKERS) do
		if data:sub(1, #unpacker.magic) == unpacker.magic then return unpacker end
	end
end

-- Returns the unpacked contents; or nil and the reason.
local function unpack_file(path, unpacker)
	local pipe <close> = assert(io.popen(("%s -dc <%s 2>/dev/null"):format(unpacker.program, quote(path)), "r"))
	local data = pipe:read("a")
	local ok, _, code = pipe:close()
	if ok then return data end
	if code == 127 then
		return nil, ("it is compressed, and this machine has no %s to unpack it; install the package %s")
			:format(unpacker.program, unpacker.package)
	end
	return nil, ("it is compressed, and %s cannot unpack it: the file is damaged"):format(unpacker.program)
end

-- Returns the contents of the file at path, unpacked; or nil and the reason,
-- which names the path.
function module_file.read(path)
	local file, why = io.open(path, "rb")
	if not file then return nil, why end
	local data, read_error = file:read("a")
	file:close()
	if not data then return nil, ("%s: %s"):format(path, read_error) end
	local unpacker = unpacker_of(data)
	if not unpacker then return data end
	local unpacked, reason = unpack_file(path, unpacker)
	return unpacked, reason and ("%s: %s"):format(path, reason)
end

-- Returns the contents of all sections by name; raises an error if the file is
-- cut off.
local function sections_of(data)
	local table_at = string.unpack("<I8", data, 0x28 + 1)
	local entry_bytes, count, names_index = string.unpack("<I2I2I2", data, 0x3a + 1)
	local list, by_name = {}, {}
	if entry_bytes ~= SECTION_BYTES then error("bad section table") end
	for i = 0, count - 1 do
		local name, kind, _, _, at, size =
			string.unpack("<I4I4I8I8I8I8", data, table_at + i * SECTION_BYTES + 1)
		local is_stored = kind ~= 8		-- SHT_NOBITS
		if is_stored and at + size > #data then error("section past the end") end
		list[i] = { name = name, data = is_stored and data:sub(at + 1, at + size) or "" }
	end
	for _, section in pairs(list) do
		by_name[string.unpack("z", list[names_index].data, section.name + 1)] = section.data
	end
	return by_name
end

-- Returns the parameters of a module as { name = true }. A parameter without
-- modinfo (module_param_cb) still has a symbol.
local function params_of(info, symbols)
	local params = {}
	for _, key in ipairs { "parm", "parmtype" } do
		for _, value in ipairs(info[key] or {}) do params[value:match("^[^:]*")] = true end
	end
	for name in symbols:gmatch("%f[^\0]__param_str_([^\0.]+)") do params[name] = true end
	return params
end

-- Reads the contents of a .ko file. Returns { vermagic =, depends = names,
-- params = { name = true }, exports = { symbol = true } }; or nil and the
-- reason.
function module_file.parse(data)
	if data == "" then return nil, "the file is empty: the build of the module did not finish" end
	if data:sub(1, 4) ~= "\x7fELF" then
		return nil, ("the file is no ELF file: it begins with %q"):format(data:sub(1, 16))
	end
	if data:sub(1, 6) ~= ELF64_LITTLE_ENDIAN then return nil, "the file is for another processor than x86-64" end
	local ok, sections = pcall(sections_of, data)
	if #data < HEADER_BYTES or not ok then return nil, "the file is cut off or damaged: its sections end past its end" end
	if not sections[".modinfo"] then return nil, "the file is no kernel module: it has no section .modinfo" end
	local info, exports, depends = {}, {}, {}
	for key, value in sections[".modinfo"]:gmatch("([^=\0]+)=([^\0]*)") do
		info[key] = info[key] or {}
		table.insert(info[key], value)
	end
	local symbols = sections[".strtab"] or ""
	for name in symbols:gmatch("%f[^\0]__ksymtab_([^\0]+)") do exports[name] = true end
	for name in (info.depends and info.depends[1] or ""):gmatch("[^,]+") do depends[#depends + 1] = name end
	return {
		vermagic = info.vermagic and info.vermagic[1] or "", depends = depends,
		params = params_of(info, symbols), exports = exports,
	}
end

return module_file
