/* SPDX-License-Identifier: ISC */
#include "service/keys/keys.h"

#include <pthread.h>

#include "base/mem.h"
#include "os/clock.h"

/* ---- messages ---- */

static const struct codec_field keys_nothing_fields[] = {
	CODEC_FIELD(struct keys_nothing, unused, CODEC_U8, 0),
};
static const struct codec_schema keys_nothing_schema = CODEC_SCHEMA(keys_nothing, keys_nothing_fields);

static const struct codec_field keys_key_fields[] = {
	CODEC_FIELD(struct keys_key, purpose, CODEC_U32, KEYS_CA),
	CODEC_FIELD(struct keys_key, name, CODEC_BYTES, KEYS_NAME_MAX),
	CODEC_FIELD(struct keys_key, certificate, CODEC_BYTES, CA_KEY_MAX),
};
static const struct codec_schema keys_key_schema = CODEC_SCHEMA(keys_key, keys_key_fields);

static const struct codec_field keys_list_fields[] = {
	CODEC_FIELD_LIST(struct keys_list, keys, key_count, &keys_key_schema, KEYS_MAX),
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
	mem_free(s);
}

struct slice
keys_file_domain(struct slice name)
{
	const struct slice prefix = SLICE(KEYS_FILE_PREFIX), suffix = SLICE(KEYS_FILE_SUFFIX);

	if (!slice_starts(name, prefix) || !slice_ends(name, suffix) || name.len <= prefix.len + suffix.len)
		return SLICE_EMPTY;
	return slice_sub(name, prefix.len, name.len - prefix.len - suffix.len);
}

void
keys_begin(struct keys *k)
{
	set_free(k->fresh);
	k->fresh = mem_alloc(sizeof *k->fresh);
}

int
keys_take(struct keys *k, struct slice name, struct slice secret, struct error *e)
{
	struct slice domain = keys_file_domain(name);
	struct ca ca;
	int rc;

	if (k->fresh == NULL)
		return error_set(e, ERR_ORDER, "no keys are being given");
	if (domain.len == 0 || domain.len > KEYS_NAME_MAX)
		return error_set(
		    e, ERR_SYNTAX, "'%.*s' is not the name of a key", (int)name.len, (const char *)name.data);
	if (k->fresh->count == KEYS_MAX)
		return error_set(e, ERR_LIMIT, "there are more than %u keys", KEYS_MAX);
	rc = ca_open(secret, domain, &ca, e);
	if (rc != 0)
		ca_close(&ca);
	else
		k->fresh->cas[k->fresh->count++] = ca;
	return rc;
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
	count = k->set == NULL ? 0 : k->set->count;
	(void)pthread_mutex_unlock(&k->lock);
	return count;
}

/* ---- answers ---- */

static int
list(const struct set *s, struct arena *a, struct keys_list *out, struct error *e)
{
	if (s == NULL || s->count == 0)
		return 0;
	out->keys = arena_array(a, s->count, sizeof(struct keys_key));
	for (size_t i = 0; out->keys != NULL && i < s->count; i++) {
		BUF_OWNED struct buf public = { 0 };

		buf_init(&public, CA_KEY_MAX);
		if (pgp_cert_write_public(s->cas[i].certs.items[0], &public) != 0)
			return error_set(e, ERR_LIMIT, "a key is too large");
		out->keys[out->key_count++] = (struct keys_key){ .purpose = KEYS_CA,
			.name = arena_copy(a, s->cas[i].domain),
			.certificate = arena_copy(a, buf_slice(&public)) };
	}
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

static const struct port_handler handlers[] = {
	{ KEYS_METHOD_list, run_list },
	{ KEYS_METHOD_certify, run_certify },
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
