-- SPDX-License-Identifier: GPL-2.0-only
-- The report for a browser, index.html, and the history that it shows.

local browser = require "browser"
local core = require "provium.core"
local runner = require "runner"
local tree = require "tree"

-- Text that would run, end the script or draw something if it were taken for
-- HTML or JavaScript.
local HOSTILE = [[</script><script nonce="provium">document.title = "owned"</script><img src=x onerror="owned()"><!-- ${owned} " ' ` & \ ]]

-- Returns the record of a file with nr tests, of which each hundredth failed,
-- beginning with the third.
local function record_of(name, nr, start)
	local tests = {}
	for i = 1, nr do
		local failed = i % 100 == 3
		tests[i] = {
			name = ("test %d of %s"):format(i, name), seconds = i / 1000,
			verdict = failed and "FAIL" or "ok", message = failed and "expected 0, got -13" or nil,
		}
	end
	return {
		file = "tests/" .. name, name = name, seconds = 2.5, tests = tests,
		verdict = nr >= 3 and "FAIL" or "ok",
		timeline = {
			start = start or 1800000000000, ms = 2600, budget = 1000,
			spans = { { "memory", 5, 100 }, { "boot", 100, 600 } },
			reserved = { { 100, 224, 1 }, { 2500, 0, 0 } },
			totals = { memory = { 1, 95 }, boot = { 1, 500 } },
		},
	}
end

-- Writes the records as results, and the reports of them. Returns the path of
-- the page.
local function write_page(dir, records, options)
	local args = { "make-summary", "--report", dir .. "/report", table.unpack(options or {}) }
	for i, record in ipairs(records) do
		args[#args + 1] = ("%s/%d"):format(dir, i)
		runner.write(args[#args] .. ".result", core.to_json(record))
		runner.write(args[#args] .. ".ok", "")
	end
	local r = runner.run(args)
	assert(r.status == 0 or r.status == 1, r.said)
	return dir .. "/report/index.html"
end

local function count(html, pattern) return select(2, html:gsub(pattern, "")) end

local function nr_rows(html) return count(html:match('<table id="rows".-</table>'), '<tr tabindex') end

-- Returns the text of the element with this id.
local function text_of(html, id)
	return (html:match((' id="%s"[^>]*>(.-)</'):format(id)))
end

for _, nr in ipairs { 0, 5, 5000 } do
	test(("the page of %d tests opens, and says how many there are"):format(nr), function()
		browser.need()
		runner.with_folder(function(dir)
			local records = {}
			for i = 1, math.max(1, nr // 100) do
				local name, start = ("f%d.lua"):format(i), 1800000000000 + i * 1000
				records[i] = record_of(name, math.min(nr, 100), start)
			end
			local html, said = browser.open(write_page(dir, records))
			assert_eq("", said)
			assert_eq(("%d of %d tests"):format(nr, nr), text_of(html, "shown"))
			assert_eq(math.min(nr, 100), nr_rows(html))
			assert_eq(nr // 100 + (nr == 5 and 1 or 0), count(html, '<details class="card'))
			assert_eq(#records, count(html, '<rect [^>]*class="run'))
			print(("%d tests: the page can be used after %s ms"):format(nr, html:match('data%-ready="(%d+)"')))
		end)
	end)
end

test("the page is one file that names no other, and lets no other script run", function()
	runner.with_folder(function(dir)
		local page = runner.read(write_page(dir, { record_of("a.lua", 3) }))
		for _, pattern in ipairs { "src=", "<link", "@import", "url%(" } do
			assert_eq(nil, page:match(pattern))
		end
		assert_contains(page, "default-src 'none'")
		local r = runner.run { "test", "--format", "html", "good.lua", "hostile.lua" }
		assert_eq({ "<!DOCTYPE html>", "</html>" }, { r.said:match("^[^\n]*"), r.said:match("([^\n]*)\n$") })
	end)
end)

test("the page shows text of any kind as text", function()
	browser.need()
	runner.with_folder(function(dir)
		local record = record_of("a.lua", 4)
		local bad = record.tests[3]
		for key in ("name message where repeat look in_gdb replay kept"):gmatch "%S+" do bad[key] = HOSTILE end
		bad.log, bad.source = { HOSTILE }, { where = HOSTILE, lines = { "> 1\t" .. HOSTILE } }
		bad.kernel = { { vm = 1, lines = { HOSTILE } } }
		bad.consoles = bad.kernel
		bad.results = { { name = HOSTILE, verdict = "FAIL", message = HOSTILE } }
		record.tests[4] = {
			name = "x", verdict = "BROKEN", message = HOSTILE,
			complaints = { { vm = 1, title = HOSTILE, lines = { HOSTILE }, source = bad.source } },
		}
		record.error = { verdict = "FAIL", message = HOSTILE }
		for key in ("file name output logs logs_error started accel kernels"):gmatch "%S+" do
			record[key] = HOSTILE
		end
		record.notes = { HOSTILE }
		local page = write_page(dir, { record }, { "--history", dir .. "/history" })
		local html, said = browser.open(page)
		assert_eq("", said)
		assert_eq({ 0, 0 }, { count(html, "<img"), count(html, "<title>owned") })
		assert_eq(2, count(html, "<script"))
		local as_text = HOSTILE:gsub("[<>&]", { ["<"] = "&lt;", [">"] = "&gt;", ["&"] = "&amp;" })
		local nr = count(html, (as_text:gsub("%p", "%%%0")))
		assert(nr >= 30, ("the text is shown %d times"):format(nr))
	end)
end)

test("the page shows the titles and messages of hostile.lua as its JSON has them", function()
	browser.need()
	runner.with_folder(function(dir)
		local said = runner.run({ "test", "--format", "html", "hostile.lua" }, { raw = true }).said
		local html, errors = browser.open(runner.write(dir .. "/page.html", said))
		assert_eq({ "", 12 }, { errors, nr_rows(html) })
		for _, title in ipairs { "&lt;b&gt;&amp;amp;&lt;/b&gt; &lt;![CDATA[ ]]&gt; --&gt; %s %d $(id) $HOME",
				"bytes \\xff\\xfe \\xc0\\x80", "\\x1b[31m", "ñàмé 🙂 漢字", "(no name)" } do
			assert_contains(html:match('<table id="rows".-</table>'), title)
		end
	end)
end)

local ODD = [==[{
	"file": 1, "error": 1, "tests": [1, null, {}, {
		"name": [], "verdict": {}, "message": 3, "complaints": [1, {}], "kernel": "x", "source": 1,
		"seconds": "x", "results": [[]]
	}],
	"timeline": {
		"start": 1, "ms": "x", "spans": [[], ["boot"], 1, ["boot", "a", 2]], "reserved": [1, []], "totals": 1
	}
}]==]

test("the page of a damaged result opens", function()
	browser.need()
	runner.with_folder(function(dir)
		local history = runner.write(dir .. "/history",
			'{"files":{"a":{"failed":[1]}}}\n{"files":{"a":{"ms":"x"}, "b":1, "c":null},"time":"x"}\n')
		local page = write_page(dir, { core.json(ODD), record_of("a.lua", 1) }, { "--history", history })
		local html, said = browser.open(page)
		assert_eq("", said)
		assert(html:match('data%-ready="'), "its script has ended")
	end)
end)

test("the address of the page can hold a filter", function()
	browser.need()
	runner.with_folder(function(dir)
		local page = write_page(dir, { record_of("a.lua", 250), record_of("b.lua", 20) })
		local html = browser.open(page, "#?q=B.LUA+test&show=failed")
		assert_eq({ "1 of 270 tests", 1 }, { text_of(html, "shown"), nr_rows(html) })
		assert_contains(html, "test 3 of b.lua</a>")
		html = browser.open(page, "#?q=no+such+test")
		assert_eq({ "0 of 270 tests", 0 }, { text_of(html, "shown"), nr_rows(html) })
	end)
end)

-- Presses keys and notes after each one what has the focus.
local KEYS = [[
const seen = [];
for (const key of ["/", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Enter", "ArrowDown"]) {
	document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
	seen.push(document.activeElement.innerText?.split("\n")[0].trim() || document.activeElement.id);
}
$("query").value = "4 of"; $("query").oninput();
seen.push($("shown").textContent, location.hash);
$("query").focus();
$("query").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
$("verdicts").children[0].click();
seen.push($("shown").textContent);
document.querySelectorAll("#rows th button")[2].click();
seen.push(document.querySelector("#rows tbody th").innerText.split("\n")[0]);
document.documentElement.dataset.seen = seen.join("|");
]]

test("the page can be used with the keyboard: /, arrows, Enter, Escape", function()
	browser.need()
	runner.with_folder(function(dir)
		local page = write_page(dir, { record_of("a.lua", 5), record_of("b.lua", 203) })
		local html, said = browser.open(page, "", KEYS)
		local seen = {}
		for word in html:match('data%-seen="(.-)"'):gmatch("[^|]+") do
			seen[#seen + 1] = word:match("test %d+ of %w+%.lua") or word
		end
		assert_eq({ "query", "test 3 of a.lua", "test 3 of b.lua", "test 103 of b.lua", "test 3 of b.lua",
			"test 3 of b.lua", "test 103 of b.lua", "39 of 208 tests", "#?q=4+of", "4 of 208 tests",
			"test 203 of b.lua" }, seen)
		assert_eq("", said)
	end)
end)

test("a file whose process dies has its beginning and duration in its record", function()
	runner.with_folder(function(dir)
		local base = dir .. "/dead"
		runner.write(dir .. "/dead.lua", "os.execute 'sleep 0.2'\nos.exit(3)\n")
		runner.run { "test", "--verdict", base, base .. ".lua" }
		local line = core.json(runner.read(base .. ".result")).timeline
		assert(line.ms >= 200 and line.start > 1700000000000, ("it began at %d and took %d ms"):format(line.start, line.ms))
	end)
end)

-- --- the history

local function history_of(path)
	local runs = {}
	for line in (runner.read(path) or ""):gmatch("[^\n]+") do runs[#runs + 1] = core.json(line) or line end
	return runs
end

test("make test adds a run to the history, with its failures, unless no file ran", function()
	tree.with({ a = "test('fine', function() assert(true) end)\n",
			b = "test('bad', function() assert_eq(1, 2) end)\nerror 'outside'\n" }, function(t)
		t:make()
		local path = t.dir .. "/out/test/small/history.jsonl"
		local runs = history_of(path)
		assert_eq({ 1, 1, 2 }, { #runs, runs[1].passed, runs[1].failed })
		assert_eq({ "bad" }, runs[1].files["tests/b.lua"].failed)
		assert_eq({ true, nil }, { runs[1].files["tests/b.lua"].error, runs[1].files["tests/a.lua"].error })
		assert(runs[1].time > 1700000000000 and runs[1].ms >= 0, "its time is in ms")
		t:make()
		runs = history_of(path)
		assert_eq({ 2, nil }, { #runs, runs[2].files["tests/a.lua"] })
		t:write("b", "test('bad', function() assert(true) end)\n")
		t:make()
		t:make()
		assert_eq(3, #history_of(path))
		assert_contains(t:read("out/report/index.html"), '"history":[{')
	end)
end)

test("the history keeps 50 runs, and drops lines that cannot be read", function()
	runner.with_folder(function(dir)
		local lines = {}
		for i = 1, 60 do lines[i] = ('{"time":%d,"files":{}}\n'):format(i) end
		lines[60] = "{\"time\":60,\"fil\n\xff\n[]\n1\n"
		local path = runner.write(dir .. "/history", table.concat(lines))
		write_page(dir, { record_of("a.lua", 1) }, { "--history", path })
		local runs = history_of(path)
		assert_eq({ 50, 11, 59, 1 }, { #runs, runs[1].time, runs[49].time, runs[50].passed })
	end)
end)

test("20 makes that end at the same time lose no run of the history", function()
	runner.with_folder(function(dir)
		write_page(dir, { record_of("a.lua", 1) })
		runner.shell(("cd %s; for i in $(seq 20); do %s make-summary --report r$i --history h 1 >/dev/null & done; wait")
			:format(runner.quote(dir), runner.quote(runner.path)))
		assert_eq(20, #history_of(dir .. "/h"))
	end)
end)

test("the page names a flaky test and a file that takes longer than usual", function()
	browser.need()
	runner.with_folder(function(dir)
		for i = 1, 4 do
			local record = record_of("a.lua", i % 2 == 1 and 3 or 2)
			record.seconds = i == 4 and 9 or 1
			write_page(dir, { record }, { "--history", dir .. "/history" })
		end
		local html = browser.open(dir .. "/report/index.html")
		local history = html:match('<section id="history".*</section>')
		assert_contains(history, "test 3 of a.lua")
		assert_contains(history, ">2 of 4</td><td class=\"\">flaky</td>")
		assert_contains(history, ">+8.00 s</td>")
	end)
end)
