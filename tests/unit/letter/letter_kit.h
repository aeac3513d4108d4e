/* SPDX-License-Identifier: ISC */
/* For the tests of letters: people with keys, sealing and opening in one line. */
#ifndef TESTS_LETTER_KIT_H
#define TESTS_LETTER_KIT_H

#include "crypto/secret.h"
#include "letter/open.h"
#include "letter/pgp.h"
#include "letter/seal.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/cert/generate.h"
#include "unit.h"

#define NOW 1700000000u
#define PEOPLE_MAX 4u

struct person {
	struct pgp_cert *cert;
	struct pgp_memory_keys *keys;
	struct mime_address address;
};

/* Everybody whose certificate is known. */
struct people {
	struct person *known[PEOPLE_MAX];
	size_t count;
	unsigned asked; /* how often a certificate was looked for */
};

static inline void
person_new(struct person *p, const char *local, const char *user_id, uint8_t version, bool old_reader)
{
	struct slice id = slice_str(user_id);
	struct pgp_generate_spec spec = {
		.version = version, .user_ids = &id, .user_id_count = 1, .created = NOW - 1000, .seipd2 = !old_reader
	};
	const struct pgp_key *k;
	struct buf b;
	size_t used;

	*p = (struct person){ .address = { .local = slice_str(local), .domain = slice_str("a.test") } };
	buf_init(&b, 1 << 20);
	assert_ok(pgp_generate(&spec, &b, &unit_error));
	assert_ok(pgp_cert_parse(buf_slice(&b), &p->cert, &used, &unit_error));
	assert_ok(pgp_memory_keys_new(&p->keys, &unit_error));
	for (size_t n = 0; (k = pgp_cert_key(p->cert, n)) != NULL; n++) {
		struct secret s = SECRET_EMPTY;

		assert_ok(pgp_key_unlock(k, SLICE_EMPTY, &s, &unit_error));
		assert_ok(pgp_memory_keys_add(p->keys, k, secret_slice(&s), &unit_error));
		secret_done(&s);
	}
	buf_done(&b);
}

static inline void
person_done(struct person *p)
{
	pgp_cert_free(p->cert);
	pgp_memory_keys_free(p->keys);
}

static inline bool
person_has(const struct person *p, const struct letter_wanted *w)
{
	const struct pgp_key *k;

	for (size_t n = 0; (k = pgp_cert_key(p->cert, n)) != NULL; n++) {
		if (w->fingerprint.len > 0 ? pgp_fingerprint_eq(&k->fingerprint, &w->fingerprint)
					   : k->key_id == w->key_id)
			return true;
	}
	return false;
}

static inline int
people_find(void *ctx, const struct letter_wanted *wanted, struct pgp_certs *out, struct error *e)
{
	struct people *people = ctx;
	int rc = 0;

	people->asked++;
	for (size_t i = 0; i < people->count && rc == 0; i++) {
		struct buf b;

		if (!person_has(people->known[i], wanted))
			continue;
		buf_init(&b, 1 << 20);
		rc = pgp_cert_write_public(people->known[i]->cert, &b);
		if (rc == 0)
			rc = pgp_certs_parse(buf_slice(&b), out, e);
		buf_done(&b);
	}
	return rc;
}

/* A letter from one to another; the caller may change it before it is sealed. */
static inline struct mime_letter
letter_from(const struct person *from, const struct person *to, const char *subject, const char *text)
{
	return (struct mime_letter){ .from = { .items = &from->address, .count = 1 },
		.to = { .items = &to->address, .count = 1 },
		.subject = slice_str(subject),
		.date = NOW,
		.message_id = slice_str("<one@a.test>"),
		.text = slice_str(text) };
}

static inline void
seal_for(const struct mime_letter *l, const struct person *from, const struct person *to, struct buf *out)
{
	const struct pgp_cert *recipients[] = { to->cert };
	struct pgp_policy policy = pgp_policy_default(NOW);
	struct letter_seal_spec spec = { .letter = l,
		.recipients = recipients,
		.recipient_count = 1,
		.sender = from->cert,
		.keys = pgp_memory_keys_ops(from->keys),
		.policy = &policy,
		.random = { 1, 2, 3 } };

	assert_ok(letter_seal(&spec, mime_sink_buf(out), &unit_error));
}

static inline void
sign_as(const struct mime_letter *l, const struct person *from, struct buf *out)
{
	struct pgp_policy policy = pgp_policy_default(NOW);
	struct letter_seal_spec spec = { .letter = l,
		.sender = from->cert,
		.keys = pgp_memory_keys_ops(from->keys),
		.policy = &policy,
		.random = { 4, 5, 6 } };

	assert_ok(letter_sign(&spec, mime_sink_buf(out), &unit_error));
}

/* Opens as `reader`; what it knows lives until letter_opened_free(). */
static inline struct letter_opened *
open_as(struct person *reader, struct people *people, struct slice raw)
{
	static struct pgp_policy policy;
	const struct pgp_cert *own[1];
	struct letter_open_spec spec = { .own = own, .policy = &policy };
	struct letter_opened *o = NULL;

	policy = pgp_policy_default(NOW + 100);
	if (reader != NULL) {
		own[0] = reader->cert;
		spec.own_count = 1;
		spec.keys = pgp_memory_keys_ops(reader->keys);
	}
	if (people != NULL)
		spec.certs = (struct letter_certs){ people_find, people };
	assert_ok(letter_open(raw, &spec, &o, &unit_error));
	return o;
}

static inline void
assert_status(const struct letter_opened *o, enum letter_status status, enum letter_signature signature, int line)
{
	const struct letter_verdict *v = letter_opened_verdict(o);

	if (v->status == status && v->signature == signature)
		return;
	for (size_t i = 0; i < v->note_count; i++)
		print_error("note: %s\n", v->notes[i]);
	fail_msg("line %d: status %d signature %d (%s, %s)", line, (int)v->status, (int)v->signature,
	    letter_status_text(v->status), letter_signature_text(v->signature));
}

static inline void
assert_text(const struct letter_opened *o, const char *want)
{
	struct buf b;

	buf_init(&b, LETTER_TEXT_MAX);
	assert_ok(letter_opened_text(o, &b, NULL, &unit_error));
	assert_slice(buf_slice(&b), want);
	buf_done(&b);
}

static inline void
assert_field(const struct letter_opened *o, const char *name, const char *want, enum letter_protection protection)
{
	enum letter_protection p;
	struct slice value;

	assert_true(letter_opened_field(o, name, &value, &p));
	assert_slice(value, want);
	assert_int_equal(p, protection);
}

static inline bool
noted(const struct letter_opened *o, const char *part)
{
	const struct letter_verdict *v = letter_opened_verdict(o);

	for (size_t i = 0; i < v->note_count; i++) {
		if (slice_search(slice_str(v->notes[i]), slice_str(part)) != SIZE_MAX)
			return true;
	}
	return false;
}

/* ---- payloads made by hand, as an attacker or another program makes them ---- */

/* Whom the signatures made by hand name as reader; NULL: nobody. */
static const struct person *kit_named;

static inline struct pgp_maker *
kit_maker(struct person *signer, struct pgp_signer *store)
{
	struct pgp_policy policy = pgp_policy_default(NOW);
	struct letter_seal_spec spec = {
		.sender = signer->cert, .keys = pgp_memory_keys_ops(signer->keys), .policy = &policy
	};
	struct pgp_maker_spec m = { .signers = store, .signer_count = 1, .type = PGP_SIG_BINARY, .created = NOW };
	struct pgp_maker *maker = NULL;

	if (kit_named != NULL) {
		m.recipients = &kit_named->cert->primary->fingerprint;
		m.recipient_count = 1;
	}
	assert_ok(letter_pgp_signer(&spec, store, &unit_error));
	assert_ok(pgp_maker_new(&maker, &m, &unit_error));
	return maker;
}

/* Any payload in multipart/encrypted behind these header lines; signer may be NULL. */
static inline void
wrap_encrypted(const char *head, struct slice payload, struct person *signer, const struct person *to, struct buf *out)
{
	const struct pgp_key *key = pgp_cert_key(to->cert, 1);
	struct pgp_encrypt_spec x = {
		.container = PGP_CONTAINER_SEIPD1, .recipients = &key, .recipient_count = 1, .armor = true
	};
	struct pgp_signer store;

	(void)buf_putf(out,
	    "%sContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"w\"\r\n\r\n"
	    "--w\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
	    "--w\r\nContent-Type: application/octet-stream\r\n\r\n",
	    head);
	if (signer != NULL)
		x.maker = kit_maker(signer, &store);
	assert_ok(pgp_encrypt(&x, payload, out, &unit_error));
	pgp_maker_free(x.maker);
	assert_int_equal(buf_put_str(out, "\r\n--w--\r\n"), 0);
}

/* Any payload in multipart/signed behind these header lines. */
static inline void
wrap_signed(const char *head, struct slice payload, struct person *signer, struct buf *out)
{
	struct pgp_signer store;
	struct pgp_maker *maker = kit_maker(signer, &store);
	struct buf packets;

	buf_init(&packets, 1 << 16);
	assert_ok(pgp_maker_feed(maker, payload, &unit_error));
	assert_ok(pgp_maker_finish(maker, false, &packets, &unit_error));
	(void)buf_putf(out,
	    "%sContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; "
	    "boundary=\"s\"\r\n\r\n"
	    "--s\r\n%.*s\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n",
	    head, (int)payload.len, (const char *)payload.data);
	assert_ok(letter_pgp_armor_signature(buf_slice(&packets), out, &unit_error));
	assert_int_equal(buf_put_str(out, "\r\n--s--\r\n"), 0);
	pgp_maker_free(maker);
	buf_done(&packets);
}

#endif
