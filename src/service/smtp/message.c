/* SPDX-License-Identifier: ISC */
#include "service/smtp/message.h"

#include <string.h>

#include "base/date.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mime/address.h"
#include "mime/lax.h"
#include "service/judge/judge.h"
#include "service/limits.h"
#include "service/sign/sign.h"
#include "smtp/path.h"

#define ENVELOPE_BUDGET (2u << 20)  /* SERVICE_RECIPIENTS_MAX addresses, with room */
#define ADDRESSES_BUDGET (4u << 20) /* one field of addresses */
#define TEXT_MAX (16u << 20)        /* never reached: the text is taken away before */
#define TRACE_MAX (16u << 10)       /* our own fields; names and addresses are bounded */
#define RESULTS_MAX (64u << 10)     /* Authentication-Results, and ARC's fields */
#define ADDED_MAX (64u << 10)       /* signatures, and what was found out */
#define HEADER_MORE (64u << 10)     /* fields that were missing in a header, or that a milter adds */
_Static_assert(2 * TRACE_MAX + RESULTS_MAX + ADDED_MAX + SERVICE_HEADER_MAX + HEADER_MORE <= SMTP_MESSAGE_FRONT_MAX,
    "the store takes all of it");

struct smtp_message *
smtp_message_new(const struct smtp_message_envelope *in)
{
	struct smtp_message *m = mem_alloc(sizeof *m);

	if (m == NULL)
		return NULL;
	arena_init(&m->arena, ENVELOPE_BUDGET);
	buf_init(&m->head, SERVICE_HEADER_MAX);
	buf_init(&m->trace, TRACE_MAX);
	buf_init(&m->results, RESULTS_MAX);
	buf_init(&m->received, TRACE_MAX);
	buf_init(&m->added, ADDED_MAX);
	buf_init(&m->header, SERVICE_HEADER_MAX + HEADER_MORE);
	buf_init(&m->text, TEXT_MAX);
	buf_init(&m->original, SERVICE_REPORT_HEADER_MAX);
	m->submission = in->submission;
	m->utf8 = in->utf8;
	m->require_tls = in->require_tls;
	m->ret = in->ret;
	m->from = arena_copy(&m->arena, in->from);
	m->envid = arena_copy(&m->arena, in->envid);
	if (m->arena.err != 0) {
		smtp_message_free(m);
		return NULL;
	}
	return m;
}

void
smtp_message_free(struct smtp_message *m)
{
	if (m == NULL)
		return;
	arena_done(&m->arena);
	sign_free(m->sign);
	buf_done(&m->original);
	buf_done(&m->head);
	buf_done(&m->trace);
	buf_done(&m->results);
	buf_done(&m->received);
	buf_done(&m->added);
	buf_done(&m->header);
	buf_done(&m->text);
	mem_free(m);
}

/* Room for more elements of this size behind count; *list and *room stay as they are when there is no memory. */
static int
make_room(struct arena *a, void *list, size_t count, size_t *room, size_t more, size_t size)
{
	size_t wanted = *room == 0 ? 4 : 2 * *room;
	void *old, *fresh;

	if (count + more <= *room)
		return 0;
	wanted = wanted < count + more ? count + more : wanted;
	if ((fresh = arena_array(a, wanted, size)) == NULL)
		return a->err;
	memcpy(&old, list, sizeof old);
	if (count > 0)
		memcpy(fresh, old, count * size);
	memcpy(list, &fresh, sizeof fresh);
	*room = wanted;
	return 0;
}

/* How many of these (ascending) are not among the message's (ascending). */
static size_t
count_new(const struct smtp_message *m, const uint64_t *accounts, size_t count)
{
	size_t k = 0, fresh = 0;

	for (size_t i = 0; i < count; i++) {
		while (k < m->account_count && m->accounts[k] < accounts[i])
			k++;
		fresh += k == m->account_count || m->accounts[k] != accounts[i];
	}
	return fresh;
}

/* From the back, in place: there is room for the new ones, and nothing is overwritten before it has moved. */
static void
merge_accounts(struct smtp_message *m, const uint64_t *accounts, size_t count, size_t fresh)
{
	size_t have = m->account_count, to = have + fresh;

	m->account_count = to;
	while (count > 0 && to > 0) {
		if (have > 0 && m->accounts[have - 1] >= accounts[count - 1]) {
			count -= m->accounts[have - 1] == accounts[count - 1];
			m->accounts[--to] = m->accounts[--have];
		} else {
			m->accounts[--to] = accounts[--count];
		}
	}
}

int
smtp_message_recipient(struct smtp_message *m, struct slice address, const uint64_t *accounts, size_t account_count)
{
	size_t fresh = count_new(m, accounts, account_count);
	struct slice copy;
	int rc;

	m->named += account_count;
	if (m->account_count + fresh > SERVICE_RECIPIENTS_MAX)
		return ERR_LIMIT;
	rc = make_room(&m->arena, &m->accounts, m->account_count, &m->account_room, fresh, sizeof *m->accounts);
	if (rc == 0)
		rc = make_room(
		    &m->arena, &m->recipients, m->recipient_count, &m->recipient_room, 1, sizeof *m->recipients);
	copy = arena_copy(&m->arena, address);
	if (m->arena.err != 0)
		return m->arena.err;
	merge_accounts(m, accounts, account_count, fresh);
	m->recipients[m->recipient_count++] = (struct smtp_recipient){ .address = copy, .inboxes = account_count };
	return rc;
}

void
smtp_message_recipient_sends(struct smtp_message *m)
{
	m->recipients[m->recipient_count - 1].sends = true;
	m->send_count++;
}

int
smtp_message_recipient_reports(struct smtp_message *m, unsigned notify, struct slice orcpt)
{
	struct smtp_recipient *last = &m->recipients[m->recipient_count - 1];

	last->notify = notify;
	last->orcpt = arena_copy(&m->arena, orcpt);
	return m->arena.err;
}

bool
smtp_message_wants_report(const struct smtp_message *m)
{
	bool wanted = false;

	for (size_t i = 0; i < m->recipient_count && !wanted; i++)
		wanted = (m->recipients[i].notify & SMTP_NOTIFY_SUCCESS) != 0 && m->recipients[i].inboxes > 0;
	return wanted && m->from.len > 0;
}

/* ---- the header ---- */

struct header_facts {
	unsigned received, delivered_to;
	bool date, message_id, sender, several_from;
	unsigned from;                      /* fields of that name */
	struct slice who[SERVICE_FROM_MAX]; /* values of From and its kin: who reads may look at any of them */
	bool is_from[SERVICE_FROM_MAX];
	size_t who_count;
};

static void
note_who(struct header_facts *f, struct slice value, bool is_from)
{
	if (f->who_count == SERVICE_FROM_MAX)
		return;
	f->is_from[f->who_count] = is_from;
	f->who[f->who_count++] = value;
}

/* Not over SERVICE_RECEIVED_MAX times, so that fields times recipients stay bounded. */
static void
note_delivered_to(struct header_facts *f, struct smtp_message *m, struct slice value)
{
	if (++f->delivered_to > SERVICE_RECEIVED_MAX)
		return;
	for (size_t i = 0; i < m->recipient_count; i++)
		if (slice_ieq(value, m->recipients[i].address))
			m->recipients[i].delivered_to = true;
}

/* Whoever signs for the writer must not be told less than a reader sees: mime/lax.h. */
static void
note_field(struct header_facts *f, struct smtp_message *m, struct slice field)
{
	struct slice value;

	if (mime_lax_named(field, "Received", &value)) {
		f->received++;
	} else if (mime_lax_named(field, "Date", &value)) {
		f->date = true;
	} else if (mime_lax_named(field, "Message-ID", &value)) {
		f->message_id = true;
	} else if (mime_lax_named(field, "From", &value)) {
		f->from++;
		note_who(f, value, true);
	} else if (mime_lax_named(field, "Sender", &value)) {
		f->sender = true;
		note_who(f, value, false);
	} else if (mime_lax_named(field, "Resent-From", &value) || mime_lax_named(field, "Resent-Sender", &value)) {
		note_who(f, value, false);
	} else if (mime_lax_named(field, "Delivered-To", &value)) {
		note_delivered_to(f, m, value);
	} else if (mime_lax_named(field, "TLS-Required", &value)) {
		m->tls_optional = slice_ieq_str(value, "No");
	}
}

static struct header_facts
look_at(struct smtp_message *m, struct slice header)
{
	struct header_facts f = { 0 };

	while (header.len > 0)
		note_field(&f, m, mime_lax_take(&header));
	return f;
}

/* RFC 5321 section 6.3; and what has been in the mailbox of each recipient does not go there again. */
static bool
goes_in_circles(const struct smtp_message *m, const struct header_facts *f)
{
	size_t again = 0;

	for (size_t i = 0; i < m->recipient_count; i++)
		again += m->recipients[i].delivered_to;
	return f->received >= SERVICE_RECEIVED_MAX || f->delivered_to > SERVICE_RECEIVED_MAX ||
	    (again > 0 && again == m->recipient_count);
}

static void
put_address(struct buf *b, const struct smtp_trace *t)
{
	(void)buf_putf(b, "[%s%s]", strchr(t->peer, ':') != NULL ? "IPv6:" : "", t->peer);
}

/* Who connected: what it called itself, and its address with the name that is confirmed. A Unix socket has no address. */
static void
put_from(struct buf *b, const struct smtp_trace *t)
{
	bool named = smtp_domain_valid(t->hello) || smtp_literal_valid(t->hello);
	bool addressed = strpbrk(t->peer, ".:") != NULL;

	(void)buf_put_str(b, "from ");
	if (named)
		(void)buf_put_slice(b, t->hello);
	else if (addressed)
		put_address(b, t);
	else
		(void)buf_put_str(b, "localhost");
	if (addressed && (named || t->name.len > 0)) {
		(void)buf_put_str(b, " (");
		(void)buf_put_slice(b, t->name);
		(void)buf_put_str(b, t->name.len > 0 ? " " : "");
		put_address(b, t);
		(void)buf_put_u8(b, ')');
	}
	(void)buf_put_str(b, "\r\n\t");
}

/* RFC 5321 section 4.4. Of our own people no address and no name goes out (RFC 6409 permits it; privacy). */
static void
put_received(struct smtp_message *m, const struct smtp_trace *t)
{
	struct buf *b = &m->received;

	(void)buf_put_str(b, "Received: ");
	if (!m->submission)
		put_from(b, t);
	(void)buf_put_str(b, "by ");
	(void)buf_put_slice(b, t->hostname);
	(void)buf_putf(b, " with %s id ", t->protocol);
	(void)buf_put_slice(b, t->id);
	if (t->tls != NULL)
		(void)buf_putf(b, "\r\n\t(%s)", t->tls);
	/*
	 * With more it would tell one about the others (section 7.2). Other letters than ASCII would make a message that needs
	 * eight bits and SMTPUTF8 of one that does not (RFC 6531 section 3.7.3).
	 */
	if (m->recipient_count == 1 && utf8_is_ascii(m->recipients[0].address)) {
		(void)buf_put_str(b, "\r\n\tfor <");
		(void)buf_put_slice(b, m->recipients[0].address);
		(void)buf_put_u8(b, '>');
	}
	(void)buf_put_str(b, ";\r\n\t");
	(void)date_write_mail(b, (int64_t)t->now, 0);
	(void)buf_put_str(b, "\r\n");
}

static void
put_own_address(struct buf *b, const char *name, struct slice address)
{
	(void)buf_putf(b, "%s: <", name);
	(void)buf_put_slice(b, address);
	(void)buf_put_str(b, ">\r\n");
}

/*
 * RFC 6409 sections 8.1 to 8.3. From and Sender name the envelope's sender,
 * which is the account's: a message must have From, and Sender where From
 * names several (RFC 5322 section 3.6.2).
 */
static void
put_missing(struct smtp_message *m, const struct smtp_trace *t, const struct header_facts *f)
{
	struct buf *b = &m->header;

	if (f->from == 0 && m->from.len > 0)
		put_own_address(b, "From", m->from);
	if (f->several_from && !f->sender && m->from.len > 0)
		put_own_address(b, "Sender", m->from);
	if (!f->date) {
		(void)buf_put_str(b, "Date: ");
		(void)date_write_mail(b, (int64_t)t->now, 0);
		(void)buf_put_str(b, "\r\n");
	}
	if (!f->message_id) {
		(void)buf_put_str(b, "Message-ID: <");
		for (size_t i = 0; i < sizeof t->random; i++)
			(void)buf_putf(b, "%02x", t->random[i]);
		(void)buf_put_u8(b, '@');
		(void)buf_put_slice(b, t->hostname);
		(void)buf_put_str(b, ">\r\n");
	}
}

static bool
add_from(struct smtp_message *m, const struct mime_address *address)
{
	struct buf spec;
	bool fits;

	buf_init(&spec, SMTP_ADDRESS_MAX);
	fits = mime_address_spec(address, &spec) == 0 && m->from_count < SERVICE_FROM_MAX;
	if (fits && !slice_eq(buf_slice(&spec), m->from)) /* that one was asked about at MAIL */
		m->from_addresses[m->from_count++] = arena_copy(&m->arena, buf_slice(&spec));
	buf_done(&spec);
	return fits;
}

/* Those of one field. */
static bool
note_addresses(struct smtp_message *m, struct header_facts *f, size_t i)
{
	struct mime_addresses list;
	bool named = false;

	if (mime_addresses_parse(f->who[i], &m->arena, &list, NULL) != 0 || list.broken || list.cut)
		return false;
	f->several_from = f->several_from || list.count > 1;
	for (size_t k = 0; k < list.count; k++) {
		if (list.items[k].kind != MIME_ADDRESS_MAILBOX)
			continue;
		if (!add_from(m, &list.items[k]))
			return false;
		if (f->is_from[i] && m->from_domain.len == 0)
			m->from_domain = arena_copy(&m->arena, list.items[k].domain);
		named = true;
	}
	return named || !f->is_from[i];
}

/* The addresses that the message says it is from. False: none, too many, or not to be understood. */
static bool
note_from(struct smtp_message *m, struct header_facts *f)
{
	m->from_addresses = arena_array(&m->arena, SERVICE_FROM_MAX, sizeof *m->from_addresses);
	if (m->from_addresses == NULL || f->who_count == SERVICE_FROM_MAX)
		return false;
	if (f->from == 0 && m->from.len == 0) /* nor is there an address that could be put there */
		return false;
	for (size_t i = 0; i < f->who_count; i++)
		if (!note_addresses(m, f, i))
			return false;
	if (f->from == 0)
		m->from_domain = slice_from(m->from, slice_find_last(m->from, '@') + 1); /* put_missing() */
	return m->arena.err == 0;
}

/* Fully qualified, as far as can be seen; the sender's own domain is, whatever it looks like. */
static bool
is_qualified(const struct smtp_message *m, struct slice domain)
{
	size_t at = slice_find_last(m->from, '@');

	if (smtp_literal_valid(domain) || (slice_find(domain, '.') != SIZE_MAX && smtp_domain_valid_utf8(domain)))
		return true;
	return at != SIZE_MAX && slice_ieq(domain, slice_from(m->from, at + 1));
}

/* One field's addresses, all of which must be some (section 5.1). What is too much to look at is not refused for that. */
static bool
addresses_qualified(const struct smtp_message *m, struct slice value, struct arena *a)
{
	struct mime_addresses list;

	if (mime_addresses_parse(value, a, &list, NULL) != 0)
		return true;
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].kind == MIME_ADDRESS_MAILBOX && !is_qualified(m, list.items[i].domain))
			return false;
	return !list.broken || list.cut;
}

/* RFC 6409 section 4.2: who adds fields answers for the domains in those that are there. */
static bool
header_qualified(const struct smtp_message *m, struct slice header)
{
	static const char *const fields[] = { "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-From",
		"Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Bcc" };
	bool good = true;

	while (header.len > 0 && good) {
		struct slice field = mime_lax_take(&header), value;
		struct arena a;

		arena_init(&a, ADDRESSES_BUDGET);
		for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
			if (mime_lax_named(field, fields[i], &value))
				good = addresses_qualified(m, value, &a);
		arena_done(&a);
	}
	return good;
}

/* What is for our own mailboxes alone. */
static void
put_delivery(struct smtp_message *m)
{
	put_own_address(&m->trace, "Return-Path", m->from);
	m->skip = (uint32_t)m->trace.len;
	/* Of an address of ours, wherever that leads to: so a circle is seen. */
	if (m->recipient_count != 1 || (m->submission && m->recipients[0].inboxes == 0))
		return;
	(void)buf_put_str(&m->trace, "Delivered-To: ");
	(void)buf_put_slice(&m->trace, m->recipients[0].address);
	(void)buf_put_str(&m->trace, "\r\n");
}

static void
tell_body(struct smtp_message *m, struct slice piece)
{
	if (m->ear != NULL && piece.len > 0 && m->refusal == SMTP_REPLY_NONE)
		m->ear->body(m->ear_ctx, piece);
}

static void
tell_header(struct smtp_message *m, struct slice header, struct slice text)
{
	if (m->ear != NULL && m->refusal == SMTP_REPLY_NONE)
		m->ear->header(m->ear_ctx, header);
	tell_body(m, text);
}

/* RFC 8601 section 5: results in our name are ours alone. Of strangers they are taken out with the verdict (judging.c). */
static void
keep_header(struct smtp_message *m, struct slice header, const struct smtp_trace *t)
{
	if (m->submission && judge_strip(header, t->hostname, &m->header) < 0)
		m->refusal = SMTP_REPLY_TRY_LATER;
	else if (!m->submission)
		(void)buf_put_slice(&m->header, header);
}

/* The header is whole: its first octets of head, of length header_len. */
static void
header_ended(struct smtp_message *m, size_t header_len, const struct smtp_trace *t)
{
	struct header_facts f = look_at(m, slice_sub(buf_slice(&m->head), 0, header_len));

	m->header_whole = true;
	if (header_len <= SERVICE_REPORT_HEADER_MAX && smtp_message_wants_report(m))
		(void)buf_put(&m->original, m->head.data, header_len); /* without it the report has none */
	if (goes_in_circles(m, &f))
		m->refusal = SMTP_REPLY_LOOP;
	else if (m->submission && !note_from(m, &f))
		m->refusal = SMTP_REPLY_FROM_FOREIGN;
	else if (m->submission && f.from > 1)
		m->refusal = SMTP_REPLY_FROM_TWICE;
	else if (m->submission && !header_qualified(m, slice_sub(buf_slice(&m->head), 0, header_len)))
		m->refusal = SMTP_REPLY_UNQUALIFIED;
	put_delivery(m);
	put_received(m, t);
	if (m->submission)
		put_missing(m, t, &f);
	keep_header(m, slice_sub(buf_slice(&m->head), 0, header_len), t);
	tell_header(m, buf_slice(&m->header), slice_from(buf_slice(&m->head), header_len));
	(void)buf_put_slice(&m->text, slice_from(buf_slice(&m->head), header_len));
	buf_done(&m->head);
	if (m->trace.err != 0 || m->received.err != 0 || m->header.err != 0)
		m->refusal = SMTP_REPLY_TRY_LATER;
}

int
smtp_message_front(const struct smtp_message *m, struct buf *out)
{
	(void)buf_put_slice(out, buf_slice(&m->trace));
	(void)buf_put_slice(out, buf_slice(&m->results));
	(void)buf_put_slice(out, buf_slice(&m->received));
	(void)buf_put_slice(out, buf_slice(&m->added));
	return buf_put_slice(out, buf_slice(&m->header));
}

void
smtp_message_close(struct smtp_message *m)
{
	struct buf whole;

	if (m->header_size != 0)
		return;
	buf_init(&whole, TEXT_MAX);
	(void)smtp_message_front(m, &whole);
	m->header_size = (uint32_t)whole.len;
	if (buf_put_slice(&whole, buf_slice(&m->text)) != 0)
		m->refusal = SMTP_REPLY_TRY_LATER;
	buf_done(&m->text);
	buf_done(&m->header);
	m->text = whole;
}

/* Octets of the header with its empty line, when that is in head; looked for from the octets that came last. */
static size_t
header_length(const struct smtp_message *m, size_t old_len)
{
	struct slice head = buf_slice(&m->head);
	size_t from = old_len < 3 ? 0 : old_len - 3, at;

	if (slice_starts(head, SLICE("\r\n")))
		return 2;
	at = slice_search(slice_from(head, from), SLICE("\r\n\r\n"));
	return at == SIZE_MAX ? 0 : from + at + 4;
}

/* No header begins so, and behind our last field it would go on with that one: it is a text without a header. */
static void
begin_head(struct smtp_message *m, struct slice chunk)
{
	if (chunk.len > 0 && (chunk.data[0] == ' ' || chunk.data[0] == '\t'))
		(void)buf_put_str(&m->head, "\r\n");
}

static void
put_head(struct smtp_message *m, struct slice chunk, const struct smtp_trace *t)
{
	size_t old, whole, take;

	if (m->head.len == 0)
		begin_head(m, chunk);
	old = m->head.len;
	take = size_min(chunk.len, SERVICE_HEADER_MAX - old);
	(void)buf_put(&m->head, chunk.data, take);
	whole = header_length(m, old);
	if (m->head.err != 0) {
		m->refusal = SMTP_REPLY_TRY_LATER;
	} else if (whole > 0) {
		header_ended(m, whole, t);
		(void)buf_put_slice(&m->text, slice_from(chunk, take));
		tell_body(m, slice_from(chunk, take));
	} else if (take < chunk.len) {
		m->refusal = SMTP_REPLY_HEADER_TOO_BIG;
	}
}

void
smtp_message_put(struct smtp_message *m, struct slice chunk, const struct smtp_trace *trace)
{
	if (m->refusal != SMTP_REPLY_NONE)
		return;
	m->eight_bit = m->eight_bit || !utf8_is_ascii(chunk);
	if (m->header_whole) {
		(void)buf_put_slice(&m->text, chunk);
		tell_body(m, chunk);
	} else {
		put_head(m, chunk, trace);
	}
	if (m->text.err != 0 && m->refusal == SMTP_REPLY_NONE)
		m->refusal = SMTP_REPLY_TRY_LATER;
	if (m->refusal != SMTP_REPLY_NONE) {
		buf_done(&m->head);
		buf_done(&m->header);
		buf_done(&m->text);
	}
}

void
smtp_message_end(struct smtp_message *m, const struct smtp_trace *trace)
{
	if (m->refusal != SMTP_REPLY_NONE)
		return;
	if (!m->header_whole)
		header_ended(m, m->head.len, trace);
	if (m->text.err != 0)
		m->refusal = SMTP_REPLY_TRY_LATER;
}
