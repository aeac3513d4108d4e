/* SPDX-License-Identifier: ISC */
#include "client/key/belief.h"

#include "trust/why.h"

#define WHY_MAX 8192u

static void
put(struct buf *out, struct slice sentence)
{
	if (out->len > 0)
		(void)buf_put_u8(out, ' ');
	(void)buf_put_slice(out, sentence);
}

/*
 * Without certifications that count, the one sentence about where it came from, and what contradicts it; else all
 * reasons, whose last but one is that.
 */
static void
take(const struct belief *x, const struct trust_entry *entry, struct key_belief *out)
{
	bool certain = entry != NULL && (entry->origin == TRUST_OWN || entry->verified != 0);

	out->verdict = x->verdict;
	put(&out->advice, x->advice);
	if (x->amount == 0 || certain)
		(void)trust_why(entry, &out->why);
	for (size_t i = 0; i < x->reason_count && x->amount > 0 && !certain; i++)
		put(&out->why, x->reasons[i]);
	if (x->verdict == BELIEVE_CONTRADICTED && x->amount == 0 && x->reason_count > 0)
		put(&out->why, x->reasons[x->reason_count - 1]);
}

static int
ask(const struct keyring *k, const struct pgp_fingerprint *f, struct slice address, uint64_t at, struct key_belief *out,
    struct error *e)
{
	struct pgp_policy policy = k->policy;
	struct believer *b = NULL;
	struct belief x;
	int rc;

	if (at != 0 && at < policy.now)
		policy = pgp_policy_default(at);
	rc = believer_new(k->certs, &policy, &b, e);
	if (rc == 0)
		rc = believe(b, f, address, &x, e);
	if (rc == 0) {
		buf_clear(&out->why);
		buf_clear(&out->advice);
		take(&x, trust_store_find(k->certs, f), out);
		belief_done(&x);
	}
	believer_free(b);
	return rc;
}

void
key_believe(const struct keyring *k, const struct pgp_fingerprint *f, struct slice address, uint64_t signed_at,
    struct key_belief *out)
{
	const struct trust_entry *entry = k->certs == NULL ? NULL : trust_store_find(k->certs, f);
	struct error e;
	int rc = 0;

	*out = (struct key_belief){ .verdict = BELIEVE_NOT };
	buf_init(&out->why, WHY_MAX);
	buf_init(&out->advice, WHY_MAX);
	if (entry == NULL) {
		(void)trust_why(NULL, &out->why);
		return;
	}
	rc = ask(k, f, address, 0, out, &e);
	if (rc == 0 && signed_at != 0 && out->verdict == BELIEVE_NOT)
		rc = ask(k, f, address, signed_at, out, &e);
	if (rc == 0)
		return;
	buf_clear(&out->why);
	entry = trust_store_find(k->certs, f);
	out->verdict = trust_is_believed(entry) ? BELIEVE_PARTLY : BELIEVE_KNOWN;
	(void)trust_why(entry, &out->why);
	put(&out->why, SLICE("Certifications could not be weighed:"));
	put(&out->why, slice_str(e.text));
}

void
key_belief_done(struct key_belief *b)
{
	buf_done(&b->why);
	buf_done(&b->advice);
}
