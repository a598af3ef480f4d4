-- SPDX-License-Identifier: GPL-2.0-only
-- pack, unpack, ioctl numbers, errno and nr: functions and tables of provium
-- that need no VM.

local pack, unpack = provium.pack, provium.unpack

test("pack writes integers little-endian and without padding", function()
	assert_eq("\x01\x02\x00\x03\x00\x00\x00\x04\0\0\0\0\0\0\0", pack("u8 u16 u32 u64", 1, 2, 3, 4))
end)

test("pack writes integers with be big-endian", function()
	assert_eq("\x12\x34\x12\x34\x56\x78\0\0\0\0\0\0\0\1", pack("u16be u32be u64be", 0x1234, 0x12345678, 1))
end)

test("pack writes negative numbers in two's complement", function()
	assert_eq("\xff\xfe\xff\xfd\xff\xff\xff\xfc\xff\xff\xff\xff\xff\xff\xff", pack("i8 i16 i32 i64", -1, -2, -3, -4))
end)

test("pack takes the lowest and the highest number of each type", function()
	local ends = { u8 = { 0, 0xff }, i8 = { -0x80, 0x7f }, u16 = { 0, 0xffff }, i16 = { -0x8000, 0x7fff },
		u32 = { 0, 0xffffffff }, i32 = { -0x80000000, 0x7fffffff }, u64 = { 0, -1 },
		i64 = { math.mininteger, math.maxinteger } }
	for kind, range in pairs(ends) do
		for _, v in ipairs(range) do
			assert_eq(v, (unpack(kind, pack(kind, v))), kind)
			assert_eq(v, (unpack(kind .. "be", pack(kind .. "be", v))), kind .. "be")
		end
	end
end)

test("the error of pack for a number out of range has the specifier and its position", function()
	local past = { u8 = { -1, 0x100 }, i8 = { -0x81, 0x80 }, u16 = { -1, 0x10000 }, i16 = { -0x8001, 0x8000 },
		u32 = { -1, 0x100000000 }, i32 = { -0x80000001, 0x80000000 } }
	for kind, range in pairs(past) do
		for _, v in ipairs(range) do
			assert_error(function() pack("u8 " .. kind, 0, v) end,
				("pack: %s at position 2: %d is out of range"):format(kind, v):gsub("%-", "%%-"))
		end
	end
end)

test("pack writes N zeros for xN, and takes no value for it", function()
	assert_eq("\1\0\0\0\2", pack("u8 x3 u8", 1, 2))
	assert_eq({ 1, 2 }, { unpack("u8 x3 u8", "\1???\2") })
end)

test("pack fills a string up to N bytes for sN", function()
	assert_eq("abc\0\0", pack("s5", "abc"))
	assert_eq("abc", pack("s3", "abc"))
	assert_eq("abc\0\0", (unpack("s5", "abc\0\0")))
end)

test("pack refuses a string longer than sN", function()
	assert_error(function() pack("s2", "abc") end, "pack: s2 at position 1: a string of 3 bytes does not fit")
end)

test("the error of pack for too few values names the first missing value", function()
	assert_error(function() pack("u8 u16 u32", 1, 2) end, "pack: u32 at position 3: no value for it, only 2 were given")
end)

test("the error of pack for too many values has both counts", function()
	assert_error(function() pack("u8 x4 u8", 1, 2, 3) end, "pack: 3 values given, the format \"u8 x4 u8\" takes 2")
end)

test("pack refuses a value of another type", function()
	assert_error(function() pack("u8", "1") end, "u8 at position 1: expected an integer, got string")
	assert_error(function() pack("u8", nil) end, "u8 at position 1: expected an integer, got nil")
	assert_error(function() pack("u8", 1.5) end, "u8 at position 1: expected an integer, got float")
	assert_error(function() pack("s4", 1) end, "s4 at position 1: expected a string, got number")
end)

test("pack takes a float without a fraction as an integer", function()
	assert_eq("\2", pack("u8", 2.0))
end)

test("the error of pack for an unknown specifier lists the known specifiers", function()
	assert_error(function() pack("u8 u24", 1, 2) end, "pack: unknown specifier \"u24\" at position 2; the specifiers are u8 i8 u16")
	assert_error(function() unpack("int", "") end, "unpack: unknown specifier \"int\" at position 1")
	assert_error(function() pack("s", "") end, "unknown specifier \"s\"")
	assert_error(function() pack("u32le", 1) end, "unknown specifier \"u32le\"")
end)

test("pack refuses a format that is no string", function()
	assert_error(function() pack(42) end, "pack: format: expected a string, got number")
	assert_error(function() unpack(nil, "") end, "unpack: format: expected a string, got nil")
end)

test("pack of an empty format returns an empty string", function()
	assert_eq("", pack(""))
	assert_eq(0, select("#", unpack("", "data")))
end)

test("unpack returns a value for each specifier but xN", function()
	assert_eq({ 1, 2, "ab\0\0", -1 }, { unpack("u8 u16be s4 i32", "\1\0\2ab\0\0\255\255\255\255") })
end)

test("unpack reads from an offset, and ignores data after the last field", function()
	assert_eq(0x0403, (unpack("u16", "\1\2\3\4\5", 2)))
end)

test("the error of unpack for too little data has both sizes", function()
	assert_error(function() unpack("u32", "abc") end, "unpack: \"u32\" needs 4 bytes, data has 3")
	assert_error(function() unpack("u32 u64", ("x"):rep(13), 2) end, "needs 12 bytes from offset 2 on, data has 11")
	assert_error(function() unpack("u8", "abc", 9) end, "needs 1 bytes from offset 9 on, data has 0")
end)

test("unpack refuses an offset outside the data", function()
	assert_error(function() unpack("u8", "abc", -1) end, "offset: expected an integer of 0 or more, got %-1")
	assert_error(function() unpack("u8", "abc", 1.5) end, "got 1.5")
end)

test("unpack refuses data that is no string", function()
	assert_error(function() unpack("u8", 42) end, "unpack: data: expected a string, got number")
end)

test("unpack returns a u64 above 2^63-1 as the integer with the same bits", function()
	assert_eq(-1, (unpack("u64", ("\xff"):rep(8))))
	assert_eq(("\xff"):rep(8), pack("u64", -1))
end)

-- --- ioctl numbers: the values are those of the kernel's headers ---

test("IO, IOR, IOW and IOWR return the kernel's ioctl numbers", function()
	assert_eq(0xC0104B00, provium.IOWR("K", 0, 16))
	assert_eq(0x4500, provium.IO("E", 0))
	assert_eq(0x80084501, provium.IOR("E", 1, 8))
	assert_eq(0x40084502, provium.IOW("E", 2, 8))
	assert_eq(0x80045430, provium.IOR("T", 0x30, 4))	-- TIOCGPTN
	assert_eq(0x40045431, provium.IOW("T", 0x31, 4))	-- TIOCSPTLCK
	assert_eq(0x5452, provium.IO("T", 0x52))		-- FIOASYNC
end)

test("IO takes the type as a letter or as a number", function()
	assert_eq(provium.IOWR("K", 7, 8), provium.IOWR(0x4b, 7, 8))
end)

test("IO, IOR and IOW refuse a wrong type, number or size", function()
	assert_error(function() provium.IOWR("KK", 0, 8) end, "IOWR: type: expected an integer from 0 to 255 or a letter, got KK")
	assert_error(function() provium.IOR("K", 256, 8) end, "IOR: nr: expected an integer from 0 to 255, got 256")
	assert_error(function() provium.IOW("K", 0, 16384) end, "IOW: size: expected an integer from 0 to 16383, got 16384")
	assert_error(function() provium.IO("K") end, "IO: nr: expected an integer from 0 to 255, got nil")
end)

-- --- errno and nr: names and numbers ---

test("provium.errno has numbers by name and names by number", function()
	assert_eq(22, provium.errno.EINVAL)
	assert_eq("EINVAL", provium.errno[22])
	assert_eq({ 1, 2, 13, 14, 38, 95 }, { provium.errno.EPERM, provium.errno.ENOENT, provium.errno.EACCES,
		provium.errno.EFAULT, provium.errno.ENOSYS, provium.errno.EOPNOTSUPP })
end)

test("provium.errno of a number with two names is the usual name", function()
	assert_eq(provium.errno.EAGAIN, provium.errno.EWOULDBLOCK)
	assert_eq("EAGAIN", provium.errno[11])
	assert_eq("EDEADLK", provium.errno[35])
end)

test("provium.errno of an unknown name or number is nil", function()
	assert_eq(nil, provium.errno.ENONESUCH)
	assert_eq(nil, provium.errno[9999])
end)

test("provium.nr has system call numbers by name", function()
	local nr = provium.nr
	assert_eq({ 0, 1, 39, 257, 425, 435 },
		{ nr.read, nr.write, nr.getpid, nr.openat, nr.io_uring_setup, nr.clone3 })
	assert_eq(nil, provium.nr.no_such_call)
end)

test("setting any field of provium but timeout is refused", function()
	assert_error(function() provium.tiemout = 3 end, "provium.tiemout cannot be set")
end)

test("pack and unpack: a format of too many bytes is refused", function()
	assert_error(function() pack("u8 x99999999999999999999", 1) end,
		"^pack: x99999999999999999999 at position 2: the format has more than 1073741824 bytes")
	assert_error(function() pack("x1073741824 x1") end, "^pack: x1 at position 2: the format has more than 1073741824 bytes")
	assert_error(function() unpack("s1073741825", "") end, "^unpack: s1073741825 at position 1: the format has more than")
end)

test("the error of unpack for a format of too many values says what to do", function()
	local n = 200000
	assert_error(function() unpack(("u8 "):rep(n), ("\1"):rep(n)) end,
		"^unpack: the format has more than 100000 values; unpack the data in parts, with an offset$")
	assert_eq(100000, select("#", unpack(("u8 "):rep(100000), ("\1"):rep(100000))))
end)

test("the error of struct() for a wrong pointer lists the accepted types", function()
	assert_error(function() provium.struct("u64 ptr", 1, true) end,
		"struct: ptr at position 2: expected an integer, a string, out%(%), inout%(%) or struct%(%), got boolean")
	assert_error(function() provium.struct("ptr") end, "struct: ptr at position 1: no value for it, only 0 were given")
	assert_error(function() provium.struct("prt", 0) end, 'struct: unknown specifier "prt" at position 1; .*, ptr$')
end)

test("pack refuses the specifier ptr, which only struct() has", function()
	assert_error(function() provium.pack("ptr", 0) end, 'pack: unknown specifier "ptr" at position 1')
end)

test("out() and inout() refuse a value that is neither a size nor data", function()
	assert_error(function() provium.out "x" end, "out: expected a size of 0 to %d+ bytes, got x")
	assert_error(function() provium.out(-1) end, "got %-1")
	assert_error(function() provium.inout(4) end, "inout: expected a string or a struct, got number")
end)
