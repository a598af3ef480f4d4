-- SPDX-License-Identifier: GPL-2.0-only
-- A VM with more memory than any host has.

provium.create():boot { memory = "900000G" }
