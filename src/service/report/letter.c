/* SPDX-License-Identifier: ISC */
/* A report as a message (RFC 8460 section 5.3, RFC 9990 section 3.5.2): a sentence for people, and the document, by gzip. */
#include "base/base64.h"
#include "base/date.h"
#include "base/inflate.h"
#include "service/report/internal.h"

#define BASE64_LINE 76u
#define TEXT_MAX 4096u /* octets of what is said beside the document: some names */

int
report_pack(struct slice document, struct buf *out, struct error *e)
{
	struct deflater *z;
	uint8_t piece[4096];
	size_t n;
	int rc = deflater_new(INFLATE_GZIP, 9, &z, e);

	if (rc != 0)
		return rc;
	while (rc == 0 && (rc = deflater_step(z, &document, true, piece, sizeof piece, &n, e)) >= 0)
		if (buf_put(out, piece, n) != 0)
			rc = error_set(e, out->err, "a report is too long");
	deflater_free(z);
	return rc == 1 ? 0 : rc;
}

static void
put(struct buf *out, struct slice text)
{
	(void)buf_put_slice(out, text);
}

/* Folded where its words end: a domain may have 253 octets. */
static void
put_subject(struct buf *out, struct slice subject)
{
	(void)buf_put_str(out, "Subject:");
	while (subject.len > 0) {
		struct slice word = slice_split(subject, ' ', &subject);

		(void)buf_put_str(
		    out, slice_eq_str(word, "Submitter:") || slice_eq_str(word, "Report-ID:") ? "\r\n " : " ");
		put(out, word);
	}
	(void)buf_put_str(out, "\r\n");
}

static void
put_header(const struct report_letter *l, struct buf *out)
{
	(void)buf_put_str(out, "Return-Path: <>\r\nFrom: ");
	put(out, buf_slice(&l->contact));
	(void)buf_put_str(out, "\r\nTo: ");
	for (size_t i = 0; i < l->to_count; i++) {
		(void)buf_put_str(out, i == 0 ? "<" : ",\r\n <");
		put(out, l->to[i]);
		(void)buf_put_str(out, ">");
	}
	(void)buf_put_str(out, "\r\n");
	put_subject(out, buf_slice(&l->subject));
	(void)buf_put_str(out, "Date: ");
	(void)date_write_mail(out, (int64_t)l->now, 0);
	(void)buf_put_str(out, "\r\nMessage-ID:\r\n <");
	put(out, buf_slice(&l->id));
	(void)buf_put_str(out, ">\r\n");
	put(out, buf_slice(&l->fields));
	/* No program answers it. */
	(void)buf_put_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

static void
put_document(const struct report_letter *l, struct slice packed, struct buf *out)
{
	struct base64_encoder c;

	(void)buf_putf(out,
	    "Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment;\r\n filename=\"",
	    l->type);
	put(out, buf_slice(&l->file));
	(void)buf_put_str(out, ".gz\"\r\n\r\n");
	base64_encoder_init(&c, BASE64_LINE, "\r\n");
	(void)base64_encoder_put(&c, packed, out);
	(void)base64_encoder_end(&c, out);
}

int
report_letter_write(const struct report_letter *l, struct buf *out, struct error *e)
{
	static const char boundary[] = "=_report"; /* base64 and our sentences never have "=_" */
	struct buf packed BUF_OWNED = { 0 };
	int rc;

	buf_init(&packed, REPORT_LETTER_MAX);
	rc = report_pack(buf_slice(&l->document), &packed, e);
	if (rc != 0)
		return rc;
	put_header(l, out);
	(void)buf_putf(out, "Content-Type: %s;\r\n boundary=\"%s\"\r\n\r\n--%s\r\n", l->container, boundary, boundary);
	(void)buf_put_str(out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	put(out, buf_slice(&l->people));
	(void)buf_putf(out, "--%s\r\n", boundary);
	put_document(l, buf_slice(&packed), out);
	(void)buf_putf(out, "\r\n--%s--\r\n", boundary);
	return out->err != 0 ? error_set(e, out->err, "a report is too long for a letter") : 0;
}

#define TEXTS(l) \
	{ \
		&(l)->contact, &(l)->id, &(l)->subject, &(l)->file, &(l)->fields, &(l)->people, &(l)->document \
	}

void
report_letter_init(struct report_letter *l)
{
	struct buf *const all[] = TEXTS(l);

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buf_init(all[i], all[i] == &l->document ? MAILAUTH_REPORT_MAX : TEXT_MAX);
}

void
report_letter_done(struct report_letter *l)
{
	struct buf *const all[] = TEXTS(l);

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buf_done(all[i]);
}
