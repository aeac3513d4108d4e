/* SPDX-License-Identifier: ISC */
#include "trust/believe/believe.h"

#include <string.h>

#include "openpgp/judge/verify.h"
#include "trust/believe/believe_internal.h"
#include "trust/why.h"

#define PART 40u         /* of 120: what GnuPG calls one marginal word, and sq-wot partially authenticated */
#define USER_IDS_MAX 64u /* of one certificate that are weighed for one answer */

const char *
believe_verdict_name(enum believe_verdict v)
{
	switch (v) {
	case BELIEVE_CONTRADICTED:
		return "contradicted";
	case BELIEVE_KNOWN:
		return "only known";
	case BELIEVE_PARTLY:
		return "partly";
	case BELIEVE_FULLY:
		return "fully";
	case BELIEVE_NOT:
		break;
	}
	return "not believed";
}

/* ---- by the trust model ---- */

static bool
has_address(struct slice user_id, struct slice folded)
{
	BUF_OWNED struct buf own = { .max = TRUST_ADDRESS_MAX };

	return folded.len == 0 ||
	    (trust_address_fold(pgp_user_id_address(user_id), &own) == 0 && slice_eq(buf_slice(&own), folded));
}

/* The user ID of the address that comes out best; *any: there is one at all. */
static int
weigh_best(struct believer *b, const struct pgp_cert *cert, struct slice folded, struct belief *out, struct error *e)
{
	unsigned asked = 0;
	int rc = 0;

	for (size_t i = 1; i < cert->component_count && rc == 0 && out->amount < PGP_NETWORK_FULL; i++) {
		const struct pgp_component *k = &cert->components[i];
		struct pgp_network_result r;

		if (k->kind != PGP_COMPONENT_USER_ID || !has_address(k->packet.body, folded) || asked == USER_IDS_MAX)
			continue;
		asked++;
		rc = believer_weigh(b, cert, k->packet.body, &r, e);
		if (rc != 0)
			return rc;
		if (asked > 1 && r.amount <= out->amount) {
			pgp_network_result_done(&r);
			continue;
		}
		pgp_network_result_done(&out->paths);
		out->paths = r;
		out->amount = r.amount;
		out->user_id = k->packet.body;
	}
	return rc;
}

/* ---- what the store knows ---- */

static const struct trust_entry *
entry_for(const struct believer *b, const struct pgp_fingerprint *f, struct slice address)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	size_t n;

	if (b->store == NULL)
		return NULL;
	if (address.len == 0)
		return trust_store_find(b->store, f);
	n = trust_store_find_address(b->store, address, found, TRUST_CANDIDATES_MAX);
	for (size_t i = 0; i < n; i++)
		if (pgp_fingerprint_eq(&found[i]->fingerprint, f))
			return found[i];
	return NULL;
}

static bool
is_certain(const struct trust_entry *entry)
{
	return entry != NULL && (entry->origin == TRUST_OWN || entry->verified != 0);
}

/* Whether certifications alone make another certificate of the address full. */
static int
weighs_full(struct believer *b, const struct trust_entry *entry, struct slice folded, bool *full, struct error *e)
{
	struct belief other = { 0 };
	const struct pgp_cert *cert;
	int rc = trust_ring_find(b->ring, &entry->fingerprint, &cert, e);

	if (rc == 0 && cert != NULL)
		rc = weigh_best(b, cert, folded, &other, e);
	*full = other.amount >= PGP_NETWORK_FULL;
	pgp_network_result_done(&other.paths);
	return rc;
}

/* Others of the same address: one that is more than this, else the newest. */
static int
find_others(
    struct believer *b, const struct pgp_fingerprint *of, struct slice folded, struct believe_known *k, struct error *e)
{
	const struct trust_entry *found[TRUST_CANDIDATES_MAX];
	size_t n = b->store == NULL || folded.len == 0
	    ? 0
	    : trust_store_find_address(b->store, folded, found, TRUST_CANDIDATES_MAX);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0 && k->other == NULL; i++) {
		bool full = is_certain(found[i]);

		if (pgp_fingerprint_eq(&found[i]->fingerprint, of) || trust_entry_dead(found[i], b->policy.now) != NULL)
			continue;
		if (!full)
			rc = weighs_full(b, found[i], folded, &full, e);
		if (full)
			k->other = found[i];
		else if (k->rival == NULL || found[i]->added > k->rival->added)
			k->rival = found[i];
	}
	return rc;
}

/* As of the time asked about: the certificate, and the user ID that was found. */
static int
judge(const struct believer *b, const struct belief *out, struct believe_known *k, struct error *e)
{
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(out->cert, &b->policy, b->policy.now, &j, e);

	if (rc != 0)
		return rc;
	switch (j.standing) {
	case PGP_STANDING_GOOD:
		break;
	case PGP_STANDING_EXPIRED:
		k->dead = "It has expired";
		break;
	case PGP_STANDING_REVOKED_HARD:
	case PGP_STANDING_REVOKED_SOFT:
		k->dead = "Its owner revoked it";
		break;
	case PGP_STANDING_NOT_YET:
		k->dead = "It was not made yet";
		break;
	case PGP_STANDING_UNBOUND:
	case PGP_STANDING_NO_BACK_SIGNATURE:
	case PGP_STANDING_POLICY:
	case PGP_STANDING_NOT_UNDERSTOOD:
		k->dead = "It is not in order";
		break;
	}
	for (size_t i = 1; i < j.count && k->dead == NULL; i++)
		if (j.components[i].component->kind == PGP_COMPONENT_USER_ID &&
		    slice_eq(j.components[i].component->packet.body, out->user_id) &&
		    (j.components[i].standing == PGP_STANDING_REVOKED_HARD ||
			j.components[i].standing == PGP_STANDING_REVOKED_SOFT))
			k->dead = "Its owner took the address out of it";
	pgp_cert_judgement_done(&j);
	return 0;
}

/* ---- together ---- */

static enum believe_verdict
decide(const struct believe_known *k, const struct belief *out)
{
	if (out->cert == NULL || out->user_id.data == NULL || k->dead != NULL)
		return BELIEVE_NOT;
	if (is_certain(k->entry) || out->amount >= PGP_NETWORK_FULL)
		return BELIEVE_FULLY;
	if (k->other != NULL)
		return BELIEVE_CONTRADICTED;
	return out->amount >= PART || trust_is_believed(k->entry) ? BELIEVE_PARTLY : BELIEVE_KNOWN;
}

static int
say(const struct believer *b, const struct believe_known *k, struct slice address, struct belief *out, struct error *e)
{
	int rc;

	out->reasons = arena_array(&out->arena, BELIEVE_REASONS_MAX, sizeof *out->reasons);
	rc = out->reasons == NULL ? out->arena.err : 0;
	if (rc == 0 && is_certain(k->entry))
		rc = believe_say_known(b, k, address, out);
	if (rc == 0)
		rc = believe_say_paths(b, out);
	if (rc == 0 && !is_certain(k->entry))
		rc = believe_say_known(b, k, address, out);
	if (rc == 0)
		rc = believe_say_advice(k, out);
	return rc == 0 ? 0 : error_set(e, rc, "no room for the reasons");
}

int
believe(struct believer *b, const struct pgp_fingerprint *of, struct slice address, struct belief *out, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };
	struct believe_known k = { 0 };
	int rc;

	*out = (struct belief){ .verdict = BELIEVE_NOT };
	arena_init(&out->arena, BELIEVE_TEXT_BUDGET);
	if (trust_address_fold(address, &folded) != 0)
		return error_set(e, ERR_LIMIT, "an address of more than %u octets", TRUST_ADDRESS_MAX);
	rc = trust_ring_find(b->ring, of, &out->cert, e);
	if (rc == 0 && out->cert != NULL) {
		rc = weigh_best(b, out->cert, buf_slice(&folded), out, e);
		if (rc == 0)
			rc = judge(b, out, &k, e);
		k.entry = entry_for(b, of, buf_slice(&folded));
		/* Whoever is asked about, he may be taken for another by the address that the user ID has. */
		if (folded.len == 0)
			(void)trust_address_fold(pgp_user_id_address(out->user_id), &folded);
		if (rc == 0)
			rc = find_others(b, of, buf_slice(&folded), &k, e);
	}
	if (rc == 0) {
		out->verdict = decide(&k, out);
		rc = say(b, &k, buf_slice(&folded), out, e);
	}
	if (rc != 0)
		belief_done(out);
	return rc;
}

void
belief_done(struct belief *b)
{
	pgp_network_result_done(&b->paths);
	arena_done(&b->arena);
	b->reasons = NULL;
	b->reason_count = 0;
}
