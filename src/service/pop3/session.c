/* SPDX-License-Identifier: ISC */
#include "service/pop3/session.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "pop3/limits.h"
#include "pop3/server.h"
#include "service/grants.h"
#include "service/imap/view.h"
#include "service/pop3/ahead.h"
#include "service/pop3/retrieve.h"
#include "store/store.h"

#define SESSION_PAGE 4096u              /* rows looked at in one go when the maildrop is opened */
#define SESSION_PAGE_BUDGET (16u << 20) /* memory for them */
#define SESSION_EXPUNGE 4096u           /* messages removed by one call; at most STORE_TOUCH_MAX */
#define SESSION_OUTPUT_LOW (32u << 10)  /* with so much waiting the next piece is handed over */
#define SESSION_UNIQUE_PAGE (32u << 10) /* octets of UIDL's answer that are made at once */

/* What is being done for the machine. */
enum task {
	TASK_NONE,
	TASK_OPEN,
	TASK_RETRIEVE,
	TASK_UNIQUE,
	TASK_UPDATE,
};

struct pop3_session {
	struct conn *conn;
	struct service *service;
	struct pop3_server *machine;
	uint64_t account;
	atomic_uint refs; /* the connection, and each thing in flight */
	atomic_uint flying;
	atomic_bool gone;
	bool utf8;

	uint64_t mailbox; /* 0: not known yet */
	uint32_t uidvalidity, uidnext;
	struct imap_view uids;

	enum task task;
	uint32_t at;  /* OPEN: UID of the next page, 0: no more; UNIQUE, UPDATE: the next message */
	bool refused; /* the task could not be begun */
	struct error fault;
	struct pop3_retrieve retrieve;
	struct pop3_ahead ahead;
};

/* ---- life ---- */

static void
session_release(struct pop3_session *s)
{
	struct service *service = s->service;

	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	pop3_retrieve_done(&s->retrieve);
	pop3_ahead_done(&s->ahead);
	imap_view_done(&s->uids);
	pop3_server_free(s->machine);
	conn_release(s->conn);
	mem_free(s);
	service_session_ended(service);
}

static void
fly(struct pop3_session *s)
{
	(void)atomic_fetch_add(&s->refs, 1);
	(void)atomic_fetch_add(&s->flying, 1);
}

static void
landed(struct pop3_session *s)
{
	/* The wake comes after the count: whoever runs then must see it. */
	(void)atomic_fetch_sub(&s->flying, 1);
	conn_wake(s->conn);
	session_release(s);
}

static void
log_fault(const struct pop3_session *s, const char *what, const struct error *e)
{
	/* What another session removed, and a store that is being started anew, are no faults. */
	if (e->code == ERR_NOT_FOUND || e->code == ERR_CLOSED || e->code == ERR_LIMIT)
		return;
	log_event(LOG_LEVEL_ERROR, "pop3.fault", log_u64("connection", conn_origin(s->conn)), log_str("command", what),
	    log_error(e));
}

/* ---- opening the maildrop: on a worker, a page a step ---- */

static int
find_mailbox(struct pop3_session *s, struct arena *a, struct error *e)
{
	const struct store_mailbox_get ask = { .account = s->account, .name = SLICE("INBOX") };
	struct store_mailbox_state state;
	int rc = store_mailbox_get(s->service->ports.store, &ask, a, &state, e);

	if (rc != 0)
		return rc;
	s->mailbox = state.mailbox.mailbox;
	s->uidvalidity = state.mailbox.uidvalidity;
	s->uidnext = state.mailbox.uidnext;
	return pop3_server_expect(s->machine, state.mailbox.messages, e);
}

static int
open_page(struct pop3_session *s, struct arena *a, struct error *e)
{
	struct store_message_list ask = { .account = s->account, .first = s->at, .limit = SESSION_PAGE };
	struct store_message_rows rows;
	int rc = s->mailbox == 0 ? find_mailbox(s, a, e) : 0;

	ask.mailbox = s->mailbox;
	/* What came after the first look is the next session's. */
	ask.last = s->uidnext - 1;
	if (rc == 0 && s->at > ask.last) {
		s->at = 0;
		return 0;
	}
	if (rc == 0)
		rc = store_message_list(s->service->ports.store, &ask, a, &rows, e);
	for (size_t i = 0; rc == 0 && i < rows.row_count; i++) {
		if (pop3_server_count(s->machine) == POP3_MESSAGES_MAX) {
			rows.next = 0;
			break;
		}
		rc = pop3_server_add(s->machine, rows.rows[i].size, e);
		if (rc == 0)
			rc = imap_view_add(&s->uids, rows.rows[i].uid, rows.rows[i].uid, e);
	}
	if (rc == 0)
		s->at = rows.next;
	return rc;
}

static void
open_step(struct pop3_session *s)
{
	struct arena a;

	arena_init(&a, SESSION_PAGE_BUDGET);
	if (open_page(s, &a, &s->fault) != 0)
		s->at = 0;
	arena_done(&a);
}

/* ---- QUIT: what is marked goes, a portion at a time ---- */

static bool update_more(struct pop3_session *s);

static void
update_answered(void *ctx, const void *reply, const struct error *e)
{
	struct pop3_session *s = ctx;

	if (reply == NULL)
		s->fault = *e;
	/* QUIT was said: this goes on when the client has hung up. */
	if (reply == NULL || !update_more(s))
		landed(s);
}

/* The next portion. False: there is none, or it cannot be asked for (fault). */
static bool
update_more(struct pop3_session *s)
{
	struct store_expunge ask = { .account = s->account, .mailbox = s->mailbox, .even_undeleted = true };
	struct store_range *ranges = mem_alloc(SESSION_EXPUNGE * sizeof *ranges);
	uint32_t before = 0, count = 0, n;

	if (ranges == NULL)
		return (void)error_nomem(&s->fault), false;
	for (; count < SESSION_EXPUNGE && (n = pop3_server_marked(s->machine, s->at)) != 0; count++) {
		uint32_t uid = imap_view_uid(&s->uids, n);

		/* Between two messages that follow each other nothing has been, and nothing comes: UIDs only grow. */
		if (ask.range_count > 0 && n == before + 1)
			ranges[ask.range_count - 1].last = uid;
		else
			ranges[ask.range_count++] = (struct store_range){ uid, uid };
		before = n;
		s->at = n + 1;
	}
	ask.ranges = ranges;
	if (count > 0 && store_expunge_submit(s->service->ports.store, &ask, update_answered, s, &s->fault) != 0)
		count = 0;
	mem_free(ranges);
	return count > 0;
}

static void
update_begin(struct pop3_session *s)
{
	fly(s);
	if (!update_more(s))
		landed(s);
}

static void
update_end(struct pop3_session *s)
{
	if (s->fault.code == 0) {
		pop3_server_ok(s->machine, "Bye");
		return;
	}
	log_fault(s, "QUIT", &s->fault);
	pop3_server_err(s->machine, "SYS/TEMP", "some deleted messages not removed");
}

/* ---- UIDL: from memory ---- */

/* True when all of it is told. */
static bool
unique_more(struct pop3_session *s, bool first)
{
	uint32_t count = pop3_server_count(s->machine);
	struct buf piece;
	bool failed;

	buf_init(&piece, 2 * SESSION_UNIQUE_PAGE);
	if (first)
		(void)buf_put_str(&piece, "+OK unique-id listing follows\r\n");
	for (; s->at <= count && piece.len < SESSION_UNIQUE_PAGE; s->at++)
		if (pop3_server_is_listed(s->machine, s->at))
			(void)buf_putf(&piece, "%u %u.%u\r\n", s->at, s->uidvalidity, imap_view_uid(&s->uids, s->at));
	if (s->at > count)
		(void)buf_put_str(&piece, ".\r\n");
	failed = pop3_server_give(s->machine, &piece) != 0;
	buf_done(&piece);
	if (failed)
		conn_abort(s->conn);
	else if (s->at > count)
		pop3_server_end(s->machine);
	return failed || s->at > count;
}

static void
unique_one(struct pop3_session *s, uint32_t message)
{
	char text[64];

	(void)snprintf(text, sizeof text, "%u %u.%u", message, s->uidvalidity, imap_view_uid(&s->uids, message));
	pop3_server_ok(s->machine, text);
}

/* ---- tasks ---- */

static void
retrieve_step(struct pop3_session *s)
{
	pop3_retrieve_step(&s->retrieve);
	if (s->retrieve.state == POP3_RETRIEVE_DONE && s->retrieve.all)
		pop3_ahead_fill(&s->ahead);
}

static void
task_work(void *ctx)
{
	struct pop3_session *s = ctx;

	if (!atomic_load(&s->gone) && s->task == TASK_OPEN)
		open_step(s);
	else if (!atomic_load(&s->gone))
		retrieve_step(s);
	landed(s);
}

static void
task_submit(struct pop3_session *s)
{
	fly(s);
	if (pool_submit(s->service->workers, task_work, s) == 0)
		return;
	s->refused = true;
	landed(s);
}

static void
open_continue(struct pop3_session *s)
{
	if (s->refused || s->fault.code != 0) {
		log_fault(s, "open", &s->fault);
		pop3_server_fail(s->machine, "SYS/TEMP", "The maildrop cannot be opened now; try again later");
	} else if (s->at != 0) {
		task_submit(s);
		return;
	} else {
		pop3_retrieve_init(&s->retrieve, s->service->ports.store, s->account, s->mailbox, s->utf8);
		pop3_ahead_init(&s->ahead, s->machine, &s->uids, s->service->watcher, &s->retrieve);
		pop3_server_open(s->machine);
	}
	s->task = TASK_NONE;
}

/* The step has made a piece. It is handed over when little else waits, and the next is made while it goes out. */
static bool
retrieve_continue(struct pop3_session *s, struct conn *c)
{
	struct pop3_retrieve *r = &s->retrieve;

	if (pop3_server_waiting(s->machine) > SESSION_OUTPUT_LOW)
		return false;
	if (r->state == POP3_RETRIEVE_REFUSED || r->state == POP3_RETRIEVE_BROKEN)
		log_fault(s, r->all ? "RETR" : "TOP", &r->fault);
	if (s->refused || r->state == POP3_RETRIEVE_BROKEN ||
	    (r->state != POP3_RETRIEVE_REFUSED && pop3_server_give(s->machine, &r->piece) != 0)) {
		/* An answer that is not whole must not look so. */
		conn_abort(c);
		return false;
	}
	if (r->state == POP3_RETRIEVE_MORE) {
		task_submit(s);
		return false;
	}
	s->task = TASK_NONE;
	if (r->state == POP3_RETRIEVE_DONE)
		pop3_server_end(s->machine);
	else
		pop3_server_err(s->machine, r->code, r->text);
	return true;
}

/* Goes on with the task. False: nothing more to do now. */
static bool
task_continue(struct pop3_session *s, struct conn *c)
{
	switch (s->task) {
	case TASK_OPEN:
		open_continue(s);
		return true;
	case TASK_RETRIEVE:
		return retrieve_continue(s, c);
	case TASK_UNIQUE:
		if (pop3_server_waiting(s->machine) > SESSION_OUTPUT_LOW || !unique_more(s, false))
			return false;
		break;
	case TASK_UPDATE:
		update_end(s);
		break;
	case TASK_NONE:
		break;
	}
	s->task = TASK_NONE;
	return true;
}

static bool
sent_ahead(struct pop3_session *s, uint32_t message)
{
	bool given = false;

	if (!pop3_ahead_take(&s->ahead, message, s->machine, &given))
		return false;
	if (given)
		pop3_server_end(s->machine);
	else
		conn_abort(s->conn);
	return true;
}

static bool
event(struct pop3_session *s, struct conn *c, const struct pop3_event *ev)
{
	s->refused = false;
	switch (ev->type) {
	case POP3_EVENT_RETRIEVE:
		if (ev->all && sent_ahead(s, ev->message))
			return true;
		s->task = TASK_RETRIEVE;
		if (ev->all)
			pop3_ahead_begin(&s->ahead, ev->message);
		pop3_retrieve_begin(&s->retrieve, imap_view_uid(&s->uids, ev->message), ev->size, ev->all, ev->lines);
		task_submit(s);
		return true;
	case POP3_EVENT_UNIQUE:
		s->at = ev->message;
		if (!ev->all)
			unique_one(s, ev->message);
		else if (!unique_more(s, true))
			s->task = TASK_UNIQUE;
		return true;
	case POP3_EVENT_UPDATE:
		s->task = TASK_UPDATE;
		s->at = 1;
		update_begin(s);
		return true;
	case POP3_EVENT_CLOSE:
		conn_close(c);
		return false;
	case POP3_EVENT_NONE:
		break;
	}
	return false;
}

/* ---- conn_ops ---- */

static bool
run_once(struct pop3_session *s, struct conn *c, int64_t now_ms)
{
	struct pop3_event ev;
	uint64_t before;

	if (s->task != TASK_NONE)
		return task_continue(s, c);
	before = pop3_server_commands(s->machine);
	pop3_server_next(s->machine, now_ms, &ev);
	if (pop3_server_commands(s->machine) != before)
		metric_add(METRIC_COMMANDS_TOTAL + METRIC_POP3, 1);
	return event(s, c, &ev);
}

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct pop3_session *s = session;

	while (atomic_load(&s->flying) == 0)
		if (!run_once(s, c, now_ms))
			break;
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	return pop3_server_ops.feed(((struct pop3_session *)session)->machine, in, now_ms);
}

static struct slice
session_output(void *session)
{
	return pop3_server_ops.output(((struct pop3_session *)session)->machine);
}

static void
session_sent(void *session, size_t len)
{
	pop3_server_ops.sent(((struct pop3_session *)session)->machine, len);
}

static int64_t
session_deadline(const void *session)
{
	return pop3_server_ops.deadline(((const struct pop3_session *)session)->machine);
}

static bool
session_busy(const void *session)
{
	const struct pop3_session *s = session;

	return atomic_load(&s->flying) > 0 || pop3_server_busy(s->machine);
}

static void
session_stopping(void *session)
{
	const struct pop3_session *s = session;

	if (!session_busy(s))
		pop3_server_fail(s->machine, "SYS/TEMP", "The server is stopping");
}

static void
session_closed(void *session)
{
	struct pop3_session *s = session;

	atomic_store(&s->gone, true);
	metric_add(METRIC_SESSIONS + METRIC_POP3, -1);
	pop3_ahead_end(&s->ahead);
	grants_leave(s->service->ports.grants, s->account);
	session_release(s);
}

const struct conn_ops pop3_session_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
	.busy = session_busy,
	.stopping = session_stopping,
};

int
pop3_session_open(struct service *service, struct conn *c, uint64_t account, const struct trunk_open *in,
    void **session_out, struct error *e)
{
	const struct pop3_server_options options = {
		.tls = conn_is_tls(c), .mechanisms = in->hello, .name = SLICE("Letterlock"), .pending = in->pending
	};
	struct pop3_session *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	rc = pop3_server_new(&options, clock_ms(), &s->machine, e);
	if (rc != 0) {
		mem_free(s);
		return rc;
	}
	s->conn = c;
	s->service = service;
	s->account = account;
	s->utf8 = slice_eq_str(in->tag, "UTF8");
	s->task = TASK_OPEN; /* at the first run */
	s->at = 1;
	atomic_init(&s->refs, 1);
	atomic_init(&s->flying, 0);
	atomic_init(&s->gone, false);
	conn_hold(c);
	service_session_begun(service);
	metric_add(METRIC_SESSIONS + METRIC_POP3, 1);
	*session_out = s;
	return 0;
}
