/* SPDX-License-Identifier: ISC */
#include "service/pop3/retrieve.h"

#include <stdio.h>

#include "base/utf8.h"
#include "pop3/limits.h"
#include "service/pop3/surrogate.h"
#include "store/store.h"

#define TOP_BODY (8u << 10) /* octets of a body that TOP reads in one go: a screenful is mostly all that is wanted */

_Static_assert(POP3_PIECE_MAX >= 2 * POP3_RETRIEVE_READ, "a piece of dots only, doubled, has room");

void
pop3_retrieve_init(struct pop3_retrieve *r, struct port *store, uint64_t account, uint64_t mailbox, bool utf8)
{
	*r = (struct pop3_retrieve){ .store = store, .account = account, .mailbox = mailbox, .utf8 = utf8 };
	buf_init(&r->piece, POP3_RETRIEVE_BUDGET);
}

void
pop3_retrieve_done(struct pop3_retrieve *r)
{
	buf_done(&r->piece);
}

void
pop3_retrieve_begin(struct pop3_retrieve *r, uint32_t uid, uint32_t size, bool all, uint32_t lines)
{
	r->uid = uid;
	r->size = size;
	r->all = all;
	r->lines = lines;
	r->found = r->begun = false;
	r->at = 0;
	r->state = POP3_RETRIEVE_MORE;
	pop3_lines_init(&r->out);
}

static void
fail(struct pop3_retrieve *r, const struct error *e)
{
	r->fault = *e;
	r->state = r->begun ? POP3_RETRIEVE_BROKEN : POP3_RETRIEVE_REFUSED;
	r->code = "SYS/TEMP";
	r->text = "The message cannot be read now; try again later";
	if (e->code == ERR_NOT_FOUND) {
		r->code = NULL;
		r->text = "That message is gone: another session has removed it";
	} else if (e->code == ERR_LIMIT) {
		r->code = "UTF8";
		r->text = "The header has to be read in UTF-8 mode";
	} else if (e->code == ERR_INTEGRITY) {
		r->code = "SYS/PERM";
		r->text = "The stored message does not match its checksum";
	}
}

int
pop3_retrieve_row(struct pop3_retrieve *r, const struct store_message *row, struct error *e)
{
	if (row->size != r->size)
		return error_set(e, ERR_INTERNAL, "a message whose size has changed");
	r->body = row->body;
	r->header_end = row->header_size < r->size ? row->header_size : r->size;
	r->found = true;
	return 0;
}

/* The row, as it is now: what others removed meanwhile is not there. */
static int
find(struct pop3_retrieve *r, struct arena *a, struct error *e)
{
	const struct store_message_list ask = {
		.account = r->account, .mailbox = r->mailbox, .first = r->uid, .last = r->uid, .limit = 1
	};
	struct store_message_rows rows;
	int rc = store_message_list(r->store, &ask, a, &rows, e);

	if (rc == 0 && (rows.row_count != 1 || rows.rows[0].uid != r->uid))
		rc = error_set(e, ERR_NOT_FOUND, "no such message");
	return rc == 0 ? pop3_retrieve_row(r, &rows.rows[0], e) : rc;
}

static int
read_octets(
    struct pop3_retrieve *r, uint64_t from, uint64_t length, struct arena *a, struct slice *out, struct error *e)
{
	const struct store_body_read ask = { .body = r->body, .offset = from, .length = (uint32_t)length };
	struct store_body_data data = { 0 };
	int rc = 0;

	if (length > 0)
		rc = store_body_read(r->store, &ask, a, &data, e);
	if (rc == 0 && data.data.len != length)
		rc = error_set(e, ERR_TRUNCATED, "a stored message is shorter than its row says");
	*out = data.data;
	return rc;
}

static void
status(struct pop3_retrieve *r)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%u octets", r->size);
	(void)pop3_write_ok(&r->piece, r->all ? text : "top of message follows");
	r->begun = true;
}

/* How much the next read wants. */
static uint64_t
wanted(const struct pop3_retrieve *r)
{
	uint64_t left = r->size - r->at;

	if (!r->all) {
		uint64_t header = r->at < r->header_end ? r->header_end - r->at : 0;
		uint64_t top = header + (r->lines > 0 ? TOP_BODY : 0);

		left = left < top ? left : top;
	}
	return left < POP3_RETRIEVE_READ ? left : POP3_RETRIEVE_READ;
}

/* Octets of the message from r->at on. */
static void
put_octets(struct pop3_retrieve *r, struct slice octets)
{
	size_t header = 0;

	r->at += octets.len;
	if (!r->all) {
		uint64_t from = r->at - octets.len;

		if (from < r->header_end)
			header = size_min(octets.len, (size_t)(r->header_end - from));
		octets.len = header + pop3_first_lines(slice_from(octets, header), &r->lines).len;
	}
	(void)pop3_lines_put(&r->out, octets, &r->piece);
	if (r->at == r->size || (!r->all && r->lines == 0 && r->at >= r->header_end)) {
		(void)pop3_lines_end(&r->out, &r->piece);
		r->state = POP3_RETRIEVE_DONE;
	}
}

/*
 * A header that cannot be rewritten, because something in it is no field: anybody can send one, and a client that is
 * refused one message may come to no other. Nothing is left out, and what is not ASCII is a question mark.
 */
static int
put_questions(struct slice header, struct buf *out, struct error *e)
{
	buf_done(out);
	buf_init(out, POP3_RETRIEVE_HEADER_MAX);
	for (size_t i = 0; i < header.len; i++)
		(void)buf_put_u8(out, header.data[i] < 128 ? header.data[i] : '?');
	return out->err == 0 ? 0 : error_nomem(e);
}

/*
 * A header that is not ASCII, for a client that has not asked for UTF-8: it must not be sent as it is (RFC 6856
 * section 2.1). What is sent in its place is what RFC 6858 says. front: the first octets of the message. False: there
 * is nothing to do.
 */
static bool
put_surrogate(struct pop3_retrieve *r, struct slice front, struct arena *a, int *rc, struct error *e)
{
	uint64_t length = r->header_end < POP3_RETRIEVE_HEADER_MAX ? r->header_end : POP3_RETRIEVE_HEADER_MAX;
	struct slice header = slice_sub(front, 0, (size_t)length);
	struct buf plain;

	if (header.len < length)
		*rc = read_octets(r, 0, length, a, &header, e);
	if (*rc == 0 && utf8_is_ascii(header))
		return false;
	buf_init(&plain, 4 * POP3_RETRIEVE_HEADER_MAX);
	if (*rc == 0)
		*rc = r->header_end > length ? error_set(e, ERR_LIMIT, "a header too long to be rewritten")
					     : pop3_surrogate_header(header, &plain, e);
	if (*rc == ERR_LIMIT && r->header_end <= length)
		*rc = put_questions(header, &plain, e);
	if (*rc == 0) {
		status(r);
		(void)pop3_lines_put(&r->out, buf_slice(&plain), &r->piece);
		r->at = r->header_end;
		put_octets(r, SLICE_EMPTY);
	}
	buf_done(&plain);
	return true;
}

static int
step(struct pop3_retrieve *r, struct arena *a, struct error *e)
{
	struct slice octets = SLICE_EMPTY;
	int rc = r->found ? 0 : find(r, a, e);

	if (rc == 0)
		rc = read_octets(r, r->at, wanted(r), a, &octets, e);
	if (rc != 0 || (!r->begun && !r->utf8 && put_surrogate(r, octets, a, &rc, e)))
		return rc;
	if (!r->begun)
		status(r);
	put_octets(r, octets);
	return r->piece.err == 0 ? 0 : error_set(e, r->piece.err, "no room for a piece of a message");
}

void
pop3_retrieve_step(struct pop3_retrieve *r)
{
	struct arena a;
	struct error e = { 0 };

	buf_clear(&r->piece);
	arena_init(&a, POP3_RETRIEVE_BUDGET);
	if (step(r, &a, &e) != 0)
		fail(r, &e);
	arena_done(&a);
}
