/* SPDX-License-Identifier: ISC */
/* On a terminal: the verdict, what was found group by group, and what to do. */
#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "base/utf8.h"
#include "client/audit/say.h"
#include "os/terminal.h"

#define WIDTH_MAX 100u
#define FOUND_OCTETS 1200u
#define RESULTS 5u

struct printer {
	bool colour, signs;
	unsigned width;
};

static void
print_result(const struct printer *p, enum audit_result r)
{
	static const char *const signs[RESULTS] = { "✔", "·", "!", "✖", "?" };
	static const char *const plain[RESULTS] = { "+", "-", "!", "x", "?" };
	static const char *const colours[RESULTS] = { "\033[32m", "", "\033[33m", "\033[31m", "" };

	(void)printf("  %s%s %-8s%s", p->colour ? colours[r] : "", (p->signs ? signs : plain)[r], audit_result_word(r),
	    p->colour && colours[r][0] != '\0' ? "\033[0m" : "");
}

/* Words of one paragraph, broken before the width; lines behind the first are indented. */
static void
print_wrapped(const struct printer *p, struct slice text, size_t column, size_t indent)
{
	bool first = true;

	while (text.len > 0) {
		struct slice word = slice_split(text, ' ', &text);
		size_t columns = utf8_columns(word);

		if (word.len == 0)
			continue;
		if (!first && column + 1 + columns > p->width) {
			(void)printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			(void)fputc(' ', stdout);
			column++;
		}
		(void)fwrite(word.data, 1, word.len, stdout);
		column += columns;
		first = false;
	}
	(void)fputc('\n', stdout);
}

static void
print_finding(const struct printer *p, const struct audit_finding *f)
{
	BUF_OWNED struct buf text = { .max = 2 * FOUND_OCTETS };

	print_result(p, f->result);
	(void)buf_put_str(&text, audit_rows[f->check].title);
	(void)buf_put_str(&text, ": ");
	if (f->subject.len > 0) {
		(void)printable_put(&text, f->subject, PRINTABLE_LINE, 300);
		(void)buf_put_str(&text, ": ");
	}
	(void)printable_put(&text, f->found, PRINTABLE_LINE, FOUND_OCTETS);
	print_wrapped(p, buf_slice(&text), 12, 12);
}

static void
print_group(const struct printer *p, const struct audit *a, enum audit_group group)
{
	bool any = false;

	for (size_t i = 0; i < a->finding_count; i++) {
		if (audit_rows[a->findings[i].check].group != group)
			continue;
		if (!any)
			(void)printf("\n%s%s%s\n", p->colour ? "\033[1m" : "", audit_group_titles[group],
			    p->colour ? "\033[0m" : "");
		any = true;
		print_finding(p, &a->findings[i]);
	}
}

static void
print_to_do(const struct printer *p, const struct audit *a)
{
	enum audit_check checks[CHECK_COUNT];
	enum audit_result worst[CHECK_COUNT];
	size_t n = audit_to_do(a, checks, worst);

	if (n == 0)
		return;
	(void)printf("\n%sWhat to do%s\n", p->colour ? "\033[1m" : "", p->colour ? "\033[0m" : "");
	for (size_t i = 0; i < n; i++) {
		const struct audit_row *row = &audit_rows[checks[i]];
		BUF_OWNED struct buf text = { .max = 2 * FOUND_OCTETS };

		print_result(p, worst[checks[i]]);
		(void)buf_putf(&text, "%s: %s", row->title, row->advice);
		print_wrapped(p, buf_slice(&text), 12, 12);
	}
}

void
audit_print(const struct audit *a)
{
	unsigned columns = terminal_is(1) ? terminal_columns(1) : 80;
	const struct printer p = { .colour = terminal_colour(1),
		.signs = terminal_utf8(),
		.width = columns < 40     ? 40
		    : columns > WIDTH_MAX ? WIDTH_MAX
					  : columns };
	BUF_OWNED struct buf verdict = { .max = FOUND_OCTETS };

	(void)printable_put(&verdict, a->verdict, PRINTABLE_LINE, FOUND_OCTETS);
	print_wrapped(&p, buf_slice(&verdict), 0, 0);
	for (unsigned g = 0; g < AUDIT_GROUPS; g++)
		print_group(&p, a, (enum audit_group)g);
	print_to_do(&p, a);
}
