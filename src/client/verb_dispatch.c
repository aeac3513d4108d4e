/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "client/common.h"
#include "client/verbs.h"

int
verb_dispatch(const struct subverb *table, unsigned count, const char *help, int argc, char **argv)
{
	struct error e;

	if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
		(void)client_help(help);
		return argc == 0 ? EXIT_USAGE : EXIT_DONE;
	}
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(argv[0], table[i].name) == 0)
			return table[i].run(argc - 1, argv + 1);
	}
	(void)error_set(&e, ERR_USAGE, "'%.60s' is not known here; see --help", argv[0]);
	return client_fail(&e);
}
