/* SPDX-License-Identifier: ISC */
/* version. */
#include <stdio.h>

#include "client/sop/sop.h"
#include "crypto/start.h"

int
sop_version(int argc, char **argv)
{
	bool backend = false, extended = false, spec = false, sopv = false;
	const struct option options[] = {
		{ "backend", OPTION_FLAG, &backend },
		{ "extended", OPTION_FLAG, &extended },
		{ "sop-spec", OPTION_FLAG, &spec },
		{ "sopv", OPTION_FLAG, &sopv },
	};
	int rc = sop_options("version", argc, argv, options, 4, NULL);

	if (rc != 0)
		return rc;
	if (backend + extended + spec + sopv > 1)
		return sop_fail(SOP_INCOMPATIBLE_OPTIONS, "choose one of version's options");
	if (spec)
		(void)puts("draft-dkg-openpgp-stateless-cli-16");
	else if (sopv)
		(void)puts("1.0");
	else if (backend)
		(void)printf("libcrypto %s\n", crypto_library_version());
	else
		(void)puts("letterlock " LETTERLOCK_VERSION);
	if (extended)
		(void)printf("OpenPGP engine of its own (RFC 9580, versions 4 and 6)\n"
			     "on OpenSSL's libcrypto %s\n",
		    crypto_library_version());
	return SOP_OK;
}
