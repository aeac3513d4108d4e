/* SPDX-License-Identifier: ISC */
#include "client/key/token_import.h"

#include <string.h>

#include "openpgp/cert/selfsig.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/frame/packet.h"
#include "openpgp/key/curve.h"
#include "os/clock.h"
#include "os/pkcs11.h"
#include "os/terminal.h"

#define VERSION 4u

struct half {
	const struct agent_token_key *token; /* NULL: there is none */
	struct buf body;                     /* the public key packet's, which key points into */
	struct pgp_key key;
};

struct job {
	struct key_command *c;
	const struct token_import *spec;
	struct agent_client *agent;
	struct arena arena; /* of the list of tokens' keys */
	struct half sign, decrypt;
	uint32_t created;
	struct buf user, out;
};

/* ---- which keys of which token ---- */

static bool
is_meant(const struct token_import *spec, const struct agent_token_key *k)
{
	return spec->label == NULL || slice_eq_str(k->label, spec->label) || slice_eq_str(k->token, spec->label);
}

static bool
same_key(const struct agent_token_key *a, const struct agent_token_key *b)
{
	return slice_eq(a->first, b->first) && slice_eq(a->second, b->second);
}

static int
choose(struct job *j, const struct agent_tokens *list, struct error *e)
{
	for (size_t i = 0; i < list->item_count; i++) {
		const struct agent_token_key *k = &list->items[i];

		if (!k->sign || !is_meant(j->spec, k))
			continue;
		/* One that also decrypts may be the pair's other half: the one that only signs goes before. */
		if (j->sign.token != NULL && !j->sign.token->decrypt && !k->decrypt)
			return error_set(e, ERR_USAGE,
			    "more than one key in a token signs: say which by --label (`letterlock agent token list`)");
		if (j->sign.token == NULL || j->sign.token->decrypt)
			j->sign.token = k;
	}
	if (j->sign.token == NULL)
		return error_set(
		    e, ERR_NO_KEY, "no token that is here has such a key; see `letterlock agent token list`");
	for (size_t i = 0; i < list->item_count && j->decrypt.token == NULL; i++) {
		const struct agent_token_key *k = &list->items[i];

		if (k->decrypt && slice_eq(k->token, j->sign.token->token) && !same_key(k, j->sign.token))
			j->decrypt.token = k;
	}
	return 0;
}

static int
look(struct job *j, struct error *e)
{
	struct agent_nothing nothing = { 0 };
	struct agent_tokens list;
	int rc = agent_client_open(true, &j->agent, e);

	if (rc == 0)
		rc = agent_client_call(j->agent, AGENT_TOKENS, &nothing, &j->arena, &list, e);
	return rc == 0 ? choose(j, &list, e) : rc;
}

/* ---- their packets ---- */

static uint8_t
algorithm_of(const struct agent_token_key *k, bool signs)
{
	switch (k->kind) {
	case TOKEN_RSA:
		return PGP_RSA;
	case TOKEN_EC:
		return signs ? PGP_ECDSA : PGP_ECDH;
	default:
		return PGP_EDDSA_LEGACY;
	}
}

static int
put_curve(struct buf *b, const struct agent_token_key *k, bool signs, struct error *e)
{
	uint8_t id = k->kind == TOKEN_EDWARDS ? PGP_CURVE_ED25519_LEGACY : pgp_curve_of_oid(k->first);
	const struct pgp_curve_row *row = pgp_curve_find(id);
	struct buf point BUF_OWNED = { .max = 200 };

	if (row == NULL || (k->kind == TOKEN_EDWARDS && k->second.len != 32))
		return error_set(e, ERR_UNSUPPORTED, "the token's key is over a curve that is not supported here");
	if (k->kind == TOKEN_EDWARDS)
		(void)buf_put_u8(&point, 0x40);
	(void)buf_put_slice(&point, k->second);
	(void)buf_put_u8(b, row->oid_len);
	(void)buf_put(b, row->oid, row->oid_len);
	(void)pgp_mpi_write(b, buf_slice(&point));
	if (!signs) {
		(void)buf_put_u8(b, 3);
		(void)buf_put_u8(b, 1);
		(void)buf_put_u8(b, row->kdf_hash);
		(void)buf_put_u8(b, row->kdf_cipher);
	}
	return 0;
}

static int
make_half(struct half *h, uint32_t created, bool signs, struct error *e)
{
	int rc = 0;

	if (h->token == NULL)
		return 0;
	buf_done(&h->body);
	buf_init(&h->body, PGP_KEY_BODY_MAX);
	(void)buf_put_u8(&h->body, VERSION);
	(void)buf_put_u32(&h->body, created);
	(void)buf_put_u8(&h->body, algorithm_of(h->token, signs));
	if (h->token->kind == TOKEN_RSA) {
		(void)pgp_mpi_write(&h->body, h->token->first);
		(void)pgp_mpi_write(&h->body, h->token->second);
	} else
		rc = put_curve(&h->body, h->token, signs, e);
	if (rc == 0 && h->body.err != 0)
		rc = error_set(e, h->body.err, "there is no room for the token's key");
	if (rc == 0)
		rc = pgp_key_parse(buf_slice(&h->body), signs ? PGP_PUBLIC_KEY : PGP_PUBLIC_SUBKEY, &h->key, e);
	if (rc == 0 && !(signs ? pgp_key_can_sign(&h->key) : pgp_key_can_decrypt(&h->key)))
		rc = error_set(e, ERR_UNSUPPORTED, "the token's key is of a kind that is not supported here");
	return rc;
}

/* GnuPG's extension: usage 255 without cipher, an S2K of type 101 that says "GNU" and mode 2, no serial number. */
static int
put_stub(const struct half *h, uint8_t type, struct buf *out)
{
	static const uint8_t stub[] = { 255, 0, 101, 0, 'G', 'N', 'U', 2, 0 };
	BUF_OWNED struct buf body = { .max = PGP_KEY_BODY_MAX };

	(void)buf_put_slice(&body, buf_slice(&h->body));
	if (buf_put(&body, stub, sizeof stub) != 0)
		return body.err;
	return pgp_packet_write(out, type, buf_slice(&body));
}

/* ---- when it was made ---- */

/* A certificate in the store with the same public values. */
static int
find_time(struct job *j, struct error *e)
{
	const struct trust_entry *entry;
	struct pgp_cert *known;
	int rc;

	j->created = (uint32_t)clock_unix();
	if (keyring_resolve(&j->c->keyring, slice_str(j->spec->address), false, &entry, NULL) != 0)
		return 0;
	rc = trust_store_load(j->c->keyring.certs, &entry->fingerprint, &known, e);
	if (rc != 0)
		return rc;
	rc = make_half(&j->sign, known->primary->created, true, e);
	if (rc == 0 && pgp_fingerprint_eq(&j->sign.key.fingerprint, &known->primary->fingerprint))
		j->created = known->primary->created;
	pgp_cert_free(known);
	return rc;
}

/* ---- the certificate ---- */

/* So that the agent can sign with it. --passphrase-fd gives the PIN, else it is asked for. */
static int
unlock(struct job *j, struct error *e)
{
	struct buf bare, pin;
	bool confirm = false;
	uint32_t count;
	int rc = keyring_confirms(&j->c->keyring, &j->sign.key.fingerprint, &confirm, e);

	if (rc != 0)
		return rc;
	buf_init(&bare, AGENT_KEY_OCTETS);
	buf_init(&pin, TERMINAL_SECRET_MAX);
	(void)put_stub(&j->sign, PGP_SECRET_KEY, &bare);
	if (j->decrypt.token != NULL)
		(void)put_stub(&j->decrypt, PGP_SECRET_SUBKEY, &bare);
	if (j->c->common.passphrase_fd >= 0) {
		rc = client_passphrase(&j->c->common, "", false, &pin, e);
		if (rc == 0)
			rc = agent_client_unlock(
			    j->agent, buf_slice(&bare), buf_slice(&pin), AGENT_SECONDS_USUAL, confirm, &count, e);
	} else
		rc = agent_client_ask(j->agent, buf_slice(&bare), AGENT_SECONDS_USUAL, confirm, &count, e);
	buf_wipe_done(&pin);
	buf_done(&bare);
	return rc;
}

static int
put_sig(struct job *j, uint8_t type, const struct pgp_sig_target *target, struct buf *subpackets, struct error *e)
{
	struct pgp_sig_spec spec = {
		.type = type, .created = (uint32_t)clock_unix(), .extra_hashed = buf_slice(subpackets)
	};
	BUF_OWNED struct buf body = { .max = PGP_SIG_BODY_MAX };
	int rc = subpackets->err;

	if (rc != 0)
		return error_set(e, rc, "there is no room for a signature's subpackets");
	rc = pgp_sig_make_target(&spec, target, &j->sign.key, agent_keyring(j->agent), &body, e);
	return rc != 0 ? rc : pgp_packet_write(&j->out, PGP_SIGNATURE, buf_slice(&body));
}

static int
put_user(struct job *j, struct error *e)
{
	struct pgp_sig_target target = {
		.primary = &j->sign.key, .user_type = PGP_USER_ID, .user = buf_slice(&j->user)
	};
	BUF_OWNED struct buf subpackets = { .max = 1000 };

	(void)pgp_packet_write(&j->out, PGP_USER_ID, target.user);
	pgp_put_flags(&subpackets, PGP_SUB_KEY_FLAGS, true, PGP_FLAG_CERTIFY | PGP_FLAG_SIGN);
	pgp_put_preferences(&subpackets, false);
	pgp_put_number(
	    &subpackets, PGP_SUB_KEY_EXPIRES, true, (uint32_t)clock_unix() - j->created + KEYRING_EXPIRES_USUAL);
	pgp_put_octet(&subpackets, PGP_SUB_PRIMARY_USER_ID, true, 1);
	return put_sig(j, PGP_SIG_CERT_POSITIVE, &target, &subpackets, e);
}

static int
put_subkey(struct job *j, struct error *e)
{
	struct pgp_sig_target target = { .primary = &j->sign.key, .subkey = &j->decrypt.key };
	BUF_OWNED struct buf subpackets = { .max = 100 };

	(void)put_stub(&j->decrypt, PGP_SECRET_SUBKEY, &j->out);
	pgp_put_flags(&subpackets, PGP_SUB_KEY_FLAGS, true, PGP_FLAG_ENCRYPT);
	return put_sig(j, PGP_SIG_SUBKEY_BINDING, &target, &subpackets, e);
}

static int
build(struct job *j, struct error *e)
{
	int rc;

	if (j->spec->name != NULL)
		(void)buf_putf(&j->user, "%s <%s>", j->spec->name, j->spec->address);
	else
		(void)buf_put_str(&j->user, j->spec->address);
	if (j->user.err != 0)
		return error_set(e, ERR_USAGE, "the name and address are too long for a user ID");
	(void)put_stub(&j->sign, PGP_SECRET_KEY, &j->out);
	rc = put_user(j, e);
	if (rc == 0 && j->decrypt.token != NULL)
		rc = put_subkey(j, e);
	return rc == 0 && j->out.err != 0 ? error_set(e, j->out.err, "there is no room for the key") : rc;
}

static int
import(struct job *j, struct pgp_fingerprint *fingerprint_out, struct error *e)
{
	int rc = look(j, e);

	if (rc == 0)
		rc = find_time(j, e);
	if (rc == 0)
		rc = make_half(&j->sign, j->created, true, e);
	if (rc == 0)
		rc = make_half(&j->decrypt, j->created, false, e);
	if (rc == 0)
		rc = unlock(j, e);
	if (rc == 0)
		rc = build(j, e);
	return rc == 0 ? keyring_keep(&j->c->keyring, buf_slice(&j->out), fingerprint_out, e) : rc;
}

int
token_import(
    struct key_command *c, const struct token_import *spec, struct pgp_fingerprint *fingerprint_out, struct error *e)
{
	struct job j = { .c = c, .spec = spec };
	int rc;

	arena_init(&j.arena, 1 << 20);
	buf_init(&j.user, PGP_USER_ID_MAX);
	buf_init(&j.out, AGENT_KEY_OCTETS);
	rc = import(&j, fingerprint_out, e);
	agent_client_close(j.agent);
	buf_done(&j.sign.body);
	buf_done(&j.decrypt.body);
	buf_done(&j.user);
	buf_done(&j.out);
	arena_done(&j.arena);
	return rc;
}
