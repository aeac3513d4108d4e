/* SPDX-License-Identifier: ISC */
#include "service/sign/sign.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/idn.h"
#include "base/mem.h"
#include "mailauth/dkim/sign.h"
#include "os/clock.h"
#include "os/thread.h"
#include "service/keys/keys.h"

#define LIST_BUDGET (8u << 20)
#define FIRST_MS 50 /* between questions until the first answer: mail and keys start together */

/* What is known of the keys; replaced whole. */
struct known {
	struct arena arena;
	struct keys_list list;
};

struct signer {
	struct port *keys;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* end, running */
	bool end;
	struct known *known; /* NULL: keys has never answered */
	unsigned running;    /* questions under way */
};

struct item {
	char selector[MAILAUTH_NAME_MAX + 1];
	enum dkim_algorithm algorithm;
	struct buf octets;
};

struct sign {
	struct signer *signer;
	atomic_uint owners; /* the caller, and the question under way */
	struct buf domain;
	struct dkim_body *body;
	struct item items[KEYS_DKIM_ITEMS_MAX];
	size_t item_count;
	sign_done_fn *done;
	void *ctx;
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

static void
learn(struct signer *s)
{
	struct known *fresh = mem_alloc(sizeof *fresh), *old;

	if (fresh == NULL)
		return;
	arena_init(&fresh->arena, LIST_BUDGET);
	if (keys_ask_list(s->keys, &(struct keys_nothing){ 0 }, &fresh->arena, &fresh->list, NULL) != 0) {
		known_free(fresh); /* keys is being started anew: what it had before is what it will have */
		return;
	}
	(void)pthread_mutex_lock(&s->lock);
	old = s->known;
	s->known = fresh;
	(void)pthread_mutex_unlock(&s->lock);
	known_free(old);
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
	while (!s->end && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
		;
	return s->end;
}

static void *
run(void *ctx)
{
	struct signer *s = ctx;
	bool end = false;

	while (!end) {
		learn(s);
		(void)pthread_mutex_lock(&s->lock);
		end = wait_for_end(s, s->known == NULL ? FIRST_MS : SIGN_KEYS_AGE_MS);
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
	(void)pthread_cond_init(&s->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	rc = thread_start(&s->thread, "signer", run, s, e);
	if (rc != 0)
		mem_free(s);
	else
		*out = s;
	return rc;
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->end = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	(void)pthread_mutex_lock(&s->lock);
	while (s->running > 0)
		(void)pthread_cond_wait(&s->changed, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	known_free(s->known);
	(void)pthread_cond_destroy(&s->changed);
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
	buf_done(&s->domain);
	mem_free(s);
}

/* The keys of the domain, as many as fit: RSA's, which everybody reads, first. False: it has none. known is not NULL. */
static bool
pick(struct sign *s, const struct known *known)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < known->list.key_count && s->item_count < KEYS_DKIM_ITEMS_MAX; i++) {
			const struct keys_key *k = &known->list.keys[i];
			struct item *item = &s->items[s->item_count];

			if (k->purpose != KEYS_DKIM || (k->algorithm == DKIM_RSA_SHA256) != (pass == 0) ||
			    !slice_ieq(k->name, buf_slice(&s->domain)) || k->selector.len >= sizeof item->selector)
				continue;
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

static void
ended(struct sign *s)
{
	struct signer *signer = s->signer;

	disown(s);
	(void)pthread_mutex_lock(&signer->lock);
	signer->running--;
	(void)pthread_cond_broadcast(&signer->changed);
	(void)pthread_mutex_unlock(&signer->lock);
}

static void
signed_arrived(void *ctx, const void *reply, const struct error *e)
{
	struct sign *s = ctx;
	BUF_OWNED struct buf fields = { 0 };
	struct error fault = { 0 };

	buf_init(&fields, SIGN_FIELDS_MAX);
	if (reply == NULL)
		fault = *e;
	else
		(void)write_fields(s, reply, &fields, &fault);
	if (fault.code != 0)
		s->done(s->ctx, SLICE_EMPTY, &fault);
	else
		s->done(s->ctx, buf_slice(&fields), NULL);
	ended(s);
}

static int
ask(struct sign *s, struct error *e)
{
	struct keys_dkim_item items[KEYS_DKIM_ITEMS_MAX];
	const struct keys_dkim_sign request = { .items = items, .item_count = s->item_count };
	int rc;

	for (size_t i = 0; i < s->item_count; i++)
		items[i].octets = buf_slice(&s->items[i].octets);
	(void)atomic_fetch_add(&s->owners, 1);
	(void)pthread_mutex_lock(&s->signer->lock);
	s->signer->running++;
	(void)pthread_mutex_unlock(&s->signer->lock);
	rc = keys_ask_dkim_sign_submit(s->signer->keys, &request, signed_arrived, s, e);
	if (rc != 0)
		ended(s);
	return rc;
}

static int
write_octets(struct sign *s, struct slice header, struct error *e)
{
	struct dkim_sign params = { .domain = buf_slice(&s->domain), .now = clock_unix() };
	int rc = dkim_body_end(s->body, e);

	for (size_t i = 0; i < s->item_count && rc == 0; i++) {
		params.selector = slice_str(s->items[i].selector);
		params.algorithm = s->items[i].algorithm;
		rc =
		    dkim_sign_octets(&params, header, dkim_body_hash(s->body, DKIM_BODY_WHOLE), &s->items[i].octets, e);
	}
	/* A header that is too large will be so later too; the callers tell "never" from "not now". */
	return rc == ERR_LIMIT ? error_set(e, ERR_SYNTAX, "The header is too large to be signed.") : rc;
}

int
sign_end(struct sign *s, struct slice header, sign_done_fn *done, void *ctx, struct error *e)
{
	bool known, any = false;
	int rc;

	s->done = done;
	s->ctx = ctx;
	(void)pthread_mutex_lock(&s->signer->lock);
	known = s->signer->known != NULL;
	if (known)
		any = pick(s, s->signer->known);
	(void)pthread_mutex_unlock(&s->signer->lock);
	if (!known)
		return error_set(e, ERR_CLOSED, "the process that has the keys has not answered yet");
	if (!any) {
		done(ctx, SLICE_EMPTY, NULL);
		return 0;
	}
	rc = write_octets(s, header, e);
	return rc != 0 ? rc : ask(s, e);
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
