/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/deflate_sink.h"

#include "base/inflate.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "openpgp/cert/parts.h"

#define OUT (256u << 10) /* octets gathered for a part */
#define LEVEL 6          /* for bzip2 hundreds of kilobytes of a block, as gpg has it */

struct deflate_sink {
	struct pgp_parts parts;
	struct deflater *deflater;
	uint8_t *out;
	size_t len;
};

int
deflate_sink_new(uint8_t algorithm, struct pgp_sink out, struct deflate_sink **sink_out, struct error *e)
{
	static const enum inflate_format formats[] = {
		[PGP_ZIP] = INFLATE_RAW,
		[PGP_ZLIB] = INFLATE_ZLIB,
		[PGP_BZIP2] = INFLATE_BZIP2,
	};
	struct deflate_sink *z;
	int rc;

	if (algorithm == PGP_UNCOMPRESSED || algorithm > PGP_BZIP2)
		return error_set(e, ERR_UNSUPPORTED, "there is no compression algorithm %u here", algorithm);
	z = mem_alloc(sizeof *z);
	if (z == NULL)
		return error_nomem(e);
	pgp_parts_init(&z->parts, PGP_COMPRESSED, out);
	z->out = mem_alloc(OUT);
	rc = z->out == NULL ? error_nomem(e) : deflater_new(formats[algorithm], LEVEL, &z->deflater, e);
	if (rc == 0)
		rc = pgp_parts_put(&z->parts, slice_of(&algorithm, 1), e);
	if (rc != 0) {
		deflate_sink_free(z);
		return rc;
	}
	*sink_out = z;
	return 0;
}

/* 1 when the stream is at its end and all of it went out. */
static int
step(struct deflate_sink *z, struct slice *data, bool last, struct error *e)
{
	size_t n;
	int rc = deflater_step(z->deflater, data, last, z->out + z->len, OUT - z->len, &n, e), put_rc = 0;

	if (rc < 0)
		return rc;
	z->len += n;
	if (z->len == OUT || rc == 1) {
		put_rc = pgp_parts_put(&z->parts, slice_of(z->out, z->len), e);
		z->len = 0;
	}
	return put_rc != 0 ? put_rc : rc;
}

int
deflate_sink_put(struct deflate_sink *z, struct slice data, struct error *e)
{
	int rc = 0;

	while (rc == 0 && data.len > 0)
		rc = step(z, &data, false, e);
	return rc;
}

int
deflate_sink_end(struct deflate_sink *z, struct error *e)
{
	struct slice none = SLICE_EMPTY;
	int rc;

	do
		rc = step(z, &none, true, e);
	while (rc == 0);
	return rc < 0 ? rc : pgp_parts_end(&z->parts, e);
}

void
deflate_sink_free(struct deflate_sink *z)
{
	if (z == NULL)
		return;
	deflater_free(z->deflater);
	if (z->out != NULL)
		secret_wipe(z->out, OUT);
	mem_free(z->out);
	pgp_parts_done(&z->parts);
	mem_free(z);
}
