/* SPDX-License-Identifier: ISC */
/* validate-userid: whether authorities say whose certificate it is. */
#include "client/sop/keys.h"
#include "openpgp/verify.h"
#include "os/clock.h"

struct validating {
	struct sop_ring authorities, subjects;
	struct slice user_id;
	bool address_only;
	struct pgp_policy policy;
	uint64_t at; /* the time asked about */
};

/* Of what one authority said about one user ID; 0 is never. */
struct said {
	uint64_t certified, taken_back;
};

/* Whether a signature is the authority's, correct, and counts at the time asked about. */
static bool
counts(const struct validating *x, const struct pgp_sig *s, const struct pgp_sig_target *target,
    const struct pgp_key *authority)
{
	if (s->invalid != NULL || !s->has_created || s->created > x->at || !pgp_sig_may_be_from(s, authority))
		return false;
	if (s->expires != 0 && (uint64_t)s->created + s->expires <= x->at)
		return false;
	return pgp_policy_hash(&x->policy, s->hash, PGP_USE_DATA, NULL) == 0 &&
	    pgp_sig_check_target(s, target, authority, NULL) == 0;
}

static void
hear(const struct validating *x, const struct pgp_part *part, const struct pgp_sig_target *target,
    const struct pgp_key *authority, struct said *said)
{
	struct pgp_sig s;
	uint64_t *when;

	if (part->type != PGP_SIGNATURE || pgp_sig_parse(part->body, &s, NULL) != 0)
		return;
	if (s.type == PGP_SIG_CERT_REVOCATION)
		when = &said->taken_back;
	else if (s.type >= PGP_SIG_CERT_GENERIC && s.type <= PGP_SIG_CERT_POSITIVE)
		when = &said->certified;
	else
		return;
	if (s.created > *when && counts(x, &s, target, authority))
		*when = s.created;
}

static bool
says(const struct validating *x, const struct pgp_cert *subject, const struct pgp_component *k,
    const struct pgp_cert *authority)
{
	const struct pgp_sig_target target = {
		.primary = subject->primary, .user_type = PGP_USER_ID, .user = k->packet.body
	};
	struct said said = { 0, 0 };

	/* Of its own user IDs the owner's word is enough, and it was judged already. */
	if (pgp_fingerprint_eq(&subject->primary->fingerprint, &authority->primary->fingerprint))
		return true;
	for (size_t i = 0; i < k->part_count; i++)
		hear(x, &k->parts[i], &target, authority->primary, &said);
	return said.certified > said.taken_back;
}

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

/* One authority that stands and says so of one matching user ID is enough. */
static bool
validated(const struct validating *x, const struct pgp_cert_judgement *j)
{
	for (size_t i = 0; i < j->count; i++) {
		if (!matches(x, &j->components[i]))
			continue;
		for (size_t n = 0; n < x->authorities.certs.count; n++) {
			const struct pgp_cert *a = x->authorities.certs.items[n];

			if (says(x, j->cert, j->components[i].component, a) && authority_stands(x, a))
				return true;
		}
	}
	return false;
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
	if (rc == 0)
		rc = sop_load_input(false, &x.subjects);
	for (size_t i = 0; rc == 0 && i < x.subjects.certs.count; i++)
		rc = validate_one(&x, x.subjects.certs.items[i]);
	sop_ring_done(&x.subjects);
	sop_ring_done(&x.authorities);
	return rc;
}
