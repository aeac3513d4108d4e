/* SPDX-License-Identifier: ISC */
/*
 * What is remembered about a message beside its octets, as the opaque cache of
 * store/types.h: its ENVELOPE, BODY and BODYSTRUCTURE as IMAP writes them, and
 * where its parts are. Made while the message comes in, or when it is first
 * asked for; anything that cannot be read is made again.
 */
#ifndef SERVICE_IMAP_MESSAGE_CACHE_H
#define SERVICE_IMAP_MESSAGE_CACHE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "mime/part.h"

struct message_cache {
	uint16_t version;
	struct slice envelope;
	struct slice body;
	struct slice structure;
	const struct message_cache_part *parts;
	size_t part_count;
};

struct message_cache_maker;

/* NULL when there is no memory. */
struct message_cache_maker *message_cache_maker_new(void);
/* The whole message, in pieces. Errors are kept for the end. */
void message_cache_maker_feed(struct message_cache_maker *m, struct slice piece);
/* Appends the cache. ERR_LIMIT (larger than out permits), ERR_NOMEM; out then has an error. */
int message_cache_maker_end(struct message_cache_maker *m, struct buf *out);
void message_cache_maker_free(struct message_cache_maker *m); /* NULL is permitted */

/*
 * Reads a cache; slices point into in, the parts become a tree in a with the
 * fields that mime/section.h needs (kinds, numbers, offsets). ERR_SYNTAX,
 * ERR_UNSUPPORTED (another version), ERR_NOMEM, ERR_LIMIT: make it again.
 */
int message_cache_read(
    struct slice in, struct arena *a, struct message_cache *out, struct mime_part **root_out, struct error *e);

#endif
