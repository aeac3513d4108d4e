/* SPDX-License-Identifier: ISC */
/*
 * The way of a letter: who writes asks DNS, and then speaks with each of the
 * servers; a lock on each way is closed or open. Drawn from top to bottom, so
 * that it can be read on a telephone.
 */
#include <stdio.h>

#include "base/printable.h"
#include "base/utf8.h"
#include "base/xml.h"
#include "client/audit/say.h"

#define WIDTH 420u
#define STEP 84u /* from one server to the next */
#define TOP 150u /* where the first one begins */
#define NAME_COLUMNS 34u

static const char *const classes[] = { "unknown", "open", "loose", "closed" };

/* Cut by columns: a name of others must not run out of its box. */
static void
put_text(struct buf *out, unsigned x, unsigned y, const char *class, struct slice text)
{
	BUF_OWNED struct buf safe = { .max = 800 };
	struct slice shown;

	(void)printable_put(&safe, text, PRINTABLE_LINE, 400);
	shown = utf8_cut_columns(buf_slice(&safe), NAME_COLUMNS);
	(void)buf_putf(out, "<text x=\"%u\" y=\"%u\"%s%s%s>", x, y, class[0] != '\0' ? " class=\"" : "", class,
	    class[0] != '\0' ? "\"" : "");
	(void)xml_put_text(out, shown);
	(void)buf_put_str(out, shown.len < safe.len ? "…</text>\n" : "</text>\n");
}

static void
put_box(struct buf *out, unsigned x, unsigned y, unsigned width, unsigned height)
{
	(void)buf_putf(
	    out, "<rect class=\"box\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"8\"/>\n", x, y, width, height);
}

/* A body, and a shackle that stands open or is closed; a way that is not known has a circle. */
static void
put_lock(struct buf *out, unsigned x, unsigned y, enum audit_lock lock)
{
	const char *class = classes[lock];

	if (lock == AUDIT_LOCK_UNKNOWN) {
		(void)buf_putf(out, "<circle class=\"lock %s\" cx=\"%u\" cy=\"%u\" r=\"9\"/>\n", class, x, y);
		return;
	}
	(void)buf_putf(out, "<rect class=\"lock %s\" x=\"%u\" y=\"%u\" width=\"20\" height=\"15\" rx=\"2\"/>\n", class,
	    x - 10, y - 3);
	(void)buf_putf(out, "<path class=\"lock %s\" d=\"M%u %uv-6a6 6 0 0 1 12 0v%s\"/>\n", class, x - 6, y - 3,
	    lock == AUDIT_LOCK_OPEN ? "2" : "6");
}

static void
put_host(const struct audit *a, const struct audit_host *h, unsigned y, struct buf *out)
{
	enum audit_lock lock = audit_lock_of(a, h);
	char words[80] = "";

	for (size_t i = 0; i < h->look_count; i++)
		if (h->looks[i].tls && words[0] == '\0')
			(void)snprintf(words, sizeof words, "%s%s", probe_version_text(h->looks[i].seen.version),
			    h->looks[i].seen.dane_good        ? ", DANE"
				: a->state.sts_enforced       ? ", MTA-STS"
				: h->looks[i].seen.chain_good ? ", known authority"
							      : "");
	(void)buf_putf(out, "<path class=\"way\" d=\"M40 %uH96\"/>\n", y + 30);
	put_lock(out, 66, y + 30, lock);
	put_box(out, 98, y, WIDTH - 108, 66);
	put_text(out, 110, y + 22, "", slice_str(h->name));
	put_text(out, 110, y + 41, "small", slice_str(words[0] != '\0' ? words : "no TLS was seen"));
	put_text(out, 110, y + 58, "small",
	    slice_str(lock == AUDIT_LOCK_OPEN   ? "open: everybody can read"
		    : lock == AUDIT_LOCK_LOOSE  ? "closed, but it can be opened"
		    : lock == AUDIT_LOCK_CLOSED ? "closed, and senders can be sure"
						: "could not be looked at"));
}

/* The same in words, for who does not see it. */
static void
put_words(const struct audit *a, struct buf *out)
{
	(void)buf_put_str(out, "<title>The way of a letter to ");
	(void)xml_put_text(out, a->settings->domain.len > 0 ? a->settings->domain : SLICE("the servers"));
	(void)buf_put_str(out, "</title>\n<desc>");
	(void)buf_put_str(out, a->state.mx_secure ? "DNS answers are signed." : "DNS answers are not signed.");
	for (size_t i = 0; i < a->host_count; i++) {
		(void)buf_put_str(out, " To ");
		(void)xml_put_text(out, slice_str(a->hosts[i].name));
		(void)buf_putf(out, ": %s.", audit_lock_words(audit_lock_of(a, &a->hosts[i])));
	}
	(void)buf_put_str(out, "</desc>\n");
}

int
audit_picture(const struct audit *a, struct buf *out)
{
	unsigned hosts = (unsigned)a->host_count, height = TOP + hosts * STEP + 4;

	(void)buf_putf(out, "<svg role=\"img\" viewBox=\"0 0 %u %u\">\n", WIDTH, height);
	put_words(a, out);
	put_box(out, 10, 6, WIDTH - 20, 40);
	put_text(out, 24, 31, "", SLICE("Somebody writes a letter"));
	(void)buf_put_str(out, "<path class=\"way\" d=\"M40 46V84\"/>\n");
	put_box(out, 10, 84, WIDTH - 20, 48);
	put_text(out, 24, 104, "", SLICE("DNS: where does it go?"));
	put_text(out, 24, 123, "small",
	    a->state.mx_secure ? SLICE("signed: the answer is theirs") : SLICE("not signed: it can be forged"));
	if (hosts > 0)
		(void)buf_putf(out, "<path class=\"way\" d=\"M40 132V%u\"/>\n", TOP + (hosts - 1) * STEP + 30);
	for (unsigned i = 0; i < hosts; i++)
		put_host(a, &a->hosts[i], TOP + i * STEP, out);
	return buf_put_str(out, "</svg>\n");
}
