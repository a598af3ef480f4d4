-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --chaos SEED: the timing of recorded VMs, from the seed.
--
-- The speed of the guest's clock decides how much of a program runs between two
-- ticks, and whether a timer expires before or after some work.  The noise
-- (agent/guest/noise.h) interrupts processes at random instants.

local chaos = {}

-- An instruction takes 2^shift ns.  With more than 2^6, a guest does little but
-- handle its timer's interrupts.
local SHIFTS = { 0, 1, 2, 3, 4, 5, 6 }
-- The mean number of instructions between two interruptions by the noise, which
-- takes some thousands itself.
local NOISE = { 5000, 10000, 30000, 100000 }

-- splitmix64 (Steele, Lea, Flood 2014): returns the random number that follows
-- from state.
local function mix(state)
	local z = state + 0x9e3779b97f4a7c15
	z = (z ~ z >> 30) * 0xbf58476d1ce4e5b9
	z = (z ~ z >> 27) * 0x94d049bb133111eb
	return z ~ z >> 31
end

-- Returns the timing of the file's VM of that number: shift, and the argument
-- for the guest's kernel, append.
function chaos.plan(seed, number)
	local random = mix(mix(seed) + number)
	local shift = SHIFTS[(random >> 8) % #SHIFTS + 1]
	local every = NOISE[(random >> 16) % #NOISE + 1]
	return { shift = shift, append = ("provium.noise=%d,%d"):format(random >> 32, every << shift) }
end

return chaos
