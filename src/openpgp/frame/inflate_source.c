/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/inflate_source.h"

#include "base/inflate.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "openpgp/limits.h"

#define OUT (256u << 10) /* octets of one piece */

struct inflate_source {
	struct pgp_packets *packet;
	struct inflater *inflater; /* NULL: not compressed at all */
	struct slice in;
	bool ended;
	uint8_t *out;
};

static const enum inflate_format formats[] = {
	[PGP_ZIP] = INFLATE_RAW,
	[PGP_ZLIB] = INFLATE_ZLIB,
	[PGP_BZIP2] = INFLATE_BZIP2,
};

int
inflate_source_new(struct pgp_packets *packet, struct inflate_source **out, struct error *e)
{
	struct inflater_options options = { .output_max = PGP_INFLATE_OUTPUT_MAX, .ratio_max = PGP_INFLATE_RATIO_MAX };
	struct inflate_source *z;
	uint8_t algorithm;
	int rc = pgp_packets_get(packet, &algorithm, 1, e);

	if (rc != 0)
		return rc;
	if (algorithm > PGP_BZIP2)
		return error_set(
		    e, ERR_UNSUPPORTED, "the message is compressed with algorithm %u, which we do not have", algorithm);
	z = mem_alloc(sizeof *z);
	if (z == NULL)
		return error_nomem(e);
	z->packet = packet;
	z->out = algorithm == PGP_UNCOMPRESSED ? NULL : mem_alloc(OUT);
	options.format = formats[algorithm];
	if (algorithm == PGP_UNCOMPRESSED)
		rc = 0;
	else
		rc = z->out == NULL ? error_nomem(e) : inflater_new(&options, &z->inflater, e);
	if (rc != 0) {
		inflate_source_free(z);
		return rc;
	}
	*out = z;
	return 0;
}

static int
source_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct inflate_source *z = ctx;
	size_t n = 0;
	int rc = 0;

	*piece_out = SLICE_EMPTY;
	if (z->inflater == NULL)
		return pgp_packets_body(z->packet, piece_out, e);
	while (n == 0 && rc == 0 && !z->ended) {
		bool last = false;

		if (z->in.len == 0) {
			rc = pgp_packets_body(z->packet, &z->in, e);
			last = z->in.len == 0;
		}
		if (rc == 0)
			rc = inflater_step(z->inflater, &z->in, z->out, OUT, &n, e);
		if (rc == 1) {
			z->ended = true;
			rc = 0;
		} else if (rc == 0 && n == 0 && last)
			rc = error_set(e, ERR_TRUNCATED, "the compressed data ends too early");
	}
	*piece_out = slice_of(z->out, n);
	return rc;
}

struct pgp_source
inflate_source_source(struct inflate_source *z)
{
	return (struct pgp_source){ source_next, z };
}

void
inflate_source_free(struct inflate_source *z)
{
	if (z == NULL)
		return;
	inflater_free(z->inflater);
	if (z->out != NULL)
		secret_wipe(z->out, OUT);
	mem_free(z->out);
	mem_free(z);
}
