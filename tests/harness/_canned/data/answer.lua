-- SPDX-License-Identifier: GPL-2.0-only
-- Data of uses_helper.lua.

return 42
