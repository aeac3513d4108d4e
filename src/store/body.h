/* SPDX-License-Identifier: ISC */
/*
 * The files that hold bodies: folder/bodies/sNNNNNNNN are segments that many
 * records are appended to, bNNNNNNNNNNNNNNNN are files of one large body each.
 *
 * The rows are the authority. A segment is valid up to the octets that its
 * row counts: what stands behind them was never answered with OK and is cut
 * off at the start. A file of a large body without a row is removed.
 *
 * Putting is the committer's: bodies_put() for each body of a batch,
 * bodies_write() once, then bodies_sync() beside the rows and their own sync,
 * then bodies_keep() or bodies_drop(). So after a power cut there may be rows
 * of the last batch whose octets did not reach the disk. A segment's row also
 * says up to where it was synced before that batch: the start looks at all
 * bodies behind that place (recover.c).
 *
 * Segments numbered from BODY_COMPACTED on are made by compaction
 * (compact.c): their octets are synced before a row names them, so recovery
 * has nothing to do with them and nothing is appended to them after a start.
 *
 * Reading is for every thread.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include <stdatomic.h>

#include "base/buf.h"
#include "store/db.h"

#define BODY_COMPACTED 0x80000000u
#define BODY_COMPACTED_SQL "2147483648"
#define BODY_OWN_FILE 0u /* as segment: a file of its own */

struct body_place {
	uint64_t body;
	uint32_t segment; /* or BODY_OWN_FILE */
	uint64_t place;   /* octets into the file */
	uint64_t length;
};

typedef void body_say_fn(void *ctx, const char *line);

struct bodies {
	int folder_fd;
	atomic_ullong next_body;
	uint64_t first_body; /* given out since the start */
	uint32_t first_segment;
	uint32_t first_compacted;
	uint64_t segment_size;
	/* the committer's */
	uint32_t segment; /* being appended to; 0: none yet */
	int segment_fd;
	uint64_t used;      /* octets that committed rows count */
	struct buf pending; /* records of this batch, behind used */
	bool new_segment;   /* its name may not be synced yet */
	bool unmarked;      /* its row does not say yet that all of it is synced */
};

/* Opens the folder and cleans it. db: the writer, no transaction open. Then bodies_resume(). */
int bodies_open(struct bodies *b, const char *folder, uint64_t segment_size, struct db *db, body_say_fn *say, void *ctx,
    struct error *e);
/* Opens it to read alone. */
int bodies_look(struct bodies *b, const char *folder, struct error *e);
/* Goes on in the last segment. */
int bodies_resume(struct bodies *b, struct db *db, struct error *e);
void bodies_close(struct bodies *b);

/* Room for a body of this batch; a new segment is begun when the current one is full and the batch still empty. */
int bodies_put(struct bodies *b, struct slice data, struct body_place *place_out, struct error *e);
/* Writes what was put. */
int bodies_write(struct bodies *b, struct error *e);
/* Syncs it. From another thread: nobody else may change b meanwhile. After a failure nothing may be believed any more. */
int bodies_sync(struct bodies *b, struct error *e);
/* In the batch's transaction: the segment's row. */
int bodies_count(struct bodies *b, struct db *db, struct error *e);
void bodies_keep(struct bodies *b); /* the rows are committed */
void bodies_drop(struct bodies *b); /* they are not */

/* A body that grows in a file of its own: memory is one block. Used by one thread at a time. */
struct body_file {
	int fd;
	uint64_t body;
	uint64_t length;
	uint64_t flushed; /* octets of it in the file, whole blocks */
	struct buf tail;
};

int body_file_new(struct bodies *b, struct body_file *f, struct error *e);
int body_file_append(struct body_file *f, struct slice data, struct error *e);
/*
 * Puts octets in front of all that was appended, once: it becomes another body. What was there is copied, block by block
 * with their checks; the file of before is removed.
 */
int body_file_prepend(struct bodies *b, struct body_file *f, struct slice front, struct error *e);
/* Writes the rest, syncs the file and its name. */
int body_file_finish(struct bodies *b, struct body_file *f, bool *sync_failed_out, struct error *e);
void body_file_close(struct body_file *f);

/* Octets offset to offset + len, which must not be behind the end, appended to out. ERR_NOT_FOUND when the file is gone. */
int bodies_read(
    struct bodies *b, const struct body_place *place, uint64_t offset, uint64_t len, struct buf *out, struct error *e);

/* "s" and 8 hex digits, or "b" and 16, as files are named here: the number; false for every other name. */
bool bodies_name_number(const char *name, char first, size_t digits, uint64_t *out);
/* Whether a file of that letter and number was made after the start: it may not have its row yet. */
bool bodies_is_young(const struct bodies *b, char first, uint64_t number);

/* Makes the file of a segment that compaction fills. */
int bodies_compacted_new(struct bodies *b, uint32_t segment, int *fd_out, struct error *e);
/* Writes at the end of it and syncs, the name too when it is new (at 0). ERR_FULL; every other failure is one of the disk. */
int bodies_compacted_put(struct bodies *b, int fd, struct slice records, uint64_t at, struct error *e);
/* Nothing names it any more. Who has it open goes on reading. */
void bodies_segment_remove(struct bodies *b, uint32_t segment);

/* Gives the space of a body back that no committed row names any more. */
void bodies_release(struct bodies *b, const struct body_place *place);

#endif
