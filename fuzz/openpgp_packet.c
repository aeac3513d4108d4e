/* SPDX-License-Identifier: ISC */
/* Any octets: reading packets from memory and from a source of single octets gives the same packets; written, they read the same. */
#include <stdlib.h>

#include "openpgp/frame/packet.h"

#define MAX (1u << 20)

struct octets {
	struct slice in;
};

static int
octets_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct octets *o = ctx;

	(void)e;
	*piece_out = slice_sub(o->in, 0, 1);
	o->in = slice_from(o->in, 1);
	return 0;
}

static void
require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct octets octets = { in };
	struct pgp_packets stream;
	struct pgp_packet p;
	struct pgp_header h;
	size_t at = 0;

	pgp_packets_init(&stream, (struct pgp_source){ octets_next, &octets });
	while (pgp_packet_next(in, &at, &p, NULL) == 1) {
		struct buf body, again;
		size_t back = 0;

		buf_init(&body, MAX);
		buf_init(&again, MAX);
		require(pgp_packets_next(&stream, &h, NULL) == 1 && h.type == p.header.type);
		require(pgp_packets_whole(&stream, MAX, &body, NULL) == 0 && slice_eq(buf_slice(&body), p.body));
		require(pgp_packet_write(&again, p.header.type, p.body) == 0);
		require(pgp_packet_next(buf_slice(&again), &back, &p, NULL) == 1 && slice_eq(buf_slice(&body), p.body));
		buf_done(&body);
		buf_done(&again);
	}
	while (pgp_packets_next(&stream, &h, NULL) == 1) {
	}
	return 0;
}
