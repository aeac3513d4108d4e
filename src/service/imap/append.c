/* SPDX-License-Identifier: ISC */
/*
 * APPEND (RFC 3501 6.3.11). A small message is asked for at once, waits in
 * memory and travels in the request; for a larger one the mailbox is looked for
 * before, and it is staged at the store piece by piece while it comes. OK is
 * said when the store says that it is on disk.
 */
#include <string.h>

#include "base/mem.h"
#include "mime/header.h"
#include "service/imap/internal.h"
#include "service/imap/message_cache.h"

struct imap_upload {
	struct imap_session *session;
	struct port *store; /* and not the service: the last answer may come when that is gone */
	struct mime_header_scan scan;
	struct message_cache_maker *maker; /* NULL: without */
	struct buf cache;
	struct buf piece;
	uint64_t handle; /* 0: not staged */
	bool staged;
	bool ended;
	bool kept;
	bool has_nul;
	atomic_uint in_flight;
	atomic_int rc; /* the first failure of the store */
};

static void
failed(struct imap_upload *u, int rc)
{
	int none = 0;

	(void)atomic_compare_exchange_strong(&u->rc, &none, rc);
}

static void
begun(void *ctx, const void *reply, const struct error *e)
{
	struct imap_upload *u = ctx;
	const struct store_body_handle *h = reply;
	struct imap_session *s = u->session;

	if (h == NULL)
		failed(u, e->code);
	else
		u->handle = h->handle;
	(void)atomic_fetch_sub(&u->in_flight, 1);
	imap_session_wake_release(s);
}

static void
appended(void *ctx, const void *reply, const struct error *e)
{
	struct imap_upload *u = ctx;
	struct imap_session *s = u->session;

	if (reply == NULL)
		failed(u, e->code);
	(void)atomic_fetch_sub(&u->in_flight, 1);
	imap_session_wake_release(s);
}

static void
submit(struct imap_upload *u, uint16_t method, const void *request, port_done_fn *done)
{
	int rc;

	imap_session_hold(u->session);
	(void)atomic_fetch_add(&u->in_flight, 1);
	rc = port_submit(u->store, method, request, done, u, NULL);
	if (rc == 0)
		return;
	failed(u, rc);
	(void)atomic_fetch_sub(&u->in_flight, 1);
	imap_session_wake_release(u->session);
}

int
imap_upload_new(
    struct imap_session *s, const struct service *service, uint64_t size, struct imap_upload **out, struct error *e)
{
	struct imap_upload *u = mem_alloc(sizeof *u);

	if (u == NULL)
		return error_nomem(e);
	u->session = s;
	u->store = service->ports.store;
	u->staged = !imap_upload_is_small(size);
	atomic_init(&u->in_flight, 0);
	atomic_init(&u->rc, 0);
	buf_init(&u->piece, IMAP_STAGE_MAX * 2);
	buf_init(&u->cache, STORE_CACHE_MAX);
	mime_header_scan_init(&u->scan);
	u->maker = message_cache_maker_new();
	if (u->staged)
		submit(u, STORE_METHOD_body_begin, &(struct store_nothing){ 0 }, begun);
	*out = u;
	return 0;
}

bool
imap_upload_is_small(uint64_t size)
{
	return size <= IMAP_STAGE_MAX;
}

bool
imap_upload_settled(struct imap_upload *u)
{
	return atomic_load(&u->in_flight) == 0;
}

/* A piece needs the handle, so nothing is fed until that is there. */
bool
imap_upload_ready(struct imap_upload *u)
{
	if (u->staged && u->handle == 0 && atomic_load(&u->rc) == 0)
		return imap_upload_settled(u);
	return atomic_load(&u->in_flight) < IMAP_STAGE_FLIGHT;
}

static void
send_piece(struct imap_upload *u)
{
	struct store_body_append ask = { .handle = u->handle, .data = buf_slice(&u->piece) };

	if (u->piece.len > 0 && atomic_load(&u->rc) == 0)
		submit(u, STORE_METHOD_body_append, &ask, appended);
	buf_clear(&u->piece);
}

void
imap_upload_feed(struct imap_upload *u, struct slice data)
{
	if (slice_find(data, 0) != SIZE_MAX)
		u->has_nul = true;
	if (!u->scan.done)
		(void)mime_header_scan_feed(&u->scan, data);
	if (u->maker != NULL)
		message_cache_maker_feed(u->maker, data);
	if (buf_put_slice(&u->piece, data) != 0)
		failed(u, u->piece.err);
	else if (u->staged && u->piece.len >= IMAP_STAGE_MAX)
		send_piece(u);
}

void
imap_upload_end(struct imap_upload *u)
{
	u->ended = true;
	if (!u->scan.done)
		mime_header_scan_end(&u->scan);
	if (u->maker != NULL && message_cache_maker_end(u->maker, &u->cache) != 0)
		buf_done(&u->cache);
	if (u->staged)
		send_piece(u);
}

void
imap_upload_free(struct imap_upload *u)
{
	if (u == NULL)
		return;
	if (u->handle != 0 && !u->kept) {
		struct store_body_handle h = { .handle = u->handle };

		(void)port_submit(u->store, STORE_METHOD_body_abort, &h, imap_ignore_reply, NULL, NULL);
	}
	message_cache_maker_free(u->maker);
	buf_done(&u->cache);
	buf_done(&u->piece);
	mem_free(u);
}

void
imap_upload_kept(struct imap_upload *u)
{
	u->kept = true;
}

int
imap_upload_content(struct imap_upload *u, struct store_content *out, struct error *e)
{
	int rc = atomic_load(&u->rc);

	if (rc != 0)
		return error_set(e, rc, "a piece of the message could not be stored");
	*out = (struct store_content){
		.handle = u->handle,
		.data = u->staged ? SLICE_EMPTY : buf_slice(&u->piece),
		.header_size = (uint32_t)u->scan.length,
		.cache = buf_slice(&u->cache),
	};
	return 0;
}

/* ---- the command ---- */

enum imap_step
imap_do_append_find(struct imap_task *t)
{
	struct store_mailbox_state state;

	if (imap_task_mailbox(t, t->command->mailbox, true, &state, &t->arena) == 0)
		return imap_task_ok(t, "");
	return IMAP_STEP_DONE;
}

static void
take_appended(struct imap_task *t, const void *reply)
{
	const struct store_appended *a = reply;
	struct store_stored *kept = arena_alloc(&t->arena, sizeof *kept);

	if (kept != NULL)
		*kept = a->stored;
	t->own = kept;
}

static enum imap_step
append_answered(struct imap_task *t)
{
	const struct store_stored *stored = t->own;

	if (t->asked_rc == ERR_NOT_FOUND)
		return imap_task_no(t, "TRYCREATE", "There is no such mailbox.");
	if (t->asked_rc != 0)
		return imap_task_error(t, &t->error);
	imap_upload_kept(imap_session_upload(t->session));
	if (stored != NULL)
		t->code = arena_printf(&t->arena, "APPENDUID %u %u", stored->uidvalidity, stored->uid);
	return imap_task_ok(t, "Appended.");
}

enum imap_step
imap_do_append_keep(struct imap_task *t)
{
	const struct imap_append *a = &t->command->append;
	struct imap_upload *u = imap_session_upload(t->session);
	struct store_append ask;
	struct error e = { 0 };
	int rc;

	if (u->has_nul)
		return imap_task_no(t, "CANNOT", "A message with NUL octets cannot be stored.");
	ask = (struct store_append){ .account = t->account,
		.name = t->command->mailbox,
		.internal_date = a->has_date ? a->date : 0,
		.flags = a->flags.system,
		.keywords = a->flags.keywords,
		.keyword_count = a->flags.keyword_count };
	rc = imap_upload_content(u, &ask.content, &e);
	if (rc != 0)
		return imap_task_error(t, &e);
	return imap_task_ask(t, STORE_METHOD_append, &ask, take_appended, append_answered);
}
