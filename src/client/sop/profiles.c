/* SPDX-License-Identifier: ISC */
/* list-profiles. */
#include <stdio.h>
#include <string.h>

#include "client/sop/sop.h"
#include "openpgp/pqc.h"
#include "openpgp/profile.h"

/* Whether the libcrypto of this machine has its algorithms. */
static bool
possible(const struct pgp_profile *p)
{
	struct pgp_family_key key;

	return pgp_family_key(p->family, p->version, true, &key, NULL) == 0 &&
	    pgp_pqc_available(key.algorithm, NULL) == 0;
}

static void
put_key_profiles(void)
{
	const struct pgp_profile *p;

	for (size_t i = 0; (p = pgp_profile_at(i)) != NULL; i++)
		if (possible(p))
			(void)printf("%s: %s\n", p->name, p->description);
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
		(void)puts("rfc9580: SEIPD version 2 with OCB where every recipient reads it\n"
			   "rfc4880: SEIPD version 1");
	else
		return sop_fail(SOP_UNSUPPORTED_PROFILE, "%s has no profiles", arguments.items[0]);
	return SOP_OK;
}
