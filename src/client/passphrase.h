/* SPDX-License-Identifier: ISC */
/* A passphrase that is tried, and asked for again when it was wrong. */
#ifndef CLIENT_PASSPHRASE_H
#define CLIENT_PASSPHRASE_H

#include "client/common.h"

#define CLIENT_PASSPHRASE_TRIES 3u

/* What needs it: 0; ERR_PASSWORD when it is the wrong one, and then nothing has happened; or another error. */
typedef int client_passphrase_use(void *ctx, struct slice passphrase, struct error *e);

/*
 * Asks and uses, three times at most, at the terminal or in a window; what comes from --passphrase-fd is used once.
 * Returns what the last use gave.
 */
int client_passphrase_try(
    const struct common *c, const char *question, client_passphrase_use *use, void *ctx, struct error *e);

#endif
