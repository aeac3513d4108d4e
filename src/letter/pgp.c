/* SPDX-License-Identifier: ISC */
#include "base/mem.h"
#include "letter/pgp.h"
#include "openpgp/frame/armor.h"
#include "openpgp/message/decrypt.h"

#define OWN_KEYS_MAX 64u /* (sub)keys that may decrypt */

void
letter_pgp_signatures_done(struct letter_pgp_signatures *s)
{
	pgp_verifier_free(s->verifier);
	pgp_certs_done(&s->certs);
	*s = (struct letter_pgp_signatures){ 0 };
}

static int
start_verifier(struct letter_pgp_signatures *s, const struct letter_open_spec *spec, struct error *e)
{
	*s = (struct letter_pgp_signatures){ 0 };
	return pgp_verifier_new(&s->verifier, &s->certs, spec->policy, e);
}

/* Looks up whoever the signatures name, bounded; further verdicts of one signer find him there already. */
static int
find_signers(struct letter_pgp_signatures *s, const struct letter_open_spec *spec, bool *found_out, struct error *e)
{
	size_t before = s->certs.count, asked = 0;
	int rc = 0;

	for (size_t i = 0; i < pgp_verifier_count(s->verifier) && asked < LETTER_SIGNERS_MAX && rc == 0; i++) {
		const struct pgp_verdict *v = pgp_verifier_verdict(s->verifier, i);
		struct letter_wanted wanted = { .fingerprint = v->issuer_fpr, .key_id = v->issuer };

		if (v->kind != PGP_VERDICT_NO_KEY || (v->issuer == 0 && v->issuer_fpr.len == 0))
			continue;
		asked++;
		rc = spec->certs.find(spec->certs.ctx, &wanted, &s->certs, e);
	}
	*found_out = s->certs.count > before;
	return rc;
}

/* The verdicts: once to learn who signed, and again with their certificates. */
static int
judge(struct letter_pgp_signatures *s, const struct letter_open_spec *spec, struct error *e)
{
	bool found = false;
	int rc = pgp_verifier_finish(s->verifier, e);

	if (rc == ERR_SYNTAX)
		rc = 0; /* an announced signature is missing: its verdict says so */
	if (rc == 0 && spec->certs.find != NULL)
		rc = find_signers(s, spec, &found, e);
	if (rc == 0 && found)
		rc = pgp_verifier_finish(s->verifier, e);
	if (rc == ERR_SYNTAX)
		rc = 0;
	if (rc == 0 && pgp_verifier_count(s->verifier) == 0)
		letter_pgp_signatures_done(s);
	return rc;
}

static size_t
own_keys(const struct letter_open_spec *spec, const struct pgp_key **keys)
{
	size_t count = 0;

	for (size_t i = 0; i < spec->own_count; i++) {
		const struct pgp_key *k;

		for (size_t n = 0; (k = pgp_cert_key(spec->own[i], n)) != NULL && count < OWN_KEYS_MAX; n++) {
			if (pgp_key_can_encrypt(k))
				keys[count++] = k;
		}
	}
	return count;
}

int
letter_pgp_decrypt(struct slice message, const struct letter_open_spec *spec, struct buf *plain,
    struct letter_pgp_signatures *signatures, struct error *e)
{
	const struct pgp_key *keys[OWN_KEYS_MAX];
	struct pgp_decrypt_spec d = {
		.keys = keys, .keyring = spec->keys, .policy = spec->policy, .output_max = plain->max
	};
	struct pgp_decrypt_result result = { 0 };
	int rc = start_verifier(signatures, spec, e);

	if (rc != 0)
		return rc;
	d.key_count = own_keys(spec, keys);
	d.verifier = signatures->verifier;
	rc = pgp_decrypt(pgp_source_slice(&message), &d, pgp_plain_buf(plain), &result, e);
	pgp_session_done(&result.session);
	return rc == 0 ? judge(signatures, spec, e) : rc;
}

/* Gives data to the verifier with each bare LF as CR LF. */
static int
feed_canonical(struct pgp_verifier *v, struct slice data, struct error *e)
{
	bool cr = false;
	int rc = 0;

	while (data.len > 0 && rc == 0) {
		size_t lf = slice_find(data, '\n');
		struct slice line = slice_sub(data, 0, lf);

		if (line.len > 0)
			cr = line.data[line.len - 1] == '\r';
		rc = line.len > 0 ? pgp_verifier_feed(v, line, e) : 0;
		if (rc == 0 && lf != SIZE_MAX)
			rc = pgp_verifier_feed(v, cr ? SLICE("\n") : SLICE("\r\n"), e);
		cr = false;
		data = lf == SIZE_MAX ? SLICE_EMPTY : slice_from(data, lf + 1);
	}
	return rc;
}

/* Every signature packet of the object is expected. */
static int
expect_all(struct pgp_verifier *v, struct slice packets, struct error *e)
{
	struct pgp_packet p;
	size_t at = 0, count = 0;
	int got, rc = 0;

	while ((got = pgp_packet_next(packets, &at, &p, e)) > 0 && rc == 0) {
		if (p.header.type == PGP_SIGNATURE) {
			rc = pgp_verifier_expect(v, p.body, e);
			count++;
		} else if (pgp_type_critical(p.header.type) && p.header.type != PGP_MARKER &&
		    p.header.type != PGP_PADDING)
			return error_set(e, ERR_SYNTAX, "what should be a signature holds something else.");
	}
	if (got < 0 || rc != 0)
		return got < 0 ? got : rc;
	return count > 0 ? 0 : error_set(e, ERR_SYNTAX, "there is no signature in it.");
}

int
letter_pgp_verify(struct slice signature, struct slice data, const struct letter_open_spec *spec,
    struct letter_pgp_signatures *signatures, struct error *e)
{
	struct pgp_armor_reader *armor = NULL;
	BUF_OWNED struct buf packets = { 0 };
	struct slice piece;
	int rc = start_verifier(signatures, spec, e);

	buf_init(&packets, LETTER_SIGNATURE_MAX);
	if (rc == 0)
		rc = pgp_armor_reader_new(pgp_source_slice(&signature), &armor, e);
	while (rc == 0) {
		rc = pgp_source_next(pgp_armor_reader_source(armor), &piece, e);
		if (rc != 0 || piece.len == 0)
			break;
		rc = buf_put_slice(&packets, piece);
	}
	pgp_armor_reader_free(armor);
	if (rc == 0)
		rc = expect_all(signatures->verifier, buf_slice(&packets), e);
	if (rc == 0)
		rc = feed_canonical(signatures->verifier, data, e);
	return rc == 0 ? judge(signatures, spec, e) : rc;
}
