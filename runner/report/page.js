// SPDX-License-Identifier: GPL-2.0-only
// Makes what the reader of page.html sees, from the records of a run
// (runner/report/record.h) and the last runs (runner/make/history.h).
"use strict";

const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);

// --- reading the data: a damaged result can have values of any type

const list = value => Array.isArray(value) ? value : [];
const objects = value => list(value).filter(v => v && typeof v === "object");
const text = value => typeof value === "string" ? value : "";
const number = value => Number.isFinite(value) ? value : 0;
const lines = value => list(value).map(text);
const sum = values => values.reduce((a, b) => a + b, 0);
const largest = values => values.reduce((a, b) => Math.max(a, b), 0);

// --- words

const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
const percent = part => `${Math.round(part * 100)} %`;

function seconds(ms) {
	if (ms >= 60000) return `${Math.floor(ms / 60000)} min ${Math.floor(ms % 60000 / 1000)} s`;
	return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
}

// --- the tests of all files; an error outside of the tests counts as one

const KINDS = ["passed", "failed", "broken", "skipped"];
const kindOf = item => ({ ok: "passed", skip: "skipped", todo: "skipped", BROKEN: "broken" })[item.verdict] || "failed";

const records = objects(data.records);
const items = [];

function addItem(record, test, title) {
	const file = text(record.file);
	const search = [title, file, text(test.message), text(test.verdict)].join("\n").toLowerCase();
	items.push({ record, test, title, file, search, kind: kindOf(test), number: items.length });
}
for (const record of records) {
	for (const test of objects(record.tests)) addItem(record, test, text(test.name));
	if (record.error) addItem(record, record.error, "(the file)");
}

// --- making elements: text is always added as text, never as HTML

function fill(element, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {})) {
		if (typeof value === "function") element[name] = value;
		else element.setAttribute(name, value);
	}
	element.append(...children.flat(Infinity).filter(child => child !== null && child !== ""));
	return element;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
	fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Makes a table. A column is [title, class, function that makes the cell of a
// row]; the first column's cells are the headers of the rows.
function table(label, columns, rows) {
	const head = columns.map(([title, style]) => el("th", { scope: "col", class: style }, title));
	const cells = row => columns.map(([, style, cell], i) =>
		el(i ? "td" : "th", i ? { class: style } : { scope: "row", class: style }, cell(row)));
	return el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label },
		el("table", { "aria-label": label },
			el("thead", {}, el("tr", {}, head)),
			el("tbody", {}, rows.map(row => el("tr", {}, cells(row))))));
}
const folded = (...args) => el("details", {}, el("summary", {}, "The same as a table"), table(...args));

// --- the last runs

const filesOf = run => new Map(Object.entries(run.files || {}).filter(([, result]) => objects([result]).length));
const runs = objects(data.history).map(run => ({ ...run, files: filesOf(run) }));
const failedRuns = new Map();	// the numbers of the runs in which a test failed, by file and then by title

function addFailure(file, title, i) {
	if (!failedRuns.has(file)) failedRuns.set(file, new Map());
	const titles = failedRuns.get(file);
	if (!titles.has(title)) titles.set(title, new Set());
	titles.get(title).add(i);
}
runs.forEach((run, i) => {
	for (const [file, result] of run.files) {
		for (const title of lines(result.failed)) addFailure(file, title, i);
		if (result.error) addFailure(file, "(the file)", i);
	}
});

// Returns a character for each run: "·" if the file did not run, "?" if it
// ended early and the test may not have run. "" if the test never failed.
function marksOf(file, title) {
	const failed = failedRuns.get(file)?.get(title);
	const mark = (run, i) => {
		if (!run.files.has(file)) return "·";
		return failed.has(i) ? "✗" : run.files.get(file).error ? "?" : "✓";
	};
	return failed ? runs.map(mark).join("") : "";
}
const onlyRun = marks => marks.replace(/[·?]/g, "");
const nrFailed = marks => marks.replace(/[^✗]/g, "").length;

const NR_MARKS = 20;

function strip(marks) {
	const style = { "✗": "failed", "✓": "passed" };
	const label = `failed in ${nrFailed(marks)} of ${plural(onlyRun(marks).length, "run")}`;
	return el("span", { class: "strip", role: "img", "aria-label": label },
		[...marks].slice(-NR_MARKS).map(mark => el("span", { class: style[mark] || "muted" }, mark)));
}

// --- the summary

function summary() {
	const total = text(data.total), nrReused = records.filter(record => record.reused).length;
	const first = key => records.map(record => text(record[key])).find(value => value) || "";
	const started = records.map(record => text(record.started)).sort().at(-1);
	const kernels = new Set(records.flatMap(record => text(record.kernels).split(", ")));
	const facts = [
		plural(records.length, "file"), nrReused ? `${plural(nrReused, "verdict")} reused` : "",
		started ? `${started.replace("T", " ")} UTC` : "",
		[...kernels].filter(kernel => kernel).join(", "), first("accel"),
	];
	$("verdict").append(total);
	$("verdict").className = total.startsWith("ok") ? "passed" : "failed";
	$("facts").append(facts.filter(fact => fact).join(" · "));
	document.title = `${total} – Provium`;
}

// --- what is known about a failure

function copy(code) {
	const told = () => { $("said").textContent = "Copied"; };
	const select = () => {
		getSelection().selectAllChildren(code);
		document.execCommand("copy");
		told();
	};
	navigator.clipboard ? navigator.clipboard.writeText(code.textContent).then(told, select) : select();
}
function command(label, value) {
	if (!text(value)) return null;
	const code = el("code", {}, value);
	const button = { type: "button", "aria-label": `Copy: ${label}`, onclick: () => copy(code) };
	return el("div", { class: "command" }, el("span", {}, label), code, el("button", button, "Copy"));
}
const figure = (caption, content) => el("figure", {}, el("figcaption", {}, caption), el("pre", {}, content));
const log = (caption, value) => value ? figure(caption, value) : null;

function source(caption, part) {
	const shown = lines(part?.lines).map(line =>
		el("span", { class: line.startsWith(">") ? "at" : "" }, `${line}\n`));
	return shown.length ? figure(`${caption} ${text(part.where)}`, shown) : null;
}
// The entries of a stack that are in a module and have a line are bold.
function complaint(part) {
	const shown = lines(part.lines).map(line => el(/\[\w+\].*:\d+$/.test(line) ? "b" : "span", {}, `${line}\n`));
	const first = number(part.reports) > 1 ? `, the first of ${number(part.reports)} reports` : "";
	const caption = `The kernel of VM ${number(part.vm)} reported: ${text(part.title)}${first}`;
	return [figure(caption, shown), source("The module:", part.source)];
}
function kernelLog(part) {
	const more = part.more ? `, without ${plural(number(part.more), "line")} before these` : "";
	return log(`Kernel log of VM ${number(part.vm)}${more}`, lines(part.lines).join("\n"));
}
// Returns a line for each failed result that has no failed result inside it.
function failedResults(test, path = "") {
	return objects(test.results).flatMap(result => {
		const name = path + text(result.name), inside = failedResults(result, `${name}/`);
		const failed = ["failed", "broken"].includes(kindOf(result));
		if (inside.length || !failed) return inside;
		return [`${name} ... ${text(result.verdict)}: ${text(result.message)}`];
	});
}
function evidence({ record, test }) {
	const complaints = objects(test.complaints), where = text(test.where);
	return el("div", {},
		el("pre", { class: kindOf(test) }, text(test.message)),
		source("The test:", test.source) || (where ? el("p", {}, `at ${where}`) : null),
		complaints.map(complaint),
		el("h3", {}, "Commands"),
		command("repeat", test.repeat), command("look", test.look), command("in gdb", test.in_gdb),
		command("replay", test.replay), command("VM kept", test.kept),
		log("Failed results", failedResults(test).join("\n")),
		log("Log of the test", lines(test.log).join("\n")),
		complaints.length ? null : objects(test.kernel).map(kernelLog),
		objects(test.consoles).map(part =>
			log(`The console of VM ${number(part.vm)} ends`, lines(part.lines).join("\n"))),
		log("The file printed", text(record.output)),
		lines(record.notes).map(note => el("p", {}, `Note: ${note}`)),
		text(record.logs) ? el("p", {}, "Logs: ", el("code", {}, record.logs)) : null,
		text(record.logs_error) ? el("p", {}, `The logs could not be kept: ${record.logs_error}`) : null);
}
// A failure's evidence is made when it is opened.
function makeCard(item) {
	const card = el("details", { class: `card ${item.kind}-card`, id: `failure-${item.number}` },
		el("summary", {}, el("span", { class: `verdict ${item.kind}` }, text(item.test.verdict) || "FAIL"), " ",
			el("strong", {}, item.title || "(no name)"), " ",
			el("small", {}, text(item.test.where) || item.file)));
	item.card = card;
	item.open = () => {
		if (card.children.length === 1) card.append(evidence(item));
		card.open = true;
	};
	card.ontoggle = () => { if (card.open) item.open(); };
	return card;
}
function cards() {
	const failures = items.filter(item => item.kind === "failed" || item.kind === "broken");
	const none = el("p", {}, items.length ? "None: no test failed." : "No test ran.");
	$("cards").append(...failures.length ? failures.map(makeCard) : [none]);
	failures.slice(0, failures.length <= 3 ? 3 : 1).forEach(item => item.open());
}

// --- the table of tests

const FIRST_ROWS = 100;		// a table of thousands of rows takes seconds to appear
const COLUMNS = [		// title, class, what to sort by
	["Verdict", "", item => item.kind],
	["Test", "", item => item.title.toLowerCase()],
	["Seconds", "number", item => -number(item.test.seconds)],
	["Last runs", "runs", item => -nrFailed(marksOf(item.file, item.title))],
];
const state = { query: "", kinds: new Set(KINDS), column: -1, descending: false };
let chosen = [], visible = [];	// what the filter lets through, and those of it that have a row now

function makeRow(item) {
	const title = item.title || "(no name)", marks = marksOf(item.file, item.title);
	const why = item.kind === "passed" ? "" : text(item.test.message).split("\n")[0];
	return el("tr", {},
		el("td", { class: `verdict ${item.kind}` }, text(item.test.verdict) || "FAIL"),
		el("th", { scope: "row" },
			item.card ? el("a", { href: `#failure-${item.number}`, tabindex: -1 }, title) : title,
			el("small", {}, item.file + (why ? `: ${why}` : ""))),
		el("td", { class: "number" }, number(item.test.seconds).toFixed(2)),
		el("td", { class: "runs" }, marks ? strip(marks) : ""));
}
function sort() {
	const key = COLUMNS[state.column]?.[2], sign = state.descending ? -1 : 1;
	if (!key) return;
	const keys = new Map(chosen.map(item => [item, key(item)]));
	const before = (a, b) => keys.get(a) < keys.get(b);
	chosen.sort((a, b) => sign * (before(b, a) - before(a, b)) || a.number - b.number);
}
function showRows(nr) {
	const body = $("rows").tBodies[0], nrShown = visible.length;
	visible = chosen.slice(0, nr);
	if (!nrShown) body.replaceChildren();
	visible.forEach((item, i) => {
		item.row ??= makeRow(item);
		item.row.tabIndex = i ? -1 : 0;		// the arrow keys go to the others
		if (i >= nrShown) body.append(item.row);
	});
	$("more").hidden = visible.length === chosen.length;
	$("more").textContent = `Show ${chosen.length - visible.length} more`;
}
function show() {
	const words = state.query.toLowerCase().split(/\s+/);
	for (const item of items) {
		item.chosen = state.kinds.has(item.kind) && words.every(word => item.search.includes(word));
		if (item.card) item.card.hidden = !item.chosen;
	}
	chosen = items.filter(item => item.chosen);
	sort();
	visible = [];
	showRows(FIRST_ROWS);
	$("shown").textContent = `${chosen.length} of ${plural(items.length, "test")}`;
	for (const button of $("verdicts").children) button.setAttribute("aria-pressed", state.kinds.has(button.value));
}

// --- the filter, which the page's address remembers

function remember() {
	const filter = new URLSearchParams();
	if (state.query) filter.set("q", state.query);
	if (state.kinds.size < KINDS.length) filter.set("show", [...state.kinds].join(","));
	history.replaceState(null, "", `#?${filter}`);
	show();
}
// "#?q=WORDS&show=failed,broken" sets the filter, "#failure-3" opens a failure.
function followAddress() {
	const item = items[location.hash.match(/^#failure-(\d+)$/)?.[1]];
	if (location.hash.startsWith("#?")) {
		const filter = new URLSearchParams(location.hash.slice(2));
		state.query = $("query").value = filter.get("q") || "";
		state.kinds = new Set((filter.get("show") ?? KINDS.join(",")).split(","));
		show();
	} else if (item?.card) {
		item.open();
		item.card.hidden = false;
		item.card.firstChild.focus();
		item.card.scrollIntoView();
	}
}
function toggle(kind) {
	if (!state.kinds.delete(kind)) state.kinds.add(kind);
	remember();
}
function sortBy(column, heads) {
	state.descending = state.column === column && !state.descending;
	state.column = column;
	heads.forEach(head => head.removeAttribute("aria-sort"));
	heads[column].setAttribute("aria-sort", state.descending ? "descending" : "ascending");
	show();
}
function controls() {
	const nr = kind => items.filter(item => item.kind === kind).length;
	$("verdicts").append(...KINDS.filter(nr).map(kind =>
		el("button", { type: "button", value: kind, onclick: () => toggle(kind) }, `${kind} ${nr(kind)}`)));
	$("query").oninput = () => {
		state.query = $("query").value;
		remember();
	};
	$("filter").onsubmit = event => event.preventDefault();
	$("more").onclick = () => showRows(chosen.length);
	const heads = COLUMNS.map(([title, style], i) => el("th", { scope: "col", class: style },
		el("button", { type: "button", onclick: () => sortBy(i, heads) }, title)));
	$("rows").tHead.rows[0].append(...heads);
}

// --- the keyboard

// Moves the focus to the next (by 1) or previous (by -1) failure or test.
function move(from, by) {
	const failures = $("cards").querySelectorAll(".card:not([hidden]) > summary");
	const shown = [...failures, ...visible.map(item => item.row)];
	const at = shown.indexOf(from), to = shown[at < 0 ? 0 : at + by];
	if (!to) return;
	if (to.localName === "tr") {
		visible.forEach(item => { item.row.tabIndex = -1; });
		to.tabIndex = 0;
	}
	to.focus();
}
function onKey(event) {
	const { target, key } = event, inSearch = target === $("query");
	const by = { ArrowDown: 1, ArrowUp: -1 }[key];
	if (event.ctrlKey || event.altKey || event.metaKey) return;
	if (key === "/" && !inSearch) {
		$("query").focus();
	} else if (key === "Escape" && inSearch) {
		state.query = $("query").value = "";
		remember();
	} else if (by && (inSearch ? by > 0 : target.matches(".card > summary, #rows tbody tr"))) {
		move(target, by);
	} else if (key === "Enter" && target.localName === "tr") {
		target.querySelector("a")?.click();
	} else {
		return;
	}
	event.preventDefault();
}

// --- the timeline: the data

const PHASES = {
	run: "the file runs", boot: "boots a VM", resume: "makes a clone",
	fixture: "builds a fixture, or waits for its builder",
	memory: "waits for memory", tokens: "waits for job tokens",
};

// Returns the rows that have so many members, numbers after the first one.
const tuples = (value, nr) =>
	list(value).filter(row => list(row).length === nr && row.slice(1).every(Number.isFinite));

function timedFile(record) {
	const line = record.timeline, start = number(line.start), ms = number(line.ms);
	return {
		record, name: text(record.name), file: text(record.file), from: start, to: start + ms, ms,
		budget: number(line.budget),
		spans: tuples(line.spans, 3).filter(([kind]) => PHASES[kind]),
		steps: tuples(line.reserved, 3),
		nr: kind => number(list(line.totals?.[kind])[0]),
		total: kind => number(list(line.totals?.[kind])[1]),
	};
}
const timed = records.filter(record => !record.reused && number(record.timeline?.start)).map(timedFile)
	.sort((a, b) => a.from - b.from);
const begin = timed[0]?.from, end = largest(timed.map(file => file.to)), length = Math.max(end - begin, 1);

// Gives each file the first lane that is free. Returns the number of lanes.
function setLanes() {
	const ends = [];
	for (const file of timed) {
		const free = ends.findIndex(to => to <= file.from);
		file.lane = free < 0 ? ends.length : free;
		ends[file.lane] = file.to;
	}
	return ends.length;
}
// Returns [[time, sum]] for a list of changes, [time, difference].
function sums(changes) {
	let value = 0;
	return changes.sort(([a], [b]) => a - b).map(([time, by]) => [time, value += by]);
}
// Returns the sums over all files of a column of their steps.
function sumsOf(column) {
	return sums(timed.flatMap(file => {
		const ends = [...file.steps, [file.ms, 0, 0]];
		const before = i => i ? ends[i - 1][column] : 0;
		return ends.map((step, i) => [file.from + step[0], step[column] - before(i)]);
	}));
}
const highest = points => largest(points.map(([, value]) => value));

// --- the timeline: what it says

function reasons(memory) {
	const nr = kind => sum(timed.map(file => file.nr(kind)));
	const total = kind => sum(timed.map(file => file.total(kind)));
	const busy = sum(timed.map(file => file.ms)), budget = largest(timed.map(file => file.budget));
	const atOnce = highest(sums(timed.flatMap(file => [[file.from, 1], [file.to, -1]])));
	const longest = timed.reduce((a, b) => b.ms > a.ms ? b : a);
	const [last, other] = [...timed].sort((a, b) => b.to - a.to);
	const alone = last.to - Math.max(other?.to ?? begin, last.from);
	const share = kind => `${seconds(total(kind))}, ${percent(total(kind) / Math.max(busy, 1))} of the files' time`;
	const said = [`The run took ${seconds(length)}. On average ${(busy / length).toFixed(1)} files ran at once, ` +
		`at most ${atOnce}.`];
	const say = (holds, ...sentences) => holds && said.push(sentences.join(" "));
	say(other, `The run cannot be shorter than its longest file: ${longest.file},`, `${seconds(longest.ms)}.`);
	say(atOnce > 1 && alone > length / 20, `At the end, only ${last.file} ran, for ${seconds(alone)}.`);
	say(nr("memory"), `Waits for memory: ${share("memory")}.`, "More memory (PROVIUM_MEM) or smaller VMs help.");
	say(nr("tokens"), `Waits for job tokens: ${share("tokens")}.`, "Each VM needs one of make's jobs (-j).");
	say(nr("fixture"), `Waits until fixtures were built: ${share("fixture")}.`);
	say(nr("boot"), `${plural(nr("boot"), "boot")}: ${share("boot")}.`);
	say(nr("resume"), `${plural(nr("resume"), "clone")}: ${share("resume")}.`);
	say(highest(memory), `At most ${highest(memory)} MiB were reserved at once, of ${budget || "unknown"} MiB.`);
	return said;
}
function timeTable() {
	const time = (title, kind) => [title, "number", file => file.nr(kind) ? seconds(file.total(kind)) : ""];
	return folded("Files by duration", [
		["File", "", file => file.file], ["Started at", "number", file => seconds(file.from - begin)],
		["Took", "number", file => seconds(file.ms)],
		time("Memory", "memory"), time("Job tokens", "tokens"), time("Fixtures", "fixture"),
		time("Boots", "boot"), time("Clones", "resume"),
		["Most MiB", "number", file => `${largest(file.steps.map(([, mib]) => mib))}`],
	], [...timed].sort((a, b) => b.ms - a.ms));
}

// --- the timeline: the drawing

const TOP = 20, LANE = 26, BAR = 14, PHASE = 6, CHAR = 7;	// pixels

function drawAxis(width, height, x) {
	const least = length / Math.max(2, width / 110), power = 10 ** Math.floor(Math.log10(least));
	const distance = [1, 2, 5, 10].map(n => n * power).find(n => n >= least), marks = [];
	for (let ms = 0; ms <= length; ms += distance) {
		const at = x(begin + ms), anchor = at > width - 40 ? "end" : "start";
		marks.push(svg("line", { x1: at, x2: at, y1: 14, y2: height, class: "axis" }),
			svg("text", { x: at, y: 10, class: "muted", "text-anchor": anchor }, `${ms / 1000} s`));
	}
	return marks;
}
function drawSpan(file, [kind, from, to], x, y) {
	const left = x(file.from + from), right = x(file.from + to);
	return svg("rect", { x: left, y: y + BAR + 1, width: Math.max(right - left, 1), height: PHASE, class: kind },
		svg("title", {}, `${PHASES[kind]}: ${seconds(to - from)}`));
}
function drawFile(file, x) {
	const left = x(file.from), width = Math.max(x(file.to) - left, 1), y = TOP + file.lane * LANE;
	const nrChars = Math.floor(width / CHAR) - 1, verdict = text(file.record.verdict), { name } = file;
	const shown = name.length > nrChars ? `${name.slice(0, nrChars - 1)}…` : name;
	return svg("g", {}, svg("title", {}, `${file.file}: ${verdict}, ${seconds(file.ms)}`),
		svg("rect", { x: left, y, width, height: BAR, class: verdict === "ok" ? "run" : "run bad" }),
		file.spans.map(span => drawSpan(file, span, x, y)),
		nrChars > 3 ? svg("text", { x: left + 3, y: y + 11, class: "name" }, shown) : null);
}
function drawSums(points, x, top, height, label, limit) {
	const most = highest(points), max = Math.max(limit, most, 1);
	const y = value => top + height - value / max * height;
	const path = points.map(([time, value]) => `H${x(time).toFixed(1)}V${y(value).toFixed(1)}`).join("");
	return [svg("path", { d: `M0 ${y(0)}${path}V${y(0)}Z`, class: "area" }),
		svg("line", { x1: 0, x2: limit ? x(end) : 0, y1: y(limit), y2: y(limit), class: "limit" }),
		svg("text", { x: 2, y: top - 4 }, `${label}, at most ${most}`)];
}
function draw(width, vms, memory) {
	const x = time => (time - begin) / length * width;
	const below = TOP + setLanes() * LANE, height = below + 150;
	const most = highest(memory), budget = largest(timed.map(file => file.budget));
	const label = "Files, VMs and memory over time; the table below has the same";
	return svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label },
		drawAxis(width, height, x), timed.map(file => drawFile(file, x)),
		drawSums(vms, x, below + 20, 40, "running VMs", 0),
		drawSums(memory, x, below + 85, 60, "MiB of reserved memory", budget < 2 * most ? budget : 0));
}
function timeline() {
	const place = $("timeline").lastElementChild, ruler = el("div", {}), picture = el("div", {});
	if (!timed.length) {
		place.append("No file ran: every verdict is that of an earlier run.");
		return;
	}
	const vms = sumsOf(2), memory = sumsOf(1);
	const legend = Object.entries(PHASES).map(([kind, words]) => el("li", {}, el("i", { class: kind }), words));
	place.append(el("ul", {}, reasons(memory).map(reason => el("li", {}, reason))),
		ruler, picture, el("ul", { class: "legend" }, legend),
		el("p", { class: "muted" }, "A file that did not pass has a red edge. The dashed line is the budget. ",
			"Memory of the processes that build fixtures is not shown."),
		timeTable());
	const redraw = width => width && picture.replaceChildren(draw(width, vms, memory));
	redraw(ruler.clientWidth);
	new ResizeObserver(([{ contentRect: { width } }]) => redraw(width)).observe(ruler);
}

// --- the history

const NR_ROWS = 20;
const WIDTH = 600, HEIGHT = 100;	// of the drawing of all runs
const when = run => number(run.time) ? new Date(run.time).toISOString().slice(0, 16).replace("T", " ") : "";
const counts = run => KINDS.filter(kind => number(run[kind])).map(kind => `${run[kind]} ${kind}`).join(", ");

function drawRuns() {
	const max = Math.max(1, largest(runs.map(run => number(run.ms)))), wide = WIDTH / Math.max(runs.length, 25);
	const label = "How long the last runs took; the table below has the same";
	const kind = run => number(run.failed) ? "failed" : number(run.broken) ? "broken" : "passed";
	const bars = runs.map((run, i) => {
		const height = Math.max(number(run.ms) / max * HEIGHT, 2);
		return svg("rect", { x: i * wide, y: HEIGHT - height, width: wide - 2, height, class: kind(run) },
			svg("title", {}, `${when(run)}: ${seconds(number(run.ms))}, ${counts(run)}`));
	});
	const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, height: HEIGHT, preserveAspectRatio: "none" };
	return svg("svg", { ...box, role: "img", "aria-label": label }, bars);
}
function spark(times) {
	const max = Math.max(1, largest(times)), x = i => 1 + i / (times.length - 1) * 98, y = ms => 19 - ms / max * 18;
	const points = times.map((ms, i) => `${x(i).toFixed(1)},${y(ms).toFixed(1)}`).join(" ");
	const label = times.map(seconds).join(", ");
	return svg("svg", { viewBox: "0 0 100 20", class: "spark", role: "img", "aria-label": label },
		svg("polyline", { points }));
}
// Returns the files whose last duration differs most from the median before.
function changedFiles() {
	const times = new Map();
	for (const run of runs) {
		for (const [file, result] of run.files) times.set(file, [...times.get(file) || [], number(result.ms)]);
	}
	const compared = [...times].filter(([, all]) => all.length > 1).map(([file, all]) => {
		const before = all.slice(0, -1).sort((a, b) => a - b), usual = before[Math.floor(before.length / 2)];
		return { file, all, usual, last: all.at(-1), by: all.at(-1) - usual };
	});
	return compared.sort((a, b) => Math.abs(b.by) - Math.abs(a.by)).slice(0, NR_ROWS);
}
// Returns the tests that failed in a run, those that changed most often first.
function unsteadyTests() {
	const found = [];
	for (const [file, titles] of failedRuns) {
		for (const title of titles.keys()) {
			const marks = marksOf(file, title), ran = [...onlyRun(marks)];
			const changes = ran.filter((mark, i) => i && mark !== ran[i - 1]).length;
			found.push({ file, title, marks, changes, failed: nrFailed(marks), ran: ran.length });
		}
	}
	return found.sort((a, b) => b.changes - a.changes || b.failed - a.failed).slice(0, NR_ROWS);
}
function pastRuns() {
	const place = $("history").lastElementChild, unsteady = unsteadyTests(), changed = changedFiles();
	if (!runs.length) {
		place.append("There is none: make test keeps a history of its last 50 runs.");
		return;
	}
	const longest = largest(runs.map(run => number(run.ms)));
	place.append(
		el("h3", {}, `${plural(runs.length, "run")}, of at most ${seconds(longest)}`),
		drawRuns(),
		folded("Last runs", [
			["Began (UTC)", "", when], ["Took", "number", run => seconds(number(run.ms))],
			["Files", "number", run => `${run.files.size}`], ["Results", "", counts],
		], [...runs].reverse()),
		el("h3", {}, "Tests that failed in these runs"),
		unsteady.length ? table("Tests that failed in these runs", [
			["Test", "", test => [test.title || "(no name)", " ", el("small", {}, test.file)]],
			["Failed", "number", test => `${test.failed} of ${test.ran}`],
			["", "", test => test.changes > 1 ? "flaky" : test.failed === test.ran ? "always" : ""],
			["Last runs", "", test => strip(test.marks)],
		], unsteady) : "None.",
		el("h3", {}, "Files whose time has changed most"),
		changed.length ? table("Files whose time has changed most", [
			["File", "", file => file.file], ["Last", "number", file => seconds(file.last)],
			["Usual", "number", file => seconds(file.usual)],
			["Change", "number", file => `${file.by < 0 ? "−" : "+"}${seconds(Math.abs(file.by))}`],
			["Last runs", "", file => spark(file.all)],
		], changed) : "No file has run twice.");
}

// --- all of it

summary();
cards();
controls();
show();
timeline();
pastRuns();
followAddress();
addEventListener("hashchange", followAddress);
addEventListener("keydown", onKey);
// In ms since the page began to load; a test prints it.
document.documentElement.dataset.ready = Math.round(performance.now());
