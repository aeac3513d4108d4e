/* SPDX-License-Identifier: ISC */
/*
 * The records of a domain's addresses: OPENPGPKEY of every certificate that the
 * directory publishes, SMIMEA of files that the operator names. Printed one by
 * one, for there may be many; meant for a file that the zone includes.
 */
#ifndef DAEMON_RECORDS_KEYS_H
#define DAEMON_RECORDS_KEYS_H

#include "daemon/records.h"

#define RECORDS_SMIMEA_MAX 64u /* files that one command takes */

/* Called for each record. Returning an error stops. */
typedef int records_keys_fn(void *ctx, const struct record *r, struct error *e);

/* OPENPGPKEY of the domain's published addresses; at most limit certificates (0: all). */
int records_openpgpkey(
    struct port *store, struct slice domain, size_t limit, records_keys_fn *each, void *ctx, struct error *e);
/* SMIMEA of "ADDRESS=FILE". */
int records_smimea(const char *word, struct slice domain, records_keys_fn *each, void *ctx, struct error *e);

#endif
