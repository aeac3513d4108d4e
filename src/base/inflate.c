/* SPDX-License-Identifier: ISC */
#include "base/inflate.h"

#include <bzlib.h>
#include <zlib.h>

#include "base/mem.h"

#define PIECE_MAX (1u << 30) /* the libraries count in unsigned int */

/* The libraries' word for the format: 15 bits of window, negative without a header, 16 more for gzip. */
static int
window_of(enum inflate_format format)
{
	return format == INFLATE_RAW ? -15 : format == INFLATE_GZIP ? 15 + 16 : 15;
}

struct inflater {
	struct inflater_options options;
	uint64_t in_total, out_total;
	bool ended;
	union {
		z_stream zlib;
		bz_stream bzip2;
	} u;
};

struct deflater {
	enum inflate_format format;
	bool ended;
	union {
		z_stream zlib;
		bz_stream bzip2;
	} u;
};

static void *
zlib_alloc(void *opaque, unsigned count, unsigned size)
{
	(void)opaque;
	return mem_array(count, size);
}

static void *
bzip2_alloc(void *opaque, int count, int size)
{
	(void)opaque;
	return count < 0 || size < 0 ? NULL : mem_array((size_t)count, (size_t)size);
}

static void
give_back(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

/* zlib's input pointer lacks the const that it keeps to, and bzip2's is signed too. */
union input {
	const uint8_t *in;
	uint8_t *zlib;
	char *bzip2;
};

static int
start(struct inflater *z)
{
	if (z->options.format == INFLATE_BZIP2) {
		z->u.bzip2.bzalloc = bzip2_alloc;
		z->u.bzip2.bzfree = give_back;
		return BZ2_bzDecompressInit(&z->u.bzip2, 0, 0) == BZ_OK ? 0 : ERR_NOMEM;
	}
	z->u.zlib.zalloc = zlib_alloc;
	z->u.zlib.zfree = give_back;
	return inflateInit2(&z->u.zlib, window_of(z->options.format)) == Z_OK ? 0 : ERR_NOMEM;
}

int
inflater_new(const struct inflater_options *options, struct inflater **out, struct error *e)
{
	struct inflater *z = mem_alloc(sizeof *z);

	if (z == NULL)
		return error_nomem(e);
	z->options = *options;
	if (start(z) != 0) {
		mem_free(z);
		return error_nomem(e);
	}
	*out = z;
	return 0;
}

void
inflater_free(struct inflater *z)
{
	if (z == NULL)
		return;
	if (z->options.format == INFLATE_BZIP2)
		(void)BZ2_bzDecompressEnd(&z->u.bzip2);
	else
		(void)inflateEnd(&z->u.zlib);
	mem_free(z);
}

/* One call of the library: 1 at the end, 0, or a code. */
static int
step_zlib(struct inflater *z, struct slice *in, uint8_t *out, size_t out_len, size_t *written_out)
{
	z_stream *s = &z->u.zlib;
	unsigned in_len = (unsigned)size_min(in->len, PIECE_MAX), room = (unsigned)size_min(out_len, PIECE_MAX);
	union input from = { in->data };
	int rc;

	s->next_in = from.zlib;
	s->avail_in = in_len;
	s->next_out = out;
	s->avail_out = room;
	rc = inflate(s, Z_NO_FLUSH);
	*in = slice_from(*in, in_len - s->avail_in);
	*written_out = room - s->avail_out;
	if (rc == Z_STREAM_END)
		return 1;
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return 0;
	return rc == Z_MEM_ERROR ? ERR_NOMEM : ERR_SYNTAX;
}

static int
step_bzip2(struct inflater *z, struct slice *in, uint8_t *out, size_t out_len, size_t *written_out)
{
	bz_stream *s = &z->u.bzip2;
	unsigned in_len = (unsigned)size_min(in->len, PIECE_MAX), room = (unsigned)size_min(out_len, PIECE_MAX);
	union input from = { in->data };
	int rc;

	s->next_in = from.bzip2;
	s->avail_in = in_len;
	s->next_out = (char *)out;
	s->avail_out = room;
	rc = BZ2_bzDecompress(s);
	*in = slice_from(*in, in_len - s->avail_in);
	*written_out = room - s->avail_out;
	if (rc == BZ_STREAM_END)
		return 1;
	if (rc == BZ_OK)
		return 0;
	return rc == BZ_MEM_ERROR ? ERR_NOMEM : ERR_SYNTAX;
}

static bool
ratio_is_passed(const struct inflater *z)
{
	return z->options.ratio_max != 0 && z->out_total > INFLATE_RATIO_FREE &&
	    z->out_total / z->options.ratio_max > z->in_total;
}

static int
say(struct error *e, int rc)
{
	if (rc == ERR_NOMEM)
		return error_nomem(e);
	if (rc == ERR_LIMIT)
		return error_set(e, rc, "compressed data grows beyond what is permitted: a decompression bomb?");
	return error_set(e, rc, "compressed data is damaged");
}

/*
 * At the bound there is no room left, yet the stream's end may still stand in
 * the input: one octet of room is lent, and whoever writes it is over.
 */
static int
step_bounded(struct inflater *z, struct slice *in, uint8_t *out, size_t out_len, size_t *written_out)
{
	uint64_t left = z->options.output_max - z->out_total;
	size_t room = left < out_len ? (size_t)left : out_len, before = in->len;
	uint8_t lent;
	int rc;

	if (room == 0 && out_len == 0)
		return 0;
	rc = (z->options.format == INFLATE_BZIP2 ? step_bzip2 : step_zlib)(
	    z, in, room == 0 ? &lent : out, room == 0 ? 1 : room, written_out);
	z->in_total += before - in->len;
	if (room == 0 && *written_out > 0) {
		*written_out = 0;
		return ERR_LIMIT;
	}
	z->out_total += *written_out;
	return rc >= 0 && ratio_is_passed(z) ? ERR_LIMIT : rc;
}

int
inflater_step(struct inflater *z, struct slice *in, uint8_t *out, size_t out_len, size_t *written_out, struct error *e)
{
	int rc;

	*written_out = 0;
	if (z->ended)
		return 1;
	rc = step_bounded(z, in, out, out_len, written_out);
	z->ended = rc == 1;
	return rc < 0 ? say(e, rc) : rc;
}

/* ---- compression ---- */

static int
start_deflate(struct deflater *z, int level)
{
	if (z->format == INFLATE_BZIP2) {
		z->u.bzip2.bzalloc = bzip2_alloc;
		z->u.bzip2.bzfree = give_back;
		return BZ2_bzCompressInit(&z->u.bzip2, level < 1 ? 1 : level, 0, 0) == BZ_OK ? 0 : ERR_NOMEM;
	}
	z->u.zlib.zalloc = zlib_alloc;
	z->u.zlib.zfree = give_back;
	return deflateInit2(&z->u.zlib, level, Z_DEFLATED, window_of(z->format), 8, Z_DEFAULT_STRATEGY) == Z_OK
	    ? 0
	    : ERR_NOMEM;
}

int
deflater_new(enum inflate_format format, int level, struct deflater **out, struct error *e)
{
	struct deflater *z = mem_alloc(sizeof *z);

	if (z == NULL)
		return error_nomem(e);
	z->format = format;
	if (start_deflate(z, level) != 0) {
		mem_free(z);
		return error_nomem(e);
	}
	*out = z;
	return 0;
}

/* One call of the library: 1 at the end, 0, or a code. */
static int
deflate_zlib(struct deflater *z, struct slice *in, bool last, uint8_t *out, size_t out_len, size_t *written_out)
{
	z_stream *s = &z->u.zlib;
	unsigned in_len = (unsigned)size_min(in->len, PIECE_MAX), room = (unsigned)size_min(out_len, PIECE_MAX);
	union input from = { in->data };
	int rc;

	s->next_in = from.zlib;
	s->avail_in = in_len;
	s->next_out = out;
	s->avail_out = room;
	rc = deflate(s, last && in_len == in->len ? Z_FINISH : Z_NO_FLUSH);
	*in = slice_from(*in, in_len - s->avail_in);
	*written_out = room - s->avail_out;
	if (rc == Z_STREAM_END)
		return 1;
	return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : ERR_INTERNAL;
}

static int
deflate_bzip2(struct deflater *z, struct slice *in, bool last, uint8_t *out, size_t out_len, size_t *written_out)
{
	bz_stream *s = &z->u.bzip2;
	unsigned in_len = (unsigned)size_min(in->len, PIECE_MAX), room = (unsigned)size_min(out_len, PIECE_MAX);
	union input from = { in->data };
	bool finish = last && in_len == in->len;
	int rc;

	*written_out = 0;
	if (in_len == 0 && !finish) /* it calls a step without input an error */
		return 0;
	s->next_in = from.bzip2;
	s->avail_in = in_len;
	s->next_out = (char *)out;
	s->avail_out = room;
	rc = BZ2_bzCompress(s, finish ? BZ_FINISH : BZ_RUN);
	*in = slice_from(*in, in_len - s->avail_in);
	*written_out = room - s->avail_out;
	if (rc == BZ_STREAM_END)
		return 1;
	return rc == BZ_RUN_OK || rc == BZ_FINISH_OK ? 0 : ERR_INTERNAL;
}

int
deflater_step(
    struct deflater *z, struct slice *in, bool last, uint8_t *out, size_t out_len, size_t *written_out, struct error *e)
{
	int rc;

	*written_out = 0;
	if (z->ended)
		return 1;
	rc = (z->format == INFLATE_BZIP2 ? deflate_bzip2 : deflate_zlib)(z, in, last, out, out_len, written_out);
	z->ended = rc == 1;
	return rc < 0 ? error_set(e, rc, "compression failed") : rc;
}

void
deflater_free(struct deflater *z)
{
	if (z == NULL)
		return;
	if (z->format == INFLATE_BZIP2)
		(void)BZ2_bzCompressEnd(&z->u.bzip2);
	else
		(void)deflateEnd(&z->u.zlib);
	mem_free(z);
}
