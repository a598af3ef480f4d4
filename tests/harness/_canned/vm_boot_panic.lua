-- SPDX-License-Identifier: GPL-2.0-only
-- A kernel that finds no init, and panics at boot.

provium.create():boot { memory = "128M", append = "rdinit=/nope init=/nope ignore_loglevel" }
