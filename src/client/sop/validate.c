/* SPDX-License-Identifier: ISC */
/* validate-userid: whether authorities say whose certificate it is. */
#include "client/sop/keys.h"
#include "openpgp/judge/certification.h"
#include "os/clock.h"

#define CERTIFICATIONS_MAX (16u << 20) /* octets of what is found about one user ID */

struct validating {
	struct sop_ring authorities, subjects;
	struct pgp_issuers *issuers;
	struct slice user_id;
	bool address_only;
	struct pgp_policy policy;
	uint64_t at; /* the time asked about */
};

static bool
authority_stands(const struct validating *x, const struct pgp_cert *c)
{
	struct pgp_cert_judgement j;
	bool good;

	if (pgp_cert_judge(c, &x->policy, x->at, &j, NULL) != 0)
		return false;
	good = j.standing == PGP_STANDING_GOOD;
	pgp_cert_judgement_done(&j);
	return good;
}

static bool
matches(const struct validating *x, const struct pgp_component_judgement *k)
{
	struct slice body = k->component->packet.body;

	if (k->component->kind != PGP_COMPONENT_USER_ID || k->standing != PGP_STANDING_GOOD)
		return false;
	return slice_eq(x->address_only ? pgp_user_id_address(body) : body, x->user_id);
}

/*
 * Whether one of the authorities says so, and stands. Of its own user IDs the owner's word is enough, and it was judged
 * already.
 */
static bool
certified(const struct validating *x, const struct pgp_cert *subject, const struct pgp_component *k, struct arena *a)
{
	const struct pgp_certification_query query = {
		.target = subject, .component = k, .issuers = x->issuers, .policy = &x->policy, .at = x->at
	};
	struct pgp_certification *found;
	size_t count;

	if (pgp_certifications_find(&query, a, &found, &count, NULL) != 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (found[i].amount > 0 && authority_stands(x, found[i].issuer))
			return true;
	return false;
}

/* Whether it is an authority itself, which stands: an older copy of one that has been revoked does not. */
static bool
is_authority(const struct validating *x, const struct pgp_cert *c)
{
	const struct pgp_certs *all = &x->authorities.certs;

	for (size_t i = 0; i < all->count; i++)
		if (pgp_fingerprint_eq(&all->items[i]->primary->fingerprint, &c->primary->fingerprint) &&
		    authority_stands(x, all->items[i]))
			return true;
	return false;
}

static bool
validated(const struct validating *x, const struct pgp_cert_judgement *j)
{
	bool own = is_authority(x, j->cert), yes = false;
	struct arena a;

	arena_init(&a, CERTIFICATIONS_MAX);
	for (size_t i = 0; !yes && i < j->count; i++)
		yes = matches(x, &j->components[i]) && (own || certified(x, j->cert, j->components[i].component, &a));
	arena_done(&a);
	return yes;
}

static int
validate_one(const struct validating *x, const struct pgp_cert *subject)
{
	struct pgp_cert_judgement j;
	struct error e = { 0 };
	int rc = pgp_cert_judge(subject, &x->policy, x->at, &j, &e);

	if (rc != 0)
		return sop_bad(&e);
	if (j.standing != PGP_STANDING_GOOD)
		rc = sop_fail(SOP_CERT_USERID_NO_MATCH, "the certificate %016llX is no good: %s",
		    (unsigned long long)subject->primary->key_id, j.components[0].reason);
	else if (!validated(x, &j))
		rc = sop_fail(SOP_CERT_USERID_NO_MATCH, "nobody of those asked says that %016llX is this user ID's",
		    (unsigned long long)subject->primary->key_id);
	pgp_cert_judgement_done(&j);
	return rc;
}

int
sop_validate_userid(int argc, char **argv)
{
	static struct validating x;
	static struct option_list arguments;
	const char *at = NULL;
	const struct option options[] = {
		{ "addr-spec-only", OPTION_FLAG, &x.address_only },
		{ "validate-at", OPTION_TEXT, &at },
	};
	struct error e = { 0 };
	int rc = sop_options("validate-userid", argc, argv, options, 2, &arguments);

	x.policy = pgp_policy_default(clock_unix());
	if (rc == 0 && arguments.count < 2)
		rc = sop_fail(SOP_MISSING_ARG, "validate-userid needs a user ID and a certificate");
	if (rc == 0)
		rc = sop_date(at, x.policy.now, &x.at);
	if (rc == 0) {
		x.user_id = slice_str(arguments.items[0]);
		rc = sop_load_list(&arguments, 1, false, &x.authorities);
	}
	if (rc == 0 && pgp_issuers_new(&x.authorities.certs, &x.issuers, &e) != 0)
		rc = sop_bad(&e);
	if (rc == 0)
		rc = sop_load_input(false, &x.subjects);
	for (size_t i = 0; rc == 0 && i < x.subjects.certs.count; i++)
		rc = validate_one(&x, x.subjects.certs.items[i]);
	pgp_issuers_free(x.issuers);
	sop_ring_done(&x.subjects);
	sop_ring_done(&x.authorities);
	return rc;
}
