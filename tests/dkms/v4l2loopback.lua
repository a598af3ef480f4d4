-- SPDX-License-Identifier: GPL-2.0-only
-- v4l2loopback-dkms: frames that are written to a video device are read from it
-- (linux/videodev2.h).

local dkms = require "dkms"

local QUERYCAP, S_FMT, G_FMT = provium.IOR("V", 0, 104), provium.IOWR("V", 5, 208), provium.IOWR("V", 4, 208)
local CAPTURE, OUTPUT = 1, 2
local YUYV = 0x56595559
local WIDTH, HEIGHT = 64, 48
local FRAME_BYTES = WIDTH * HEIGHT * 2

local case = dkms.tests("v4l2loopback", {}, function(vm)
	vm:insmod("v4l2loopback", { video_nr = { 7 }, card_label = { "Provium" } })
	vm:wait_until(function() return vm:exec("test -c /dev/video7").ok end, { interval = 0.05 })
end)

local function format(kind, width, height) return provium.pack("u32 x4 u32 u32 u32 u32 x184", kind, width, height, YUYV, 1) end

case("the device has driver, label and number of the module's parameters", function(vm)
	local fd = dkms.open(vm, "/dev/video7")
	local ret, cap = vm:ioctl(fd, QUERYCAP)
	assert_eq(0, ret)
	assert_contains(cap, "v4l2 loopback\0")
	assert_contains(cap, "Provium\0")
	vm:syscall("close", fd)
end)

case("a frame that is written is read with the writer's format", function(vm)
	local writer, reader = dkms.open(vm, "/dev/video7"), dkms.open(vm, "/dev/video7")
	assert_eq(0, (vm:ioctl(writer, S_FMT, format(OUTPUT, WIDTH, HEIGHT))))
	local frame = ("frame of video "):rep(FRAME_BYTES // 15 + 1):sub(1, FRAME_BYTES)
	assert_eq(FRAME_BYTES, vm:syscall("write", writer, frame, FRAME_BYTES))
	local ret, its = vm:ioctl(reader, G_FMT, format(CAPTURE, 0, 0))
	assert_eq({ 0, WIDTH, HEIGHT, YUYV }, { ret, provium.unpack("u32 u32 u32", its, 8) })
	local n, data = vm:syscall("read", reader, provium.out(FRAME_BYTES), FRAME_BYTES)
	assert_eq(FRAME_BYTES, n)
	assert_eq(frame, data)
	vm:syscall("close", reader)
	vm:syscall("close", writer)
end)

case("the module can be removed, and its device is gone", function(vm)
	vm:rmmod("v4l2loopback")
	assert(not vm:exec("test -e /dev/video7").ok)
end)
