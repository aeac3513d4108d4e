/* SPDX-License-Identifier: ISC */
#include "service/ask.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "os/log.h"
#include "os/pool.h"
#include "service/auth.h"
#include "store/store.h"

struct staged { /* a body that an asking end is sending */
	uint64_t handle, peer;
	struct staged *next;
};

struct ask {
	struct port *store;
	struct pool *checks;
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

/* ---- authenticate ---- */

/* One password check: first the account is looked up, then the check waits for its turn. */
struct check {
	struct ask *ask;
	struct port_job *job;
	uint64_t account;    /* 0: there is none */
	struct buf address;  /* the account's first */
	struct buf verifier; /* empty for no account: costs the same */
};

static void
check_free(struct check *c)
{
	buf_done(&c->address);
	buf_wipe_done(&c->verifier);
	mem_free(c);
}

/* On a thread of the pool: it computes for some tens of milliseconds. */
static void
check_run(void *ctx)
{
	struct check *c = ctx;
	const struct ask_authenticate *q = port_job_request(c->job);
	struct error e;
	int rc = auth_verifier_check(buf_slice(&c->verifier), q->password, &e);

	if (rc == 0 && q->authorize.len > 0 && !slice_ieq(q->authorize, q->address))
		rc = error_set(&e, ERR_PASSWORD, "wrong address or password");
	if (rc == 0) {
		const struct ask_handover reply = {
			.connection = q->connection, .account = c->account, .address = buf_slice(&c->address)
		};

		answer(c->job, &reply);
	} else {
		/* Neither the address nor the password: people type one in place of the other. */
		log_event(rc == ERR_PASSWORD ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "auth.refused",
		    log_slice("peer", q->peer), log_u64("account", c->account), log_error(&e));
		refuse(c->job, &e);
	}
	check_free(c);
}

static void
check_found(void *ctx, const void *reply, const struct error *e)
{
	struct check *c = ctx;
	const struct store_account *found = reply;

	if (found == NULL && e->code != ERR_NOT_FOUND) {
		refuse(c->job, e);
		check_free(c);
		return;
	}
	if (found != NULL) {
		c->account = found->account;
		(void)buf_put_slice(&c->verifier, found->verifier);
		(void)buf_put_slice(&c->address, found->address_count > 0 ? found->addresses[0] : SLICE_EMPTY);
	}
	if (c->verifier.err != 0 || c->address.err != 0 || pool_submit(c->ask->checks, check_run, c) != 0) {
		fail(c->job, ERR_LIMIT, "too many are signing in: try again later");
		check_free(c);
	}
}

static void
run_authenticate(void *ctx, struct port_job *job)
{
	struct ask *a = enter(ctx, job);
	const struct ask_authenticate *q = port_job_request(job);
	const struct store_account_get by_address = { .address = q->address };
	struct check *c;
	struct error e;

	if (q->mechanism != ASK_PLAIN) {
		fail(job, ERR_UNSUPPORTED, "no such authentication mechanism");
		return;
	}
	if ((c = mem_alloc(sizeof *c)) == NULL) {
		fail(job, ERR_NOMEM, "no memory");
		return;
	}
	c->ask = a;
	c->job = job;
	buf_init(&c->address, STORE_ADDRESS_MAX);
	buf_init(&c->verifier, STORE_VERIFIER_MAX);
	if (store_account_get_submit(a->store, &by_address, check_found, c, &e) != 0) {
		refuse(job, &e);
		check_free(c);
	}
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
	const struct ask_answer reply = { .verdict = verdict, .account = account };

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
	struct error e;

	if (!append)
		forget_staged(a, ((const struct store_body_handle *)port_job_request(job))->handle);
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

	deliver.targets = targets_of(q, port_job_arena(job), &deliver.target_count);
	if (deliver.targets == NULL)
		fail(job, ERR_NOMEM, "no memory");
	else if (store_deliver_submit(a->store, &deliver, kept, job, &e) != 0)
		refuse(job, &e);
}

/* ---- the end that answers ---- */

static const struct port_handler handlers[] = {
	{ ASK_METHOD_authenticate, run_authenticate },
	{ ASK_METHOD_recipient, run_recipient },
	{ ASK_METHOD_sender, run_sender },
	{ ASK_METHOD_keep, run_keep },
	{ ASK_METHOD_body_begin, run_body_begin },
	{ ASK_METHOD_body_append, run_pass_on },
	{ ASK_METHOD_body_abort, run_pass_on },
};

int
ask_new(struct port *store, unsigned auth_threads, struct ask **ask_out, struct error *e)
{
	const struct pool_options options = {
		.name = "auth",
		.threads = auth_threads == 0 ? SERVICE_AUTH_THREADS : auth_threads,
		.queue_max = SERVICE_AUTH_WAITING,
	};
	struct ask *a = mem_alloc(sizeof *a);
	int rc;

	if (a == NULL)
		return error_nomem(e);
	a->store = store;
	a->service = (struct port_service){
		.interface = &ask_interface,
		.handlers = handlers,
		.handler_count = sizeof handlers / sizeof handlers[0],
		.ctx = a,
		.peer_gone = peer_gone,
	};
	if ((rc = pool_new(&options, &a->checks, e)) != 0) {
		mem_free(a);
		return rc;
	}
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
	pool_free(a->checks);
	while (a->staged != NULL) {
		struct staged *s = a->staged;

		a->staged = s->next;
		mem_free(s);
	}
	(void)pthread_cond_destroy(&a->idle);
	(void)pthread_mutex_destroy(&a->lock);
	mem_free(a);
}
