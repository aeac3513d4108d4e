/* SPDX-License-Identifier: ISC */
/* One page to keep or to send: verdict, picture, what to do, and all that was found. */
#include <stdio.h>

#include "base/date.h"
#include "base/printable.h"
#include "base/xml.h"
#include "client/audit/say.h"

#define SHOWN_MAX 1200u

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri "
    "'none'; form-action 'none'\">\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fdfdfb;--soft:#5a5a63;--line:#8a8a92;--good:#1d6330;"
    "--weak:#7a4b00;--bad:#9c1c1c}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e9e9ec;--paper:#17171a;--soft:#b4b4bd;--line:#75757e;"
    "--good:#8fd6a1;--weak:#f2c26b;--bad:#ff9d9d}}\n"
    "*{box-sizing:border-box}\n"
    "html{font:100%/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}\n"
    "body{margin:0 auto;padding:1rem;max-width:52rem;overflow-wrap:anywhere}\n"
    "h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2rem}\n"
    ".verdict{font-size:1.15rem;border-left:.3rem solid var(--line);padding-left:1rem}\n"
    "svg{display:block;width:100%;max-width:30rem;height:auto;margin:1.5rem 0}\n"
    "svg text{fill:var(--ink);font:15px system-ui,sans-serif}svg .small{fill:var(--soft);font-size:13px}\n"
    "svg .box{fill:none;stroke:var(--line);stroke-width:1.5}svg .way{stroke:var(--line);stroke-width:1.5;fill:none}\n"
    "svg .closed{stroke:var(--good)}svg .loose{stroke:var(--weak)}svg .open{stroke:var(--bad)}\n"
    "svg .unknown{stroke:var(--soft)}svg .lock{fill:none;stroke-width:2.5}\n"
    "ul,ol{padding-left:1.2rem}li{margin:.4rem 0}\n"
    "ul.found{list-style:none;padding:0}ul.found li{padding-left:6.6rem;position:relative}\n"
    "ul.found b{position:absolute;left:0}\n"
    ".good{color:var(--good)}.weak{color:var(--weak)}.bad{color:var(--bad)}.note,.unknown{color:var(--soft)}\n"
    "footer{margin-top:3rem;border-top:1px solid var(--line);color:var(--soft);font-size:.9rem}\n"
    "</style>\n<title>Audit of ";

/* What a server said: control characters as in a terminal, markup escaped, its direction kept to itself. */
static void
put_foreign(struct buf *out, struct slice text)
{
	BUF_OWNED struct buf safe = { .max = 2 * SHOWN_MAX };

	(void)printable_put(&safe, text, PRINTABLE_LINE, SHOWN_MAX);
	(void)buf_put_str(out, "<bdi>");
	(void)xml_put_text(out, buf_slice(&safe));
	(void)buf_put_str(out, "</bdi>");
}

static struct slice
name_of(const struct audit *a)
{
	return a->settings->domain.len > 0 ? a->settings->domain : SLICE("mail servers");
}

static void
put_result(struct buf *out, enum audit_result r)
{
	static const char *const signs[] = { "✔", "·", "!", "✖", "?" };

	(void)buf_putf(out, "<b class=\"%s\">%s %s</b> ", audit_result_word(r), signs[r], audit_result_word(r));
}

static void
put_to_do(const struct audit *a, struct buf *out)
{
	enum audit_check checks[CHECK_COUNT];
	enum audit_result worst[CHECK_COUNT];
	size_t n = audit_to_do(a, checks, worst);

	if (n == 0)
		return;
	(void)buf_put_str(out, "<h2>What to do</h2>\n<ul class=\"found\">\n");
	for (size_t i = 0; i < n; i++) {
		(void)buf_put_str(out, "<li>");
		put_result(out, worst[checks[i]]);
		(void)buf_put_str(out, "<strong>");
		(void)xml_put_text(out, slice_str(audit_rows[checks[i]].title));
		(void)buf_put_str(out, "</strong>: ");
		(void)xml_put_text(out, slice_str(audit_rows[checks[i]].advice));
		(void)buf_put_str(out, "</li>\n");
	}
	(void)buf_put_str(out, "</ul>\n");
}

static void
put_finding(const struct audit_finding *f, struct buf *out)
{
	(void)buf_put_str(out, "<li>");
	put_result(out, f->result);
	(void)xml_put_text(out, slice_str(audit_rows[f->check].title));
	(void)buf_put_str(out, ": ");
	if (f->subject.len > 0) {
		put_foreign(out, f->subject);
		(void)buf_put_str(out, ": ");
	}
	put_foreign(out, f->found);
	(void)buf_put_str(out, "</li>\n");
}

static void
put_group(const struct audit *a, enum audit_group group, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < a->finding_count; i++) {
		if (audit_rows[a->findings[i].check].group != group)
			continue;
		if (!any)
			(void)buf_putf(out, "<h2>%s</h2>\n<ul class=\"found\">\n", audit_group_titles[group]);
		any = true;
		put_finding(&a->findings[i], out);
	}
	(void)buf_put_str(out, any ? "</ul>\n" : "");
}

int
audit_html(const struct audit *a, struct buf *out)
{
	(void)buf_put_str(out, head);
	(void)xml_put_text(out, name_of(a));
	(void)buf_put_str(out, "</title>\n</head>\n<body>\n<main>\n<h1>Audit of ");
	put_foreign(out, name_of(a));
	(void)buf_put_str(out, "</h1>\n<p class=\"verdict\">");
	(void)xml_put_text(out, a->verdict);
	(void)buf_put_str(out, "</p>\n");
	(void)audit_picture(a, out);
	put_to_do(a, out);
	for (unsigned g = 0; g < AUDIT_GROUPS; g++)
		put_group(a, (enum audit_group)g, out);
	(void)buf_put_str(out, "</main>\n<footer><p>Asked at ");
	(void)date_write_rfc3339(out, (int64_t)a->now);
	return buf_put_str(out,
	    " by letterlock audit, from one place in the net: what is seen from another may differ.</p></footer>\n"
	    "</body>\n</html>\n");
}
