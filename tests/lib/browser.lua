-- SPDX-License-Identifier: GPL-2.0-only
-- Opens a page in Chromium, without a window.

local runner = require "runner"

local browser = {}

local program = runner.shell("command -v chromium chromium-browser google-chrome | head -n 1")

-- Skips the test if there is no Chromium.
function browser.need()
	if program == "" then skip "needs chromium (make deps-dev)" end
end

-- Opens the file at path. address: what follows the file in the page's address,
-- such as "#part"; script: is run after the page's own. Returns the page's
-- elements as HTML, as they are then, and the messages of its scripts.
function browser.open(path, address, script)
	local dir, _ <close> = runner.new_folder()
	if script then
		local page = runner.read(path)
		path = runner.write(dir .. "/page.html", page .. ('<script nonce="provium">%s</script>'):format(script))
	end
	local url = "file://" .. path .. (address or "")
	-- timeout(1) ends the whole process group, and root may not use the
	-- browser's sandbox.
	local html = runner.shell(([[TMPDIR=%s HOME=%s %s -k 5 100 %s --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--user-data-dir=%s/data --enable-logging=stderr --dump-dom %s </dev/null 2>%s/said]])
		:format(dir, dir, runner.timeout, program, dir, runner.quote(url), dir))
	local said = {}
	for line in (runner.read(dir .. "/said")):gmatch("[^\n]*CONSOLE[^\n]*") do said[#said + 1] = line end
	return html, table.concat(said, "\n")
end

return browser
