/* SPDX-License-Identifier: ISC */
#include "service/imap/session.h"

#include <string.h>

#include "base/mem.h"
#include "imap/limits.h"
#include "imap/server.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"
#include "service/grants.h"
#include "service/imap/internal.h"

/* Who signed in, and what the connection has open. */
struct person {
	struct imap_server *machine;
	uint64_t account;
	struct imap_selected *selected;
	struct imap_task *task;
	const struct imap_command *command; /* the one that is running */
	struct imap_upload *upload;
	struct store_watch *watch; /* while idling */
	atomic_bool changed;       /* set by the watch */
	bool idling;
	bool idle_ended;
	bool upload_ended;
	bool upload_broken;
};

struct imap_session {
	struct conn *conn;
	struct service *service;
	atomic_uint refs; /* the connection, and each thing in flight */
	atomic_uint flying;
	atomic_bool gone;
	struct person person;
};

/* ---- life ---- */

static void
person_free(struct person *p)
{
	store_watch_end(p->watch);
	imap_task_free(p->task);
	imap_upload_free(p->upload);
	imap_selected_free(p->selected);
	imap_server_free(p->machine);
}

static void
session_release(struct imap_session *s)
{
	struct service *service = s->service;

	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	person_free(&s->person);
	conn_release(s->conn);
	mem_free(s);
	service_session_ended(service);
}

void
imap_session_fly(struct imap_session *s)
{
	(void)atomic_fetch_add(&s->refs, 1);
	(void)atomic_fetch_add(&s->flying, 1);
}

void
imap_session_hold(struct imap_session *s)
{
	(void)atomic_fetch_add(&s->refs, 1);
}

void
imap_session_wake_release(struct imap_session *s)
{
	conn_wake(s->conn);
	session_release(s);
}

void
imap_session_landed(struct imap_session *s)
{
	/* The wake comes after the count: whoever runs then must see it. */
	(void)atomic_fetch_sub(&s->flying, 1);
	imap_session_wake_release(s);
}

bool
imap_session_gone(const struct imap_session *s)
{
	return atomic_load(&s->gone);
}

bool
imap_task_gone(const struct imap_task *t)
{
	return imap_session_gone(t->session);
}

struct imap_upload *
imap_session_upload(struct imap_session *s)
{
	return s->person.upload;
}

void
imap_session_fault(struct imap_session *s, const struct imap_command *command, const struct error *e)
{
	log_event(LOG_LEVEL_ERROR, "imap.fault", log_u64("connection", conn_origin(s->conn)),
	    log_slice("command", command == NULL ? SLICE_EMPTY : command->name), log_error(e));
}

int
imap_session_open(struct service *service, struct conn *c, uint64_t account, const struct trunk_open *in,
    void **session_out, struct error *e)
{
	const struct imap_server_options options = { .append_max = service->settings.message_max,
		.tag = in->tag,
		.pending = in->pending,
		.name = SLICE("Letterlock"),
		.version = SLICE("0.1") };
	struct imap_session *s = mem_alloc(sizeof *s);
	int rc;

	if (s == NULL)
		return error_nomem(e);
	rc = imap_server_new(&options, clock_ms(), &s->person.machine, e);
	if (rc != 0) {
		mem_free(s);
		return rc;
	}
	s->conn = c;
	s->service = service;
	s->person.account = account;
	atomic_init(&s->person.changed, false);
	atomic_init(&s->refs, 1);
	atomic_init(&s->flying, 0);
	atomic_init(&s->gone, false);
	conn_hold(c);
	service_session_begun(service);
	metric_add(METRIC_SESSIONS + METRIC_IMAP, 1);
	*session_out = s;
	return 0;
}

static void
session_closed(void *session)
{
	struct imap_session *s = session;

	atomic_store(&s->gone, true);
	metric_add(METRIC_SESSIONS + METRIC_IMAP, -1);
	/* The watch is ended here, on the loop thread: it must not outlive the connection it wakes. */
	store_watch_end(s->person.watch);
	s->person.watch = NULL;
	grants_leave(s->service->ports.grants, s->person.account);
	session_release(s);
}

/* ---- tasks ---- */

static void
task_work(void *ctx)
{
	struct imap_session *s = ctx;
	struct imap_task *t = s->person.task;

	t->last = imap_session_gone(s) ? imap_task_ok(t, "Gone.") : imap_task_run(t);
	/* A step that waits has asked already; its answer lands for itself. */
	imap_session_landed(s);
}

/* On the loop's own thread: what asks the store or tells its answer, and waits for nothing. */
static void
task_run_here(struct imap_session *s)
{
	struct imap_task *t = s->person.task;

	imap_session_fly(s);
	t->last = imap_task_run(t);
	(void)atomic_fetch_sub(&s->flying, 1);
	session_release(s);
}

static void
task_submit(struct imap_session *s)
{
	imap_session_fly(s);
	if (pool_submit(s->service->workers, task_work, s) == 0)
		return;
	s->person.task->last = imap_task_no(s->person.task, "UNAVAILABLE", "Too much is going on. Try again later.");
	imap_session_landed(s);
}

static void
asked(void *ctx, const void *reply, const struct error *e)
{
	struct imap_session *s = ctx;
	struct imap_task *t = s->person.task;

	t->asked_rc = reply == NULL ? e->code : 0;
	if (reply == NULL)
		t->error = *e;
	else if (t->take != NULL)
		t->take(t, reply);
	imap_session_landed(s);
}

enum imap_step
imap_task_ask(struct imap_task *t, uint16_t method, const void *request, imap_take_fn *take, imap_step_fn *then)
{
	struct error e = { 0 };
	int rc;

	t->take = take;
	t->step = then;
	imap_session_fly(t->session);
	rc = port_submit(t->service->ports.store, method, request, asked, t->session, &e);
	if (rc == 0)
		return IMAP_STEP_WAIT;
	imap_session_landed(t->session);
	return imap_task_error(t, &e);
}

/* False: there is no memory, and the command is answered. */
static bool
task_make(struct imap_session *s, const struct imap_command *command, imap_step_fn *step, bool no_sync)
{
	struct person *p = &s->person;

	p->task = imap_task_new(s, s->service, p->account, p->selected, command, step);
	if (p->task == NULL) {
		imap_server_done(
		    p->machine, IMAP_NO, SLICE("UNAVAILABLE"), SLICE("There is no memory. Try again later."));
		return false;
	}
	p->task->no_sync = no_sync;
	p->task->expunge_ok = command->uid ||
	    (command->verb != IMAP_VERB_FETCH && command->verb != IMAP_VERB_STORE && command->verb != IMAP_VERB_SEARCH);
	return true;
}

static void
task_begin(struct imap_session *s, const struct imap_command *command, imap_step_fn *step, bool no_sync)
{
	if (task_make(s, command, step, no_sync))
		task_submit(s);
}

/* Takes what the last step wrote. False: the connection is ended. */
static bool
task_collect(struct imap_session *s, struct conn *c)
{
	struct person *p = &s->person;
	struct buf *out = imap_server_out(p->machine);

	/* An output that cannot be held is an answer with a hole. */
	if (buf_put_slice(out, buf_slice(&p->task->out)) != 0 || p->task->out.err != 0 || p->task->fatal) {
		conn_abort(c);
		return false;
	}
	buf_done(&p->task->out);
	return true;
}

static void
task_finish(struct imap_session *s)
{
	struct person *p = &s->person;
	struct imap_task *t = p->task;

	if (t->deselect) {
		imap_selected_free(p->selected);
		p->selected = t->result == IMAP_OK ? t->select : NULL;
		t->select = p->selected == NULL ? t->select : NULL;
		imap_server_set_state(p->machine, p->selected != NULL ? IMAP_STATE_SELECTED : IMAP_STATE_AUTHENTICATED);
	}
	/* While idling there is no answer yet. */
	if (!p->idling)
		imap_server_done(p->machine, t->result, t->code, slice_str(t->text));
	imap_task_free(t);
	p->task = NULL;
	imap_upload_free(p->upload);
	p->upload = NULL;
}

/* Goes on with the task. False: nothing more to do now. */
static bool
task_continue(struct imap_session *s, struct conn *c)
{
	struct person *p = &s->person;
	struct imap_task *t = p->task;

	if (!task_collect(s, c))
		return false;
	if (t->last == IMAP_STEP_DONE) {
		task_finish(s);
		return true;
	}
	if (t->last == IMAP_STEP_MORE && imap_server_out(p->machine)->len >= IMAP_OUTPUT_HIGH / 2)
		return false; /* run() comes when it drained */
	/* With a mailbox open, a look at it follows. */
	if (t->command->verb == IMAP_VERB_APPEND && t->last == IMAP_STEP_WAIT && t->selected == NULL)
		task_run_here(s);
	else
		task_submit(s);
	return atomic_load(&s->flying) == 0;
}

/* ---- IDLE ---- */

static void
mailbox_changed(void *ctx)
{
	struct imap_session *s = ctx;

	atomic_store(&s->person.changed, true);
	conn_wake(s->conn);
}

static bool
idle_begin(struct imap_session *s, const struct imap_command *command)
{
	struct person *p = &s->person;

	p->idling = true;
	p->idle_ended = false;
	p->command = command;
	if (p->selected != NULL)
		(void)store_watch_begin(
		    s->service->watcher, p->account, p->selected->mailbox, mailbox_changed, s, &p->watch, NULL);
	imap_server_go(p->machine);
	/* What changed before the watch stood. */
	atomic_store(&p->changed, true);
	return true;
}

static bool
idle_run(struct imap_session *s)
{
	struct person *p = &s->person;

	if (p->idle_ended) {
		store_watch_end(p->watch);
		p->watch = NULL;
		p->idling = false;
		/* A last look, then the answer. */
		task_begin(s, p->command, imap_do_noop, false);
		return atomic_load(&s->flying) == 0;
	}
	if (p->selected != NULL && atomic_exchange(&p->changed, false)) {
		task_begin(s, p->command, imap_do_noop, false);
		return atomic_load(&s->flying) == 0;
	}
	return false;
}

/* ---- APPEND ---- */

static bool
append_end(struct imap_session *s)
{
	struct person *p = &s->person;

	if (!imap_upload_settled(p->upload))
		return false;
	p->upload_ended = false;
	if (task_make(s, p->command, imap_do_append_keep, false)) {
		task_run_here(s);
	} else {
		imap_upload_free(p->upload);
		p->upload = NULL;
	}
	return atomic_load(&s->flying) == 0;
}

static void
append_go(struct imap_session *s)
{
	struct person *p = &s->person;
	struct error e = { 0 };

	if (imap_upload_new(s, s->service, p->command->append.size, &p->upload, &e) != 0)
		imap_server_done(p->machine, IMAP_NO, SLICE("UNAVAILABLE"), SLICE("The message cannot be taken now."));
	else
		imap_server_go(p->machine);
}

/* ---- commands ---- */

static const struct row {
	enum imap_verb verb;
	imap_step_fn *step;
	bool no_sync;
} rows[] = {
	{ IMAP_VERB_NOOP, imap_do_noop, false },
	{ IMAP_VERB_CHECK, imap_do_noop, false },
	{ IMAP_VERB_LOGOUT, imap_do_noop, true },
	{ IMAP_VERB_SELECT, imap_do_select, true },
	{ IMAP_VERB_EXAMINE, imap_do_select, true },
	{ IMAP_VERB_CREATE, imap_do_create, false },
	{ IMAP_VERB_DELETE, imap_do_delete, false },
	{ IMAP_VERB_RENAME, imap_do_rename, false },
	{ IMAP_VERB_SUBSCRIBE, imap_do_subscribe, false },
	{ IMAP_VERB_UNSUBSCRIBE, imap_do_subscribe, false },
	{ IMAP_VERB_LIST, imap_do_list, false },
	{ IMAP_VERB_LSUB, imap_do_lsub, false },
	{ IMAP_VERB_STATUS, imap_do_status, false },
	{ IMAP_VERB_APPEND, imap_do_append_find, true },
	{ IMAP_VERB_CLOSE, imap_do_close, true },
	{ IMAP_VERB_UNSELECT, imap_do_unselect, true },
	{ IMAP_VERB_EXPUNGE, imap_do_expunge, false },
	{ IMAP_VERB_SEARCH, imap_do_search, false },
	{ IMAP_VERB_FETCH, imap_do_fetch, false },
	{ IMAP_VERB_STORE, imap_do_store, false },
	{ IMAP_VERB_COPY, imap_do_copy, false },
	{ IMAP_VERB_MOVE, imap_do_copy, false },
};

static bool
command_begin(struct imap_session *s, const struct imap_command *command)
{
	struct person *p = &s->person;

	metric_add(METRIC_COMMANDS_TOTAL + METRIC_IMAP, 1);
	p->command = command;
	if (command->verb == IMAP_VERB_IDLE)
		return idle_begin(s, command);
	if (command->verb == IMAP_VERB_APPEND && imap_upload_is_small(command->append.size)) {
		append_go(s);
		return true;
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].verb != command->verb)
			continue;
		task_begin(s, command, rows[i].step, rows[i].no_sync);
		return atomic_load(&s->flying) == 0;
	}
	imap_server_done(p->machine, IMAP_BAD, SLICE_EMPTY, SLICE("There is no such command."));
	return true;
}

static void
broken(struct person *p)
{
	/* Pieces of the message may be on their way: it is freed when they have settled. */
	p->upload_broken = p->upload != NULL;
	p->idling = false;
	store_watch_end(p->watch);
	p->watch = NULL;
}

static bool
event(struct imap_session *s, struct conn *c, const struct imap_event *ev)
{
	struct person *p = &s->person;

	switch (ev->type) {
	case IMAP_EVENT_COMMAND:
		return command_begin(s, ev->command);
	case IMAP_EVENT_DATA:
		imap_upload_feed(p->upload, ev->data);
		return true;
	case IMAP_EVENT_END:
		p->idle_ended = p->idling;
		p->upload_ended = !p->idling;
		if (p->upload_ended)
			imap_upload_end(p->upload);
		return true;
	case IMAP_EVENT_BROKEN:
		broken(p);
		return true;
	case IMAP_EVENT_CLOSE:
		conn_close(c);
		return false;
	case IMAP_EVENT_NONE:
		break;
	}
	return false;
}

/* A message that was broken off is forgotten when its pieces have settled. False: not yet. */
static bool
upload_forgotten(struct person *p)
{
	if (!p->upload_broken)
		return true;
	if (!imap_upload_settled(p->upload))
		return false;
	imap_upload_free(p->upload);
	p->upload = NULL;
	p->upload_broken = false;
	return true;
}

/* The step that looked for the mailbox of an APPEND has found it. */
static bool
append_found(const struct imap_task *t)
{
	return t->step == imap_do_append_find && t->last == IMAP_STEP_DONE && t->result == IMAP_OK;
}

static bool
task_run(struct imap_session *s, struct conn *c)
{
	struct person *p = &s->person;

	if (!append_found(p->task))
		return task_continue(s, c);
	imap_task_free(p->task);
	p->task = NULL;
	append_go(s);
	return true;
}

/* Whether one more event can be taken now. */
static bool
may_take(const struct person *p)
{
	return p->task == NULL && imap_server_out(p->machine)->len < IMAP_OUTPUT_HIGH &&
	    (p->upload == NULL || imap_upload_ready(p->upload));
}

static bool
person_run(struct imap_session *s, struct conn *c, int64_t now_ms)
{
	struct person *p = &s->person;
	struct imap_event ev;

	if (p->task != NULL)
		return task_run(s, c);
	if (p->upload_ended)
		return append_end(s);
	if (!upload_forgotten(p))
		return false;
	if (p->idling && idle_run(s))
		return true;
	if (!may_take(p))
		return false;
	imap_server_next(p->machine, now_ms, &ev);
	return event(s, c, &ev);
}

/* ---- conn_ops ---- */

static void
session_run(void *session, struct conn *c, int64_t now_ms)
{
	struct imap_session *s = session;

	while (atomic_load(&s->flying) == 0)
		if (!person_run(s, c, now_ms))
			break;
}

static size_t
session_feed(void *session, struct slice in, int64_t now_ms)
{
	return imap_server_ops.feed(((struct imap_session *)session)->person.machine, in, now_ms);
}

static struct slice
session_output(void *session)
{
	return imap_server_ops.output(((struct imap_session *)session)->person.machine);
}

static void
session_sent(void *session, size_t len)
{
	imap_server_ops.sent(((struct imap_session *)session)->person.machine, len);
}

static int64_t
session_deadline(const void *session)
{
	return imap_server_ops.deadline(((const struct imap_session *)session)->person.machine);
}

static bool
session_busy(const void *session)
{
	const struct imap_session *s = session;

	return atomic_load(&s->flying) > 0 || imap_server_busy(s->person.machine);
}

/* IDLE is answered by the client's word only: it does not wait for that. */
static void
session_stopping(void *session)
{
	const struct imap_session *s = session;

	if (s->person.idling || !session_busy(s))
		imap_server_bye(s->person.machine, SLICE("The server is stopping."));
}

const struct conn_ops imap_session_ops = {
	.feed = session_feed,
	.run = session_run,
	.output = session_output,
	.sent = session_sent,
	.deadline = session_deadline,
	.closed = session_closed,
	.busy = session_busy,
	.stopping = session_stopping,
};
