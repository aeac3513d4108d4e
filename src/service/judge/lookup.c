/* SPDX-License-Identifier: ISC */
#include "service/judge/lookup.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/reader.h"
#include "mailauth/limits.h"
#include "net/conn.h"
#include "service/limits.h"
#include "service/resolve.h"

#define ANSWER_BUDGET (256u << 10) /* DNS_RECORDS_OCTETS, every octet of a name escaped, and the tables */

/* ---- records ---- */

static struct slice
read_name(struct slice rdata, struct arena *a)
{
	struct buf text BUF_OWNED = { 0 };

	buf_init(&text, DNS_TEXT_MAX);
	return dns_name_text(rdata, &text, NULL) == 0 ? arena_copy(a, buf_slice(&text)) : SLICE_EMPTY;
}

/* The strings of a TXT record, one behind the other (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2). */
static struct slice
read_texts(struct slice rdata, struct arena *a)
{
	uint8_t *text = arena_alloc(a, rdata.len + 1);
	struct reader r = reader_of(rdata);
	size_t len = 0;

	while (text != NULL && reader_left(&r) > 0) {
		struct slice one = reader_get(&r, reader_get_u8(&r));

		for (size_t i = 0; i < one.len; i++)
			text[len++] = one.data[i];
	}
	return text == NULL || r.err != 0 ? SLICE_EMPTY : slice_of(text, len);
}

/* False: it is none of its type. */
static bool
read_record(enum mailauth_rr type, struct slice rdata, struct arena *a, struct slice *out)
{
	switch (type) {
	case MAILAUTH_A:
	case MAILAUTH_AAAA:
		*out = arena_copy(a, rdata);
		return rdata.len == (type == MAILAUTH_A ? 4u : 16u);
	case MAILAUTH_MX:
		*out = read_name(slice_from(rdata, 2), a);
		return out->len > 0;
	case MAILAUTH_PTR:
		*out = read_name(rdata, a);
		return out->len > 0;
	case MAILAUTH_TXT:
		*out = read_texts(rdata, a);
		return true;
	}
	return false;
}

/* The most preferred first; those alike stay as they are. */
static void
sort_exchanges(struct slice *rdata, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct slice one = rdata[i];
		size_t at = i;

		for (; at > 0 && slice_cmp(slice_sub(rdata[at - 1], 0, 2), slice_sub(one, 0, 2)) > 0; at--)
			rdata[at] = rdata[at - 1];
		rdata[at] = one;
	}
}

static void
read_records(enum mailauth_rr type, const struct dns_answer *in, struct arena *a, struct mailauth_answer *out)
{
	struct slice *rdata = arena_array(a, in->record_count, sizeof *rdata);
	struct slice *records = arena_array(a, in->record_count, sizeof *records);
	size_t n = 0;

	if (rdata == NULL || records == NULL)
		return;
	for (size_t i = 0; i < in->record_count; i++)
		rdata[i] = in->records[i];
	if (type == MAILAUTH_MX)
		sort_exchanges(rdata, in->record_count);
	for (size_t i = 0; i < in->record_count; i++)
		n += read_record(type, rdata[i], a, &records[n]);
	out->records = records;
	out->record_count = n;
}

struct mailauth_answer
lookup_read(enum mailauth_rr type, const struct dns_answer *answer, struct arena *a)
{
	struct mailauth_answer out = { .found = MAILAUTH_FAILED };

	if (answer == NULL || answer->security == DNS_BOGUS || answer->record_count > MAILAUTH_RECORDS_MAX)
		return out;
	out.secure = answer->security == DNS_SECURE;
	if (answer->rcode != DNS_NOERROR) {
		out.found = answer->rcode == DNS_NXDOMAIN ? MAILAUTH_NO_NAME : MAILAUTH_FAILED;
	} else if (answer->record_count == 0) {
		out.found = MAILAUTH_NONE;
	} else {
		read_records(type, answer, a, &out);
		/* What is there and cannot be read is not the same as nothing. */
		out.found = a->err == 0 && out.record_count > 0 ? MAILAUTH_FOUND : MAILAUTH_FAILED;
	}
	return out;
}

/* ---- asking ---- */

/* It belongs to who asked and to the question under way; only the answering thread writes, before `answered`. */
struct lookup {
	atomic_uint owners;
	atomic_bool answered;
	bool turned_away;
	enum mailauth_rr type;
	struct conn *wake;
	struct arena arena;
	struct mailauth_answer answer;
};

void
lookup_release(struct lookup *l)
{
	if (l == NULL || atomic_fetch_sub(&l->owners, 1) != 1)
		return;
	arena_done(&l->arena);
	mem_free(l);
}

static void
on_answer(void *ctx, const void *reply, const struct error *e)
{
	struct lookup *l = ctx;
	struct conn *wake = l->wake;

	l->turned_away = e != NULL && (e->code == ERR_FULL || e->code == ERR_CLOSED);
	l->answer = lookup_read(l->type, reply, &l->arena);
	atomic_store(&l->answered, true);
	lookup_release(l);
	if (wake == NULL)
		return;
	conn_wake(wake);
	conn_release(wake);
}

/*
 * As dns_lookup() reads it: a space (of a macro of SPF's, to which a local part came) is escaped. What it refused would
 * look as if DNS had failed, and the sender chooses the local part.
 */
static struct slice
escape(struct slice name, struct arena *a)
{
	struct buf text BUF_OWNED = { 0 };

	if (slice_find(name, ' ') == SIZE_MAX)
		return name;
	buf_init(&text, DNS_TEXT_MAX);
	for (size_t i = 0; i < name.len; i++)
		(void)(name.data[i] == ' ' ? buf_put_str(&text, "\\032") : buf_put_u8(&text, name.data[i]));
	return text.err != 0 ? name : arena_copy(a, buf_slice(&text));
}

struct lookup *
lookup_ask(struct port *resolver, const struct mailauth_question *question, struct conn *wake)
{
	struct resolve_lookup q = { .type = question->type };
	struct lookup *l = mem_alloc(sizeof *l);

	if (l == NULL)
		return NULL;
	arena_init(&l->arena, ANSWER_BUDGET);
	q.name = escape(question->name, &l->arena);
	l->type = question->type;
	l->wake = wake;
	atomic_init(&l->owners, 2);
	if (wake != NULL)
		conn_hold(wake);
	if (resolver == NULL || resolve_lookup_submit(resolver, &q, on_answer, l, NULL) != 0) {
		l->answer = (struct mailauth_answer){ .found = MAILAUTH_FAILED };
		l->turned_away = resolver != NULL;
		atomic_store(&l->answered, true);
		lookup_release(l);
		if (wake != NULL)
			conn_release(wake);
	}
	return l;
}

const struct mailauth_answer *
lookup_answered(const struct lookup *l)
{
	return atomic_load(&l->answered) ? &l->answer : NULL;
}

bool
lookup_was_turned_away(const struct lookup *l)
{
	return l->turned_away;
}
