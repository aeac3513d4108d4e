/* SPDX-License-Identifier: ISC */
/*
 * A key of ours whose secrets are in a token: an OpenPGP certificate (version
 * 4) over the token's public keys. What is kept is a secret key file like every
 * other, but with GnuPG's stub for a secret on a card in the place of the secret;
 * so all that uses keys finds it, and the agent, which sees the stub, asks the token.
 *
 * An OpenPGP fingerprint covers the time of making, which no token knows: it is
 * kept in that file. Where the certificate is in the store already (another
 * machine made it, and it was imported), its time and its fingerprint stay.
 */
#ifndef CLIENT_TOKEN_IMPORT_H
#define CLIENT_TOKEN_IMPORT_H

#include "client/key/command.h"

struct token_import {
	const char *address, *name; /* as in struct keyring_new */
	const char *label;          /* of the keys, or of their token; NULL: there is only one that signs */
};

/* ERR_NO_KEY when no token has such a key, ERR_USAGE when several have. */
int token_import(
    struct key_command *c, const struct token_import *spec, struct pgp_fingerprint *fingerprint_out, struct error *e);

#endif
