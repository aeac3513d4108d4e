/* SPDX-License-Identifier: ISC */
/* A TLS report as a message (RFC 8460 section 5.3): a sentence for people, and the document, packed by gzip. */
#include "base/base64.h"
#include "base/date.h"
#include "base/inflate.h"
#include "service/report/internal.h"

#define BASE64_LINE 76u

static int
pack(struct slice document, struct buf *out, struct error *e)
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
put_header(const struct report_letter *l, struct slice subject, struct buf *out)
{
	(void)buf_put_str(out, "Return-Path: <>\r\nFrom: ");
	put(out, l->report->contact);
	(void)buf_put_str(out, "\r\nTo: ");
	for (size_t i = 0; i < l->to_count; i++) {
		(void)buf_put_str(out, i == 0 ? "<" : ",\r\n <");
		put(out, l->to[i]);
		(void)buf_put_str(out, ">");
	}
	(void)buf_put_str(out, "\r\n");
	put_subject(out, subject);
	(void)buf_put_str(out, "Date: ");
	(void)date_write_mail(out, (int64_t)l->now, 0);
	(void)buf_put_str(out, "\r\nMessage-ID:\r\n <");
	put(out, l->report->id);
	(void)buf_put_str(out, ">\r\nTLS-Report-Domain: ");
	put(out, l->domain);
	(void)buf_put_str(out, "\r\nTLS-Report-Submitter: ");
	put(out, l->submitter);
	/* It is to arrive where TLS is what is broken (RFC 8460 section 3, RFC 8689 section 5); no program answers it. */
	(void)buf_put_str(out, "\r\nTLS-Required: No\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

static void
put_people(const struct report_letter *l, struct buf *out)
{
	struct tlsrpt_summary sum;

	tlsrpt_report_summary(l->report, &sum);
	(void)buf_put_str(
	    out, "Content-Type: text/plain; charset=us-ascii\r\n\r\nThis is an aggregate TLS report from\r\n");
	put(out, l->submitter);
	(void)buf_put_str(out, "\r\nabout sessions with the mail servers of\r\n");
	put(out, l->domain);
	(void)buf_putf(out,
	    "\r\n\r\n    encrypted as that domain asks: %llu\r\n    failed:                        %llu\r\n\r\n",
	    (unsigned long long)sum.successful, (unsigned long long)sum.failed);
}

static void
put_document(const struct report_letter *l, struct slice packed, struct buf *out, struct error *e)
{
	struct base64_encoder c;

	(void)buf_put_str(out,
	    "Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment;\r\n filename=\"");
	(void)tlsrpt_report_file(l->report, l->submitter, l->domain, out, e);
	(void)buf_put_str(out, ".gz\"\r\n\r\n");
	base64_encoder_init(&c, BASE64_LINE, "\r\n");
	(void)base64_encoder_put(&c, packed, out);
	(void)base64_encoder_end(&c, out);
}

int
report_letter_write(const struct report_letter *l, struct buf *out, struct error *e)
{
	static const char boundary[] = "=_tls-report"; /* base64 and our sentence never have "=_" */
	struct buf document BUF_OWNED = { 0 }, packed BUF_OWNED = { 0 }, subject BUF_OWNED = { 0 };
	int rc;

	buf_init(&document, TLSRPT_REPORT_MAX);
	buf_init(&packed, REPORT_LETTER_MAX);
	buf_init(&subject, 2048);
	rc = tlsrpt_report_write(l->report, &document, e);
	if (rc == 0)
		rc = pack(buf_slice(&document), &packed, e);
	if (rc == 0)
		rc = tlsrpt_report_subject(l->report, l->submitter, l->domain, &subject, e);
	if (rc != 0)
		return rc;
	put_header(l, buf_slice(&subject), out);
	(void)buf_putf(
	    out, "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"%s\"\r\n\r\n", boundary);
	(void)buf_putf(out, "--%s\r\n", boundary);
	put_people(l, out);
	(void)buf_putf(out, "--%s\r\n", boundary);
	put_document(l, buf_slice(&packed), out, e);
	(void)buf_putf(out, "\r\n--%s--\r\n", boundary);
	return out->err != 0 ? error_set(e, out->err, "a report is too long for a letter") : 0;
}
