/* SPDX-License-Identifier: ISC */
/*
 * First octet: flags; then the text of a message as the machine gives it (no
 * NUL, no bare CR or LF), at once and in small pieces. What is to be kept is
 * the same either way, is our fields and then the text as it came, and the
 * header's size ends it; the report on it is lines that end with CR LF.
 */
#include <stdlib.h>
#include <string.h>

#include "service/smtp/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct smtp_trace trace = {
	.hello = { (const uint8_t *)"client.example", 14 },
	.peer = "192.0.2.1",
	.protocol = "ESMTPSA",
	.hostname = { (const uint8_t *)"mail.example", 12 },
	.tls = "TLSv1.3 X",
	.id = { (const uint8_t *)"1.1.1", 5 },
	.now = 1700000000,
};

static struct smtp_message *
message_new(uint8_t flags)
{
	const struct smtp_message_envelope envelope = { .from =
							    (flags & 1) != 0 ? SLICE_EMPTY : SLICE("alice@b.example"),
		.submission = (flags & 2) != 0,
		.utf8 = (flags & 4) != 0,
		.envid = SLICE("a+2Bb") };
	struct smtp_message *m = smtp_message_new(&envelope);
	const uint64_t account = 1;

	if (m == NULL || smtp_message_recipient(m, SLICE("bob@b.example"), &account, 1) != 0 ||
	    smtp_message_recipient_reports(m, SMTP_NOTIFY_SUCCESS, SLICE("rfc822;bob+2B@b")) != 0 ||
	    ((flags & 8) != 0 && smtp_message_recipient(m, SLICE("x@b.example"), &account, 1) != 0))
		abort();
	return m;
}

static struct smtp_message *
received(uint8_t flags, struct slice text, size_t piece)
{
	struct smtp_message *m = message_new(flags);

	for (size_t at = 0; at < text.len; at += piece)
		smtp_message_put(m, slice_sub(text, at, piece), &trace);
	smtp_message_end(m, &trace);
	if (m->refusal == SMTP_REPLY_NONE)
		smtp_message_close(m);
	return m;
}

static void
check_lines(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r')) ||
		    (text.data[i] == '\r' && (i + 1 == text.len || text.data[i + 1] != '\n')))
			abort();
}

static void
check_report(const struct smtp_message *m)
{
	uint32_t header_size;
	struct buf report;

	buf_init(&report, SMTP_REPORT_MAX);
	if (smtp_report_write(m, &trace, &report, &header_size) != 0 || header_size > report.len ||
	    !slice_ends(slice_sub(buf_slice(&report), 0, header_size), SLICE("\r\n\r\n")))
		abort();
	check_lines(buf_slice(&report));
	buf_done(&report);
}

static bool
is_text(struct slice in)
{
	for (size_t i = 0; i < in.len; i++)
		if (in.data[i] == 0 || (in.data[i] == '\n' && (i == 0 || in.data[i - 1] != '\r')) ||
		    (in.data[i] == '\r' && (i + 1 == in.len || in.data[i + 1] != '\n')))
			return false;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_message *whole, *pieces;
	struct slice text;

	if (size < 1 || size > 60000)
		return 0;
	text = slice_of(data + 1, size - 1);
	if (!is_text(text))
		return 0;
	whole = received(data[0], text, size);
	pieces = received(data[0], text, 1 + data[0] % 7);
	if (whole->refusal != pieces->refusal || !slice_eq(buf_slice(&whole->text), buf_slice(&pieces->text)) ||
	    whole->header_size != pieces->header_size || whole->from_count != pieces->from_count)
		abort();
	if (whole->refusal == SMTP_REPLY_NONE) {
		if (!slice_ends(buf_slice(&whole->text), text) || whole->header_size > whole->text.len)
			abort();
		check_lines(buf_slice(&whole->text));
		if (smtp_message_wants_report(whole))
			check_report(whole);
	}
	smtp_message_free(whole);
	smtp_message_free(pieces);
	return 0;
}
