-- SPDX-License-Identifier: GPL-2.0-only
-- A helper of uses_helper.lua.

return { data = "data/answer.lua" }
