/* SPDX-License-Identifier: ISC */
#include "service/keys/keys.h"

#include <pthread.h>

#include "base/mem.h"
#include "mailauth/dkim/sign.h"
#include "os/clock.h"

/* ---- messages ---- */

static const struct codec_field keys_nothing_fields[] = {
	CODEC_FIELD(struct keys_nothing, unused, CODEC_U8, 0),
};
static const struct codec_schema keys_nothing_schema = CODEC_SCHEMA(keys_nothing, keys_nothing_fields);

static const struct codec_field keys_key_fields[] = {
	CODEC_FIELD(struct keys_key, purpose, CODEC_U32, KEYS_DKIM),
	CODEC_FIELD(struct keys_key, name, CODEC_BYTES, KEYS_NAME_MAX),
	CODEC_FIELD(struct keys_key, certificate, CODEC_BYTES, CA_KEY_MAX),
	CODEC_FIELD(struct keys_key, selector, CODEC_BYTES, KEYS_NAME_MAX),
	CODEC_FIELD(struct keys_key, algorithm, CODEC_U32, DKIM_ED25519_SHA256),
	CODEC_FIELD(struct keys_key, signature_size, CODEC_U32, PEM_SECRET_RSA_BITS_MAX / 8),
};
static const struct codec_schema keys_key_schema = CODEC_SCHEMA(keys_key, keys_key_fields);

static const struct codec_field keys_list_fields[] = {
	CODEC_FIELD_LIST(struct keys_list, keys, key_count, &keys_key_schema, KEYS_MAX + KEYS_DKIM_MAX),
};
static const struct codec_schema keys_list_schema = CODEC_SCHEMA(keys_list, keys_list_fields);

static const struct codec_field keys_certify_fields[] = {
	CODEC_FIELD(struct keys_certify, ca, CODEC_BYTES, KEYS_NAME_MAX),
	CODEC_FIELD(struct keys_certify, certificate, CODEC_BYTES, KEYS_CERTIFICATE_MAX),
	CODEC_FIELD(struct keys_certify, user_id, CODEC_BYTES, 4096),
	CODEC_FIELD(struct keys_certify, how, CODEC_U32, CA_HOW_LAST),
};
static const struct codec_schema keys_certify_schema = CODEC_SCHEMA(keys_certify, keys_certify_fields);

static const struct codec_field keys_certified_fields[] = {
	CODEC_FIELD(struct keys_certified, certificate, CODEC_BYTES, KEYS_CERTIFIED_MAX),
};
static const struct codec_schema keys_certified_schema = CODEC_SCHEMA(keys_certified, keys_certified_fields);

static const struct codec_field keys_dkim_item_fields[] = {
	CODEC_FIELD(struct keys_dkim_item, octets, CODEC_BYTES, MAILAUTH_DKIM_SIGNED_MAX),
};
static const struct codec_schema keys_dkim_item_schema = CODEC_SCHEMA(keys_dkim_item, keys_dkim_item_fields);

static const struct codec_field keys_dkim_sign_fields[] = {
	CODEC_FIELD_LIST(struct keys_dkim_sign, items, item_count, &keys_dkim_item_schema, KEYS_DKIM_ITEMS_MAX),
};
static const struct codec_schema keys_dkim_sign_schema = CODEC_SCHEMA(keys_dkim_sign, keys_dkim_sign_fields);

static const struct codec_field keys_dkim_signed_fields[] = {
	CODEC_FIELD_LIST(struct keys_dkim_signed, items, item_count, &keys_dkim_item_schema, KEYS_DKIM_ITEMS_MAX),
};
static const struct codec_schema keys_dkim_signed_schema = CODEC_SCHEMA(keys_dkim_signed, keys_dkim_signed_fields);

#define KEYS_METHOD_ROW(name, number, request, reply) { (number), #name, &request##_schema, &reply##_schema },
static const struct port_method methods[] = { KEYS_METHODS(KEYS_METHOD_ROW) };
#undef KEYS_METHOD_ROW

const struct port_interface keys_interface = {
	.name = "keys",
	.methods = methods,
	.method_count = sizeof methods / sizeof methods[0],
};

/* ---- the set ---- */

struct set {
	struct ca cas[KEYS_MAX];
	size_t count;
	struct keys_dkim dkim[KEYS_DKIM_MAX];
	size_t dkim_count;
};

struct keys {
	pthread_mutex_t lock; /* of set */
	struct set *set;
	struct set *fresh; /* being given */
	struct port_service service;
};

static void
set_free(struct set *s)
{
	for (size_t i = 0; s != NULL && i < s->count; i++)
		ca_close(&s->cas[i]);
	for (size_t i = 0; s != NULL && i < s->dkim_count; i++)
		keys_dkim_close(&s->dkim[i]);
	mem_free(s);
}

/* The domain of a CA in the name of its file; empty: it is none. */
static struct slice
ca_domain(struct slice name)
{
	const struct slice prefix = SLICE(KEYS_FILE_PREFIX), suffix = SLICE(KEYS_FILE_SUFFIX);

	if (!slice_starts(name, prefix) || !slice_ends(name, suffix) || name.len <= prefix.len + suffix.len)
		return SLICE_EMPTY;
	return slice_sub(name, prefix.len, name.len - prefix.len - suffix.len);
}

bool
keys_file_is(struct slice name)
{
	struct slice ca = ca_domain(name), domain, selector;

	return (ca.len > 0 && ca.len <= KEYS_NAME_MAX) || keys_dkim_file(name, &domain, &selector) == KEYS_DKIM_SIGNS;
}

void
keys_begin(struct keys *k)
{
	set_free(k->fresh);
	k->fresh = mem_alloc(sizeof *k->fresh);
}

static int
take_ca(struct set *s, struct slice name, struct slice secret, struct error *e)
{
	struct ca ca;
	int rc;

	if (s->count == KEYS_MAX)
		return error_set(e, ERR_LIMIT, "there are more than %u CAs", KEYS_MAX);
	rc = ca_open(secret, ca_domain(name), &ca, e);
	if (rc != 0)
		ca_close(&ca);
	else
		s->cas[s->count++] = ca;
	return rc;
}

static int
take_dkim(struct set *s, struct slice name, struct slice secret, struct error *e)
{
	struct keys_dkim *key = &s->dkim[s->dkim_count];
	int rc;

	if (s->dkim_count == KEYS_DKIM_MAX)
		return error_set(e, ERR_LIMIT, "there are more than %u DKIM keys", KEYS_DKIM_MAX);
	rc = keys_dkim_open(name, secret, key, e);
	if (rc != 0)
		keys_dkim_close(key);
	else
		s->dkim_count++;
	return rc;
}

int
keys_take(struct keys *k, struct slice name, struct slice secret, struct error *e)
{
	if (k->fresh == NULL)
		return error_set(e, ERR_ORDER, "no keys are being given");
	if (!keys_file_is(name))
		return error_set(
		    e, ERR_SYNTAX, "'%.*s' is not the name of a key", (int)name.len, (const char *)name.data);
	return ca_domain(name).len > 0 ? take_ca(k->fresh, name, secret, e) : take_dkim(k->fresh, name, secret, e);
}

void
keys_end(struct keys *k)
{
	struct set *old = k->set;

	if (k->fresh == NULL)
		return;
	(void)pthread_mutex_lock(&k->lock);
	k->set = k->fresh;
	(void)pthread_mutex_unlock(&k->lock);
	k->fresh = NULL;
	set_free(old);
}

size_t
keys_count(struct keys *k)
{
	size_t count;

	(void)pthread_mutex_lock(&k->lock);
	count = k->set == NULL ? 0 : k->set->count + k->set->dkim_count;
	(void)pthread_mutex_unlock(&k->lock);
	return count;
}

/* ---- answers ---- */

static int
put_ca(const struct ca *ca, struct arena *a, struct keys_list *out, struct error *e)
{
	BUF_OWNED struct buf public = { 0 };

	buf_init(&public, CA_KEY_MAX);
	if (pgp_cert_write_public(ca->certs.items[0], &public) != 0)
		return error_set(e, ERR_LIMIT, "a key is too large");
	out->keys[out->key_count++] = (struct keys_key){
		.purpose = KEYS_CA, .name = arena_copy(a, ca->domain), .certificate = arena_copy(a, buf_slice(&public))
	};
	return 0;
}

static int
list(const struct set *s, struct arena *a, struct keys_list *out, struct error *e)
{
	int rc = 0;

	/* Just started: that there are none would be believed, and mail would go out unsigned. */
	if (s == NULL)
		return error_set(e, ERR_CLOSED, "the keys have not been given yet");
	if (s->count + s->dkim_count == 0)
		return 0;
	out->keys = arena_array(a, s->count + s->dkim_count, sizeof(struct keys_key));
	for (size_t i = 0; out->keys != NULL && i < s->count && rc == 0; i++)
		rc = put_ca(&s->cas[i], a, out, e);
	for (size_t i = 0; out->keys != NULL && i < s->dkim_count; i++)
		out->keys[out->key_count++] = (struct keys_key){ .purpose = KEYS_DKIM,
			.name = arena_copy(a, s->dkim[i].domain),
			.selector = arena_copy(a, s->dkim[i].selector),
			.algorithm = keys_dkim_algorithm(&s->dkim[i]),
			.signature_size = (uint32_t)keys_dkim_signature_size(&s->dkim[i]) };
	if (rc != 0)
		return rc;
	return a->err != 0 ? error_nomem(e) : 0;
}

static void
run_list(void *ctx, struct port_job *job)
{
	struct keys *k = ctx;
	struct keys_list out = { 0 };
	struct error e;
	int rc;

	(void)pthread_mutex_lock(&k->lock);
	rc = list(k->set, port_job_arena(job), &out, &e);
	(void)pthread_mutex_unlock(&k->lock);
	if (rc != 0)
		port_fail(job, &e);
	else
		port_reply(job, &out);
}

static const struct ca *
find(const struct set *s, struct slice domain)
{
	for (size_t i = 0; s != NULL && i < s->count; i++)
		if (slice_ieq(s->cas[i].domain, domain))
			return &s->cas[i];
	return NULL;
}

static int
certify(const struct set *s, const struct keys_certify *in, struct buf *out, struct error *e)
{
	const struct ca *ca = find(s, in->ca);
	struct pgp_cert *target;
	size_t used;
	int rc;

	if (ca == NULL)
		return error_set(e, ERR_NOT_FOUND, "there is no such CA");
	rc = pgp_cert_parse(in->certificate, &target, &used, e);
	if (rc != 0)
		return rc;
	rc = ca_certify(ca, target, in->user_id, in->how, clock_unix(), out, e);
	pgp_cert_free(target);
	return rc;
}

static void
run_certify(void *ctx, struct port_job *job)
{
	struct keys *k = ctx;
	BUF_OWNED struct buf out = { 0 };
	struct error e;
	int rc;

	buf_init(&out, KEYS_CERTIFIED_MAX);
	(void)pthread_mutex_lock(&k->lock);
	rc = certify(k->set, port_job_request(job), &out, &e);
	(void)pthread_mutex_unlock(&k->lock);
	if (rc != 0)
		port_fail(job, &e);
	else
		port_reply(job, &(struct keys_certified){ .certificate = buf_slice(&out) });
}

/* By which of the keys these octets want to be signed; NULL: there is none. */
static const struct keys_dkim *
find_dkim(const struct set *s, enum keys_dkim_use use, struct slice octets, struct error *e)
{
	struct dkim_sign_claim claim;

	if (keys_dkim_claim(use, octets, &claim, e) != 0)
		return NULL;
	for (size_t i = 0; s != NULL && i < s->dkim_count; i++)
		if (slice_ieq(s->dkim[i].domain, claim.domain) && slice_ieq(s->dkim[i].selector, claim.selector))
			return &s->dkim[i];
	(void)error_set(e, ERR_NOT_FOUND, "there is no such DKIM key");
	return NULL;
}

static int
sign_items(const struct set *s, enum keys_dkim_use use, const struct keys_dkim_sign *in, struct arena *a,
    struct keys_dkim_signed *out, struct error *e)
{
	int rc = 0;

	out->items = arena_array(a, in->item_count + 1, sizeof *out->items);
	for (size_t i = 0; out->items != NULL && i < in->item_count && rc == 0; i++) {
		const struct keys_dkim *key = find_dkim(s, use, in->items[i].octets, e);
		BUF_OWNED struct buf signature = { 0 };

		buf_init(&signature, PEM_SECRET_RSA_BITS_MAX / 8);
		rc = key == NULL ? e->code : keys_dkim_sign(key, use, in->items[i].octets, clock_unix(), &signature, e);
		out->items[out->item_count++].octets = arena_copy(a, buf_slice(&signature));
	}
	return rc != 0 || a->err == 0 ? rc : error_nomem(e);
}

static void
run_sign(struct keys *k, enum keys_dkim_use use, struct port_job *job)
{
	struct keys_dkim_signed out = { 0 };
	struct error e;
	int rc;

	(void)pthread_mutex_lock(&k->lock);
	rc = sign_items(k->set, use, port_job_request(job), port_job_arena(job), &out, &e);
	(void)pthread_mutex_unlock(&k->lock);
	if (rc != 0)
		port_fail(job, &e);
	else
		port_reply(job, &out);
}

static void
run_dkim_sign(void *ctx, struct port_job *job)
{
	run_sign(ctx, KEYS_DKIM_SIGNATURE, job);
}

static void
run_arc_sign(void *ctx, struct port_job *job)
{
	run_sign(ctx, KEYS_DKIM_ARC, job);
}

static const struct port_handler handlers[] = {
	{ KEYS_METHOD_list, run_list },
	{ KEYS_METHOD_certify, run_certify },
	{ KEYS_METHOD_dkim_sign, run_dkim_sign },
	{ KEYS_METHOD_arc_sign, run_arc_sign },
};

int
keys_new(struct keys **keys_out, struct error *e)
{
	struct keys *k = mem_alloc(sizeof *k);

	if (k == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&k->lock, NULL);
	k->service = (struct port_service){ .interface = &keys_interface,
		.handlers = handlers,
		.handler_count = sizeof handlers / sizeof handlers[0],
		.ctx = k };
	*keys_out = k;
	return 0;
}

const struct port_service *
keys_service(struct keys *k)
{
	return &k->service;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	set_free(k->set);
	set_free(k->fresh);
	(void)pthread_mutex_destroy(&k->lock);
	mem_free(k);
}
