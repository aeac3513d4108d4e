/* SPDX-License-Identifier: ISC */
/*
 * The schema and its versions. SQLite's user_version says how far a database
 * is; every step brings it one further in a transaction of its own, so that a
 * migration that was cut off goes on where it stopped.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/db.h"

#define SCHEMA_VERSION 1u
#define SCHEMA_APPLICATION 0x4c6c6f6bu /* "Llok" in the database's header: that it is ours */

/*
 * Brings the database to SCHEMA_VERSION; *from_out is the version it had (0:
 * it was empty). ERR_UNSUPPORTED when it is newer, ERR_INTEGRITY when it is
 * somebody else's.
 */
int schema_migrate(struct db *db, uint32_t *from_out, struct error *e);

#endif
