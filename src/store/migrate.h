/* SPDX-License-Identifier: ISC */
/*
 * The schema and its versions. SQLite's user_version says which one a
 * database has or is on the way to; the way there is steps of bounded size,
 * each a transaction, so that a migration that was cut off goes on where it
 * stopped. tests/data/store has a folder of every version there was.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/db.h"

#define SCHEMA_VERSION 5u
#define SCHEMA_APPLICATION 0x4c6c6f6bu /* "Llok" in the database's header: that it is ours */

/* ERR_UNSUPPORTED when the database is newer than this program, ERR_INTEGRITY when it is somebody else's. */
int schema_check(struct db *db, uint64_t *version_out, struct error *e);

/* *begun_out: not 0 when the way to its version was begun and not finished. */
int schema_is_begun(struct db *db, uint64_t *begun_out, struct error *e);

typedef void schema_say_fn(void *ctx, const char *line);

/*
 * Brings the database to SCHEMA_VERSION, and tells say (or NULL) before each
 * step; *migrated_out: it had an older one, or was on the way. ERR_UNSUPPORTED
 * when it is newer, ERR_INTEGRITY when it is somebody else's.
 */
int schema_migrate(struct db *db, schema_say_fn *say, void *ctx, bool *migrated_out, struct error *e);

#endif
