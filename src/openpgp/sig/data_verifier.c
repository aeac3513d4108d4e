/* SPDX-License-Identifier: ISC */
/* Verifying data that streams by. */
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "openpgp/sig/data_sig.h"
#include "openpgp/frame/packet.h"

/* One signature expected or seen. Equal hashes are shared. */
struct slot {
	bool one_pass;   /* its signature comes behind the data */
	bool answered;   /* signature is there */
	bool mismatched; /* the one-pass packet said something else than the signature */
	bool understood; /* sig is parsed */
	bool v6;         /* the one-pass packet announces a signature of version 6 */
	uint8_t type;    /* and of this type and hash */
	uint8_t hash;
	size_t hash_at; /* index into hashes; SIZE_MAX when its hash is unknown */
	uint8_t *body;
	size_t body_len;
	struct pgp_sig sig; /* over body */
	struct pgp_verdict verdict;
};

struct pgp_verifier {
	const struct pgp_certs *certs;
	const struct pgp_policy *policy;
	struct slot *slots;
	size_t slot_count;
	struct pgp_hash **hashes;
	size_t hash_count;
	const struct slice *notations;
	size_t notation_count;
	bool fed, finished;
	bool literal; /* the data is in a literal packet: not detached */
};

int
pgp_verifier_new(
    struct pgp_verifier **out, const struct pgp_certs *certs, const struct pgp_policy *policy, struct error *e)
{
	struct pgp_verifier *v = mem_alloc(sizeof *v);

	if (v == NULL)
		return error_nomem(e);
	v->certs = certs;
	v->policy = policy;
	*out = v;
	return 0;
}

void
pgp_verifier_know(struct pgp_verifier *v, const struct slice *notations, size_t count)
{
	v->notations = notations;
	v->notation_count = count;
}

void
pgp_verifier_free(struct pgp_verifier *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->slot_count; i++)
		mem_free(v->slots[i].body);
	for (size_t i = 0; i < v->hash_count; i++)
		pgp_hash_free(v->hashes[i]);
	mem_free(v->slots);
	mem_free(v->hashes);
	mem_free(v);
}

/* The hash for a signature of these properties, made when there is none yet. SIZE_MAX when it is unknown. */
static int
hash_for(struct pgp_verifier *v, uint8_t hash, uint8_t type, struct slice salt, size_t *at, struct error *e)
{
	struct pgp_hash **grown;
	int rc;

	for (*at = 0; *at < v->hash_count; ++*at)
		if (pgp_hash_is(v->hashes[*at], hash, type, salt))
			return 0;
	grown = mem_realloc(v->hashes, (v->hash_count + 1) * sizeof(struct pgp_hash *));
	if (grown == NULL)
		return error_nomem(e);
	v->hashes = grown;
	rc = pgp_hash_new(&v->hashes[v->hash_count], hash, type, salt, NULL);
	if (rc == ERR_NOMEM)
		return error_nomem(e);
	if (rc != 0)
		*at = SIZE_MAX;
	else
		v->hash_count++;
	return 0;
}

static int
add_slot(struct pgp_verifier *v, struct slot **out, struct error *e)
{
	struct slot *grown;

	if (v->slot_count >= PGP_SIGNATURES_MAX)
		return error_set(e, ERR_LIMIT, "more than %u signatures on one message", PGP_SIGNATURES_MAX);
	if (v->fed)
		return error_set(e, ERR_ORDER, "a signature was announced behind the data");
	grown = mem_realloc(v->slots, (v->slot_count + 1) * sizeof *grown);
	if (grown == NULL)
		return error_nomem(e);
	v->slots = grown;
	*out = &v->slots[v->slot_count++];
	**out = (struct slot){ .hash_at = SIZE_MAX };
	return 0;
}

/* Copies a signature; what is not understood of it is no error here. */
static int
keep(struct pgp_verifier *v, struct slot *s, struct slice body, struct error *e)
{
	s->body = mem_alloc(body.len == 0 ? 1 : body.len);
	if (s->body == NULL)
		return error_nomem(e);
	if (body.len > 0)
		memcpy(s->body, body.data, body.len);
	s->body_len = body.len;
	s->answered = true;
	s->understood =
	    pgp_sig_parse_knowing(slice_of(s->body, s->body_len), v->notations, v->notation_count, &s->sig, NULL) == 0;
	return 0;
}

int
pgp_verifier_one_pass(struct pgp_verifier *v, struct slice body, struct error *e)
{
	struct reader r = reader_of(body);
	struct slice salt = SLICE_EMPTY;
	struct slot *s = NULL;
	uint8_t version;
	int rc = add_slot(v, &s, e);

	if (rc != 0)
		return rc;
	s->one_pass = true;
	version = reader_get_u8(&r);
	s->type = reader_get_u8(&r);
	s->hash = reader_get_u8(&r);
	(void)reader_get_u8(&r);
	if (version == 6)
		salt = reader_get(&r, reader_get_u8(&r));
	s->v6 = version == 6;
	if (r.err != 0 || (version != 3 && version != 6) || (s->type != PGP_SIG_BINARY && s->type != PGP_SIG_TEXT))
		return 0; /* not understood: its signature will not be good */
	return hash_for(v, s->hash, s->type, salt, &s->hash_at, e);
}

int
pgp_verifier_expect(struct pgp_verifier *v, struct slice body, struct error *e)
{
	struct slot *s = NULL;
	int rc = add_slot(v, &s, e);

	if (rc == 0)
		rc = keep(v, s, body, e);
	if (rc != 0 || !s->understood || !pgp_sig_is_data(&s->sig))
		return rc;
	return hash_for(v, s->sig.hash, s->sig.type, s->sig.salt, &s->hash_at, e);
}

int
pgp_verifier_literal(struct pgp_verifier *v, uint8_t format, struct slice name, uint32_t date, struct error *e)
{
	if (v->fed)
		return error_set(e, ERR_ORDER, "a literal packet's fields come before its data");
	v->literal = true;
	for (size_t i = 0; i < v->hash_count; i++)
		pgp_hash_literal(v->hashes[i], format, name, date);
	return 0;
}

int
pgp_verifier_feed(struct pgp_verifier *v, struct slice data, struct error *e)
{
	int rc = 0;

	v->fed = true;
	/* Also without certificates: they may be looked up when the signatures have said who made them. */
	for (size_t i = 0; rc == 0 && i < v->hash_count; i++)
		rc = pgp_hash_feed(v->hashes[i], data, e);
	return rc;
}

int
pgp_verifier_signature(struct pgp_verifier *v, struct slice body, struct error *e)
{
	struct slot *s = NULL;
	int rc;

	v->fed = true;
	for (size_t i = v->slot_count; i > 0 && s == NULL; i--)
		if (v->slots[i - 1].one_pass && !v->slots[i - 1].answered)
			s = &v->slots[i - 1];
	if (s == NULL)
		return error_set(e, ERR_SYNTAX, "a signature that no one-pass packet announced");
	rc = keep(v, s, body, e);
	if (rc != 0 || !s->understood)
		return rc;
	/* Versions 3, 4 and 5 all go with one-pass packets of version 3 (section 10.3.2.2). */
	s->mismatched = s->sig.type != s->type || s->sig.hash != s->hash || (s->sig.version == 6) != s->v6;
	return 0;
}

static void
not_good(struct slot *s, int code, const char *reason)
{
	s->verdict =
	    (struct pgp_verdict){ .kind = PGP_VERDICT_INVALID, .standing = PGP_STANDING_NOT_UNDERSTOOD, .code = code };
	memcpy(s->verdict.reason, reason, strlen(reason) + 1);
}

static int
judge(struct pgp_verifier *v, struct slot *s, struct error *e)
{
	if (!s->answered)
		not_good(s, ERR_TRUNCATED, "The message announces a signature that does not come.");
	else if (!s->understood)
		not_good(s, ERR_SYNTAX, "The signature is malformed or of an unknown version.");
	else if (s->mismatched)
		not_good(s, ERR_SYNTAX, "The signature is not the one that the message announces.");
	else if (!pgp_sig_is_data(&s->sig))
		not_good(s, ERR_SYNTAX, "This kind of signature is not over data.");
	else if (s->hash_at == SIZE_MAX)
		not_good(s, ERR_UNSUPPORTED, "The signature uses an unknown hash.");
	else
		return pgp_verify_data(&s->sig, v->hashes[s->hash_at], v->certs, v->policy, &s->verdict, e);
	return 0;
}

int
pgp_verifier_finish(struct pgp_verifier *v, struct error *e)
{
	bool missing = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < v->slot_count; i++) {
		rc = judge(v, &v->slots[i], e);
		missing = missing || !v->slots[i].answered;
	}
	v->finished = rc == 0;
	if (rc == 0 && missing)
		rc = error_set(e, ERR_SYNTAX, "a signature that the message announces is missing at its end");
	return rc;
}

size_t
pgp_verifier_expected(const struct pgp_verifier *v)
{
	return v->slot_count;
}

size_t
pgp_verifier_count(const struct pgp_verifier *v)
{
	return v->finished ? v->slot_count : 0;
}

const struct pgp_verdict *
pgp_verifier_verdict(const struct pgp_verifier *v, size_t n)
{
	return &v->slots[n].verdict;
}

size_t
pgp_verifier_good(const struct pgp_verifier *v)
{
	size_t good = 0;

	for (size_t i = 0; i < pgp_verifier_count(v); i++)
		good += v->slots[i].verdict.kind == PGP_VERDICT_GOOD;
	return good;
}

const struct pgp_sig *
pgp_verifier_sig(const struct pgp_verifier *v, size_t n)
{
	return v->slots[n].understood ? &v->slots[n].sig : NULL;
}

bool
pgp_verifier_names(const struct pgp_verifier *v, size_t n, const struct pgp_fingerprint *f)
{
	const struct pgp_sig *sig = pgp_verifier_sig(v, n);
	struct pgp_fingerprint named;

	for (size_t i = 0; sig != NULL && i < sig->recipient_count; i++) {
		if (pgp_sig_recipient(sig, i, &named) && pgp_fingerprint_eq(&named, f))
			return true;
	}
	return false;
}

int
pgp_verifier_write(const struct pgp_verifier *v, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < v->slot_count; i++) {
		const struct slot *s = &v->slots[i];

		if (!s->answered)
			return error_set(e, ERR_TRUNCATED, "a signature that the message announces is missing");
		if (v->literal && s->understood && s->sig.version == 5)
			return error_set(e, ERR_UNSUPPORTED,
			    "a version 5 signature covers its message's own fields: it cannot be detached");
		(void)pgp_packet_write(out, PGP_SIGNATURE, slice_of(s->body, s->body_len));
	}
	return out->err != 0 ? error_set(e, out->err, "no room for the signatures") : 0;
}
