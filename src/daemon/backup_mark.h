/* SPDX-License-Identifier: ISC */
/*
 * FOLDER/backup.json says that a folder is a backup: of which store, when, and
 * by what program. The backup is whole when store.db is beside it: that comes
 * last (store/snapshot.h).
 */
#ifndef DAEMON_BACKUP_MARK_H
#define DAEMON_BACKUP_MARK_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "os/terminal.h"
#include "store/snapshot.h"

/* DATA/restore.json: a restore is at work there, or was cut off (restore.c). */
#define BACKUP_RESTORING "restore.json"

struct backup_mark {
	char store[STORE_SNAPSHOT_ID_TEXT];
	uint64_t begun;    /* unix seconds */
	uint64_t finished; /* 0: not yet */
	uint32_t schema;
	struct store_snapshot_counts counts; /* when it is finished */
};

bool backup_is_there(const char *folder);
bool backup_is_whole(const char *folder);
/* The whole of it, for json_value_free(). */
int backup_mark_value(const char *folder, struct json_value **out, struct error *e);
/* Of the file only the store is of use to programs. ERR_INTEGRITY when it is no such file. */
int backup_mark_read(const char *folder, struct backup_mark *out, struct error *e);
int backup_mark_write(const char *folder, const struct backup_mark *mark, struct error *e);

/*
 * The certificate that the server made for itself and its key, in one step; both folders are data folders. When they are
 * not there, those in `to` go.
 */
int backup_copy_tls(const char *from, const char *to, struct error *e);

/* What a copy tells while it runs: progress and damaged of struct store_snapshot_options, with this as ctx. */
struct backup_telling {
	bool json;
	struct progress progress;
};
void backup_tell_progress(void *ctx, const char *what, uint64_t done, uint64_t total);
void backup_tell_damaged(void *ctx, const char *sentence);

#endif
