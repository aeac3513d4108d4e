/* SPDX-License-Identifier: ISC */
/* certify-userid: saying whose certificate it is. */
#include "client/sop/merge.h"
#include "crypto/secret.h"
#include "openpgp/cert/certify.h"
#include "openpgp/frame/packet.h"
#include "openpgp/judge/verify.h"
#include "os/clock.h"

struct certifying {
	struct sop_ring keys, subjects;
	struct sop_passwords passwords;
	struct pgp_memory_keys *memory;
	struct option_list user_ids;
	bool any; /* also user IDs that the owner did not sign */
	struct pgp_policy policy;
};

/* The primary key of each given key, good as of now and unlocked. */
static int
open_certifier(struct certifying *x, const struct pgp_cert *c)
{
	struct pgp_cert_judgement j;
	struct error e = { 0 };
	int rc = pgp_cert_judge(c, &x->policy, x->policy.now, &j, &e);

	if (rc != 0)
		return sop_bad(&e);
	if (!pgp_key_can_verify(c->primary))
		rc = sop_fail(SOP_UNSUPPORTED_ASYMMETRIC, "the key is of an algorithm that we cannot sign with");
	else if (j.standing != PGP_STANDING_GOOD)
		rc = sop_fail(SOP_KEY_CANNOT_CERTIFY, "the key cannot certify: %s", j.components[0].reason);
	else if (pgp_policy_key(&x->policy, c->primary, PGP_USE_DATA, &e) != 0)
		rc = sop_fail(SOP_KEY_CANNOT_CERTIFY, "the key cannot certify: %s", e.text);
	else
		rc = sop_unlock(c->primary, &x->passwords, x->memory);
	pgp_cert_judgement_done(&j);
	return rc;
}

/* Whether the owner says that it is his, and nothing took that back. */
static bool
self_signed(const struct pgp_cert_judgement *j, struct slice user_id)
{
	for (size_t i = 0; i < j->count; i++) {
		const struct pgp_component *k = j->components[i].component;

		if (k->kind == PGP_COMPONENT_USER_ID && slice_eq(k->packet.body, user_id) &&
		    j->components[i].standing == PGP_STANDING_GOOD)
			return true;
	}
	return false;
}

static int
check_self_signed(const struct certifying *x, const struct pgp_cert *c)
{
	struct pgp_cert_judgement j;
	struct error e = { 0 };
	int rc = pgp_cert_judge(c, &x->policy, x->policy.now, &j, &e);

	if (rc != 0)
		return sop_bad(&e);
	for (size_t i = 0; rc == 0 && i < x->user_ids.count; i++) {
		if (j.standing != PGP_STANDING_GOOD)
			rc = sop_fail(
			    SOP_CERT_USERID_NO_MATCH, "the certificate is no good: %s", j.components[0].reason);
		else if (!self_signed(&j, slice_str(x->user_ids.items[i])))
			rc = sop_fail(
			    SOP_CERT_USERID_NO_MATCH, "the certificate has no valid user ID %s", x->user_ids.items[i]);
	}
	pgp_cert_judgement_done(&j);
	return rc;
}

/* A user ID that the certificate has not: it stands in front of the first subkey. */
static int
add_user_id(struct pgp_cert **c, struct slice user_id)
{
	const struct pgp_cert *old = *c;
	struct buf out;
	bool put = false;

	for (size_t i = 0; i < old->component_count; i++)
		if (old->components[i].kind == PGP_COMPONENT_USER_ID &&
		    slice_eq(old->components[i].packet.body, user_id))
			return SOP_OK;
	buf_init(&out, PGP_CERT_MAX);
	for (size_t i = 0; i <= old->component_count; i++) {
		const struct pgp_component *k = i < old->component_count ? &old->components[i] : NULL;

		if (!put && (k == NULL || k->kind == PGP_COMPONENT_SUBKEY)) {
			(void)pgp_packet_write(&out, PGP_USER_ID, user_id);
			put = true;
		}
		if (k != NULL)
			(void)buf_put_slice(&out, k->packet.raw);
		for (size_t n = 0; k != NULL && n < k->part_count; n++)
			(void)buf_put_slice(&out, k->parts[n].raw);
	}
	if (out.err != 0) {
		buf_done(&out);
		return sop_nomem();
	}
	return sop_replace(c, &out);
}

static int
certify_one(const struct certifying *x, struct pgp_cert **c, struct slice user_id)
{
	const struct pgp_certify_spec spec = { .created = (uint32_t)x->policy.now };
	struct error e = { 0 };
	int rc = x->any ? add_user_id(c, user_id) : SOP_OK;

	for (size_t i = 0; rc == 0 && i < x->keys.certs.count; i++) {
		struct buf out;

		buf_init(&out, PGP_CERT_MAX);
		if (pgp_certify_user(
			&spec, *c, user_id, x->keys.certs.items[i], pgp_memory_keys_ops(x->memory), &out, &e) == 0)
			rc = sop_replace(c, &out);
		else
			rc = e.code == ERR_NOT_FOUND ? sop_fail(SOP_CERT_USERID_NO_MATCH, "%s", e.text)
						     : sop_bad_key(&e);
		buf_done(&out);
	}
	return rc;
}

static int
certify(struct certifying *x, struct buf *out)
{
	struct error e = { 0 };
	int rc = pgp_memory_keys_new(&x->memory, &e) != 0 ? sop_bad(&e) : SOP_OK;

	for (size_t i = 0; rc == 0 && i < x->keys.certs.count; i++)
		rc = open_certifier(x, x->keys.certs.items[i]);
	for (size_t i = 0; rc == 0 && i < x->subjects.certs.count; i++) {
		struct pgp_cert **c = &x->subjects.certs.items[i];

		if (!x->any)
			rc = check_self_signed(x, *c);
		for (size_t n = 0; rc == 0 && n < x->user_ids.count; n++)
			rc = certify_one(x, c, slice_str(x->user_ids.items[n]));
		if (rc == 0 && pgp_cert_write(*c, out) != 0)
			rc = sop_nomem();
	}
	return rc;
}

int
sop_certify_userid(int argc, char **argv)
{
	static struct certifying x;
	static struct option_list words, files;
	bool no_armor = false;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "userid", OPTION_LIST, &x.user_ids },
		{ "no-require-self-sig", OPTION_FLAG, &x.any },
		{ "with-key-password", OPTION_LIST, &words },
	};
	struct buf out BUF_OWNED = { 0 };
	int rc = sop_options("certify-userid", argc, argv, options, 4, &files);

	buf_init(&out, SOP_INPUT_MAX);
	x.policy = pgp_policy_default(clock_unix());
	if (rc == 0 && (x.user_ids.count == 0 || files.count == 0))
		rc = sop_fail(SOP_MISSING_ARG, "certify-userid needs --userid and a secret key");
	if (rc == 0)
		rc = sop_load_passwords(&words, false, &x.passwords);
	if (rc == 0)
		rc = sop_load_list(&files, 0, true, &x.keys);
	if (rc == 0)
		rc = sop_load_input(false, &x.subjects);
	if (rc == 0)
		rc = certify(&x, &out);
	if (rc == 0)
		rc = sop_put_packets(buf_slice(&out), !no_armor, sop_ring_checksum(&x.subjects));
	pgp_memory_keys_free(x.memory);
	sop_passwords_done(&x.passwords);
	sop_ring_done(&x.subjects);
	sop_ring_done(&x.keys);
	return rc;
}
