// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns the lines of a kernel log into reports; see parser.h. kinds.def lists
 * the lines that open a report.
 */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/complaint/function.h"
#include "runner/complaint/parser.h"

#define FATAL 1u
#define PANIC 2u
#define FUNCTION 4u
#define SINGLE 8u
#define GENERIC 16u
#define JOINS 32u
#define ANYWHERE 64u
#define INTERRUPTED 128u
#define HELD 256u
#define STUCK 512u
#define LASTS 1024u
#define OF_TASKS 2048u

/*
 * A function with its offset.  Kernels before 4.9 print " at addr" in KASAN
 * reports instead.
 */
#define FN "([A-Za-z0-9_.$]+)(\\+0x| at addr)"

#define GROUPS 6
#define PREFIX_MAX 64			/* how far into a line a regex marked
					 * ANYWHERE in kinds.def may begin */
/* Longest head of a report: the lines before its first stack. */
#define HEAD_LINES 60
/*
 * Most lines between "list_add corruption" or the like and the cut-here line.
 */
#define PRELUDE_LINES 3
/*
 * The number of callers (tasks or processors that print) that can have an open
 * report at the same time.
 */
#define CALLERS 16
#define TASKS_MAX 512		/* most bytes of a list of tasks */

static const struct kind {
	const char *name;
	unsigned int flags;
	const char *word, *shape, *title;
} kinds[] = {
#define KIND(name, flags, word, shape, title) { #name, flags, word, "^(" shape ")", title },
#define EXAMPLE(line, title)
#include "runner/complaint/kinds.def"
#undef KIND
#undef EXAMPLE
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/*
 * The regular expressions of kinds.def, compiled by the first parser and kept.
 */
static regex_t regexes[NR_KINDS];

/*
 * A report that is being read, and what the parser knows of the part that it
 * reads now.
 */
struct open_report {
	uint32_t caller;
	bool used;
	size_t report;			/* index of the struct complaint that is made from it */
	const struct kind *kind;	/* NULL: a cut-here line was read,
					 * and no opening yet */
	bool cut_here;
	bool between_rules;		/* opened after a "=====" line: lasts
					 * until the next such line */
	bool in_stack;			/* the last line belonged to a stack */
	bool had_stack;
	bool in_interrupt;		/* the last stack entry was between <IRQ>
					 * and </IRQ> */
	bool has_function;		/* the title is complete */
	char tasks[TASKS_MAX];	/* the report is of these only; empty: of any */
	bool of_others;			/* the lines read now are of other tasks */
	size_t head_lines;		/* number of lines before the first stack */
};

struct complaint_parser {
	struct complaint *reports;
	size_t nr_reports;
	struct open_report open[CALLERS];
	unsigned int next_slot;
	uint32_t rule_caller;		/* the caller that printed "====="
					 * last, plus 1 */
	size_t rule_age;		/* number of lines since that "=====" */
};

static void compile_shapes(void)
{
	static bool done;

	for (size_t i = 0; i < NR_KINDS && !done; i++)
		if (regcomp(&regexes[i], kinds[i].shape, REG_EXTENDED))
			/*
			 * A row of kinds.def has a fault;
			 * tests/host/complaint.c finds such rows.
			 */
			abort();
	done = true;
}

struct complaint_parser *complaint_parser_new(void)
{
	compile_shapes();
	return xcalloc(1, sizeof(struct complaint_parser));
}

void complaint_parser_free(struct complaint_parser *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr_reports; i++)
		free(p->reports[i].lines);
	free(p->reports);
	free(p);
}

const struct complaint *complaint_parser_reports(const struct complaint_parser *p,
						 size_t *nr)
{
	*nr = p->nr_reports;
	return p->reports;
}

/* --- the parts of one line of the log --- */

static bool starts_with(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

/*
 * Steps over stamps such as "[    1.234567]" and "[  T12]".  Stores in *caller
 * which task or processor printed the line.
 */
static const char *skip_stamps(const char *s, uint32_t *caller)
{
	for (;;) {
		const char *at = s + strspn(s, " ");
		size_t digits;

		if (*at != '[')
			return at;
		at += 1 + strspn(at + 1, " ");
		if (!*caller && (*at == 'T' || *at == 'C') && isdigit((unsigned char)at[1]))
			*caller = (uint32_t)strtoul(at + 1, NULL, 10) * 2 + 1 + (*at == 'C');
		at += *at == 'T' || *at == 'C';
		digits = strspn(at, "0123456789.");
		if (!digits || at[digits] != ']')
			return s + strspn(s, " ");
		s = at + digits + 1;
	}
}

/*
 * Returns where a stamp such as "[    1.234567] " is inside of the line: on a
 * console, what was printed before it had no line end.  Returns NULL if there
 * is none, or only at the start of the line.
 */
static char *inner_stamp(char *line)
{
	uint32_t ignored = 0;
	char *at = line + (skip_stamps(line, &ignored) - line);

	while ((at = strchr(at, '['))) {
		size_t digits = strspn(at + 1, " "), fraction;

		digits += strspn(at + 1 + digits, "0123456789");
		fraction = at[1 + digits] == '.' ? strspn(at + 2 + digits, "0123456789") : 0;
		if (fraction == 6 && at[8 + digits] == ']')
			return at;
		at++;
	}
	return NULL;
}

/* Is the text nothing but "=", at least 20 times? */
static bool is_rule(const char *text)
{
	size_t n = strspn(text, "=");

	return n >= 20 && !text[n + strspn(text + n, " ")];
}

static bool starts_stack(const char *text)
{
	return strcasestr(text, "call trace:") || starts_with(text, "Backtrace:") ||
	       starts_with(text, "stack backtrace:") || starts_with(text, "backtrace:") ||
	       starts_with(text, "backtrace (crc ");
}

/*
 * Is this a line that occurs only in a report: registers, code, or an entry of
 * a stack?
 */
static bool is_stack_line(const char *text)
{
	static const char *const words[] = {
		"<TASK>", "</TASK>", "<IRQ>", "</IRQ>", "<EOI>", "<NMI>", "</NMI>", "<#", "</#",
		"RIP: ", "RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ", "FS: ", "CS: ",
		"CR2: ", "DR0: ", "DR3: ", "PKRU: ", "Code: ", "CPU: ", "EIP: ", "EAX: ", "ESI: ",
		"DS: ", "CR0: ", "Hardware name: ", "Modules linked in:", "Call Trace:",
		"Call trace:", "Stack:", "Workqueue: ", "Tainted: ", "Comm: ", "---[ end trace",
		"pc : ", "lr : ", "sp : ", "pstate: ", "x0 : ", "x2", "x1", "BTF",
		"irq event stamp", "hardirqs last", "softirqs last", "task:", "Dumping ftrace",
		"Kernel Offset:", "note: ", "ORIG_RAX", "[<", "Sending NMI", "NMI backtrace",
		"rcu: ", "Exception stack", "unwind_backtrace", "kernel text",
	};
	size_t ignored;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (starts_with(text, words[i]))
			return true;
	return starts_stack(text) || function_find(text, &ignored) ||
	       starts_with(text, "? ");
}

/* --- which kind of report a line opens --- */

static bool fits(const regex_t *regex, const struct kind *k, const char *text,
		 regmatch_t *m, const char **at)
{
	size_t n = 0;

	for (;;) {
		*at = text + n;
		if (!regexec(regex, *at, GROUPS, m, 0))
			return true;
		if (!(k->flags & ANYWHERE))
			return false;
		n += strcspn(text + n, " ");
		if (!text[n] || n > PREFIX_MAX)
			return false;
		n++;
	}
}

static const struct kind *kind_of(const char *text, regmatch_t *m, const char **at)
{
	/* Old versions of lockdep begin their headings with "[ ". */
	if (starts_with(text, "[ "))
		text += 2;
	else if (*text == '[')
		text++;
	for (size_t i = 0; i < NR_KINDS; i++)
		if (strstr(text, kinds[i].word) &&
		    fits(&regexes[i], &kinds[i], text, m, at))
			return &kinds[i];
	return NULL;
}

/* --- the titles of reports --- */

/*
 * Returns the length of what follows a function at the start of the text and
 * belongs to no title: "+0x12/0x34", " [module]", and what the compiler adds to
 * the name of a part of a function, such as ".cold" or ".isra.0".
 */
static size_t skip_after_function(const char *text)
{
	static const char *const parts[] = { ".cold", ".part.", ".isra.", ".constprop." };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t n;

	if (starts_with(text, "+0x"))
		return 3 + strspn(text + 3, "0123456789abcdefx/");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (starts_with(text, parts[i])) {
			n = strlen(parts[i]);
			return n + strspn(text + n, "0123456789");
		}
	n = starts_with(text, " [") ? strspn(text + 2, letters) : 0;
	return n && !isdigit((unsigned char)text[2]) && text[2 + n] == ']' ? n + 3 : 0;
}

/* Adds n bytes of s to the title. */
static void add_text(char *title, const char *s, size_t n)
{
	size_t used = strlen(title);

	for (size_t i = 0; i < n && used + 1 < COMPLAINT_TITLE_MAX;) {
		size_t skip = i ? skip_after_function(s + i) : 0;

		if (skip)
			i += skip;
		else
			title[used++] = s[i++];
	}
	while (used && strchr(" !.:", title[used - 1]))
		used--;
	title[used] = 0;
}

/*
 * Expands a template such as "$2 in $1" with the groups of a match.  Group 0 is
 * the whole match, group 1 the first bracket of the regular expression.
 */
static void expand(char *title, const char *template, const char *at, const regmatch_t *m)
{
	*title = 0;
	for (const char *t = template; *t; t++) {
		size_t used = strlen(title);
		const regmatch_t *g;

		if (*t != '$') {
			if (used + 1 < COMPLAINT_TITLE_MAX) {
				title[used] = *t;
				title[used + 1] = 0;
			}
			continue;
		}
		g = &m[*++t - '0' + 1];
		if (g->rm_so >= 0)
			add_text(title, at + g->rm_so, (size_t)(g->rm_eo - g->rm_so));
	}
}

/* Is this an entry of lockdep's list of held locks: " #0: … at: f+0x5/0x10"? */
static bool is_held_lock(const char *text)
{
	size_t digits;

	text += strspn(text, " ");
	digits = *text == '#' ? strspn(text + 1, "0123456789") : 0;
	return digits && text[1 + digits] == ':';
}

/*
 * Completes the title with " in FUNCTION", from the first line that names a
 * function at fault.
 */
static void name_function(struct open_report *o, struct complaint *c, const char *text)
{
	bool is_place = strstr(text, "IP: ") || strstr(text, "IP  [") || strstr(text, "at: ") ||
			starts_with(text, "pc : ") || starts_with(text, "PC is at ");
	size_t len;
	const char *fn = function_find(text, &len);

	if (starts_with(text, "<IRQ>") || starts_with(text, "<NMI>"))
		o->in_interrupt = true;
	else if (starts_with(text, "</IRQ>") || starts_with(text, "</NMI>") ||
		 starts_with(text, "<EOI>"))
		o->in_interrupt = false;
	if (o->has_function || !o->kind || !(o->kind->flags & FUNCTION) || !fn ||
	    starts_with(text, "? ") || function_reports(fn, len) ||
	    (is_held_lock(text) && !(o->kind->flags & HELD)))
		return;
	if (!is_place && (!o->had_stack || function_allocates(fn, len) ||
			  (o->kind->flags & INTERRUPTED && o->in_interrupt)))
		return;
	snprintf(c->title + strlen(c->title), sizeof(c->title) - strlen(c->title), " in %.*s",
		 (int)len, fn);
	o->has_function = true;
}

/* --- opening and continuing reports --- */

static struct open_report *find_open(struct complaint_parser *p, uint32_t caller)
{
	for (size_t i = 0; i < CALLERS; i++)
		if (p->open[i].used && p->open[i].caller == caller)
			return &p->open[i];
	return NULL;
}

static void add_line(struct complaint_parser *p, struct open_report *o, size_t number)
{
	struct complaint *c = &p->reports[o->report];

	if (c->nr_lines && c->lines[c->nr_lines - 1] == number)
		return;
	if (c->nr_lines % 32 == 0)
		c->lines = xreallocarray(c->lines, c->nr_lines + 32, sizeof(*c->lines));
	c->lines[c->nr_lines++] = number;
	if (c->nr_lines >= COMPLAINT_LINES_MAX)
		o->used = false;
}

static void give_kind(struct complaint_parser *p, struct open_report *o, const struct kind *k,
		      const char *at, const regmatch_t *m)
{
	struct complaint *c = &p->reports[o->report];

	c->fatal |= (k->flags & FATAL) != 0;
	c->stuck |= (k->flags & STUCK) != 0;
	c->panic |= (k->flags & PANIC) != 0;
	if (o->kind && (!(o->kind->flags & GENERIC) || k->flags & (GENERIC | PANIC)))
		return;
	o->kind = k;
	o->has_function = false;
	c->kind = k->name;
	c->lasts = (k->flags & LASTS) != 0;
	expand(c->title, k->title, at, m);
	o->of_others = k->flags & OF_TASKS;
	if (o->of_others)
		snprintf(o->tasks, sizeof(o->tasks), "%.*s",
			 (int)(m[2].rm_eo - m[2].rm_so), at + m[2].rm_so);
}

static struct open_report *open_report(struct complaint_parser *p, uint32_t caller)
{
	struct open_report *o = find_open(p, caller);

	if (!o)
		o = &p->open[p->next_slot++ % CALLERS];
	if (p->nr_reports % 16 == 0)
		p->reports = xreallocarray(p->reports, p->nr_reports + 16, sizeof(*p->reports));
	p->reports[p->nr_reports] = (struct complaint){ .kind = "warning" };
	strcpy(p->reports[p->nr_reports].title, "report without a title");
	*o = (struct open_report){ .caller = caller, .used = true, .report = p->nr_reports++ };
	o->between_rules = p->rule_caller == caller + 1 && p->rule_age <= 2;
	return o;
}

/*
 * Is this a "Kernel panic" line whose cause the report before it has named?
 * Such a line opens no report of its own.
 */
static bool is_aftermath(const char *text)
{
	static const char *const causes[] = {
		"Fatal", "panic_on_warn", "kernel: panic_on_warn", "softlockup", "hung_task",
		"RCU Stall", "Hard LOCKUP", "UBSAN: panic_on_warn", "KASAN: panic_on_warn",
		"Attempted to kill init! exitcode=0x00000009", "Attempted to kill the idle task",
		"Aiee, killing interrupt handler", "Machine halted", "System is deadlocked on memory",
		"KFENCE: panic_on_warn", "kfence", "scheduling while atomic",
	};
	const char *why = strstr(text, "not syncing: ");

	why = why ? why + strlen("not syncing: ") : "";
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (starts_with(why, causes[i]))
			return true;
	return false;
}

/* Does this opening line belong to the report that is open already? */
static bool joins(const struct complaint_parser *p, const struct open_report *o,
		  const struct kind *k, const char *text)
{
	const struct complaint *c = &p->reports[o->report];

	if (!o->kind || k->flags & JOINS)
		return true;
	if (o->kind->flags & OF_TASKS)
		return false;
	if (k->flags & PANIC)
		return is_aftermath(text);
	/*
	 * kobject_add() complains about the same object after sysfs has
	 * complained.
	 */
	if (!strcmp(k->name, "kobject") && !strcmp(o->kind->name, "sysfs"))
		return true;
	if (o->had_stack)
		return c->fatal && k->flags & GENERIC && !o->cut_here;
	return o->cut_here || o->kind == k || c->fatal || !strcmp(o->kind->name, k->name) ||
	       k->flags & GENERIC;
}

static void opening(struct complaint_parser *p, struct open_report *o, const struct kind *k,
		    const char *text, const char *at, const regmatch_t *m, uint32_t caller,
		    size_t number)
{
	if (k->flags & PANIC && !o && p->nr_reports && is_aftermath(text)) {
		p->reports[p->nr_reports - 1].panic = true;
		return;
	}
	if (!o && k->flags & JOINS)
		return;
	if (!o || !joins(p, o, k, text))
		o = open_report(p, caller);
	give_kind(p, o, k, at, m);
	add_line(p, o, number);
	if (k->flags & SINGLE && !o->cut_here)
		o->used = false;
}

static bool has_number(const char *list, unsigned long number)
{
	char *end;

	for (unsigned long n = strtoul(list, &end, 10); end != list; n = strtoul(list, &end, 10)) {
		if (n == number)
			return true;
		list = end;
	}
	return false;
}

/*
 * In a report on some of the tasks that the processors run: does the line
 * belong to the part on another one?
 */
static bool is_of_others(const struct open_report *o, const char *text)
{
	const char *pid = starts_with(text, "CPU: ") ? strstr(text, " PID: ") : NULL;

	if (!*o->tasks)
		return false;
	if (pid)
		return !has_number(o->tasks, strtoul(pid + strlen(" PID: "), NULL, 10));
	return o->of_others || starts_with(text, "NMI backtrace for cpu ");
}

/* Handles a line that opens no report: it may belong to the open report. */
static void continue_report(struct complaint_parser *p, struct open_report *o,
			    const char *text, size_t number)
{
	bool of_stack = is_stack_line(text);

	if (is_rule(text)) {
		add_line(p, o, number);
		o->used = o->between_rules && !o->had_stack;
		return;
	}
	if (!of_stack && o->had_stack && !o->between_rules && !o->in_stack && *text) {
		o->used = false;
		return;
	}
	if (!o->had_stack && ++o->head_lines > HEAD_LINES) {
		o->used = false;
		return;
	}
	o->in_stack = of_stack;
	o->had_stack |= starts_stack(text) || starts_with(text, "---[ end trace");
	o->of_others = is_of_others(o, text);
	if (o->of_others)
		return;
	name_function(o, &p->reports[o->report], text);
	add_line(p, o, number);
}

static void feed_part(struct complaint_parser *p, const char *part, size_t number,
		      uint32_t caller)
{
	const char *text = skip_stamps(part, &caller), *at;
	regmatch_t m[GROUPS];
	const struct kind *k;
	struct open_report *o;

	p->rule_age++;
	o = find_open(p, caller);
	if (starts_with(text, "------------[ cut here ]")) {
		bool prelude = o && o->kind && !o->had_stack && o->head_lines < PRELUDE_LINES &&
			       !o->cut_here;

		if (!prelude)
			o = open_report(p, caller);
		o->cut_here = true;
		add_line(p, o, number);
		return;
	}
	k = kind_of(text, m, &at);
	if (k)
		opening(p, o, k, text, at, m, caller, number);
	else if (o)
		continue_report(p, o, text, number);
	if (is_rule(text)) {
		p->rule_caller = caller + 1;
		p->rule_age = 0;
	}
}

void complaint_parser_feed(struct complaint_parser *p, const char *line, size_t len,
			   size_t number, uint32_t caller)
{
	char raw[1024], *stamp;

	snprintf(raw, sizeof(raw), "%.*s", (int)(len < sizeof(raw) ? len : sizeof(raw) - 1), line);
	raw[strcspn(raw, "\r\n")] = 0;
	stamp = inner_stamp(raw);
	if (!stamp) {
		feed_part(p, raw, number, caller);
		return;
	}
	if (raw[0] == '[') {
		char first = *stamp;

		*stamp = 0;
		feed_part(p, raw, number, caller);
		*stamp = first;
	}
	feed_part(p, stamp, number, caller);
}
