/* SPDX-License-Identifier: ISC */
#include "service/sign/sign.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/idn.h"
#include "base/mem.h"
#include "mailauth/arc/seal.h"
#include "mailauth/dkim/sign.h"
#include "os/clock.h"
#include "os/thread.h"
#include "service/keys/keys.h"

#define LIST_BUDGET (8u << 20)
#define FIRST_MS 50 /* between questions until the first answer: mail and keys start together */
#define TICK_MS 1000

/* What is known of the keys; replaced whole. */
struct known {
	struct arena arena;
	struct keys_list list;
};

struct signer {
	struct port *keys;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool end;
	struct known *known;  /* NULL: keys has never answered */
	bool asking;          /* for the keys there are */
	int64_t asked_ms;     /* when, last */
	struct sign *waiting; /* those that were asked about and are neither answered nor given up */
};

struct item {
	char selector[MAILAUTH_NAME_MAX + 1];
	enum dkim_algorithm algorithm;
	struct buf octets;
};

struct sign {
	struct signer *signer;
	atomic_uint owners; /* the caller, and the question under way */
	struct buf domain, header;
	struct dkim_body *body;
	struct arc_seal *seal; /* in place of a signature; it has its octets, and items[0] says whose key */
	bool again;            /* the keys were others than was thought, and are asked for anew */
	struct item items[KEYS_DKIM_ITEMS_MAX];
	size_t item_count;
	sign_done_fn *done;
	void *ctx;
	/* While it is asked about; with the signer's lock: */
	struct sign *next, **at; /* in the list; at NULL: it is in none, and done was called */
	int64_t deadline_ms;
};

/* ---- what is known ---- */

static void
known_free(struct known *k)
{
	if (k == NULL)
		return;
	arena_done(&k->arena);
	mem_free(k);
}

static int
copy_keys(struct known *k, const struct keys_list *list)
{
	k->list.keys = arena_array(&k->arena, list->key_count + 1, sizeof *k->list.keys);
	for (size_t i = 0; k->list.keys != NULL && i < list->key_count; i++) {
		const struct keys_key *from = &list->keys[i];

		if (from->purpose != KEYS_DKIM)
			continue;
		k->list.keys[k->list.key_count] = *from;
		k->list.keys[k->list.key_count].name = arena_copy(&k->arena, from->name);
		k->list.keys[k->list.key_count++].selector = arena_copy(&k->arena, from->selector);
	}
	return k->arena.err;
}

/* Without an answer (NULL) keys is being started anew: what it had before is what it will have. */
static void
learn_from(struct signer *s, const struct keys_list *reply)
{
	struct known *fresh = reply == NULL ? NULL : mem_alloc(sizeof *fresh), *old = NULL;

	if (fresh != NULL) {
		arena_init(&fresh->arena, LIST_BUDGET);
		if (copy_keys(fresh, reply) != 0) {
			known_free(fresh);
			fresh = NULL;
		}
	}
	(void)pthread_mutex_lock(&s->lock);
	if (fresh != NULL) {
		old = s->known;
		s->known = fresh;
	}
	(void)pthread_mutex_unlock(&s->lock);
	known_free(old);
}

static void
list_arrived(void *ctx, const void *reply, const struct error *e)
{
	struct signer *s = ctx;

	(void)e;
	learn_from(s, reply);
	(void)pthread_mutex_lock(&s->lock);
	s->asking = false;
	(void)pthread_mutex_unlock(&s->lock);
}

static void
learn(struct signer *s, int64_t now_ms)
{
	bool ask;

	(void)pthread_mutex_lock(&s->lock);
	ask = !s->asking && (s->known == NULL || now_ms - s->asked_ms >= SIGN_KEYS_AGE_MS);
	if (ask) {
		s->asking = true;
		s->asked_ms = now_ms;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (ask && keys_ask_list_submit(s->keys, &(struct keys_nothing){ 0 }, list_arrived, s, NULL) != 0)
		list_arrived(s, NULL, NULL);
}

/* With the lock. */
static void
leave_list(struct sign *s)
{
	if (s->next != NULL)
		s->next->at = s->at;
	*s->at = s->next;
	s->at = NULL;
}

/* Each that has waited too long is told so; its answer, should it come, is not heard any more. */
static void
give_up(struct signer *signer, int64_t now_ms)
{
	struct error e;
	struct sign *s;

	(void)error_set(&e, ERR_TIMEOUT, "the process that has the keys does not answer");
	(void)pthread_mutex_lock(&signer->lock);
	for (s = signer->waiting; s != NULL; s = signer->waiting) {
		sign_done_fn *done;
		void *done_ctx;

		while (s != NULL && s->deadline_ms > now_ms)
			s = s->next;
		if (s == NULL)
			break;
		done = s->done;
		done_ctx = s->ctx;
		leave_list(s);
		(void)pthread_mutex_unlock(&signer->lock); /* from here on s may be gone */
		done(done_ctx, SLICE_EMPTY, &e);
		(void)pthread_mutex_lock(&signer->lock);
	}
	(void)pthread_mutex_unlock(&signer->lock);
}

/* With the lock. */
static bool
wait_for_end(struct signer *s, int64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!s->end && pthread_cond_timedwait(&s->ended, &s->lock, &until) == 0)
		;
	return s->end;
}

static void *
run(void *ctx)
{
	struct signer *s = ctx;
	bool end = false;

	while (!end) {
		learn(s, clock_ms());
		give_up(s, clock_ms());
		(void)pthread_mutex_lock(&s->lock);
		end = wait_for_end(s, s->known == NULL ? FIRST_MS : TICK_MS);
		(void)pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

int
signer_new(struct port *keys, struct signer **out, struct error *e)
{
	struct signer *s = mem_alloc(sizeof *s);
	pthread_condattr_t monotonic;
	int rc;

	if (s == NULL)
		return error_nomem(e);
	s->keys = keys;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->ended, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	rc = thread_start(&s->thread, "signer", run, s, e);
	if (rc != 0)
		mem_free(s);
	else
		*out = s;
	return rc;
}

void
signer_stop(struct signer *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->end = true;
	(void)pthread_cond_signal(&s->ended);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	known_free(s->known);
	(void)pthread_cond_destroy(&s->ended);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

/* ---- one message ---- */

static void
disown(struct sign *s)
{
	if (atomic_fetch_sub(&s->owners, 1) != 1)
		return;
	for (size_t i = 0; i < KEYS_DKIM_ITEMS_MAX; i++)
		buf_done(&s->items[i].octets);
	dkim_body_free(s->body);
	arc_seal_free(s->seal);
	buf_done(&s->domain);
	buf_done(&s->header);
	mem_free(s);
}

/* The keys of the domain, as many as fit: RSA's, which everybody reads, first. False: it has none. known is not NULL. */
static bool
pick(struct sign *s, const struct known *known)
{
	s->item_count = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < known->list.key_count && s->item_count < KEYS_DKIM_ITEMS_MAX; i++) {
			const struct keys_key *k = &known->list.keys[i];
			struct item *item = &s->items[s->item_count];

			if (k->purpose != KEYS_DKIM || (k->algorithm == DKIM_RSA_SHA256) != (pass == 0) ||
			    !slice_ieq(k->name, buf_slice(&s->domain)) || k->selector.len >= sizeof item->selector)
				continue;
			memset(item->selector, 0, sizeof item->selector);
			memcpy(item->selector, k->selector.data, k->selector.len);
			item->algorithm = (enum dkim_algorithm)k->algorithm;
			s->item_count++;
		}
	}
	return s->item_count > 0;
}

/* Whether keys have to be asked: the domain has some, or nobody knows yet. */
static bool
is_wanted(struct signer *signer, struct slice domain)
{
	bool wanted = domain.len > 0;

	(void)pthread_mutex_lock(&signer->lock);
	if (wanted && signer->known != NULL) {
		wanted = false;
		for (size_t i = 0; i < signer->known->list.key_count && !wanted; i++)
			wanted = signer->known->list.keys[i].purpose == KEYS_DKIM &&
			    slice_ieq(signer->known->list.keys[i].name, domain);
	}
	(void)pthread_mutex_unlock(&signer->lock);
	return wanted;
}

int
sign_begin(struct signer *signer, struct slice domain, struct sign **out, struct error *e)
{
	BUF_OWNED struct buf ascii = { 0 };
	struct sign *s;
	int rc;

	*out = NULL;
	buf_init(&ascii, IDN_NAME_MAX);
	if (idn_to_ascii(domain, &ascii, NULL) != 0 || !is_wanted(signer, buf_slice(&ascii)))
		return 0;
	s = mem_alloc(sizeof *s);
	if (s == NULL)
		return error_nomem(e);
	s->signer = signer;
	atomic_init(&s->owners, 1);
	buf_init(&s->domain, IDN_NAME_MAX);
	buf_init(&s->header, MAILAUTH_DKIM_SIGNED_MAX);
	for (size_t i = 0; i < KEYS_DKIM_ITEMS_MAX; i++)
		buf_init(&s->items[i].octets, MAILAUTH_DKIM_SIGNED_MAX);
	rc = dkim_body_new(DKIM_RELAXED, &s->body, e);
	if (rc == 0 && buf_put_slice(&s->domain, buf_slice(&ascii)) != 0)
		rc = error_nomem(e);
	if (rc != 0)
		disown(s);
	else
		*out = s;
	return rc;
}

void
sign_body(struct sign *s, struct slice piece)
{
	if (s != NULL)
		dkim_body_put(s->body, piece);
}

void
sign_free(struct sign *s)
{
	if (s != NULL)
		disown(s);
}

/* ---- the end ---- */

static int
write_fields(const struct sign *s, const struct keys_dkim_signed *made, struct buf *out, struct error *e)
{
	int rc =
	    made->item_count == s->item_count ? 0 : error_set(e, ERR_INTERNAL, "keys did not answer for every key");

	for (size_t i = 0; i < s->item_count && rc == 0; i++)
		rc = dkim_sign_field(buf_slice(&s->items[i].octets), made->items[i].octets, out, e);
	return rc;
}

/* False: somebody was told already that there is no answer. */
static bool
claim(struct sign *s)
{
	bool mine;

	(void)pthread_mutex_lock(&s->signer->lock);
	mine = s->at != NULL;
	if (mine)
		leave_list(s);
	(void)pthread_mutex_unlock(&s->signer->lock);
	return mine;
}

static void
finish(struct sign *s, struct slice fields, const struct error *e)
{
	if (claim(s))
		s->done(s->ctx, fields, e);
	disown(s);
}

static void
fields_arrived(struct sign *s, const struct keys_dkim_signed *made)
{
	BUF_OWNED struct buf fields = { 0 };
	struct error e;

	buf_init(&fields, SIGN_FIELDS_MAX);
	if (write_fields(s, made, &fields, &e) != 0)
		finish(s, SLICE_EMPTY, &e);
	else
		finish(s, buf_slice(&fields), NULL);
}

static int submit(struct sign *s, struct error *e);

/* The first signature is the message's, the second the seal's. */
static void
seal_arrived(struct sign *s, const struct keys_dkim_signed *made)
{
	struct error e;
	int rc = made->item_count == 1 ? arc_seal_signature(s->seal, made->items[0].octets, &e)
				       : error_set(&e, ERR_INTERNAL, "keys did not answer for every key");

	if (rc == 0 && arc_seal_octets(s->seal).len > 0) {
		rc = submit(s, &e);
		if (rc == 0)
			return;
	}
	if (rc != 0)
		finish(s, SLICE_EMPTY, &e);
	else
		finish(s, arc_seal_fields(s->seal), NULL);
}

static void list_arrived_for(void *ctx, const void *reply, const struct error *e);

/* Not found: other keys sign since we last heard which. */
static void
signed_arrived(void *ctx, const void *reply, const struct error *e)
{
	struct sign *s = ctx;
	const struct keys_nothing nothing = { 0 };
	struct error fault;

	if (reply != NULL) {
		if (s->seal != NULL)
			seal_arrived(s, reply);
		else
			fields_arrived(s, reply);
		return;
	}
	fault = *e;
	if (fault.code == ERR_NOT_FOUND && !s->again && s->seal == NULL) {
		s->again = true;
		if (keys_ask_list_submit(s->signer->keys, &nothing, list_arrived_for, s, &fault) == 0)
			return;
	}
	finish(s, SLICE_EMPTY, &fault);
}

static int
write_octets(struct sign *s, struct error *e)
{
	struct dkim_sign params = { .domain = buf_slice(&s->domain), .now = clock_unix() };
	int rc = 0;

	for (size_t i = 0; i < s->item_count && rc == 0; i++) {
		params.selector = slice_str(s->items[i].selector);
		params.algorithm = s->items[i].algorithm;
		buf_clear(&s->items[i].octets);
		rc = dkim_sign_octets(
		    &params, buf_slice(&s->header), dkim_body_hash(s->body, DKIM_BODY_WHOLE), &s->items[i].octets, e);
	}
	/* A header that is too large will be so later too; the callers tell "never" from "not now". */
	return rc == ERR_LIMIT ? error_set(e, ERR_SYNTAX, "The header is too large to be signed.") : rc;
}

static int
submit_seal(struct sign *s, struct error *e)
{
	struct keys_dkim_item item = { arc_seal_octets(s->seal) };

	return keys_ask_arc_sign_submit(
	    s->signer->keys, &(struct keys_dkim_sign){ .items = &item, .item_count = 1 }, signed_arrived, s, e);
}

static int
submit(struct sign *s, struct error *e)
{
	struct keys_dkim_item items[KEYS_DKIM_ITEMS_MAX];
	const struct keys_dkim_sign request = { .items = items, .item_count = s->item_count };
	int rc;

	if (s->seal != NULL)
		return submit_seal(s, e);
	rc = write_octets(s, e);

	for (size_t i = 0; i < s->item_count; i++)
		items[i].octets = buf_slice(&s->items[i].octets);
	return rc != 0 ? rc : keys_ask_dkim_sign_submit(s->signer->keys, &request, signed_arrived, s, e);
}

static void
list_arrived_for(void *ctx, const void *reply, const struct error *e)
{
	struct sign *s = ctx;
	struct error fault;
	bool any;

	if (reply == NULL) {
		finish(s, SLICE_EMPTY, e);
		return;
	}
	learn_from(s->signer, reply);
	(void)pthread_mutex_lock(&s->signer->lock);
	any = s->signer->known != NULL && pick(s, s->signer->known);
	(void)pthread_mutex_unlock(&s->signer->lock);
	if (!any)
		finish(s, SLICE_EMPTY, NULL);
	else if (submit(s, &fault) != 0)
		finish(s, SLICE_EMPTY, &fault);
}

static int
ask(struct sign *s, struct error *e)
{
	struct signer *signer = s->signer;
	int rc;

	(void)atomic_fetch_add(&s->owners, 1);
	(void)pthread_mutex_lock(&signer->lock);
	s->deadline_ms = clock_ms() + SIGN_ANSWER_MS;
	s->next = signer->waiting;
	s->at = &signer->waiting;
	if (s->next != NULL)
		s->next->at = &s->next;
	signer->waiting = s;
	(void)pthread_mutex_unlock(&signer->lock);
	rc = submit(s, e);
	if (rc != 0) {
		/* Given up in this moment already: then that was the answer. */
		rc = claim(s) ? rc : 0;
		disown(s);
	}
	return rc;
}

/* Which keys sign: 1, 0: none, or ERR_CLOSED. */
static int
choose(struct sign *s, struct error *e)
{
	bool known, any = false;

	(void)pthread_mutex_lock(&s->signer->lock);
	known = s->signer->known != NULL;
	if (known)
		any = pick(s, s->signer->known);
	(void)pthread_mutex_unlock(&s->signer->lock);
	if (!known)
		return error_set(e, ERR_CLOSED, "the process that has the keys has not answered yet");
	return any;
}

int
sign_end(struct sign *s, struct slice header, sign_done_fn *done, void *ctx, struct error *e)
{
	int rc;

	s->done = done;
	s->ctx = ctx;
	rc = choose(s, e);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		done(ctx, SLICE_EMPTY, NULL);
		return 0;
	}
	rc = dkim_body_end(s->body, e);
	if (rc == 0 && buf_put_slice(&s->header, header) != 0)
		rc = s->header.err == ERR_LIMIT ? error_set(e, ERR_SYNTAX, "The header is too large to be signed.")
						: error_nomem(e);
	return rc != 0 ? rc : ask(s, e);
}

/* ---- seals ---- */

static int
begin_seal(struct sign *s, const struct sign_sealed *in, struct error *e)
{
	const struct arc_seal_params params = { .algorithm = s->items[0].algorithm,
		.domain = buf_slice(&s->domain),
		.selector = slice_str(s->items[0].selector),
		.now = clock_unix(),
		.chain = in->chain,
		.results = in->results };

	return arc_seal_new(&params, in->header, in->body_hash, &s->seal, e);
}

int
sign_seal(struct signer *signer, const struct sign_sealed *in, sign_done_fn *done, void *ctx, struct error *e)
{
	struct sign *s;
	int rc = sign_begin(signer, in->domain, &s, e);

	if (rc != 0)
		return rc;
	rc = s == NULL ? 0 : choose(s, e);
	if (rc > 0) {
		s->done = done;
		s->ctx = ctx;
		rc = begin_seal(s, in, e);
		if (rc == 0)
			rc = ask(s, e);
	} else if (rc == 0) {
		done(ctx, SLICE_EMPTY, NULL);
	}
	sign_free(s);
	return rc;
}

/* ---- at once ---- */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t there;
	bool is_there;
	struct buf *out;
	struct error error;
};

static void
whole_done(void *ctx, struct slice fields, const struct error *e)
{
	struct waiting *w = ctx;

	(void)pthread_mutex_lock(&w->lock);
	if (e != NULL)
		w->error = *e;
	else if (buf_put_slice(w->out, fields) != 0)
		(void)error_set(&w->error, w->out->err, "there is no room for the signatures");
	w->is_there = true;
	(void)pthread_cond_signal(&w->there);
	(void)pthread_mutex_unlock(&w->lock);
}

static int
wait_for(struct waiting *w, struct error *e)
{
	(void)pthread_mutex_lock(&w->lock);
	while (!w->is_there)
		(void)pthread_cond_wait(&w->there, &w->lock);
	(void)pthread_mutex_unlock(&w->lock);
	if (w->error.code != 0 && e != NULL)
		*e = w->error;
	return w->error.code;
}

int
sign_whole(struct signer *signer, struct slice domain, struct slice message, struct buf *fields_out, struct error *e)
{
	size_t header = mime_header_length(message);
	struct waiting w = { .out = fields_out };
	struct sign *s;
	int rc = sign_begin(signer, domain, &s, e);

	if (rc != 0 || s == NULL)
		return rc;
	(void)pthread_mutex_init(&w.lock, NULL);
	(void)pthread_cond_init(&w.there, NULL);
	sign_body(s, slice_from(message, header));
	rc = sign_end(s, slice_sub(message, 0, header), whole_done, &w, e);
	if (rc == 0)
		rc = wait_for(&w, e);
	sign_free(s);
	(void)pthread_cond_destroy(&w.there);
	(void)pthread_mutex_destroy(&w.lock);
	return rc;
}
