/* SPDX-License-Identifier: ISC */
/* generate-key. */
#include "client/sop/keys.h"
#include "openpgp/cert/generate.h"
#include "openpgp/key/pqc.h"
#include "os/clock.h"

static int
choose_profile(const char *name, struct pgp_generate_spec *spec)
{
	const struct pgp_profile *p = pgp_profile_find(slice_str(name));
	struct pgp_family_key key;
	struct error e = { 0 };

	if (p == NULL)
		return sop_fail(
		    SOP_UNSUPPORTED_PROFILE, "the profile %s is unknown; see list-profiles generate-key", name);
	if (pgp_family_key(p->family, p->version, true, &key, &e) != 0 || pgp_pqc_available(key.algorithm, &e) != 0)
		return sop_fail(SOP_UNSUPPORTED_PROFILE, "%s", e.text);
	spec->version = p->version;
	spec->family = p->family;
	spec->seipd2 = p->seipd2;
	return SOP_OK;
}

static int
refuse(const struct error *e)
{
	if (e->code == ERR_USAGE)
		return sop_fail(SOP_EXPECTED_TEXT, "%s", e->text);
	return sop_fail(e->code == ERR_UNSUPPORTED ? SOP_UNSUPPORTED_PROFILE : SOP_FAILED, "%s", e->text);
}

static int
put_new_key(struct pgp_generate_spec *spec, const struct option_list *user_ids, bool armor)
{
	struct slice names[OPTIONS_LIST_MAX];
	struct error e = { 0 };
	struct buf key;
	int rc;

	for (size_t i = 0; i < user_ids->count; i++)
		names[i] = slice_str(user_ids->items[i]);
	spec->user_ids = names;
	spec->user_id_count = user_ids->count;
	buf_init(&key, PGP_CERT_MAX);
	if (pgp_generate(spec, &key, &e) != 0)
		rc = refuse(&e);
	else
		rc = sop_put_packets(buf_slice(&key), armor, spec->version == 4);
	buf_wipe_done(&key);
	return rc;
}

int
sop_generate_key(int argc, char **argv)
{
	static struct option_list user_ids;
	const char *profile = "default", *password = NULL;
	struct pgp_generate_spec spec = { .created = (uint32_t)clock_unix() };
	bool no_armor = false;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "signing-only", OPTION_FLAG, &spec.sign_only },
		{ "profile", OPTION_TEXT, &profile },
		{ "with-key-password", OPTION_TEXT, &password },
	};
	struct buf secret = { .max = SOP_PASSWORD_MAX };
	int rc = sop_options("generate-key", argc, argv, options, 4, &user_ids);

	if (rc == 0)
		rc = choose_profile(profile, &spec);
	if (rc == 0 && password != NULL)
		rc = sop_read_password(password, true, &secret);
	if (rc == 0 && password != NULL) {
		spec.passphrase = sop_trimmed(buf_slice(&secret));
		/* What comes out is for any program: v4 readers know only the old protection. */
		spec.protection = spec.version == 4 ? PGP_PROTECT_CFB : PGP_PROTECT_AEAD;
	}
	if (rc == 0)
		rc = put_new_key(&spec, &user_ids, !no_armor);
	buf_wipe_done(&secret);
	return rc;
}
