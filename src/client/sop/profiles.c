/* SPDX-License-Identifier: ISC */
/* list-profiles. */
#include <stdio.h>
#include <string.h>

#include "client/sop/sop.h"
#include "openpgp/key/pqc.h"
#include "openpgp/cert/profile.h"

/* Whether the libcrypto of this machine has its algorithms. */
static bool
possible(const struct pgp_profile *p)
{
	struct pgp_family_key key;

	return pgp_family_key(p->family, p->version, true, &key, NULL) == 0 &&
	    pgp_pqc_available(key.algorithm, NULL) == 0;
}

static bool
same(const struct pgp_profile *a, const struct pgp_profile *b)
{
	return a->version == b->version && a->family == b->family && a->seipd2 == b->seipd2;
}

/* Whether an earlier one is the same under another name. */
static bool
is_alias(size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (same(pgp_profile_at(i), pgp_profile_at(n)))
			return true;
	return false;
}

/* One line a profile, its other names behind it. */
static void
put_key_profiles(void)
{
	const struct pgp_profile *p, *other;

	for (size_t i = 0; (p = pgp_profile_at(i)) != NULL; i++) {
		if (is_alias(i) || !possible(p))
			continue;
		(void)printf("%s: %s", p->name, p->description);
		for (size_t n = i + 1; (other = pgp_profile_at(n)) != NULL; n++)
			if (same(p, other))
				(void)printf(" (alias: %s)", other->name);
		(void)putchar('\n');
	}
}

int
sop_list_profiles(int argc, char **argv)
{
	static struct option_list arguments;
	int rc = sop_options("list-profiles", argc, argv, NULL, 0, &arguments);

	if (rc != 0)
		return rc;
	if (arguments.count != 1)
		return sop_fail(SOP_MISSING_ARG, "list-profiles takes the name of a subcommand");
	if (strcmp(arguments.items[0], "generate-key") == 0)
		put_key_profiles();
	else if (strcmp(arguments.items[0], "encrypt") == 0)
		(void)puts("rfc9580: SEIPD version 2 with OCB where every recipient reads it (alias: performance)"
			   " (alias: security)\n"
			   "rfc4880: SEIPD version 1 (alias: compatibility)");
	else
		return sop_fail(SOP_UNSUPPORTED_PROFILE, "%s has no profiles", arguments.items[0]);
	return SOP_OK;
}
