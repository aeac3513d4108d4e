/* SPDX-License-Identifier: ISC */
#include "service/smtp/report.h"

#include <string.h>

#include "base/date.h"
#include "base/utf8.h"
#include "smtp/dsn.h"

/* The message's parts are of ASCII unless the envelope said otherwise (RFC 6533 section 4). */
static const char *
status_type(const struct smtp_message *m)
{
	return m->utf8 ? "message/global-delivery-status" : "message/delivery-status";
}

static const char *
header_type(const struct smtp_message *m)
{
	return m->utf8 ? "message/global-headers" : "text/rfc822-headers";
}

/* Old programs write headers in some other set of characters: they are shown as they came. */
static bool
is_8bit(const struct smtp_message *m)
{
	return m->utf8 || !utf8_is_ascii(buf_slice(&m->original));
}

static void
put_boundary(struct buf *b, const struct smtp_trace *t)
{
	for (size_t i = 0; i < sizeof t->random; i++)
		(void)buf_putf(b, "%02x", t->random[i]);
}

static void
put_part(struct buf *b, const struct smtp_trace *t, const char *type, bool eight_bit)
{
	(void)buf_put_str(b, "\r\n--");
	put_boundary(b, t);
	(void)buf_putf(
	    b, "\r\nContent-Type: %s\r\n%s\r\n", type, eight_bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

static void
put_header(struct buf *b, const struct smtp_message *m, const struct smtp_trace *t)
{
	(void)buf_put_str(b, "Return-Path: <>\r\nReceived: by ");
	(void)buf_put_slice(b, t->hostname);
	(void)buf_put_str(b, " id ");
	(void)buf_put_slice(b, t->id);
	(void)buf_put_str(b, ";\r\n\t");
	(void)date_write_mail(b, (int64_t)t->now, 0);
	(void)buf_put_str(b, "\r\nFrom: \"Mail delivery\" <postmaster@");
	(void)buf_put_slice(b, t->hostname);
	(void)buf_put_str(b, ">\r\nTo: <");
	(void)buf_put_slice(b, m->from);
	(void)buf_put_str(b, ">\r\nSubject: Delivered: your message has arrived\r\nDate: ");
	(void)date_write_mail(b, (int64_t)t->now, 0);
	(void)buf_put_str(b, "\r\nMessage-ID: <");
	put_boundary(b, t);
	(void)buf_put_u8(b, '@');
	(void)buf_put_slice(b, t->hostname);
	/* RFC 3834 section 5: no automatic answer to it */
	(void)buf_put_str(b,
	    ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=");
	(void)buf_put_str(b, m->utf8 ? "global-delivery-status" : "delivery-status");
	(void)buf_put_str(b, ";\r\n\tboundary=\"");
	put_boundary(b, t);
	(void)buf_put_str(b, "\"\r\n");
	if (is_8bit(m))
		(void)buf_put_str(b, "Content-Transfer-Encoding: 8bit\r\n");
	(void)buf_put_str(b, "\r\n");
}

static bool
is_reported(const struct smtp_recipient *r)
{
	return (r->notify & SMTP_NOTIFY_SUCCESS) != 0;
}

static void
put_words(struct buf *b, const struct smtp_message *m, const struct smtp_trace *t)
{
	put_part(b, t, m->utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", m->utf8);
	(void)buf_put_str(b,
	    "Your message is in the mailbox of each recipient that is named here, as you\r\n"
	    "asked to be told. It does not say that anybody has read it.\r\n\r\n");
	for (size_t i = 0; i < m->recipient_count; i++) {
		if (!is_reported(&m->recipients[i]))
			continue;
		(void)buf_put_str(b, "  ");
		(void)buf_put_slice(b, m->recipients[i].address);
		(void)buf_put_str(b, "\r\n");
	}
}

/* "type;address" in plain, as RFC 3464 section 2.3.1 has it; what the sender wrote was checked when it came. */
static void
put_original_recipient(struct buf *b, struct slice orcpt)
{
	struct slice address, type = slice_split(orcpt, ';', &address);
	struct buf plain;

	buf_init(&plain, SMTP_ORCPT_MAX);
	(void)buf_put_str(b, "Original-Recipient: ");
	(void)buf_put_slice(b, type);
	(void)buf_put_u8(b, ';');
	(void)buf_put_slice(b, smtp_xtext_decode(address, &plain) == 0 ? buf_slice(&plain) : address);
	(void)buf_put_str(b, "\r\n");
	buf_done(&plain);
}

static void
put_recipient(struct buf *b, const struct smtp_recipient *r)
{
	(void)buf_put_str(b, "\r\n");
	if (r->orcpt.len > 0)
		put_original_recipient(b, r->orcpt);
	(void)buf_putf(b, "Final-Recipient: %s;", utf8_is_ascii(r->address) ? "rfc822" : "utf-8");
	(void)buf_put_slice(b, r->address);
	(void)buf_put_str(b, "\r\nAction: delivered\r\nStatus: 2.1.5\r\n");
}

static void
put_status(struct buf *b, const struct smtp_message *m, const struct smtp_trace *t)
{
	struct buf envid;

	buf_init(&envid, SMTP_ENVID_MAX);
	put_part(b, t, status_type(m), m->utf8);
	if (m->envid.len > 0 && smtp_xtext_decode(m->envid, &envid) == 0) {
		(void)buf_put_str(b, "Original-Envelope-Id: ");
		(void)buf_put_slice(b, buf_slice(&envid));
		(void)buf_put_str(b, "\r\n");
	}
	(void)buf_put_str(b, "Reporting-MTA: dns;");
	(void)buf_put_slice(b, t->hostname);
	(void)buf_put_str(b, "\r\nArrival-Date: ");
	(void)date_write_mail(b, (int64_t)t->now, 0);
	(void)buf_put_str(b, "\r\n");
	for (size_t i = 0; i < m->recipient_count; i++)
		if (is_reported(&m->recipients[i]))
			put_recipient(b, &m->recipients[i]);
	buf_done(&envid);
}

/* The header alone, whatever RET says: nothing has failed (RFC 3461 section 4.3). */
static void
put_original(struct buf *b, const struct smtp_message *m, const struct smtp_trace *t)
{
	struct slice header = buf_slice(&m->original);

	if (header.len == 0)
		return;
	if (slice_ends(header, SLICE("\r\n\r\n")))
		header = slice_sub(header, 0, header.len - 2);
	put_part(b, t, header_type(m), is_8bit(m));
	(void)buf_put_slice(b, header);
}

int
smtp_report_write(
    const struct smtp_message *m, const struct smtp_trace *trace, struct buf *out, uint32_t *header_size_out)
{
	size_t before = out->len;

	put_header(out, m, trace);
	*header_size_out = (uint32_t)(out->len - before);
	put_words(out, m, trace);
	put_status(out, m, trace);
	put_original(out, m, trace);
	(void)buf_put_str(out, "\r\n--");
	put_boundary(out, trace);
	return buf_put_str(out, "--\r\n");
}
