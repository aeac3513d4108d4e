/* SPDX-License-Identifier: ISC */
#include "smtp/reply.h"

struct row {
	unsigned code;
	const char *text; /* with the enhanced code, where the standard permits one */
};

static const struct row rows[SMTP_REPLY_COUNT] = {
	[SMTP_REPLY_GREETING] = { 220, "" },
	[SMTP_REPLY_BYE] = { 221, "2.0.0 Goodbye" },
	[SMTP_REPLY_TLS_READY] = { 220, "2.0.0 Ready to start TLS" },
	[SMTP_REPLY_TLS_UNAVAILABLE] = { 454, "4.7.0 TLS is not available here" },
	[SMTP_REPLY_TLS_ALREADY] = { 503, "5.5.1 TLS stands already" },
	[SMTP_REPLY_TLS_FIRST] = { 530, "5.7.0 STARTTLS first" },
	[SMTP_REPLY_TIMEOUT] = { 421, "4.4.2 Waited too long for you; goodbye" },
	[SMTP_REPLY_TOO_MANY_ERRORS] = { 421, "4.7.0 Too many errors; goodbye" },
	[SMTP_REPLY_SHUTTING_DOWN] = { 421, "4.3.2 This server is stopping; try again later" },
	[SMTP_REPLY_NO_ROOM] = { 421, "4.3.2 Too many connections; try again later" },
	[SMTP_REPLY_OK] = { 250, "2.0.0 OK" },
	[SMTP_REPLY_RESET] = { 250, "2.0.0 Forgotten" },
	[SMTP_REPLY_HELP] = { 214,
	    "2.0.0 EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT; see RFC 5321" },
	[SMTP_REPLY_VERIFY] = { 252, "2.5.0 Send some mail, we will try" },
	[SMTP_REPLY_EXPAND] = { 252, "2.5.0 Lists are not shown; send some mail, we will try" },
	[SMTP_REPLY_UNKNOWN_COMMAND] = { 500, "5.5.1 No such command" },
	[SMTP_REPLY_NOT_DONE_HERE] = { 502, "5.5.1 This command is not done here" },
	[SMTP_REPLY_LINE_TOO_LONG] = { 500, "5.5.2 Line too long" },
	[SMTP_REPLY_BAD_LINE] = { 500, "5.5.2 A line ends with CR LF and holds no control characters" },
	[SMTP_REPLY_BAD_ARGUMENT] = { 501, "5.5.4 Malformed argument" },
	[SMTP_REPLY_NO_ARGUMENT] = { 501, "5.5.4 This command takes no argument" },
	[SMTP_REPLY_HELLO_FIRST] = { 503, "5.5.1 EHLO first" },
	[SMTP_REPLY_LHLO_FIRST] = { 503, "5.5.1 LHLO first" },
	[SMTP_REPLY_MAIL_FIRST] = { 503, "5.5.1 MAIL first" },
	[SMTP_REPLY_MAIL_ALREADY] = { 503, "5.5.1 MAIL was given already; RSET to begin anew" },
	[SMTP_REPLY_RECIPIENT_FIRST] = { 503, "5.5.1 RCPT first" },
	[SMTP_REPLY_NO_RECIPIENTS] = { 554, "5.5.1 No valid recipients" },
	[SMTP_REPLY_NO_RECIPIENTS_LMTP] = { 503, "5.5.1 No valid recipients" },
	[SMTP_REPLY_CHUNKS_BEGUN] = { 503, "5.5.1 The text is coming by BDAT; send its rest, or RSET" },
	[SMTP_REPLY_CHUNK_SIZE] = { 501, "5.5.4 BDAT has a number of octets, and LAST when it is the last" },
	[SMTP_REPLY_OUT_OF_STEP] = { 421, "4.5.0 What follows cannot be told from a message's text; goodbye" },
	[SMTP_REPLY_AUTH_FIRST] = { 530, "5.7.0 Authentication required" },
	[SMTP_REPLY_AUTH_TLS_FIRST] = { 538, "5.7.11 Authentication needs TLS: STARTTLS first" },
	[SMTP_REPLY_AUTH_OK] = { 235, "2.7.0 Welcome" },
	[SMTP_REPLY_AUTH_WRONG] = { 535, "5.7.8 Wrong address or password" },
	[SMTP_REPLY_AUTH_MALFORMED] = { 501, "5.5.2 Malformed authentication response" },
	[SMTP_REPLY_AUTH_CANCELLED] = { 501, "5.7.0 Authentication cancelled" },
	[SMTP_REPLY_AUTH_MECHANISM] = { 504, "5.5.4 No such authentication mechanism here" },
	[SMTP_REPLY_AUTH_ALREADY] = { 503, "5.5.1 Authenticated already" },
	[SMTP_REPLY_AUTH_IN_MAIL] = { 503, "5.5.1 No AUTH while a message is under way" },
	[SMTP_REPLY_AUTH_LINE_TOO_LONG] = { 500, "5.5.6 Authentication line too long" },
	[SMTP_REPLY_AUTH_BUSY] = { 454, "4.7.0 Too many are signing in; try again later" },
	[SMTP_REPLY_SENDER_OK] = { 250, "2.1.0 Sender OK" },
	[SMTP_REPLY_SENDER_SYNTAX] = { 501, "5.1.7 Malformed sender; MAIL FROM:<local@domain>" },
	[SMTP_REPLY_SENDER_FOREIGN] = { 550, "5.7.1 This sender address is not yours" },
	[SMTP_REPLY_SENDER_ASCII] = { 550, "5.6.7 An address outside of ASCII needs SMTPUTF8" },
	[SMTP_REPLY_PARAMETER_UNKNOWN] = { 555, "5.5.4 No such parameter here" },
	[SMTP_REPLY_PARAMETER_BAD] = { 501, "5.5.4 Malformed parameter" },
	[SMTP_REPLY_SIZE_TOO_BIG] = { 552, "5.3.4 The message is larger than this server takes" },
	[SMTP_REPLY_RECIPIENT_OK] = { 250, "2.1.5 Recipient OK" },
	[SMTP_REPLY_RECIPIENT_SYNTAX] = { 501, "5.1.3 Malformed recipient; RCPT TO:<local@domain>" },
	[SMTP_REPLY_RECIPIENT_ASCII] = { 553, "5.6.7 An address outside of ASCII needs SMTPUTF8" },
	[SMTP_REPLY_RECIPIENT_UNKNOWN] = { 550, "5.1.1 Nobody here has this address" },
	[SMTP_REPLY_RECIPIENT_ELSEWHERE] = { 550, "5.7.1 This server takes mail for its own addresses only" },
	[SMTP_REPLY_RECIPIENT_DENIED] = { 550, "5.7.1 This address takes mail from its own circle only" },
	[SMTP_REPLY_RECIPIENTS_TOO_MANY] = { 452, "4.5.3 Too many recipients; send to the others separately" },
	[SMTP_REPLY_DATA_GO] = { 354, "Send the message; end with CR LF . CR LF" },
	[SMTP_REPLY_CHUNK] = { 250, "2.0.0 Octets taken:" },
	[SMTP_REPLY_KEPT] = { 250, "2.0.0 Kept as" },
	[SMTP_REPLY_BARE_CR] = { 550, "5.5.2 CR without LF in the message (RFC 5321 section 2.3.8); nothing was kept" },
	[SMTP_REPLY_BARE_LF] = { 550, "5.5.2 LF without CR in the message (RFC 5321 section 2.3.8); nothing was kept" },
	[SMTP_REPLY_NUL] = { 550, "5.6.0 NUL in the message; nothing was kept" },
	[SMTP_REPLY_TOO_BIG] = { 552, "5.3.4 The message is larger than this server takes; nothing was kept" },
	[SMTP_REPLY_HEADER_TOO_BIG] = { 552, "5.3.4 The message's header is too large; nothing was kept" },
	[SMTP_REPLY_LOOP] = { 554, "5.4.6 The message goes in circles; nothing was kept" },
	[SMTP_REPLY_FROM_FOREIGN] = { 550,
	    "5.7.1 The From field names nobody, or an address that is not yours; nothing was kept" },
	[SMTP_REPLY_UNQUALIFIED] = { 554,
	    "5.6.0 An address in the header has no complete domain (RFC 6409 section 4.2); nothing was kept" },
	[SMTP_REPLY_FROM_TWICE] = { 554,
	    "5.6.0 The header has more than one From field (RFC 5322 section 3.6); nothing was kept" },
	[SMTP_REPLY_DMARC] = { 550,
	    "5.7.26 Neither SPF nor DKIM show that this is from whom it says, and the domain wants such mail refused"
	    " (DMARC):" },
	[SMTP_REPLY_SPF] = { 550, "5.7.23 By its SPF record no mail with this sender comes from your address:" },
	[SMTP_REPLY_FILTER] = { 550, "5.7.1 A filter of this server refuses the message; nothing was kept" },
	[SMTP_REPLY_FILTER_SAYS] = { 550, "" },
	[SMTP_REPLY_FILTER_SAYS_LATER] = { 451, "" },
	[SMTP_REPLY_HEADER_BROKEN] = { 554,
	    "5.6.0 A line of the header is no field, so the message cannot be signed; nothing was kept" },
	[SMTP_REPLY_TRY_LATER] = { 451, "4.3.0 Not possible just now; try again later" },
	[SMTP_REPLY_HOUR_FULL] = { 451,
	    "4.7.1 Too many messages to other servers in this hour; come again in the next" },
	[SMTP_REPLY_QUEUE_FULL] = { 452, "4.3.1 Too much mail waits for other servers; come again later" },
	[SMTP_REPLY_DISK_FULL] = { 452, "4.3.1 No room left; try again later" },
};

unsigned
smtp_reply_code(enum smtp_reply reply)
{
	return rows[reply].code;
}

int
smtp_reply_write(struct buf *out, enum smtp_reply reply, struct slice detail)
{
	const struct row *r = &rows[reply];

	(void)buf_putf(out, "%u %s", r->code, r->text);
	if (detail.len > 0) {
		if (r->text[0] != '\0')
			(void)buf_put_u8(out, ' ');
		(void)buf_put_slice(out, detail);
	}
	return buf_put(out, "\r\n", 2);
}

/* ---- reading ---- */

void
smtp_answer_reader_init(struct smtp_answer_reader *r)
{
	*r = (struct smtp_answer_reader){ 0 };
	buf_init(&r->text, SMTP_REPLY_TEXT_MAX);
}

void
smtp_answer_reader_done(struct smtp_answer_reader *r)
{
	buf_done(&r->text);
	smtp_answer_reader_init(r);
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Octets of a number of up to three digits; 0: none, or it has a zero in front (RFC 3464 section 2.3.4). */
static size_t
number_length(struct slice in)
{
	size_t len = 0;

	while (len < in.len && len < 3 && is_digit(in.data[len]))
		len++;
	return len > 1 && in.data[0] == '0' ? 0 : len;
}

/* Octets of "5.1.1" at the front when a space or the end follows, else 0 (RFC 2034 section 4). */
static size_t
enhanced_length(struct slice in)
{
	size_t i = 0;

	if (in.len < 5 || (in.data[0] != '2' && in.data[0] != '4' && in.data[0] != '5'))
		return 0;
	for (int part = 0; part < 3; part++) {
		size_t len = number_length(slice_from(in, i));

		i += len;
		if (len == 0 || (part < 2 && (i == in.len || in.data[i++] != '.')))
			return 0;
	}
	return i == in.len || in.data[i] == ' ' ? i : 0;
}

/* Text over the maximum is dropped; the code decides. */
static void
keep_text(struct smtp_answer_reader *r, struct slice text)
{
	size_t enhanced = r->lines > 1 ? enhanced_length(text) : 0;

	if (enhanced > 0)
		text = slice_from(text, enhanced + (enhanced < text.len));
	if (r->text.len + text.len + 1 > SMTP_REPLY_TEXT_MAX)
		return;
	if (r->lines > 1)
		(void)buf_put_u8(&r->text, '\n');
	(void)buf_put_slice(&r->text, text);
}

int
smtp_answer_line(struct smtp_answer_reader *r, struct slice line, struct smtp_answer *out, struct error *e)
{
	uint64_t code;
	size_t enhanced;

	if (r->whole) {
		buf_clear(&r->text);
		r->lines = 0;
		r->whole = false;
	}
	if (!slice_to_u64(slice_sub(line, 0, 3), 599, &code) || line.len < 3 || code < 200 ||
	    (line.len > 3 && line.data[3] != ' ' && line.data[3] != '-'))
		return error_set(e, ERR_SYNTAX, "the server does not answer as an SMTP server does");
	if (r->lines > 0 && r->code != code)
		return error_set(e, ERR_SYNTAX, "the server's answer has different codes in its lines");
	if (++r->lines > SMTP_REPLY_LINES_MAX)
		return error_set(e, ERR_LIMIT, "the server's answer has over %u lines", SMTP_REPLY_LINES_MAX);
	r->code = (unsigned)code;
	keep_text(r, slice_from(line, 4));
	if (r->text.err != 0)
		return error_nomem(e);
	if (line.len > 3 && line.data[3] == '-')
		return 0;
	r->whole = true;
	*out = (struct smtp_answer){ .code = r->code, .text = buf_slice(&r->text) };
	if ((enhanced = enhanced_length(out->text)) > 0) {
		out->enhanced = slice_sub(out->text, 0, enhanced);
		out->text = slice_from(out->text, enhanced + (enhanced < out->text.len));
	}
	return 1;
}
