/* SPDX-License-Identifier: ISC */
#include "service/ask.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "service/grants.h"
#include "service/permit.h"
#include "store/store.h"

struct staged { /* a body that an asking end is sending */
	uint64_t handle, peer;
	struct staged *next;
};

struct ask {
	struct port *store;
	struct grants *grants;
	struct port_service service;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned jobs; /* under way: each will call us back */
	struct staged *staged;
};

/* Every job passes here first; its slot says whose it is. */
static struct ask *
enter(void *ctx, struct port_job *job)
{
	struct ask *a = ctx;

	*port_job_slot(job) = a;
	(void)pthread_mutex_lock(&a->lock);
	a->jobs++;
	(void)pthread_mutex_unlock(&a->lock);
	return a;
}

static void
leave(struct ask *a)
{
	(void)pthread_mutex_lock(&a->lock);
	if (--a->jobs == 0)
		(void)pthread_cond_broadcast(&a->idle);
	(void)pthread_mutex_unlock(&a->lock);
}

static void
answer(struct port_job *job, const void *reply)
{
	struct ask *a = *port_job_slot(job);

	port_reply(job, reply);
	leave(a);
}

static void
refuse(struct port_job *job, const struct error *e)
{
	struct ask *a = *port_job_slot(job);

	port_fail(job, e);
	leave(a);
}

static void
fail(struct port_job *job, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	refuse(job, &e);
}

/* ---- verifier, grant ---- */

static void
account_found(void *ctx, const void *reply, const struct error *e)
{
	const struct store_account *found = reply;
	struct port_job *job = ctx;

	if (found == NULL)
		refuse(job, e);
	else
		answer(job, &(struct ask_verifier){ .account = found->account, .verifier = found->verifier });
}

static void
run_verifier(void *ctx, struct port_job *job)
{
	struct ask *a = enter(ctx, job);
	const struct store_account_get by_address = {
		.address = ((const struct ask_account *)port_job_request(job))->address
	};
	struct error e;

	if (store_account_get_submit(a->store, &by_address, account_found, job, &e) != 0)
		refuse(job, &e);
}

static void
run_grant(void *ctx, struct port_job *job)
{
	struct ask *a = enter(ctx, job);
	const struct ask_grant *q = port_job_request(job);
	const struct grant_in in = { .process = q->process,
		.connection = q->connection,
		.account = q->account,
		.counted = process_kind_of(q->process) != PROCESS_WEB };
	struct error e;

	if (grants_put(a->grants, &in, clock_ms(), &e) != 0)
		refuse(job, &e);
	else
		answer(job, &(struct store_nothing){ 0 });
}

/* ---- recipient, sender ---- */

/* An address looked up: as it is, then without its "+detail", then as the postmaster's. */
struct lookup {
	struct ask *ask;
	struct port_job *job;
	struct buf address;
	uint64_t wanted; /* sender: the account that it must be; 0: recipient */
	bool shortened;
};

static void
lookup_end(struct lookup *l, enum ask_verdict verdict, uint64_t account)
{
	const struct ask_answer reply = {
		.verdict = verdict, .accounts = &account, .account_count = verdict == ASK_OK ? 1 : 0
	};

	answer(l->job, &reply);
	buf_done(&l->address);
	mem_free(l);
}

static void
lookup_failed(struct lookup *l, const struct error *e)
{
	refuse(l->job, e);
	buf_done(&l->address);
	mem_free(l);
}

static struct slice
local_part(const struct lookup *l)
{
	struct slice address = buf_slice(&l->address);
	size_t at = slice_find_last(address, '@');

	return slice_sub(address, 0, at == SIZE_MAX ? address.len : at);
}

static void
first_account_found(void *ctx, const void *reply, const struct error *e)
{
	struct lookup *l = ctx;
	const struct store_account_rows *rows = reply;

	if (rows == NULL)
		lookup_failed(l, e);
	else if (rows->row_count == 0)
		lookup_end(l, ASK_UNKNOWN, 0);
	else
		lookup_end(l, ASK_OK, rows->rows[0].account);
}

/* RFC 5321 section 4.5.1: mail to the postmaster is always taken. It goes to the first account. */
static void
ask_first_account(struct lookup *l)
{
	const struct store_account_list first = { .limit = 1 };
	struct error e;

	if (store_account_list_submit(l->ask->store, &first, first_account_found, l, &e) != 0)
		lookup_failed(l, &e);
}

static void lookup_begin(struct lookup *l);

/* "a+b@c" becomes "a@c" in place. */
static bool
shorten(struct lookup *l)
{
	struct slice local = local_part(l);
	size_t plus = slice_find(local, '+');

	if (l->shortened || plus == SIZE_MAX || plus == 0 || local.data[0] == '"')
		return false;
	memmove(l->address.data + plus, l->address.data + local.len, l->address.len - local.len);
	buf_truncate(&l->address, l->address.len - (local.len - plus));
	l->shortened = true;
	return true;
}

static void
address_found(void *ctx, const void *reply, const struct error *e)
{
	struct lookup *l = ctx;
	const struct store_address_found *found = reply;

	if (found == NULL) {
		lookup_failed(l, e);
		return;
	}
	if (found->account != 0) {
		bool foreign = l->wanted != 0 && l->wanted != found->account;

		lookup_end(l, foreign ? ASK_FOREIGN : ASK_OK, foreign ? 0 : found->account);
	} else if (!found->domain_known) {
		lookup_end(l, l->wanted != 0 ? ASK_FOREIGN : ASK_ELSEWHERE, 0);
	} else if (shorten(l)) {
		lookup_begin(l);
	} else if (l->wanted != 0) {
		lookup_end(l, ASK_FOREIGN, 0);
	} else if (slice_ieq_str(local_part(l), "postmaster")) {
		ask_first_account(l);
	} else {
		lookup_end(l, ASK_UNKNOWN, 0);
	}
}

static void
lookup_begin(struct lookup *l)
{
	const struct store_address_find find = { .address = buf_slice(&l->address) };
	struct error e;

	if (store_address_find_submit(l->ask->store, &find, address_found, l, &e) != 0)
		lookup_failed(l, &e);
}

static struct lookup *
lookup_new(struct ask *a, struct port_job *job, struct slice address, uint64_t wanted)
{
	struct lookup *l = mem_alloc(sizeof *l);

	if (l == NULL) {
		fail(job, ERR_NOMEM, "no memory");
		return NULL;
	}
	l->ask = a;
	l->job = job;
	l->wanted = wanted;
	buf_init(&l->address, STORE_ADDRESS_MAX);
	(void)buf_put_slice(&l->address, address);
	return l;
}

static void
run_recipient(void *ctx, struct port_job *job)
{
	const struct ask_recipient *q = port_job_request(job);
	struct lookup *l = lookup_new(enter(ctx, job), job, q->address, 0);

	if (l == NULL)
		return;
	if (slice_ieq_str(q->address, "postmaster"))
		ask_first_account(l);
	else
		lookup_begin(l);
}

static void
run_sender(void *ctx, struct port_job *job)
{
	const struct ask_sender *q = port_job_request(job);
	struct lookup *l = lookup_new(enter(ctx, job), job, q->address, q->account);

	if (l != NULL)
		lookup_begin(l);
}

/* ---- bodies ---- */

static void
passed_on(void *ctx, const void *reply, const struct error *e)
{
	struct port_job *job = ctx;

	if (reply == NULL)
		refuse(job, e);
	else
		answer(job, reply);
}

static void
forget_staged(struct ask *a, uint64_t handle)
{
	struct staged **at, *gone = NULL;

	(void)pthread_mutex_lock(&a->lock);
	for (at = &a->staged; *at != NULL; at = &(*at)->next) {
		if ((*at)->handle == handle) {
			gone = *at;
			*at = gone->next;
			break;
		}
	}
	(void)pthread_mutex_unlock(&a->lock);
	mem_free(gone);
}

/* A body is only for who began it: its number can be guessed. */
static bool
is_staged_by(struct ask *a, uint64_t handle, uint64_t peer)
{
	bool found = false;

	(void)pthread_mutex_lock(&a->lock);
	for (struct staged *s = a->staged; s != NULL && !found; s = s->next)
		found = s->handle == handle && s->peer == peer;
	(void)pthread_mutex_unlock(&a->lock);
	return found;
}

static void
aborted(void *ctx, const void *reply, const struct error *e)
{
	(void)ctx;
	(void)reply;
	(void)e;
}

struct begin {
	struct ask *ask;
	struct port_job *job;
	struct staged *staged;
};

static void
begun(void *ctx, const void *reply, const struct error *e)
{
	struct begin *b = ctx;
	struct ask *a = b->ask;
	const struct store_body_handle *h = reply;

	if (h == NULL) {
		refuse(b->job, e);
		mem_free(b->staged);
	} else {
		b->staged->handle = h->handle;
		(void)pthread_mutex_lock(&a->lock);
		b->staged->next = a->staged;
		a->staged = b->staged;
		(void)pthread_mutex_unlock(&a->lock);
		answer(b->job, h);
	}
	mem_free(b);
}

static void
run_body_begin(void *ctx, struct port_job *job)
{
	struct ask *a = enter(ctx, job);
	const struct store_nothing none = { 0 };
	struct begin *b = mem_alloc(sizeof *b);
	struct error e;

	if (b == NULL || (b->staged = mem_alloc(sizeof *b->staged)) == NULL) {
		mem_free(b);
		fail(job, ERR_NOMEM, "no memory");
		return;
	}
	b->ask = a;
	b->job = job;
	b->staged->peer = port_job_peer(job);
	if (store_body_begin_submit(a->store, &none, begun, b, &e) != 0) {
		refuse(job, &e);
		mem_free(b->staged);
		mem_free(b);
	}
}

/* The same request and reply on both sides. */
static void
run_pass_on(void *ctx, struct port_job *job)
{
	struct ask *a = enter(ctx, job);
	bool append = port_job_method(job) == ASK_METHOD_body_append;
	uint64_t handle = append ? ((const struct store_body_append *)port_job_request(job))->handle
				 : ((const struct store_body_handle *)port_job_request(job))->handle;
	struct error e;

	if (!is_staged_by(a, handle, port_job_peer(job))) {
		fail(job, ERR_NOT_FOUND, "no such body");
		return;
	}
	if (!append)
		forget_staged(a, handle);
	if (port_submit(a->store, append ? STORE_METHOD_body_append : STORE_METHOD_body_abort, port_job_request(job),
		passed_on, job, &e) != 0)
		refuse(job, &e);
}

/* The asking end is gone: so is what it was sending. */
static void
peer_gone(void *ctx, uint64_t peer)
{
	struct ask *a = ctx;

	for (;;) {
		struct store_body_handle handle = { 0 };

		(void)pthread_mutex_lock(&a->lock);
		for (struct staged *s = a->staged; s != NULL && handle.handle == 0; s = s->next)
			if (s->peer == peer)
				handle.handle = s->handle;
		(void)pthread_mutex_unlock(&a->lock);
		if (handle.handle == 0)
			return;
		forget_staged(a, handle.handle);
		(void)store_body_abort_submit(a->store, &handle, aborted, NULL, NULL);
	}
}

/* ---- keep ---- */

static void
kept(void *ctx, const void *reply, const struct error *e)
{
	struct port_job *job = ctx;
	const struct ask_keep *q = port_job_request(job);
	const struct store_delivered *d = reply;

	if (d == NULL) {
		refuse(job, e);
		return;
	}
	if (q->content.handle != 0)
		forget_staged(*port_job_slot(job), q->content.handle);
	answer(job, &(struct ask_kept){ .body = d->body, .inboxes = (uint32_t)d->stored_count });
}

/* One target an account. */
static struct store_target *
targets_of(const struct ask_keep *q, struct arena *a, size_t *count_out)
{
	struct store_target *t = arena_array(a, q->account_count, sizeof *t);
	size_t n = 0;

	for (size_t i = 0; t != NULL && i < q->account_count; i++) {
		size_t k = 0;

		while (k < n && t[k].account != q->accounts[i])
			k++;
		if (k == n)
			t[n++].account = q->accounts[i];
	}
	*count_out = n;
	return t;
}

static void
run_keep(void *ctx, struct port_job *job)
{
	struct ask *a = enter(ctx, job);
	const struct ask_keep *q = port_job_request(job);
	struct store_deliver deliver = { .content = q->content, .envelope = q->from };
	struct error e;

	if (q->content.handle != 0 && !is_staged_by(a, q->content.handle, port_job_peer(job))) {
		fail(job, ERR_NOT_FOUND, "no such body");
		return;
	}
	deliver.targets = targets_of(q, port_job_arena(job), &deliver.target_count);
	if (deliver.targets == NULL)
		fail(job, ERR_NOMEM, "no memory");
	else if (store_deliver_submit(a->store, &deliver, kept, job, &e) != 0)
		refuse(job, &e);
}

/* ---- the end that answers ---- */

static const struct port_handler handlers[] = {
	{ ASK_METHOD_recipient, run_recipient },
	{ ASK_METHOD_sender, run_sender },
	{ ASK_METHOD_keep, run_keep },
	{ ASK_METHOD_body_begin, run_body_begin },
	{ ASK_METHOD_body_append, run_pass_on },
	{ ASK_METHOD_body_abort, run_pass_on },
	{ ASK_METHOD_verifier, run_verifier },
	{ ASK_METHOD_grant, run_grant },
};

int
ask_new(struct port *store, struct grants *grants, struct ask **ask_out, struct error *e)
{
	struct ask *a = mem_alloc(sizeof *a);

	if (a == NULL)
		return error_nomem(e);
	a->store = store;
	a->grants = grants;
	a->service = (struct port_service){
		.interface = &ask_interface,
		.handlers = handlers,
		.handler_count = sizeof handlers / sizeof handlers[0],
		.ctx = a,
		.peer_gone = peer_gone,
	};
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->idle, NULL);
	*ask_out = a;
	return 0;
}

const struct port_service *
ask_service(struct ask *a)
{
	return &a->service;
}

void
ask_free(struct ask *a)
{
	if (a == NULL)
		return;
	(void)pthread_mutex_lock(&a->lock);
	while (a->jobs > 0)
		(void)pthread_cond_wait(&a->idle, &a->lock);
	(void)pthread_mutex_unlock(&a->lock);
	while (a->staged != NULL) {
		struct staged *s = a->staged;

		a->staged = s->next;
		mem_free(s);
	}
	(void)pthread_cond_destroy(&a->idle);
	(void)pthread_mutex_destroy(&a->lock);
	mem_free(a);
}
