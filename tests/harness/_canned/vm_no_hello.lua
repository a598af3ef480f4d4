-- SPDX-License-Identifier: GPL-2.0-only
-- A kernel that boots with an init that never says hello.

provium.create():boot {
	memory = "128M", files = { ["/sleeper"] = "sleeper.sh" }, append = "rdinit=/sleeper ignore_loglevel",
	timeout = os.getenv("BOOT_TIMEOUT") or "300ms",
}
