/* SPDX-License-Identifier: ISC */
/*
 * How octets of any amount pass through this floor. Reading is pulled: a source
 * gives the next piece, and layers (armor, packets, decryption, decompression)
 * are sources over sources. Writing is pushed: a sink takes pieces. Pieces are
 * as large as is handy, nothing is copied that need not be, and memory stays
 * constant. The program at the ends does the input and output.
 */
#ifndef OPENPGP_STREAM_H
#define OPENPGP_STREAM_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct pgp_source {
	/* The next piece, valid until the next call; an empty piece is the end (and stays it). 0 or an error. */
	int (*next)(void *ctx, struct slice *piece_out, struct error *e);
	void *ctx;
};

struct pgp_sink {
	/* Takes all of data, which is valid during the call only. 0 or an error, which ends the writing. */
	int (*write)(void *ctx, struct slice data, struct error *e);
	void *ctx;
};

static inline int
pgp_source_next(struct pgp_source s, struct slice *piece_out, struct error *e)
{
	return s.next(s.ctx, piece_out, e);
}

static inline int
pgp_sink_write(struct pgp_sink s, struct slice data, struct error *e)
{
	return data.len == 0 ? 0 : s.write(s.ctx, data, e);
}

/* A source over one slice, which must live as long as it: it becomes empty as it is read. */
struct pgp_source pgp_source_slice(struct slice *in);
/* A sink that appends to a buf: ERR_LIMIT over its maximum, ERR_NOMEM. */
struct pgp_sink pgp_sink_buf(struct buf *out);

#endif
