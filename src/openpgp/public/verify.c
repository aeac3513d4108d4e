/* SPDX-License-Identifier: ISC */
/* Verdicts and detached signatures for the public header. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/sig/data_sig.h"
#include "openpgp/public/public.h"

struct llk_verifier {
	struct pgp_verifier *engine;
	bool ended;
};

static enum llk_verdict_kind
kind_of(const struct pgp_verdict *v)
{
	switch (v->kind) {
	case PGP_VERDICT_GOOD:
		return LLK_GOOD;
	case PGP_VERDICT_BAD:
		return LLK_BAD;
	case PGP_VERDICT_NO_KEY:
		return LLK_UNKNOWN_SIGNER;
	case PGP_VERDICT_INVALID:
		break;
	}
	return LLK_NOT_COUNTING;
}

static struct llk_bytes
bytes_of(struct slice s)
{
	return (struct llk_bytes){ s.data, s.len };
}

void
public_verdict_of(const struct pgp_verifier *verifier, size_t n, struct llk_verdict *out)
{
	const struct pgp_verdict *v = pgp_verifier_verdict(verifier, n);
	const struct pgp_sig *sig = pgp_verifier_sig(verifier, n);
	size_t len = strnlen(v->reason, sizeof out->reason - 1);

	*out = (struct llk_verdict){ .kind = kind_of(v),
		.cert = public_cert_public(v->cert),
		.created = v->created,
		.text = v->sig_type == PGP_SIG_TEXT,
		.signer_user_id = bytes_of(v->signer_user_id) };
	memcpy(out->reason, v->reason, len);
	if (sig != NULL) {
		out->policy_uri = bytes_of(sig->policy_uri);
		out->notations = sig->notation_count;
	}
	if (v->key != NULL)
		public_fingerprint_write(&v->key->fingerprint, out->key);
	else if (v->issuer_fpr.len > 0)
		public_fingerprint_write(&v->issuer_fpr, out->key);
	else if (v->issuer != 0)
		(void)snprintf(out->key, sizeof out->key, "%016llX", (unsigned long long)v->issuer);
}

bool
public_notation_of(const struct pgp_verifier *v, size_t n, size_t i, struct llk_notation *out)
{
	const struct pgp_sig *sig = pgp_verifier_sig(v, n);
	struct pgp_notation notation;

	if (sig == NULL || !pgp_sig_notation(sig, i, &notation))
		return false;
	*out = (struct llk_notation){ .name = bytes_of(notation.name),
		.value = bytes_of(notation.value),
		.readable = notation.readable,
		.critical = notation.critical };
	return true;
}

int
llk_verifier_new(
    const struct llk_certs *certs, const struct llk_policy *policy, struct llk_verifier **out, struct llk_error *error)
{
	struct llk_verifier *v = mem_alloc(sizeof *v);
	struct error e = { 0 };

	if (v == NULL)
		return public_refuse(error, ERR_NOMEM, "no memory");
	if (pgp_verifier_new(&v->engine, public_certs_engine(certs), &policy->policy, &e) != 0) {
		mem_free(v);
		return public_fail(error, &e);
	}
	*out = v;
	return 0;
}

void
llk_verifier_free(struct llk_verifier *verifier)
{
	if (verifier == NULL)
		return;
	pgp_verifier_free(verifier->engine);
	mem_free(verifier);
}

int
llk_verifier_signatures(struct llk_verifier *verifier, struct llk_bytes signatures, struct llk_error *error)
{
	struct error e = { 0 };

	if (verifier->ended)
		return public_refuse(error, ERR_ORDER, "the verifier has ended");
	return pgp_verifier_expect_all(verifier->engine, public_slice(signatures), &e) == 0 ? 0
											    : public_fail(error, &e);
}

int
llk_verifier_write(struct llk_verifier *verifier, struct llk_bytes data, struct llk_error *error)
{
	struct error e = { 0 };

	if (verifier->ended)
		return public_refuse(error, ERR_ORDER, "the verifier has ended");
	if (pgp_verifier_feed(verifier->engine, public_slice(data), &e) == 0)
		return 0;
	verifier->ended = true; /* never a verdict on a part of the data */
	return public_fail(error, &e);
}

int
llk_verifier_end(struct llk_verifier *verifier, struct llk_error *error)
{
	struct error e = { 0 };

	if (verifier->ended)
		return public_refuse(error, ERR_ORDER, "the verifier has ended");
	verifier->ended = true;
	return pgp_verifier_finish(verifier->engine, &e) == 0 ? 0 : public_fail(error, &e);
}

size_t
llk_verifier_good(const struct llk_verifier *verifier)
{
	return verifier->ended ? pgp_verifier_good(verifier->engine) : 0;
}

size_t
llk_verifier_verdicts(const struct llk_verifier *verifier)
{
	return verifier->ended ? pgp_verifier_count(verifier->engine) : 0;
}

bool
llk_verifier_verdict(const struct llk_verifier *verifier, size_t n, struct llk_verdict *out)
{
	if (n >= llk_verifier_verdicts(verifier))
		return false;
	public_verdict_of(verifier->engine, n, out);
	return true;
}

bool
llk_verifier_notation(const struct llk_verifier *verifier, size_t n, size_t i, struct llk_notation *out)
{
	return n < llk_verifier_verdicts(verifier) && public_notation_of(verifier->engine, n, i, out);
}

/* ---- the cleartext framework ---- */

struct rewound {
	struct slice whole, left;
};

static int
rewound_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct rewound *r = ctx;

	(void)e;
	*piece_out = r->left;
	r->left = SLICE_EMPTY;
	return 0;
}

static int
rewound_again(void *ctx, struct error *e)
{
	struct rewound *r = ctx;

	(void)e;
	r->left = r->whole;
	return 0;
}

int
llk_verifier_cleartext(
    struct llk_verifier *verifier, struct llk_bytes in, struct llk_data *text_out, struct llk_error *error)
{
	struct rewound r = { public_slice(in), public_slice(in) };
	const struct pgp_reread source = { { rewound_next, &r }, rewound_again, &r };
	struct pgp_cleartext_result result;
	struct error e = { 0 };
	struct buf text;
	int rc;

	if (verifier->ended)
		return public_refuse(error, ERR_ORDER, "the verifier has ended");
	verifier->ended = true;
	buf_init(&text, LLK_WHOLE_MAX);
	rc = pgp_cleartext_read(source, verifier->engine, pgp_plain_buf(&text), &result, &e);
	if (rc == 0)
		rc = pgp_verifier_finish(verifier->engine, &e);
	if (rc == 0)
		return public_give(&text, text_out, error);
	buf_wipe_done(&text);
	return public_fail(error, &e);
}
