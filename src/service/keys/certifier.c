/* SPDX-License-Identifier: ISC */
#include "service/keys/certifier.h"

#include <pthread.h>
#include <time.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/thread.h"
#include "service/keys/keys.h"
#include "store/store.h"

#define BUDGET (32u << 20)
#define LATER_SECONDS 86400u /* what could not be certified is tried again so much later */
#define META_PREFIX "directory.ca."

struct look {
	struct port *store, *keys;
	const struct keys_key *key;
	struct pgp_cert *ca; /* public */
	uint64_t now;
	size_t certified;
};

/* ---- one certificate ---- */

struct work {
	struct look *look;
	struct arena *a;
	const struct store_certificate *held;
	struct pgp_cert *cert; /* of the newest octets */
	uint64_t *until;       /* of each user ID */
	bool changed;
};

static uint32_t
how_of(const struct store_certificate_user *u)
{
	if (u->state != STORE_USER_PUBLISHED)
		return 0;
	return u->how == STORE_HOW_ACCOUNT ? CA_HOW_ACCOUNT
	    : u->how == STORE_HOW_MAIL     ? CA_HOW_MAIL
	    : u->how == STORE_HOW_OPERATOR ? CA_HOW_OPERATOR
					   : 0;
}

static int
take_certified(struct work *w, struct slice octets, struct error *e)
{
	struct pgp_cert *cert;
	size_t used;
	int rc = pgp_cert_parse(octets, &cert, &used, e);

	if (rc != 0)
		return rc;
	pgp_cert_free(w->cert);
	w->cert = cert;
	w->changed = true;
	return 0;
}

/* Until when it is certified now; what cannot be is left alone for a day. */
static int
certify_user(struct work *w, const struct store_certificate_user *u, uint64_t *until_out, struct error *e)
{
	const struct keys_certify ask = {
		.ca = w->look->key->name, .certificate = w->cert->raw, .user_id = u->user_id, .how = how_of(u)
	};
	struct keys_certified certified;
	int rc = ca_certified_until(w->look->ca, w->cert, u->user_id, w->look->now, until_out, e);

	if (rc != 0 || *until_out > w->look->now + CA_RENEW_SECONDS)
		return rc;
	*until_out = w->look->now + CA_RENEW_SECONDS + LATER_SECONDS;
	if (ask.how == 0 || w->cert->primary->key_id == w->look->ca->primary->key_id)
		return 0;
	rc = keys_ask_certify(w->look->keys, &ask, w->a, &certified, e);
	if (rc == 0)
		rc = take_certified(w, certified.certificate, e);
	if (rc == 0) {
		*until_out = w->look->now + CA_CERTIFY_SECONDS;
		w->look->certified++;
	} else if (rc != ERR_CLOSED) {
		log_event(LOG_LEVEL_WARNING, "certifier.not_certified", log_slice("domain", w->look->key->name),
		    log_error(e));
		rc = 0;
	}
	return rc;
}

static int
certify_users(struct work *w, struct error *e)
{
	int rc = 0;

	w->until = arena_array(w->a, w->held->user_count + 1, sizeof *w->until);
	if (w->until == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < w->held->user_count && rc == 0; i++)
		if (ca_is_of(w->held->users[i].address, w->look->key->name) &&
		    w->held->users[i].state == STORE_USER_PUBLISHED)
			rc = certify_user(w, &w->held->users[i], &w->until[i], e);
	return rc;
}

/* Where each user ID is in the new octets. */
static struct store_certificate_user *
place_users(struct work *w)
{
	struct store_certificate_user *users = arena_array(w->a, w->held->user_count + 1, sizeof *users);
	size_t n = 0;

	for (size_t i = 0; users != NULL && i < w->cert->component_count; i++) {
		const struct pgp_component *c = &w->cert->components[i];

		if (c->kind != PGP_COMPONENT_USER_ID || n == w->held->user_count)
			continue;
		users[n] = (struct store_certificate_user){ .user_id = c->packet.body,
			.address = pgp_user_id_address(c->packet.body),
			.place = (uint32_t)(c->packet.raw.data - w->cert->raw.data),
			.length = (uint32_t)c->packet.raw.len };
		for (size_t k = 0; k < c->part_count; k++)
			users[n].length += (uint32_t)c->parts[k].raw.len;
		n++;
	}
	return users;
}

static int
put_back(struct work *w, uint64_t *revision_out, struct error *e)
{
	struct store_certificate put = *w->held;
	struct store_certificate_kept kept;
	int rc;

	put.account = 0;
	put.data = w->cert->raw;
	put.users = place_users(w);
	if (put.users == NULL)
		return error_nomem(e);
	rc = store_certificate_put(w->look->store, &put, w->a, &kept, e);
	*revision_out = kept.revision;
	return rc;
}

static int
note_all(struct work *w, uint64_t revision, struct error *e)
{
	struct store_nothing nothing;
	int rc = 0;

	for (size_t i = 0; i < w->held->user_count && rc == 0; i++) {
		const struct store_certificate_certified note = { .fingerprint = w->held->fingerprint,
			.revision = revision,
			.user_id = w->held->users[i].user_id,
			.until = w->until[i] };

		if (w->until[i] != 0)
			rc = store_certificate_certified(w->look->store, &note, w->a, &nothing, e);
	}
	return rc;
}

static int
certify_held(struct look *l, struct arena *a, const struct store_certificate *held, struct error *e)
{
	struct work w = { .look = l, .a = a, .held = held };
	uint64_t revision = held->revision;
	size_t used;
	int rc = pgp_cert_parse(held->data, &w.cert, &used, e);

	if (rc != 0)
		return rc;
	rc = certify_users(&w, e);
	if (rc == 0 && w.changed)
		rc = put_back(&w, &revision, e);
	if (rc == 0)
		rc = note_all(&w, revision, e);
	pgp_cert_free(w.cert);
	return rc == ERR_ORDER ? 0 : rc; /* it was changed meanwhile: next time */
}

static int
certify_one(struct look *l, struct slice fingerprint, struct error *e)
{
	const struct store_certificate_find request = {
		.by = STORE_BY_NAME, .value = fingerprint, .limit = 1, .held = true
	};
	struct store_certificates found;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, BUDGET);
	rc = store_certificate_find(l->store, &request, &a, &found, e);
	return rc != 0 || found.certificate_count == 0 ? rc : certify_held(l, &a, &found.certificates[0], e);
}

/* ---- one CA ---- */

/* With another key than last time everything of the domain is looked at anew. */
static int
note_ca(struct look *l, struct arena *a, struct error *e)
{
	const struct pgp_fingerprint *f = &l->ca->primary->fingerprint;
	const struct slice fingerprint = slice_of(f->bytes, f->len);
	const struct store_meta_key key = { .key = arena_printf(a, META_PREFIX "%.*s", (int)l->key->name.len,
						(const char *)l->key->name.data) };
	const struct store_certificate_certified again = { .domain = l->key->name };
	struct store_meta_value was;
	struct store_nothing nothing;
	int rc = store_meta_get(l->store, &key, a, &was, e);

	if (rc != 0 || (was.found && slice_eq(was.value, fingerprint)))
		return rc;
	rc = store_certificate_certified(l->store, &again, a, &nothing, e);
	return rc != 0 ? rc
		       : store_meta_put(l->store, &(struct store_meta_put){ key.key, fingerprint }, a, &nothing, e);
}

static int
look_for_ca(struct look *l, struct error *e)
{
	const struct store_certificate_due ask = {
		.domain = l->key->name, .before = l->now + CA_RENEW_SECONDS, .limit = CERTIFIER_AT_ONCE
	};
	struct store_certificates due;
	ARENA_OWNED struct arena a = { 0 };
	size_t used;
	int rc;

	arena_init(&a, BUDGET);
	rc = pgp_cert_parse(l->key->certificate, &l->ca, &used, e);
	if (rc != 0)
		return rc;
	rc = note_ca(l, &a, e);
	if (rc == 0)
		rc = store_certificate_due(l->store, &ask, &a, &due, e);
	for (size_t i = 0; rc == 0 && i < due.certificate_count; i++)
		rc = certify_one(l, due.certificates[i].fingerprint, e);
	pgp_cert_free(l->ca);
	return rc;
}

static int
look_at_all(struct port *store, struct port *keys, size_t *cas_out, size_t *certified_out, struct error *e)
{
	struct look l = { .store = store, .keys = keys, .now = clock_unix() };
	struct keys_list list = { 0 };
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, BUDGET);
	rc = keys_ask_list(keys, &(struct keys_nothing){ 0 }, &a, &list, e);
	*cas_out = 0;
	for (size_t i = 0; rc == 0 && i < list.key_count; i++) {
		if (list.keys[i].purpose != KEYS_CA)
			continue;
		l.key = &list.keys[i];
		rc = look_for_ca(&l, e);
		++*cas_out;
	}
	*certified_out = l.certified;
	return rc;
}

int
certifier_look(struct port *store, struct port *keys, size_t *certified_out, struct error *e)
{
	size_t cas;

	return look_at_all(store, keys, &cas, certified_out, e);
}

/* ---- the thread ---- */

struct certifier {
	struct port *store, *keys;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool end;
};

static bool
wait_for_end(struct certifier *c, int64_t ms)
{
	struct timespec until;
	bool end;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_mutex_lock(&c->lock);
	while (!c->end && pthread_cond_timedwait(&c->ended, &c->lock, &until) == 0)
		;
	end = c->end;
	(void)pthread_mutex_unlock(&c->lock);
	return end;
}

static void *
run(void *ctx)
{
	struct certifier *c = ctx;
	size_t cas = 0, certified = 0;
	struct error e;

	while (!wait_for_end(c, cas > 0 ? CERTIFIER_TICK_MS : CERTIFIER_IDLE_MS)) {
		int rc = look_at_all(c->store, c->keys, &cas, &certified, &e);

		/* Without the process that signs there is nothing to do until it is back. */
		if (rc != 0 && rc != ERR_CLOSED)
			log_event(LOG_LEVEL_ERROR, "certifier.failed", log_error(&e));
		if (certified > 0)
			log_event(LOG_LEVEL_INFO, "certifier.certified", log_u64("user_ids", certified));
	}
	return NULL;
}

int
certifier_new(struct port *store, struct port *keys, struct certifier **certifier_out, struct error *e)
{
	struct certifier *c = mem_alloc(sizeof *c);
	pthread_condattr_t monotonic;
	int rc;

	if (c == NULL)
		return error_nomem(e);
	c->store = store;
	c->keys = keys;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->ended, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	rc = thread_start(&c->thread, "certifier", run, c, e);
	if (rc != 0)
		mem_free(c);
	else
		*certifier_out = c;
	return rc;
}

void
certifier_free(struct certifier *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->end = true;
	(void)pthread_cond_signal(&c->ended);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);
	(void)pthread_cond_destroy(&c->ended);
	(void)pthread_mutex_destroy(&c->lock);
	mem_free(c);
}
