/* SPDX-License-Identifier: ISC */
/* What import does with what it is given; for verb_import.c and import_*.c. */
#ifndef CLIENT_KEY_IMPORT_H
#define CLIENT_KEY_IMPORT_H

#include "client/key/command.h"

struct importing {
	struct key_command *c;
	struct json_value *list; /* of the answers for a program; NULL for people */
	bool secret;             /* from GnuPG: secret keys too */
	bool yes;
	const char *gnupg_home;
};

/* One certificate or secret key, from a file or a program. */
int import_one(struct importing *i, const struct pgp_cert *cert, const char *from);
/* Says one that is in the store now. */
void import_say(struct importing *i, const struct pgp_fingerprint *f);
/* A revocation certificate by itself (version 4). ERR_SYNTAX when it is none, ERR_NOT_FOUND. */
int import_revocation(struct importing *i, struct slice file);
/* Everything that GnuPG has, or the secret keys that words (fingerprints, addresses) mean. */
int import_gnupg(struct importing *i, const struct option_list *words);

#endif
