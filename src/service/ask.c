/* SPDX-License-Identifier: ISC */
#include "service/ask_internal.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "os/clock.h"
#include "service/grants.h"
#include "service/permit.h"
#include "service/queue/queue.h"
#include "store/store.h"

_Static_assert(STORE_ALIAS_ACCOUNTS_MAX <= ASK_ACCOUNTS_MAX, "an alias that may be made can be written to");

/* Every job passes here first; its slot says whose it is. */
struct ask *
ask_enter(void *ctx, struct port_job *job)
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

void
ask_answer(struct port_job *job, const void *reply)
{
	struct ask *a = *port_job_slot(job);

	port_reply(job, reply);
	leave(a);
}

void
ask_refuse(struct port_job *job, const struct error *e)
{
	struct ask *a = *port_job_slot(job);

	port_fail(job, e);
	leave(a);
}

void
ask_fail(struct port_job *job, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	ask_refuse(job, &e);
}

/* ---- verifier ---- */

/* The account's password, while its other credentials are looked for. */
struct verifier_call {
	struct port_job *job;
	struct ask_verifier reply;
};

static void
credentials_found(void *ctx, const void *reply, const struct error *e)
{
	const struct store_credentials *found = reply;
	struct verifier_call *v = ctx;

	if (found == NULL) {
		ask_refuse(v->job, e);
	} else {
		v->reply.credentials = found->rows;
		v->reply.credential_count = found->row_count;
		ask_answer(v->job, &v->reply);
	}
	mem_free(v);
}

static void
account_found(void *ctx, const void *reply, const struct error *e)
{
	const struct store_account *found = reply;
	struct port_job *job = ctx;
	struct ask *a = *port_job_slot(job);
	struct verifier_call *v;
	struct store_credential_list all = { .with_verifiers = true };
	struct error failed;

	if (found == NULL) {
		ask_refuse(job, e);
		return;
	}
	v = mem_alloc(sizeof *v);
	if (v == NULL) {
		ask_fail(job, ERR_NOMEM, "no memory");
		return;
	}
	all.account = found->account;
	v->job = job;
	v->reply.account = found->account;
	v->reply.verifier = arena_copy(port_job_arena(job), found->verifier);
	if (store_credential_list_submit(a->store, &all, credentials_found, v, &failed) != 0) {
		ask_refuse(job, &failed);
		mem_free(v);
	}
}

static void
run_verifier(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct store_account_get by_address = {
		.address = ((const struct ask_account *)port_job_request(job))->address
	};
	struct error e;

	if (store_account_get_submit(a->store, &by_address, account_found, job, &e) != 0)
		ask_refuse(job, &e);
}

/* ---- salt_key ---- */

/* What is kept is what is answered: of two that were made at once, one. */
static void
salt_key_found(void *ctx, const void *reply, const struct error *e)
{
	const struct store_meta_value *kept = reply;
	struct port_job *job = ctx;

	if (kept == NULL)
		ask_refuse(job, e);
	else if (!kept->found || kept->value.len != ASK_SALT_KEY_SIZE)
		ask_fail(job, ERR_INTEGRITY, "the key for salts is not what it was made as");
	else
		ask_answer(job, &(struct ask_salt_key){ .key = kept->value });
}

static const struct store_meta_key salt_key_name = { .key = { (const uint8_t *)"salt_key", 8 } };

static void
salt_key_made(void *ctx, const void *reply, const struct error *e)
{
	struct port_job *job = ctx;
	struct ask *a = *port_job_slot(job);
	struct error failed;

	if (reply == NULL)
		ask_refuse(job, e);
	else if (store_meta_get_submit(a->store, &salt_key_name, salt_key_found, job, &failed) != 0)
		ask_refuse(job, &failed);
}

static void
make_salt_key(struct ask *a, struct port_job *job)
{
	uint8_t key[ASK_SALT_KEY_SIZE] = { 0 };
	const struct store_meta_put put = { .key = salt_key_name.key, .value = slice_of(key, sizeof key) };
	struct error e;

	if (random_bytes(key, sizeof key, &e) != 0 ||
	    store_meta_put_submit(a->store, &put, salt_key_made, job, &e) != 0)
		ask_refuse(job, &e);
	secret_wipe(key, sizeof key);
}

static void
salt_key_looked_for(void *ctx, const void *reply, const struct error *e)
{
	const struct store_meta_value *kept = reply;
	struct port_job *job = ctx;

	if (kept != NULL && !kept->found)
		make_salt_key(*port_job_slot(job), job);
	else
		salt_key_found(job, reply, e);
}

static void
run_salt_key(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	struct error e;

	if (store_meta_get_submit(a->store, &salt_key_name, salt_key_looked_for, job, &e) != 0)
		ask_refuse(job, &e);
}

/* ---- grant ---- */

static void
put_grant(struct ask *a, struct port_job *job)
{
	const struct ask_grant *q = port_job_request(job);
	const struct grant_in in = { .process = q->process,
		.connection = q->connection,
		.account = q->account,
		.counted = process_kind_of(q->process) != PROCESS_WEB,
		.rights = q->protocol };
	struct error e;

	if (grants_put(a->grants, &in, clock_ms(), &e) != 0)
		ask_refuse(job, &e);
	else
		ask_answer(job, &(struct store_nothing){ 0 });
}

static void
credential_used(void *ctx, const void *reply, const struct error *e)
{
	struct port_job *job = ctx;

	if (reply == NULL)
		ask_refuse(job, e);
	else
		put_grant(*port_job_slot(job), job);
}

/* The store has the last word on a credential: it may have been revoked since its verifier was told. */
static void
run_grant(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct ask_grant *q = port_job_request(job);
	const struct store_credential_use use = {
		.account = q->account, .credential = q->credential, .right = q->protocol
	};
	struct error e;

	if (q->credential == 0)
		put_grant(a, job);
	else if (store_credential_use_submit(a->store, &use, credential_used, job, &e) != 0)
		ask_refuse(job, &e);
}

/* ---- recipient, sender ---- */

static enum ask_verdict
verdict_of(uint32_t resolution)
{
	switch ((enum store_resolution)resolution) {
	case STORE_RESOLVED:
		return ASK_OK;
	case STORE_ELSEWHERE:
		return ASK_ELSEWHERE;
	case STORE_NOT_FOR:
		return ASK_DENIED;
	case STORE_NOBODY:
		break;
	}
	return ASK_UNKNOWN;
}

/* What bounces comes back to an address that we made: it is passed on to whom we forwarded for. */
static bool
is_made_by_us(struct ask *a, struct slice address)
{
	struct buf back;
	bool ours;

	buf_init(&back, STORE_ADDRESS_MAX);
	ours = a->queue != NULL && queue_srs_reverse(a->queue, address, &back, NULL) == 0;
	buf_done(&back);
	return ours;
}

static void
recipient_resolved(void *ctx, const void *reply, const struct error *e)
{
	const struct store_address_resolved *found = reply;
	struct port_job *job = ctx;
	struct ask *a = *port_job_slot(job);
	struct ask_answer out;

	if (found == NULL) {
		ask_refuse(job, e);
		return;
	}
	out = (struct ask_answer){ .verdict = verdict_of(found->resolution),
		.accounts = found->accounts,
		.account_count = found->account_count,
		.sends = found->elsewhere_count > 0 && a->queue != NULL };
	if (out.verdict == ASK_UNKNOWN &&
	    is_made_by_us(a, ((const struct ask_recipient *)port_job_request(job))->address)) {
		out.verdict = ASK_OK;
		out.sends = true;
	}
	if (out.verdict == ASK_OK && out.account_count == 0 && !out.sends)
		out.verdict = ASK_UNKNOWN; /* an alias for others, where nothing is sent on */
	ask_answer(job, &out);
}

static void
sender_known(void *ctx, const void *reply, const struct error *e)
{
	const struct store_owned *found = reply;
	struct port_job *job = ctx;
	const struct ask_sender *q = port_job_request(job);

	if (found == NULL)
		ask_refuse(job, e);
	else if (found->owned)
		ask_answer(job, &(struct ask_answer){ .verdict = ASK_OK, .accounts = &q->account, .account_count = 1 });
	else
		ask_answer(job, &(struct ask_answer){ .verdict = ASK_FOREIGN });
}

/* The rules as they are now. */
static struct rules
rules_now(struct ask *a)
{
	struct rules r;

	(void)pthread_mutex_lock(&a->lock);
	r = a->rules;
	(void)pthread_mutex_unlock(&a->lock);
	return r;
}

static void
run_recipient(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct ask_recipient *q = port_job_request(job);
	const struct rules r = rules_now(a);
	/* Nobody signs in with mx: whoever it says that writes, it is a stranger. */
	bool stranger = process_kind_of(port_job_tag(job)) == PROCESS_MX;
	const struct store_address_resolve in = { .address = q->address,
		.writer = stranger ? 0 : q->account,
		.separator = r.separator,
		.postmaster = slice_of(r.postmaster, r.postmaster_len) };
	struct error e;

	if (store_address_resolve_submit(a->store, &in, recipient_resolved, job, &e) != 0)
		ask_refuse(job, &e);
}

static void
run_sender(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct ask_sender *q = port_job_request(job);
	const struct rules r = rules_now(a);
	const struct store_address_owned in = { .account = q->account,
		.address = q->address,
		.separator = r.separator,
		.postmaster = slice_of(r.postmaster, r.postmaster_len) };
	struct error e;

	if (store_address_owned_submit(a->store, &in, sender_known, job, &e) != 0)
		ask_refuse(job, &e);
}

void
ask_set_queue(struct ask *a, struct queue *q)
{
	a->queue = q;
}

void
ask_set_rules(struct ask *a, const struct ask_rules *rules)
{
	struct rules r = { .separator = (uint8_t)rules->separator,
		.postmaster_len = size_min(rules->postmaster.len, sizeof r.postmaster) };

	for (size_t i = 0; i < r.postmaster_len; i++)
		r.postmaster[i] = rules->postmaster.data[i];
	(void)pthread_mutex_lock(&a->lock);
	a->rules = r;
	(void)pthread_mutex_unlock(&a->lock);
}

/* ---- bodies ---- */

static void
passed_on(void *ctx, const void *reply, const struct error *e)
{
	struct port_job *job = ctx;

	if (reply == NULL)
		ask_refuse(job, e);
	else
		ask_answer(job, reply);
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
		ask_refuse(b->job, e);
		mem_free(b->staged);
	} else {
		b->staged->handle = h->handle;
		(void)pthread_mutex_lock(&a->lock);
		b->staged->next = a->staged;
		a->staged = b->staged;
		(void)pthread_mutex_unlock(&a->lock);
		ask_answer(b->job, h);
	}
	mem_free(b);
}

static void
run_body_begin(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct store_nothing none = { 0 };
	struct begin *b = mem_alloc(sizeof *b);
	struct error e;

	if (b == NULL || (b->staged = mem_alloc(sizeof *b->staged)) == NULL) {
		mem_free(b);
		ask_fail(job, ERR_NOMEM, "no memory");
		return;
	}
	b->ask = a;
	b->job = job;
	b->staged->peer = port_job_peer(job);
	if (store_body_begin_submit(a->store, &none, begun, b, &e) != 0) {
		ask_refuse(job, &e);
		mem_free(b->staged);
		mem_free(b);
	}
}

/* The same request and reply on both sides. */
static void
run_pass_on(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	bool append = port_job_method(job) == ASK_METHOD_body_append;
	uint64_t handle = append ? ((const struct store_body_append *)port_job_request(job))->handle
				 : ((const struct store_body_handle *)port_job_request(job))->handle;
	struct error e;

	if (!is_staged_by(a, handle, port_job_peer(job))) {
		ask_fail(job, ERR_NOT_FOUND, "no such body");
		return;
	}
	if (!append)
		forget_staged(a, handle);
	if (port_submit(a->store, append ? STORE_METHOD_body_append : STORE_METHOD_body_abort, port_job_request(job),
		passed_on, job, &e) != 0)
		ask_refuse(job, &e);
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
		ask_refuse(job, e);
		return;
	}
	if (q->content.handle != 0)
		forget_staged(*port_job_slot(job), q->content.handle);
	ask_answer(job, &(struct ask_kept){ .body = d->body, .inboxes = (uint32_t)d->stored_count });
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
			t[n++] =
			    (struct store_target){ .account = q->accounts[i], .use = q->junk ? STORE_USE_JUNK : 0 };
	}
	*count_out = n;
	return t;
}

static void
sent(void *ctx, const struct queue_kept *k, const struct error *e)
{
	struct port_job *job = ctx;
	const struct ask_keep *q = port_job_request(job);

	if (k == NULL) {
		ask_refuse(job, e);
		return;
	}
	if (q->content.handle != 0)
		forget_staged(*port_job_slot(job), q->content.handle);
	ask_answer(job, &(struct ask_kept){ .body = k->body, .inboxes = k->inboxes, .sent_on = k->sent_on });
}

/* For others, too. Nobody signs in with mx: what comes from there goes elsewhere only by addresses of ours. */
static void
send_on(struct ask *a, struct port_job *job, const struct ask_keep *q)
{
	struct queue_put_recipient *to = arena_array(port_job_arena(job), q->send_count, sizeof *to);
	bool stranger = process_kind_of(port_job_tag(job)) == PROCESS_MX;
	const struct queue_letter letter = { .content = q->content,
		.skip = q->skip,
		.sender = q->from,
		.account = stranger ? 0 : q->account,
		.flags = q->flags,
		.ret = q->ret,
		.envid = q->envid,
		.recipients = to,
		.recipient_count = q->send_count,
		.accounts = q->accounts,
		.account_count = q->account_count,
		.junk = q->junk,
		.seal = q->seal,
		.stranger = stranger };
	struct error e;

	if (to == NULL || a->queue == NULL) {
		ask_fail(job, to == NULL ? ERR_NOMEM : ERR_UNSUPPORTED, "nothing can be sent on");
		return;
	}
	for (size_t i = 0; i < q->send_count; i++)
		to[i] = (struct queue_put_recipient){ q->sends[i].address, q->sends[i].notify, q->sends[i].orcpt };
	if (queue_put(a->queue, &letter, sent, job, &e) != 0)
		ask_refuse(job, &e);
}

static void
run_keep(void *ctx, struct port_job *job)
{
	struct ask *a = ask_enter(ctx, job);
	const struct ask_keep *q = port_job_request(job);
	struct store_deliver deliver = { .content = q->content, .envelope = q->from };
	struct error e;

	if (q->content.handle != 0 && !is_staged_by(a, q->content.handle, port_job_peer(job))) {
		ask_fail(job, ERR_NOT_FOUND, "no such body");
		return;
	}
	if (q->send_count > 0) {
		send_on(a, job, q);
		return;
	}
	deliver.targets = targets_of(q, port_job_arena(job), &deliver.target_count);
	if (deliver.targets == NULL)
		ask_fail(job, ERR_NOMEM, "no memory");
	else if (store_deliver_submit(a->store, &deliver, kept, job, &e) != 0)
		ask_refuse(job, &e);
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
	{ ASK_METHOD_salt_key, run_salt_key },
	{ ASK_METHOD_grant, run_grant },
	{ ASK_METHOD_tally, ask_run_tally },
	{ ASK_METHOD_delivered, ask_run_delivered },
};

int
ask_new(struct port *store, struct grants *grants, struct ask **ask_out, struct error *e)
{
	struct ask *a = mem_alloc(sizeof *a);

	if (a == NULL)
		return error_nomem(e);
	a->store = store;
	a->grants = grants;
	a->rules.separator = '+';
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
