/* SPDX-License-Identifier: ISC */
/*
 * What snapshot.c, snapshot_bodies.c and snapshot_raise.c share.
 *
 * In store.db.partial a body that is in the folder has its segment's number
 * with a minus sign; one with a plus sign still has its place in the source.
 */
#ifndef STORE_SNAPSHOT_INTERNAL_H
#define STORE_SNAPSHOT_INTERNAL_H

#include "os/file.h"
#include "store/body.h"
#include "store/snapshot.h"
#include "store/db.h"

/* In the table meta of a copy: the last body's number in the source when it was made. */
#define SNAPSHOT_LAST_BODY_KEY "CAST('backup.last_body' AS BLOB)"

/* The segment that is being filled. */
struct filling {
	uint32_t segment; /* 0: none yet */
	uint32_t next;    /* its number */
	int fd;
	uint64_t used;
	struct buf pending;
	bool failed; /* to write: what is wrong is not the source */
};

struct store_snapshot {
	struct store_snapshot_options o;
	char from_bodies[FILE_PATH_MAX], to_bodies[FILE_PATH_MAX];
	char partial[FILE_PATH_MAX], whole[FILE_PATH_MAX];
	int from_lock, to_lock;
	struct db source;
	struct db made;
	uint64_t version;
	char id[STORE_SNAPSHOT_ID_TEXT];
	uint64_t last_body; /* bodies of the earlier copy with a higher number were not of this store */
	struct filling filling;
	uint32_t open_segment; /* of the source */
	int open_fd;
	uint64_t total, done;
	int64_t turn_ms; /* when this one's turn began */
	uint64_t damaged;
	bool is_raised; /* it becomes a store of its own, and is no backup */
};

void snapshot_progress(struct store_snapshot *c, const char *what, uint64_t done, uint64_t total);
/* Bodies that are there get their place, and the others are copied. */
int snapshot_bodies(struct store_snapshot *c, struct error *e);
/* After the rename: space and files that nobody names. */
int snapshot_prune(struct store_snapshot *c, struct error *e);

/* ---- records (snapshot_record.c) ---- */

typedef int snapshot_put_fn(void *ctx, struct slice raw, struct error *e);

/* Reads a whole record and checks it; put (or NULL) gets its octets as they stand. ERR_TRUNCATED, ERR_INTEGRITY. */
int snapshot_record(int fd, const struct body_place *place, snapshot_put_fn *put, void *ctx, struct error *e);
/* The same without a check; what is not there is zeros. */
int snapshot_record_raw(int fd, const struct body_place *place, snapshot_put_fn *put, void *ctx, struct error *e);
/* The checksums of its blocks alone, appended to out, which must have room: 4 octets of each 16 KiB are read. */
int snapshot_record_checks(int fd, const struct body_place *place, struct buf *out, struct error *e);
/* Whose head stands there. */
int snapshot_record_head(int fd, uint64_t at, struct body_place *place_out, struct error *e);
int snapshot_write(int fd, struct slice data, uint64_t at, struct error *e);
/* Opens bodies/NAME of a folder; -1 and errno. */
int snapshot_open_file(const char *bodies_folder, const struct body_place *place, int flags);

#endif
