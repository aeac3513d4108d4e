/* SPDX-License-Identifier: ISC */
#include "openpgp/sig/inline.h"

#define LOOK_MAX (1u << 20) /* octets in front of the first armor line, as the armor reader takes them */

/* ---- a source whose beginning was looked at ---- */

struct looked {
	struct pgp_reread in;
	struct buf head;   /* what was copied of it */
	struct slice rest; /* of the last piece, behind the head */
	bool given;        /* head has been given out again */
};

static int
looked_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct looked *l = ctx;

	if (!l->given && l->head.len > 0) {
		*piece_out = buf_slice(&l->head);
	} else if (l->rest.len > 0) {
		*piece_out = l->rest;
		l->rest = SLICE_EMPTY;
	} else {
		return pgp_source_next(l->in.source, piece_out, e);
	}
	l->given = true;
	return 0;
}

static int
looked_again(void *ctx, struct error *e)
{
	struct looked *l = ctx;

	l->given = true;
	l->rest = SLICE_EMPTY;
	return l->in.again(l->in.ctx, e);
}

/* 1: the first armor line begins a signed text; 0: it does not; -1: there is none yet. */
static int
first_armor(struct slice head, size_t *at)
{
	while (*at < head.len) {
		struct slice rest = slice_from(head, *at);
		size_t lf = slice_find(rest, '\n');

		if (lf == SIZE_MAX)
			break;
		if (slice_starts(rest, SLICE("-----BEGIN PGP ")))
			return slice_starts(rest, SLICE("-----BEGIN PGP SIGNED MESSAGE-----"));
		*at += lf + 1;
	}
	return -1;
}

/* What cannot be told is taken for a message, whose reader says what is wrong. */
static int
look(struct looked *l, bool *cleartext_out, struct error *e)
{
	struct slice piece;
	size_t at = 0;
	int is = -1, rc;

	while (is < 0 && l->head.len < LOOK_MAX) {
		rc = pgp_source_next(l->in.source, &piece, e);
		if (rc != 0)
			return rc;
		if (piece.len == 0)
			break;
		l->rest = piece;
		if (l->head.len == 0 && (piece.data[0] & 0x80) != 0)
			break; /* binary */
		piece = slice_sub(piece, 0, LOOK_MAX - l->head.len);
		if (buf_put_slice(&l->head, piece) != 0)
			return error_nomem(e);
		l->rest = slice_from(l->rest, piece.len);
		is = first_armor(buf_slice(&l->head), &at);
	}
	*cleartext_out = is == 1;
	return 0;
}

/* ---- data goes out when something vouches for it ---- */

struct gate {
	struct pgp_plain inner;
	struct pgp_verifier *verifier;
	struct buf *signatures; /* they are taken apart, whatever they are worth; NULL: one of them must be good */
};

static int
gate_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct gate *g = ctx;
	struct pgp_literal held = *literal;

	held.held = true;
	return g->inner.ops->begin(g->inner.ctx, &held, e);
}

static int
gate_write(void *ctx, struct slice data, struct error *e)
{
	struct gate *g = ctx;

	return g->inner.ops->write(g->inner.ctx, data, e);
}

static int
gate_good(struct pgp_verifier *v, struct error *e)
{
	int rc = pgp_verifier_finish(v, e);

	if (rc != 0 || pgp_verifier_good(v) > 0)
		return rc;
	if (pgp_verifier_count(v) == 0)
		return error_set(e, ERR_SIGNATURE, "nobody signed this");
	return error_set(e, ERR_SIGNATURE, "no good signature: %s", pgp_verifier_verdict(v, 0)->reason);
}

static int
gate_commit(void *ctx, struct error *e)
{
	struct gate *g = ctx;
	int rc;

	if (g->signatures == NULL)
		rc = gate_good(g->verifier, e);
	else if (pgp_verifier_expected(g->verifier) == 0)
		rc = error_set(e, ERR_SYNTAX, "there is no signature in it");
	else
		rc = pgp_verifier_write(g->verifier, g->signatures, e);
	return rc == 0 ? g->inner.ops->commit(g->inner.ctx, e) : rc;
}

static void
gate_abort(void *ctx)
{
	struct gate *g = ctx;

	g->inner.ops->abort(g->inner.ctx);
}

static const struct pgp_plain_ops gate_ops = { gate_begin, gate_write, gate_commit, gate_abort };

/* ---- both forms ---- */

static int
read_message(
    struct looked *l, struct pgp_verifier *v, struct pgp_plain plain, struct pgp_inline_result *result, struct error *e)
{
	const struct pgp_decrypt_spec spec = { .unencrypted = true, .verifier = v };
	struct pgp_decrypt_result r;
	struct pgp_source in = { looked_next, l };
	int rc = pgp_decrypt(in, &spec, plain, &r, e);

	pgp_session_done(&r.session);
	result->length = r.length;
	result->signature_count = r.signature_count;
	result->literal = r.literal;
	/* No key is ever given: asking for one means that it is encrypted. */
	if (rc == ERR_NO_KEY || rc == ERR_PASSWORD)
		rc = error_set(e, ERR_POLICY, "the message is encrypted: decrypt it, which checks its signatures too");
	return rc;
}

static int
read_cleartext(
    struct looked *l, struct pgp_verifier *v, struct pgp_plain plain, struct pgp_inline_result *result, struct error *e)
{
	struct pgp_reread in = { { looked_next, l }, l->in.again == NULL ? NULL : looked_again, l };
	int rc = pgp_cleartext_read(in, v, plain, &result->framework, e);

	result->length = result->framework.length;
	result->signature_count = result->framework.signature_count;
	return rc;
}

static int
read_either(struct pgp_reread in, struct gate *gate, struct pgp_inline_result *result, struct error *e)
{
	const struct pgp_plain plain = { &gate_ops, gate };
	struct looked l = { .in = in };
	int rc;

	*result = (struct pgp_inline_result){ .cleartext = false };
	buf_init(&l.head, LOOK_MAX);
	rc = look(&l, &result->cleartext, e);
	if (rc != 0)
		gate_abort(gate);
	else if (result->cleartext)
		rc = read_cleartext(&l, gate->verifier, plain, result, e);
	else
		rc = read_message(&l, gate->verifier, plain, result, e);
	buf_done(&l.head);
	return rc;
}

int
pgp_inline_verify(struct pgp_reread in, struct pgp_verifier *verifier, struct pgp_plain plain,
    struct pgp_inline_result *result, struct error *e)
{
	struct gate gate = { plain, verifier, NULL };

	return read_either(in, &gate, result, e);
}

int
pgp_inline_detach(struct pgp_reread in, struct pgp_plain plain, struct buf *signatures_out,
    struct pgp_inline_result *result, struct error *e)
{
	const struct pgp_policy policy = pgp_policy_default(0); /* nothing is judged */
	const struct pgp_certs nobody = { 0 };
	struct gate gate = { plain, NULL, signatures_out };
	int rc = pgp_verifier_new(&gate.verifier, &nobody, &policy, e);

	if (rc != 0) {
		plain.ops->abort(plain.ctx);
		return rc;
	}
	rc = read_either(in, &gate, result, e);
	pgp_verifier_free(gate.verifier);
	return rc;
}
