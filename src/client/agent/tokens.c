/* SPDX-License-Identifier: ISC */
#include "client/agent/tokens.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "client/agent/internal.h"
#include "client/agent/token_protocol.h"
#include "crypto/secret.h"
#include "openpgp/frame/mpi.h"
#include "openpgp/key/curve.h"
#include "openpgp/key/digest_info.h"
#include "openpgp/key/pk.h"
#include "openpgp/message/session.h"
#include "os/pkcs11.h"

#define ARENA_BUDGET (1u << 20)
#define FRAME_MAX (1u << 20)
#define POINT_MAX 160u

/* ---- the process ---- */

void
tokens_stop(struct tokens *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
	t->found = UINT32_MAX;
	t->pin = false;
}

static int
start(struct tokens *t, struct error *e)
{
	struct launcher_message m = { .type = LAUNCHER_TOKENS };
	struct timeval wait = { .tv_sec = TOKENS_CALL_MS / 1000 };
	int pair[2], rc;

	if (t->fd >= 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot make a socket");
	rc = launcher_send(t->agent->launcher, &m, pair[1], e);
	(void)close(pair[1]);
	if (rc != 0) {
		(void)close(pair[0]);
		return rc;
	}
	(void)setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	t->fd = pair[0];
	return 0;
}

static int
lost(struct tokens *t, struct error *e)
{
	tokens_stop(t);
	return error_set(e, ERR_IO, "the tokens' modules do not answer");
}

static int
exchange(struct tokens *t, const struct buf *out, struct buf *in, struct codec_frame *f, struct error *e)
{
	size_t used;
	int rc;

	if (send(t->fd, out->data, out->len, MSG_NOSIGNAL) != (ssize_t)out->len)
		return lost(t, e);
	while ((rc = codec_frame_next(buf_slice(in), f, &used, e)) == 0) {
		uint8_t *to = buf_reserve(in, 4096);
		ssize_t n = to == NULL ? 0 : recv(t->fd, to, 4096, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lost(t, e);
		buf_commit(in, (size_t)n);
	}
	return rc < 0 || f->ticket != t->ticket ? lost(t, e) : 0;
}

static int
read_reply(
    const struct codec_frame *f, const struct codec_schema *schema, struct arena *a, void *reply_out, struct error *e)
{
	struct agent_error failed;
	int rc;

	if ((f->type & AGENT_FAILED) == 0)
		return codec_decode(schema, f->body, a, reply_out, e);
	rc = codec_decode(&agent_error_schema, f->body, a, &failed, e);
	return rc != 0 ? rc
		       : error_set(e, failed.code == 0 ? ERR_IO : -(int)failed.code, "%.*s", (int)failed.text.len,
			     (const char *)failed.text.data);
}

static int
call(struct tokens *t, enum token_type type, const struct token_use *use, struct arena *a, void *reply_out,
    struct error *e)
{
	struct buf out, in;
	struct codec_frame f;
	int rc = start(t, e);

	if (rc != 0)
		return rc;
	buf_init(&out, FRAME_MAX);
	buf_init(&in, FRAME_MAX);
	rc = codec_frame_put(&out, (uint16_t)type, ++t->ticket, &token_use_schema, use, e);
	if (rc == 0)
		rc = exchange(t, &out, &in, &f, e);
	if (rc == 0)
		rc = read_reply(&f, type == TOKEN_LIST ? &agent_tokens_schema : &token_octets_schema, a, reply_out, e);
	buf_wipe_done(&out);
	buf_wipe_done(&in);
	return rc;
}

int
tokens_list(struct tokens *t, struct arena *a, struct agent_tokens *out, struct error *e)
{
	const struct token_use none = { .key = 0 };

	return call(t, TOKEN_LIST, &none, a, out, e);
}

/* ---- which key ---- */

/* GnuPG's extension: an S2K of type 101 that says "GNU" and mode 2 (doc/DETAILS there). */
bool
tokens_are_meant(const struct pgp_key *key)
{
	static const uint8_t card[] = { 'G', 'N', 'U', 2 };
	struct slice s = key->secret_part;

	return key->secret && s.len >= 8 && s.data[0] >= 253 && s.data[2] == 101 && memcmp(s.data + 4, card, 4) == 0;
}

static struct slice
without_zeros(struct slice s)
{
	while (s.len > 0 && s.data[0] == 0)
		s = slice_from(s, 1);
	return s;
}

static bool
same_number(struct slice a, struct slice b)
{
	return slice_eq(without_zeros(a), without_zeros(b));
}

/* The native octets of an EdDSA key of either form. */
static struct slice
native(const struct pgp_key *key)
{
	struct slice p = key->public[0];

	return key->algorithm == PGP_EDDSA_LEGACY && p.len > 0 && p.data[0] == 0x40 ? slice_from(p, 1) : p;
}

static bool
is_key(const struct agent_token_key *t, const struct pgp_key *key)
{
	switch (t->kind) {
	case TOKEN_RSA:
		return pgp_pk_same(key->algorithm, PGP_RSA) && same_number(t->first, key->public[0]) &&
		    same_number(t->second, key->public[1]);
	case TOKEN_EC:
		return (key->algorithm == PGP_ECDSA || key->algorithm == PGP_ECDH) && slice_eq(t->first, key->oid) &&
		    slice_eq(t->second, key->public[0]);
	case TOKEN_EDWARDS:
		return (key->algorithm == PGP_EDDSA_LEGACY || key->algorithm == PGP_ED25519) &&
		    slice_eq(t->second, native(key));
	default:
		return false;
	}
}

/* Its place in the list that the process made last. */
static int
place_of(struct tokens *t, const struct pgp_key *key, uint32_t *place, bool *pin, struct error *e)
{
	struct agent_tokens list;
	struct arena a;
	int rc;

	arena_init(&a, ARENA_BUDGET);
	rc = tokens_list(t, &a, &list, e);
	*place = UINT32_MAX;
	for (uint32_t i = 0; rc == 0 && i < list.item_count && *place == UINT32_MAX; i++) {
		if (is_key(&list.items[i], key)) {
			*place = i;
			*pin = list.items[i].pin;
		}
	}
	arena_done(&a);
	return rc != 0 || *place != UINT32_MAX ? rc : error_set(e, ERR_NO_KEY, "no token that is here has this key");
}

int
tokens_find(struct tokens *t, const struct pgp_cert *cert, struct error *e)
{
	const struct pgp_key *key;
	int rc = error_set(e, ERR_NO_KEY, "no token that is here has this key");

	for (size_t n = 0; (key = pgp_cert_key(cert, n)) != NULL && rc == ERR_NO_KEY; n++) {
		if (tokens_are_meant(key))
			rc = place_of(t, key, &t->found, &t->pin, e);
	}
	return rc;
}

bool
tokens_need_pin(const struct tokens *t)
{
	return t->pin;
}

int
tokens_sign_in(struct tokens *t, struct slice pin, struct error *e)
{
	struct token_use use = { .data = pin, .key = t->found };
	struct agent_octets nothing;
	struct arena a;
	int rc;

	if (!t->pin)
		return 0;
	if (t->found == UINT32_MAX)
		return error_set(e, ERR_NO_KEY, "no token that is here has this key");
	arena_init(&a, ARENA_BUDGET);
	rc = call(t, TOKEN_SIGN_IN, &use, &a, &nothing, e);
	arena_done(&a);
	t->pin = rc != 0;
	return rc;
}

/* ---- operations ---- */

static int
use_key(struct tokens *t, enum token_type type, const struct pgp_key *key, struct slice data, struct secret *out,
    struct error *e)
{
	struct token_use use = { .data = data };
	struct agent_octets made;
	struct arena a;
	bool pin;
	int rc = place_of(t, key, &use.key, &pin, e);

	if (rc != 0)
		return rc;
	arena_init(&a, ARENA_BUDGET);
	rc = call(t, type, &use, &a, &made, e);
	if (rc == 0)
		rc = secret_copy(out, made.octets, e);
	arena_wipe_done(&a);
	return rc;
}

/* What the algorithm's signature packet holds, of what a token gives. */
static int
put_signature(const struct pgp_key *key, struct slice made, struct buf *out)
{
	if (key->algorithm == PGP_ED25519)
		return buf_put_slice(out, made);
	if (pgp_pk_same(key->algorithm, PGP_RSA))
		return pgp_mpi_write(out, made);
	(void)pgp_mpi_write(out, slice_sub(made, 0, made.len / 2));
	return pgp_mpi_write(out, slice_from(made, made.len / 2));
}

/* A token may be broken, or lie: what it made is checked. */
static int
check_signature(const struct pgp_key *key, uint8_t hash, struct slice digest, struct slice fields, struct error *e)
{
	const struct pgp_pk *pk = pgp_pk_of(key);
	struct slice f[PGP_PK_FIELDS_MAX];

	if (pk == NULL || pk->verify == NULL || !pgp_pk_split(&pk->signature, fields, f))
		return error_set(e, ERR_IO, "the token made something else than a signature");
	return pk->verify(key, hash, digest, f, e);
}

static int
token_sign(void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	SECRET_OWNED struct secret made = SECRET_EMPTY;
	BUF_OWNED struct buf data = { .max = 256 };
	size_t from = out->len;
	int rc = 0;

	if (pgp_pk_same(key->algorithm, PGP_RSA))
		rc = pgp_digest_info_put(&data, hash, digest, e);
	else
		(void)buf_put_slice(&data, digest);
	if (rc == 0)
		rc = use_key(ctx, TOKEN_SIGN, key, buf_slice(&data), &made, e);
	if (rc == 0 && put_signature(key, secret_slice(&made), out) != 0)
		rc = error_set(e, out->err, "there is no room for a signature");
	return rc != 0 ? rc : check_signature(key, hash, digest, slice_from(buf_slice(out), from), e);
}

static int
token_open(void *ctx, const struct pgp_key *key, const struct pgp_pkesk_fields *pkesk, uint8_t *cipher_out,
    struct secret *session_key_out, struct error *e)
{
	SECRET_OWNED struct secret made = SECRET_EMPTY;
	const struct pgp_pk *pk = pgp_pk_of(key);
	struct slice f[PGP_PK_FIELDS_MAX];
	int rc;

	if (!pgp_pk_same(pkesk->algorithm, key->algorithm))
		return error_set(e, ERR_INTEGRITY, "the session key is for another kind of key");
	if (pk == NULL || pk->unwrap == NULL)
		return pgp_pk_refuse(key, "decryption with a key", e);
	if (!pgp_pk_split(&pk->pkesk, pkesk->fields, f))
		return error_set(e, ERR_INTEGRITY, "an encrypted session key is malformed");
	rc = use_key(ctx, TOKEN_OPEN, key, f[0], &made, e);
	if (rc != 0)
		return rc;
	if (key->algorithm == PGP_ECDH)
		return pgp_ecdh_open_agreed(
		    pkesk->version, key, secret_slice(&made), f[1], cipher_out, session_key_out, e);
	return pgp_session_split(pkesk->version, secret_slice(&made), cipher_out, session_key_out, e);
}

static bool
token_holds(void *ctx, const struct pgp_key *key)
{
	uint32_t place;
	bool pin;

	return tokens_are_meant(key) && place_of(ctx, key, &place, &pin, NULL) == 0;
}

struct agent_elsewhere
tokens_elsewhere(struct tokens *t)
{
	t->found = UINT32_MAX;
	return (struct agent_elsewhere){ .ops = { token_sign, token_open, token_holds }, .ctx = t };
}
