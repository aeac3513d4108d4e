/* SPDX-License-Identifier: ISC */
/*
 * Compression in streams: raw DEFLATE (RFC 1951), zlib (RFC 1950), gzip (RFC
 * 1952; one member) and bzip2. Memory is constant, and a decompressor has two bounds that
 * end it with ERR_LIMIT: how much may come out, and how many times as much as
 * went in (after the first INFLATE_RATIO_FREE octets).
 */
#ifndef BASE_INFLATE_H
#define BASE_INFLATE_H

#include "base/error.h"
#include "base/slice.h"

enum inflate_format { INFLATE_RAW, INFLATE_ZLIB, INFLATE_GZIP, INFLATE_BZIP2 };

#define INFLATE_RATIO_FREE (1u << 20) /* octets of output before the ratio counts */

struct inflater;

struct inflater_options {
	enum inflate_format format;
	uint64_t output_max; /* octets that may come out in all */
	uint32_t ratio_max;  /* output octets an input octet; 0 for no such bound. DEFLATE cannot pass 1032 */
};

/* ERR_NOMEM, ERR_UNSUPPORTED. */
int inflater_new(const struct inflater_options *options, struct inflater **out, struct error *e);
/*
 * Reads from the front of *in, which moves on, and writes at most out_len
 * octets. Returns 1 when the stream ended (what is left in *in does not belong
 * to it), 0 when it wants more input or more room, ERR_SYNTAX for damaged data
 * (a wrong checksum too), ERR_LIMIT, ERR_NOMEM. *written_out is set always.
 *
 * With 0 and *written_out == 0 and *in empty it needs more input; when there
 * is none the data is truncated, which the caller says.
 */
int
inflater_step(struct inflater *z, struct slice *in, uint8_t *out, size_t out_len, size_t *written_out, struct error *e);
void inflater_free(struct inflater *z); /* NULL is permitted */

struct deflater;

/* level 0 (none) to 9, 6 is usual; for bzip2 the hundreds of kilobytes of a block, 1 to 9. ERR_NOMEM. */
int deflater_new(enum inflate_format format, int level, struct deflater **out, struct error *e);
/*
 * As inflater_step(); last: no input follows after *in, and once said it is said in every further call. Returns 1 when
 * all is written.
 */
int deflater_step(struct deflater *z, struct slice *in, bool last, uint8_t *out, size_t out_len, size_t *written_out,
    struct error *e);
void deflater_free(struct deflater *z);

#endif
