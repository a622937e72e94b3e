/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/probe/report.h"

#include <stdarg.h>
#include <string.h>

enum {
	INDENT = 18, /* where the text of a line begins */
	WIDTH = 100,
};

static const char *const words[] = {
	[WINDOWS_GOOD] = "ok",
	[WINDOWS_NOTE] = "note",
	[WINDOWS_BAD] = "BAD",
};

static void count(struct report *r, enum windows_verdict verdict, uint32_t code, const char *event)
{
	if (verdict == WINDOWS_BAD && !r->is_bad) {
		r->is_bad = true;
		r->code = code;
		r->event = event;
	}
}

void report_add(struct report *r, const char *check, enum windows_verdict verdict, uint32_t code,
		const char *event, const char *advice, const char *fmt, ...)
{
	struct report_line *l = &r->lines[r->n];
	va_list ap;

	count(r, verdict, code, event);
	if (r->n == REPORT_LINES_MAX)
		return;
	r->n++;
	*l = (struct report_line){
		.check = check, .event = event, .finding = {verdict, code, .advice = advice}};
	va_start(ap, fmt);
	vsnprintf(l->finding.text, sizeof(l->finding.text), fmt, ap);
	va_end(ap);
}

void report_finding(struct report *r, const char *check, const struct windows_finding *finding)
{
	report_add(r, check, finding->verdict, finding->code, NULL, finding->advice, "%s",
		   finding->text);
}

/* Broken between words. */
static void print_wrapped(FILE *f, const char *lead, const char *text)
{
	size_t at = INDENT + strlen(lead), len;

	fputs(lead, f);
	for (bool is_first = true; *text; text += len, is_first = false) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (!is_first && at + 1 + len > WIDTH) {
			fprintf(f, "\n%*s", INDENT, "");
			at = INDENT;
		} else if (!is_first) {
			fputc(' ', f);
			at++;
		}
		fprintf(f, "%.*s", (int)len, text);
		at += len;
	}
	fputc('\n', f);
}

/* "0x800B0101: A required ...", or what is logged. Returns text. */
static const char *symptom(uint32_t code, const char *event, char text[WINDOWS_TEXT_MAX])
{
	char name[16];

	if (code)
		snprintf(text, WINDOWS_TEXT_MAX, "%s: %s", windows_code_name(code, name),
			 windows_code_text(code));
	else
		snprintf(text, WINDOWS_TEXT_MAX, "%s", event ? event : "no code");
	return text;
}

static void print_line(const struct report_line *l, FILE *f)
{
	char text[WINDOWS_TEXT_MAX];
	bool has_symptom = l->finding.code || l->event;

	fprintf(f, "%-5s %-11s ", words[l->finding.verdict], l->check);
	print_wrapped(f, "", l->finding.text);
	if (has_symptom) {
		fprintf(f, "%*s", INDENT, "");
		print_wrapped(f,
			      l->finding.verdict == WINDOWS_BAD ? "Windows: " : "Windows may say: ",
			      symptom(l->finding.code, l->event, text));
	}
	if (l->finding.advice) {
		fprintf(f, "%*s", INDENT, "");
		print_wrapped(f, "To do: ", l->finding.advice);
	}
}

void report_print(const struct report *r, const char *target, FILE *f)
{
	char text[WINDOWS_TEXT_MAX];

	for (size_t i = 0; i < r->n; i++)
		print_line(&r->lines[i], f);
	if (r->is_bad)
		fprintf(f, "\n%s: a Windows client would not connect. It would report %s\n", target,
			symptom(r->code, r->event, text));
	else
		fprintf(f,
			"\n%s: a Windows client would connect, as far as can be seen without a "
			"password.\n",
			target);
}

static json_t *json_of_code(uint32_t code)
{
	char name[16];

	return code ? json_string(windows_code_name(code, name)) : json_null();
}

static json_t *json_of_line(const struct report_line *l)
{
	static const char *const verdicts[] = {"ok", "note", "bad"};
	char text[WINDOWS_TEXT_MAX];
	bool has_symptom = l->finding.code || l->event;

	return json_pack("{s:s, s:s, s:s, s:o, s:s?, s:s?}", "check", l->check, "verdict",
			 verdicts[l->finding.verdict], "text", l->finding.text, "code",
			 json_of_code(l->finding.code), "windows",
			 has_symptom ? symptom(l->finding.code, l->event, text) : NULL, "advice",
			 l->finding.advice);
}

json_t *report_json(const struct report *r, const char *target)
{
	char text[WINDOWS_TEXT_MAX];
	json_t *checks = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(checks, json_of_line(&r->lines[i]));
	return json_pack("{s:s, s:b, s:o, s:s?, s:o}", "target", target, "connects", !r->is_bad,
			 "code", json_of_code(r->code), "windows",
			 r->is_bad ? symptom(r->code, r->event, text) : NULL, "checks", checks);
}
