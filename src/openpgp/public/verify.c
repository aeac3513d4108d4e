/* SPDX-License-Identifier: ISC */
/* Verdicts and detached signatures for the public header. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openpgp/armor.h"
#include "openpgp/data_sig.h"
#include "openpgp/packet.h"
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

void
llk_verdict_of(const struct pgp_verdict *v, struct llk_verdict *out)
{
	size_t len = strnlen(v->reason, sizeof out->reason - 1);

	*out = (struct llk_verdict){ .kind = kind_of(v),
		.cert = llk_cert_public(v->cert),
		.created = v->created,
		.text = v->sig_type == PGP_SIG_TEXT };
	memcpy(out->reason, v->reason, len);
	if (v->key != NULL)
		llk_fingerprint_write(&v->key->fingerprint, out->key);
	else if (v->issuer_fpr.len > 0)
		llk_fingerprint_write(&v->issuer_fpr, out->key);
	else if (v->issuer != 0)
		(void)snprintf(out->key, sizeof out->key, "%016llX", (unsigned long long)v->issuer);
}

int
llk_verifier_new(
    const struct llk_certs *certs, const struct llk_policy *policy, struct llk_verifier **out, struct llk_error *error)
{
	struct llk_verifier *v = mem_alloc(sizeof *v);
	struct error e = { 0 };

	if (v == NULL)
		return llk_refuse(error, ERR_NOMEM, "no memory");
	if (pgp_verifier_new(&v->engine, llk_certs_engine(certs), &policy->policy, &e) != 0) {
		mem_free(v);
		return llk_fail(error, &e);
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

static int
expect_packets(struct pgp_verifier *v, struct slice packets, struct error *e)
{
	struct pgp_packet p;
	size_t at = 0, seen = 0;
	int rc;

	while ((rc = pgp_packet_next(packets, &at, &p, e)) == 1) {
		if (p.header.type == PGP_MARKER || p.header.type == PGP_PADDING)
			continue;
		if (p.header.type != PGP_SIGNATURE)
			return error_set_at(
			    e, ERR_SYNTAX, (uint64_t)(at - p.raw.len), "there is something else than signatures in it");
		rc = pgp_verifier_expect(v, p.body, e);
		if (rc != 0)
			return rc;
		seen++;
	}
	if (rc == 0 && seen == 0)
		return error_set(e, ERR_SYNTAX, "there is no signature in it");
	return rc;
}

int
llk_verifier_signatures(struct llk_verifier *verifier, struct llk_bytes signatures, struct llk_error *error)
{
	struct slice in = llk_slice(signatures);
	struct buf packets BUF_OWNED = { 0 };
	enum pgp_armor_kind kind;
	struct error e = { 0 };
	size_t at = 0;
	int rc;

	if (in.len > 0 && !pgp_armor_looks_armored(in))
		return expect_packets(verifier->engine, in, &e) == 0 ? 0 : llk_fail(error, &e);
	buf_init(&packets, PGP_SIGNATURES_MAX * (size_t)PGP_SIG_BODY_MAX);
	while ((rc = pgp_armor_parse(in, &at, &kind, &packets, &e)) == 1)
		continue;
	if (rc == 0)
		rc = expect_packets(verifier->engine, buf_slice(&packets), &e);
	return rc == 0 ? 0 : llk_fail(error, &e);
}

int
llk_verifier_write(struct llk_verifier *verifier, struct llk_bytes data, struct llk_error *error)
{
	struct error e = { 0 };

	if (verifier->ended)
		return llk_refuse(error, ERR_ORDER, "the verifier has ended");
	return pgp_verifier_feed(verifier->engine, llk_slice(data), &e) == 0 ? 0 : llk_fail(error, &e);
}

int
llk_verifier_end(struct llk_verifier *verifier, struct llk_error *error)
{
	struct error e = { 0 };

	if (verifier->ended)
		return llk_refuse(error, ERR_ORDER, "the verifier has ended");
	verifier->ended = true;
	return pgp_verifier_finish(verifier->engine, &e) == 0 ? 0 : llk_fail(error, &e);
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
	llk_verdict_of(pgp_verifier_verdict(verifier->engine, n), out);
	return true;
}
