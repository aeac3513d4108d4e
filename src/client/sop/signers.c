/* SPDX-License-Identifier: ISC */
/* Who signs, and what verifications look like. */
#include <string.h>

#include "base/date.h"
#include "base/json.h"
#include "client/sop/keys.h"
#include "os/clock.h"

/* ---- signers ---- */

/* An algorithm that we do not have is another matter than a key that may not sign. */
static int
refuse_signer(const struct pgp_cert *c, struct error *e)
{
	const struct pgp_key *k;

	(void)error_context(e, "%016llX", (unsigned long long)c->primary->key_id);
	for (size_t i = 0; (k = pgp_cert_key(c, i)) != NULL; i++)
		if (pgp_key_can_verify(k))
			return sop_fail(SOP_KEY_CANNOT_SIGN, "%s", e->text);
	return sop_fail(SOP_UNSUPPORTED_ASYMMETRIC, "%s", e->text);
}

static int
add_signer(struct sop_signers *s, size_t index)
{
	const struct pgp_cert *c = s->keys.certs.items[index];
	struct pgp_policy policy = pgp_policy_default(clock_unix());
	const struct pgp_key *keys[SOP_KEYS_MAX];
	struct pgp_cert_judgement j;
	struct error e = { 0 };
	size_t n;
	int rc = pgp_cert_judge(c, &policy, policy.now, &j, &e);

	if (rc != 0)
		return sop_bad(&e);
	n = pgp_judged_keys_for(&j, &policy, PGP_FLAG_SIGN, keys, SOP_KEYS_MAX, &e);
	pgp_cert_judgement_done(&j);
	/* The last one that has its secret: a signing subkey before the primary key. */
	while (n > 0 && !keys[n - 1]->secret)
		n--;
	if (n == 0)
		return refuse_signer(c, &e);
	s->v6 = s->v6 || keys[n - 1]->version == 6;
	s->signers[index] = (struct pgp_signer){ keys[n - 1], pgp_memory_keys_ops(s->memory) };
	return sop_unlock(keys[n - 1], &s->passwords, s->memory);
}

int
sop_signers_load(struct sop_signers *s, const struct option_list *keys, const struct option_list *passwords)
{
	struct error e = { 0 };
	int rc = sop_load_passwords(passwords, false, &s->passwords);

	if (rc == 0)
		rc = sop_load_list(keys, 0, true, &s->keys);
	if (rc == 0 && s->keys.certs.count > PGP_SIGNATURES_MAX)
		rc = sop_fail(SOP_FAILED, "more than %u keys sign", PGP_SIGNATURES_MAX);
	if (rc == 0 && pgp_memory_keys_new(&s->memory, &e) != 0)
		rc = sop_bad(&e);
	for (size_t i = 0; rc == 0 && i < s->keys.certs.count; i++)
		rc = add_signer(s, i);
	return rc;
}

int
sop_signers_maker(const struct sop_signers *s, bool text, struct pgp_maker **out)
{
	const struct pgp_maker_spec spec = { .signers = s->signers,
		.signer_count = s->keys.certs.count,
		.type = text ? PGP_SIG_TEXT : PGP_SIG_BINARY,
		.created = (uint32_t)clock_unix() };
	struct error e = { 0 };

	return pgp_maker_new(out, &spec, &e) != 0 ? sop_bad_key(&e) : SOP_OK;
}

void
sop_signers_done(struct sop_signers *s)
{
	pgp_memory_keys_free(s->memory);
	sop_passwords_done(&s->passwords);
	sop_ring_done(&s->keys);
}

/* ---- verifications ---- */

int
sop_window(const char *not_before, const char *not_after, const struct pgp_policy *policy, struct sop_window *out)
{
	uint64_t now = policy->now + policy->clock_skew;
	int rc = sop_date(not_before, 0, &out->not_before);

	return rc != 0 ? rc : sop_date(not_after, not_after == NULL ? now : UINT64_MAX, &out->not_after);
}

/* Whether the certificates number from to end have this one among them. */
static bool
holds(const struct sop_ring *ring, size_t from, size_t end, const struct pgp_cert *c)
{
	for (size_t i = from; i < end; i++)
		if (pgp_fingerprint_eq(&ring->certs.items[i]->primary->fingerprint, &c->primary->fingerprint))
			return true;
	return false;
}

/* {"signers": [the arguments that hold the certificate]} */
static int
put_json(const struct sop_ring *ring, const struct pgp_cert *c, struct buf *out)
{
	struct json_value *object = json_value_object(), *signers = json_value_list();
	struct error e = { 0 };
	int rc;

	for (size_t i = 0, from = 0; i < ring->source_count; from = ring->sources[i++].end)
		if (holds(ring, from, ring->sources[i].end, c))
			json_value_append_text(signers, slice_str(ring->sources[i].argument));
	json_value_set(object, "signers", signers);
	rc = json_value_write(object, false, out, &e);
	json_value_free(object);
	return rc;
}

static void
put_line(const struct sop_ring *ring, const struct pgp_verdict *v, struct buf *out)
{
	size_t before;

	(void)date_write_rfc3339(out, v->created);
	(void)buf_put_u8(out, ' ');
	(void)pgp_fingerprint_write(&v->key->fingerprint, out);
	(void)buf_put_u8(out, ' ');
	(void)pgp_fingerprint_write(&v->cert->primary->fingerprint, out);
	(void)buf_put_str(out, v->sig_type == PGP_SIG_TEXT ? " mode:text" : " mode:binary");
	before = out->len;
	(void)buf_put_u8(out, ' ');
	/* It is an addition: a name that is no UTF-8, and so no JSON, does not cost the verification. */
	if (put_json(ring, v->cert, out) != 0)
		buf_truncate(out, out->len - before);
	(void)buf_put_u8(out, '\n');
}

int
sop_verifications(const struct pgp_verifier *v, const struct sop_ring *ring, const struct sop_window *window,
    struct buf *out, size_t *count_out)
{
	*count_out = 0;
	for (size_t i = 0; i < pgp_verifier_count(v); i++) {
		const struct pgp_verdict *w = pgp_verifier_verdict(v, i);

		if (w->kind != PGP_VERDICT_GOOD)
			(void)sop_fail(0, "%s", w->reason);
		else if (w->created < window->not_before || w->created > window->not_after)
			(void)sop_fail(0, "a signature was made outside of the time asked for");
		else {
			put_line(ring, w, out);
			++*count_out;
		}
	}
	return out->err != 0 ? sop_fail(SOP_FAILED, "too many signatures") : SOP_OK;
}
