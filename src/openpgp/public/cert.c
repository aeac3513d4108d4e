/* SPDX-License-Identifier: ISC */
/* Certificates, what they are worth, and unlocked keys, for the public header. */
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "openpgp/public/public.h"

#define KEYS_MAX 65536u /* secrets of one llk_keys */

_Static_assert(LLK_FINGERPRINT_SIZE == 2 * PGP_FINGERPRINT_MAX + 1, "every fingerprint fits");

void
public_fingerprint_write(const struct pgp_fingerprint *f, char out[LLK_FINGERPRINT_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < f->len && i < PGP_FINGERPRINT_MAX; i++) {
		out[n++] = digits[f->bytes[i] >> 4];
		out[n++] = digits[f->bytes[i] & 15];
	}
	out[n] = 0;
}

/* ---- certificates ---- */

static struct pgp_certs *
certs_of(struct llk_certs *c)
{
	return (struct pgp_certs *)c;
}

int
llk_certs_new(struct llk_certs **out, struct llk_error *error)
{
	struct pgp_certs *c = mem_alloc(sizeof *c);

	if (c == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	*out = (struct llk_certs *)c;
	return 0;
}

void
llk_certs_free(struct llk_certs *certs)
{
	if (certs == NULL)
		return;
	pgp_certs_done(certs_of(certs));
	mem_free(certs);
}

int
llk_certs_add(struct llk_certs *certs, struct llk_bytes data, struct llk_error *error)
{
	struct error e = { 0 };

	return pgp_certs_parse(public_slice(data), certs_of(certs), &e) == 0 ? 0 : public_fail(error, &e);
}

size_t
llk_certs_count(const struct llk_certs *certs)
{
	return public_certs_engine(certs)->count;
}

const struct llk_cert *
llk_certs_at(const struct llk_certs *certs, size_t n)
{
	const struct pgp_certs *c = public_certs_engine(certs);

	return n < c->count ? public_cert_public(c->items[n]) : NULL;
}

const struct llk_cert *
llk_certs_find(const struct llk_certs *certs, const char *fingerprint)
{
	const struct pgp_certs *c = public_certs_engine(certs);
	struct pgp_fingerprint f;

	if (pgp_fingerprint_parse(slice_str(fingerprint), &f, NULL) != 0)
		return NULL;
	for (size_t i = 0; i < c->count; i++)
		if (pgp_cert_find_key(c->items[i], &f) != NULL)
			return public_cert_public(c->items[i]);
	return NULL;
}

unsigned
llk_cert_version(const struct llk_cert *cert)
{
	return public_cert_engine(cert)->primary->version;
}

void
llk_cert_fingerprint(const struct llk_cert *cert, char out[LLK_FINGERPRINT_SIZE])
{
	public_fingerprint_write(&public_cert_engine(cert)->primary->fingerprint, out);
}

bool
llk_cert_is_secret(const struct llk_cert *cert)
{
	return public_cert_engine(cert)->secret;
}

int
llk_cert_write(
    const struct llk_cert *cert, enum llk_form form, bool armor, struct llk_data *out, struct llk_error *error)
{
	const struct pgp_cert *c = public_cert_engine(cert);
	struct buf packets;

	if (form == LLK_SECRET && !c->secret)
		return public_refuse(error, ERR_USAGE, "the certificate has no secret keys in it");
	buf_init(&packets, LLK_WHOLE_MAX);
	(void)(form == LLK_SECRET ? pgp_cert_write(c, &packets) : pgp_cert_write_public(c, &packets));
	return public_give_packets(&packets, armor, c->primary->version != 6, out, error);
}

/* ---- validity ---- */

struct llk_validity {
	struct pgp_cert_judgement judgement;
	struct pgp_policy policy;
};

int
llk_validity_new(
    const struct llk_cert *cert, const struct llk_policy *policy, struct llk_validity **out, struct llk_error *error)
{
	struct llk_validity *v = mem_alloc(sizeof *v);
	struct error e = { 0 };

	if (v == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	v->policy = policy->policy;
	if (pgp_cert_judge(public_cert_engine(cert), &v->policy, v->policy.now, &v->judgement, &e) != 0) {
		mem_free(v);
		return public_fail(error, &e);
	}
	*out = v;
	return 0;
}

void
llk_validity_free(struct llk_validity *validity)
{
	if (validity == NULL)
		return;
	pgp_cert_judgement_done(&validity->judgement);
	mem_free(validity);
}

bool
llk_validity_good(const struct llk_validity *validity)
{
	return validity->judgement.standing == PGP_STANDING_GOOD;
}

const char *
llk_validity_reason(const struct llk_validity *validity)
{
	return llk_validity_good(validity) ? "" : validity->judgement.components[0].reason;
}

static bool
is_key(const struct pgp_component_judgement *j)
{
	return j->component->key != NULL;
}

static bool
is_user_id(const struct pgp_component_judgement *j)
{
	return j->component->kind == PGP_COMPONENT_USER_ID;
}

static const struct pgp_component_judgement *
nth(const struct llk_validity *v, bool (*is)(const struct pgp_component_judgement *j), size_t n)
{
	for (size_t i = 0; i < v->judgement.count; i++)
		if (is(&v->judgement.components[i]) && n-- == 0)
			return &v->judgement.components[i];
	return NULL;
}

static size_t
count(const struct llk_validity *v, bool (*is)(const struct pgp_component_judgement *j))
{
	size_t n = 0;

	for (size_t i = 0; i < v->judgement.count; i++)
		n += is(&v->judgement.components[i]);
	return n;
}

size_t
llk_validity_user_ids(const struct llk_validity *validity)
{
	return count(validity, is_user_id);
}

static void
put_reason(const struct pgp_component_judgement *j, char out[LLK_REASON_SIZE])
{
	size_t len = j->standing == PGP_STANDING_GOOD ? 0 : strnlen(j->reason, LLK_REASON_SIZE - 1);

	memcpy(out, j->reason, len);
	out[len] = 0;
}

bool
llk_validity_user_id(const struct llk_validity *validity, size_t n, struct llk_user_id *out)
{
	const struct pgp_component_judgement *j = nth(validity, is_user_id, n);

	if (j == NULL)
		return false;
	out->text = (struct llk_bytes){ j->component->packet.body.data, j->component->packet.body.len };
	out->valid = j->standing == PGP_STANDING_GOOD;
	out->primary = validity->judgement.primary_user_id == (size_t)(j - validity->judgement.components);
	put_reason(j, out->reason);
	return true;
}

size_t
llk_validity_keys(const struct llk_validity *validity)
{
	return count(validity, is_key);
}

bool
llk_validity_key(const struct llk_validity *validity, size_t n, struct llk_key *out)
{
	const struct pgp_component_judgement *j = nth(validity, is_key, n);
	const struct pgp_key *k;
	struct error e = { 0 };

	if (j == NULL)
		return false;
	k = j->component->key;
	*out = (struct llk_key){ .algorithm = pgp_algorithm_name(k->algorithm),
		.bits = pgp_key_bits(k),
		.flags = j->flags,
		.primary = !k->subkey,
		.secret = k->secret,
		.valid = j->standing == PGP_STANDING_GOOD,
		.created = k->created,
		.expires = j->expires };
	public_fingerprint_write(&k->fingerprint, out->fingerprint);
	put_reason(j, out->reason);
	if (out->valid &&
	    pgp_policy_key(
		&validity->policy, k, (out->flags & LLK_ENCRYPT) != 0 ? PGP_USE_ENCRYPT : PGP_USE_DATA, &e) != 0) {
		out->valid = false;
		(void)memcpy(out->reason, e.text, sizeof out->reason - 1);
		out->reason[sizeof out->reason - 1] = 0;
	}
	return true;
}

/* ---- unlocked keys ---- */

int
llk_keys_new(struct llk_keys **out, struct llk_error *error)
{
	struct llk_keys *k = mem_alloc(sizeof *k);
	struct error e = { 0 };

	if (k == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	if (pgp_memory_keys_new(&k->memory, &e) != 0) {
		mem_free(k);
		return public_fail(error, &e);
	}
	*out = k;
	return 0;
}

void
llk_keys_free(struct llk_keys *keys)
{
	if (keys == NULL)
		return;
	pgp_memory_keys_free(keys->memory);
	mem_free(keys->held);
	mem_free(keys);
}

static int
keep(struct llk_keys *keys, const struct public_held *held, struct slice secret, struct error *e)
{
	int rc;

	if (keys->count == keys->room) {
		size_t room = keys->room == 0 ? 8 : 2 * keys->room;
		struct public_held *more;

		if (room > KEYS_MAX)
			return error_set(e, ERR_LIMIT, "more than %u secret keys", KEYS_MAX);
		more = mem_realloc(keys->held, room * sizeof *more);
		if (more == NULL)
			return error_nomem(e);
		keys->held = more;
		keys->room = room;
	}
	rc = pgp_memory_keys_add(keys->memory, held->key, secret, e);
	if (rc == 0)
		keys->held[keys->count++] = *held;
	return rc;
}

static int
unlock(struct llk_keys *keys, const struct public_held *held, struct slice password, struct error *e)
{
	struct secret s SECRET_OWNED = SECRET_EMPTY;
	int rc = pgp_key_unlock(held->key, password, &s, e);

	return rc != 0 ? rc : keep(keys, held, secret_slice(&s), e);
}

int
llk_keys_unlock(struct llk_keys *keys, const struct llk_cert *cert, struct llk_bytes password, struct llk_error *error)
{
	const struct pgp_cert *c = public_cert_engine(cert);
	const struct pgp_key *key;
	struct error e = { 0 }, last = { 0 };
	size_t opened = 0;

	(void)error_set(&last, ERR_NO_KEY, "the certificate has no secret key in it");
	for (size_t i = 0; (key = pgp_cert_key(c, i)) != NULL; i++) {
		const struct public_held held = { key, &c->primary->fingerprint };
		int rc = key->secret ? unlock(keys, &held, public_slice(password), &e) : ERR_NO_KEY;

		if (rc == 0)
			opened++;
		else if (rc == ERR_NOMEM || rc == ERR_INTEGRITY || rc == ERR_LIMIT || rc == ERR_CRYPTO)
			return public_fail(error, &e);
		else if (key->secret && last.code != ERR_PASSWORD)
			last = e;
	}
	return opened > 0 ? 0 : public_fail(error, &last);
}

int
public_signing_key(const struct pgp_cert *c, const struct pgp_policy *policy, const struct llk_keys *keys,
    const struct pgp_key **out, struct error *e)
{
	const struct pgp_key *found[LLK_SIGNING_KEYS];
	struct pgp_keyring_ops held = pgp_memory_keys_ops(keys->memory);
	struct pgp_cert_judgement j;
	size_t n;
	int rc = pgp_cert_judge(c, policy, policy->now, &j, e);

	if (rc != 0)
		return rc;
	n = pgp_judged_keys_for(&j, policy, PGP_FLAG_SIGN, found, LLK_SIGNING_KEYS, e);
	pgp_cert_judgement_done(&j);
	if (n == 0)
		return e->code;
	/* The last one whose secret is at hand: a signing subkey before the primary key. */
	for (; n > 0; n--) {
		if (held.ops->holds(held.ctx, found[n - 1])) {
			*out = found[n - 1];
			return 0;
		}
	}
	return error_set(e, ERR_NO_KEY, "the certificate's signing key has not been unlocked");
}
