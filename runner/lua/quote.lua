-- SPDX-License-Identifier: GPL-2.0-only
-- Quotes a text as one word for the shell.

return function(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
