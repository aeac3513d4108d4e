/* SPDX-License-Identifier: ISC */
#include "service/queue/report.h"

#include "base/base64.h"
#include "base/date.h"
#include "base/utf8.h"
#include "smtp/dsn.h"
#include "smtp/limits.h"

#define BASE64_LINE 76u  /* RFC 2045 section 6.8 */
#define FOREIGN_MAX 800u /* octets: with what is in front the line has fewer than 998 (RFC 5322 section 2.1.1) */

/* What is said of an action, in the subject, in words, and to programs. */
static const struct action {
	const char *subject, *words, *name, *status;
} actions[] = {
	[REPORT_FAILED] = { "Not delivered: your message did not arrive",
	    "Your message was not delivered to the recipients that are named here.", "failed", "5.0.0" },
	[REPORT_DELAYED] = { "Delayed: your message has not arrived yet",
	    "Your message is still waiting for the recipients that are named here. It is\r\n"
	    "tried again by itself: you need not send it once more.",
	    "delayed", "4.0.0" },
	[REPORT_DELIVERED] = { "Delivered: your message has arrived",
	    "Your message is in the mailbox of each recipient that is named here, as you\r\n"
	    "asked to be told. It does not say that anybody has read it.",
	    "delivered", "2.1.5" },
	[REPORT_RELAYED] = { "Passed on: the recipient's server has your message",
	    "Your message was given to the next server for each recipient that is named\r\n"
	    "here. You asked to be told of its delivery: that server does not report any.",
	    "relayed", "2.0.0" },
};

/* By what the status begins with, the longest first (RFC 3463 section 3). */
static const struct {
	const char *status, *advice;
} advices[] = {
	{ "5.1.", "Look whether the address is written correctly; ask the recipient for the right one." },
	{ "5.2.2", "The recipient's mailbox is full: reach them in another way, or try again later." },
	{ "5.2.3", "The message is too large for the recipient: send less at once, or give a link." },
	{ "5.2.", "The recipient's mailbox takes no mail now: reach them in another way." },
	{ "5.3.4", "The message is too large for that server: send less at once, or give a link." },
	{ "5.4.7", "It will not be tried again. Send it once more later, or reach the recipient in another way." },
	{ "5.4.4", "There is no server for that domain: look whether the address is written correctly." },
	{ "5.4.", "The way to that server is broken: tell your administrator, with this message." },
	{ "5.6.", "The recipient's server cannot take a message of this form." },
	{ "5.7.10",
	    "That server cannot receive it encrypted as it must be. Tell your administrator, with this message." },
	{ "5.7.3",
	    "That server cannot receive it encrypted as it must be. Tell your administrator, with this message." },
	{ "5.7.",
	    "That server refuses it: ask the recipient to permit you, or your administrator to look at this message." },
	{ "5.", "It will not be tried again." },
};

/* The message's parts are of ASCII unless the envelope said otherwise (RFC 6533 section 4). */
static const char *
status_type(const struct report *r)
{
	return r->utf8 ? "message/global-delivery-status" : "message/delivery-status";
}

static const char *
original_type(const struct report *r)
{
	if (r->whole)
		return r->utf8 ? "message/global" : "message/rfc822";
	return r->utf8 ? "message/global-headers" : "text/rfc822-headers";
}

/* Old programs write headers in some other set of characters: they are shown as they came. */
bool
report_is_8bit(const struct report *r)
{
	return !r->seven_bit && (r->utf8 || !utf8_is_ascii(r->original));
}

static const struct action *
action_of(const struct report_recipient *r)
{
	return &actions[r->action >= REPORT_FAILED && r->action <= REPORT_RELAYED ? r->action : REPORT_FAILED];
}

/* The gravest of them names the whole. */
static const struct action *
gravest(const struct report *r)
{
	uint32_t least = REPORT_RELAYED;

	for (size_t i = 0; i < r->recipient_count; i++)
		if (r->recipients[i].action < least)
			least = r->recipients[i].action;
	return &actions[least >= REPORT_FAILED ? least : REPORT_FAILED];
}

static struct slice
status_of(const struct report_recipient *r)
{
	return r->status.len > 0 ? r->status : slice_str(action_of(r)->status);
}

/* What somebody else wrote, on one line and in printable characters; UTF-8 only where the report may have it. */
static void
put_foreign(struct buf *b, struct slice text, bool utf8)
{
	bool keeps;

	text = slice_sub(text, 0, FOREIGN_MAX);
	keeps = utf8 && utf8_valid(text);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '\r' || c == '\n' || c == '\t')
			c = ' ';
		(void)buf_put_u8(b, c < ' ' || c == 0x7f || (c > 0x7f && !keeps) ? '?' : c);
	}
}

static void
put_boundary(struct buf *b, const struct report *r)
{
	for (size_t i = 0; i < sizeof r->random; i++)
		(void)buf_putf(b, "%02x", r->random[i]);
}

/* The servers on the way may take seven bits only: RFC 6533 section 5 and RFC 6522 section 3 have it encoded then. */
static void
put_base64(struct buf *b, struct slice content)
{
	struct base64_encoder encoder;

	base64_encoder_init(&encoder, BASE64_LINE, "\r\n");
	(void)base64_encoder_put(&encoder, content, b);
	(void)base64_encoder_end(&encoder, b);
}

static void
put_part(struct buf *b, const struct report *r, const char *type, struct slice content)
{
	bool ascii = utf8_is_ascii(content);

	(void)buf_put_str(b, "\r\n--");
	put_boundary(b, r);
	(void)buf_putf(b, "\r\nContent-Type: %s\r\n", type);
	if (!ascii)
		(void)buf_putf(b, "Content-Transfer-Encoding: %s\r\n", r->seven_bit ? "base64" : "8bit");
	(void)buf_put_str(b, "\r\n");
	if (!ascii && r->seven_bit)
		put_base64(b, content);
	else
		(void)buf_put_slice(b, content);
}

static void
put_date(struct buf *b, const char *name, uint64_t when)
{
	(void)buf_put_str(b, name);
	(void)date_write_mail(b, (int64_t)when, 0);
	(void)buf_put_str(b, "\r\n");
}

/* ---- the header ---- */

static void
put_received(struct buf *b, const struct report *r)
{
	if (r->id.len == 0)
		return;
	(void)buf_put_str(b, "Received: by ");
	(void)buf_put_slice(b, r->hostname);
	(void)buf_put_str(b, " id ");
	(void)buf_put_slice(b, r->id);
	put_date(b, ";\r\n\t", r->now);
}

static void
put_header(struct buf *b, const struct report *r)
{
	put_received(b, r);
	(void)buf_put_str(b, "From: \"Mail delivery\" <postmaster@");
	(void)buf_put_slice(b, r->hostname);
	(void)buf_put_str(b, ">\r\nTo: <");
	(void)buf_put_slice(b, r->to);
	(void)buf_putf(b, ">\r\nSubject: %s\r\n", gravest(r)->subject);
	put_date(b, "Date: ", r->now);
	(void)buf_put_str(b, "Message-ID: <");
	put_boundary(b, r);
	(void)buf_put_u8(b, '@');
	(void)buf_put_slice(b, r->hostname);
	/* RFC 3834 section 5: no automatic answer to it */
	(void)buf_put_str(b,
	    ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=");
	(void)buf_put_str(b, r->utf8 ? "global-delivery-status" : "delivery-status");
	(void)buf_put_str(b, ";\r\n\tboundary=\"");
	put_boundary(b, r);
	(void)buf_put_str(b, "\"\r\n");
	if (report_is_8bit(r))
		(void)buf_put_str(b, "Content-Transfer-Encoding: 8bit\r\n");
	(void)buf_put_str(b, "\r\n");
}

/* ---- for people ---- */

static void
put_duration(struct buf *b, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *one, *more;
	} units[] = { { 86400, "day", "days" }, { 3600, "hour", "hours" }, { 60, "minute", "minutes" } };
	size_t i = 0;

	while (i < 2 && seconds < 2 * units[i].seconds)
		i++;
	seconds = (seconds + units[i].seconds / 2) / units[i].seconds;
	(void)buf_putf(b, "%llu %s", (unsigned long long)seconds, seconds == 1 ? units[i].one : units[i].more);
}

static void
put_what(struct buf *b, const struct report *r, const struct report_recipient *one)
{
	if (one->text.len == 0)
		return;
	(void)buf_put_str(b, "    ");
	if (one->from_remote && one->host.len > 0) {
		(void)buf_put_str(b, "The server ");
		put_foreign(b, one->host, r->utf8);
		(void)buf_put_str(b, " said: ");
	} else if (one->from_remote) {
		(void)buf_put_str(b, "Its server said: ");
	} else if (one->action == REPORT_FAILED || one->action == REPORT_DELAYED) {
		(void)buf_put_str(b, "The reason: ");
	}
	put_foreign(b, one->text, r->utf8);
	(void)buf_put_str(b, "\r\n");
}

static void
put_advice(struct buf *b, const struct report_recipient *one)
{
	if (one->action == REPORT_DELAYED && one->until != 0)
		put_date(b, "    It is tried until ", one->until);
	if (one->action != REPORT_FAILED)
		return;
	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
		if (slice_starts(status_of(one), slice_str(advices[i].status))) {
			(void)buf_putf(b, "    %s\r\n", advices[i].advice);
			return;
		}
	}
}

static void
put_words_of(struct buf *b, const struct report *r, uint32_t action)
{
	bool any = false;

	for (size_t i = 0; i < r->recipient_count; i++) {
		const struct report_recipient *one = &r->recipients[i];

		if (one->action != action)
			continue;
		if (!any)
			(void)buf_putf(b, "%s\r\n\r\n", actions[action].words);
		any = true;
		(void)buf_put_str(b, "  ");
		(void)buf_put_slice(b, one->address);
		(void)buf_put_str(b, "\r\n");
		put_what(b, r, one);
		put_advice(b, one);
	}
	if (any)
		(void)buf_put_str(b, "\r\n");
}

static void
put_words(struct buf *b, const struct report *r)
{
	for (uint32_t action = REPORT_FAILED; action <= REPORT_RELAYED; action++)
		put_words_of(b, r, action);
	if (r->tried_s != 0) {
		(void)buf_put_str(b, "It was tried for ");
		put_duration(b, r->tried_s);
		(void)buf_put_str(b, ".\r\n");
	}
	if (r->original.len > 0)
		(void)buf_putf(b, "%s of your message stands below.\r\n", r->whole ? "All" : "The header");
}

static void
put_words_part(struct buf *b, const struct report *r)
{
	struct buf words;

	buf_init(&words, REPORT_MAX);
	put_words(&words, r);
	put_part(b, r, r->utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", buf_slice(&words));
	if (words.err != 0 && b->err == 0)
		b->err = words.err;
	buf_done(&words);
}

/* ---- for programs (RFC 3464) ---- */

/* "type;address" in plain, as RFC 3464 section 2.3.1 has it; what the sender wrote was checked when it came. Of the type
 * utf-8 it becomes UTF-8 where that may stand, and is left as it is where it stands for no such text (RFC 6533 section 3). */
static void
put_original_recipient(struct buf *b, const struct report *r, struct slice orcpt)
{
	struct slice address, type = slice_split(orcpt, ';', &address);
	struct buf plain, utf8;

	buf_init(&plain, SMTP_ORCPT_MAX);
	buf_init(&utf8, SMTP_ORCPT_MAX);
	if (smtp_xtext_decode(address, &plain) == 0)
		address = buf_slice(&plain);
	if (r->utf8 && slice_ieq(type, SLICE("utf-8")) && smtp_unitext_decode(address, &utf8) == 0)
		address = buf_slice(&utf8);
	(void)buf_put_str(b, "Original-Recipient: ");
	(void)buf_put_slice(b, type);
	(void)buf_put_u8(b, ';');
	(void)buf_put_slice(b, address);
	(void)buf_put_str(b, "\r\n");
	buf_done(&utf8);
	buf_done(&plain);
}

static void
put_recipient(struct buf *b, const struct report *r, const struct report_recipient *one)
{
	(void)buf_put_str(b, "\r\n");
	if (one->orcpt.len > 0)
		put_original_recipient(b, r, one->orcpt);
	(void)buf_putf(b, "Final-Recipient: %s;", utf8_is_ascii(one->address) ? "rfc822" : "utf-8");
	(void)buf_put_slice(b, one->address);
	(void)buf_putf(b, "\r\nAction: %s\r\nStatus: ", action_of(one)->name);
	(void)buf_put_slice(b, status_of(one));
	(void)buf_put_str(b, "\r\n");
	if (one->from_remote && one->host.len > 0) {
		(void)buf_put_str(b, "Remote-MTA: dns;");
		put_foreign(b, one->host, false);
		(void)buf_put_str(b, "\r\n");
	}
	if (one->text.len > 0) {
		(void)buf_putf(b, "Diagnostic-Code: %s;", one->from_remote ? "smtp" : "x-letterlock");
		put_foreign(b, one->text, r->utf8);
		(void)buf_put_str(b, "\r\n");
	}
	if (one->last != 0)
		put_date(b, "Last-Attempt-Date: ", one->last);
	if (one->action == REPORT_DELAYED && one->until != 0)
		put_date(b, "Will-Retry-Until: ", one->until);
}

static void
put_status(struct buf *b, const struct report *r)
{
	struct buf envid;

	buf_init(&envid, SMTP_ENVID_MAX);
	if (r->envid.len > 0 && smtp_xtext_decode(r->envid, &envid) == 0) {
		(void)buf_put_str(b, "Original-Envelope-Id: ");
		(void)buf_put_slice(b, buf_slice(&envid));
		(void)buf_put_str(b, "\r\n");
	}
	(void)buf_put_str(b, "Reporting-MTA: dns;");
	(void)buf_put_slice(b, r->hostname);
	(void)buf_put_str(b, "\r\n");
	put_date(b, "Arrival-Date: ", r->arrival);
	for (size_t i = 0; i < r->recipient_count; i++)
		put_recipient(b, r, &r->recipients[i]);
	buf_done(&envid);
}

static void
put_status_part(struct buf *b, const struct report *r)
{
	struct buf status;

	buf_init(&status, REPORT_MAX);
	put_status(&status, r);
	put_part(b, r, status_type(r), buf_slice(&status));
	if (status.err != 0 && b->err == 0)
		b->err = status.err;
	buf_done(&status);
}

static void
put_original(struct buf *b, const struct report *r)
{
	struct slice original = r->original;

	if (original.len == 0)
		return;
	if (!r->whole && slice_ends(original, SLICE("\r\n\r\n")))
		original = slice_sub(original, 0, original.len - 2);
	put_part(b, r, original_type(r), original);
}

int
report_write(const struct report *r, struct buf *out, uint32_t *skip_out, uint32_t *header_size_out)
{
	size_t before = out->len;

	(void)buf_put_str(out, "Return-Path: <>\r\n");
	*skip_out = (uint32_t)(out->len - before);
	put_header(out, r);
	*header_size_out = (uint32_t)(out->len - before);
	put_words_part(out, r);
	put_status_part(out, r);
	put_original(out, r);
	(void)buf_put_str(out, "\r\n--");
	put_boundary(out, r);
	return buf_put_str(out, "--\r\n");
}
