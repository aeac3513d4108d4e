/* SPDX-License-Identifier: ISC */
/* generate-key, and its profiles. */
#include <stdio.h>
#include <string.h>

#include "client/sop/io.h"
#include "client/sop/keys.h"
#include "openpgp/generate.h"
#include "os/clock.h"

static const struct profile {
	const char *name;
	uint8_t version;
} profiles[] = {
	{ "default", 6 },
	{ "rfc9580", 6 },
	{ "performance", 6 },
	{ "rfc4880", 4 },
	{ "compatibility", 4 },
};

static int
profile_of(const char *name, uint8_t *version_out)
{
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
		if (strcmp(profiles[i].name, name) == 0) {
			*version_out = profiles[i].version;
			return SOP_OK;
		}
	}
	return sop_fail(SOP_UNSUPPORTED_PROFILE, "the profile %s is unknown; see list-profiles generate-key", name);
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
	buf_init(&key, 16 << 20);
	rc = pgp_generate(spec, &key, &e);
	if (rc == ERR_USAGE)
		rc = sop_fail(SOP_EXPECTED_TEXT, "%s", e.text);
	else if (rc != 0)
		rc = sop_fail(SOP_FAILED, "%s", e.text);
	else
		rc = sop_put_packets(buf_slice(&key), armor, spec->version == 4);
	buf_wipe_done(&key);
	return rc;
}

int
sop_generate_key(int argc, char **argv)
{
	bool no_armor = false, signing_only = false;
	const char *profile = "rfc9580", *password = NULL;
	const struct option options[] = {
		{ "no-armor", OPTION_FLAG, &no_armor },
		{ "signing-only", OPTION_FLAG, &signing_only },
		{ "profile", OPTION_TEXT, &profile },
		{ "with-key-password", OPTION_TEXT, &password },
	};
	struct option_list user_ids = { .count = 0 };
	struct pgp_generate_spec spec = { .created = (uint32_t)clock_unix() };
	struct buf secret = { .max = SOP_PASSWORD_MAX };
	int rc = sop_options("generate-key", argc, argv, options, 4, &user_ids);

	if (rc == 0)
		rc = profile_of(profile, &spec.version);
	if (rc == 0 && password != NULL)
		rc = sop_read_password(password, true, &secret);
	spec.sign_only = signing_only;
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
