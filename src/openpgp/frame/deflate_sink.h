/* SPDX-License-Identifier: ISC */
/* For encrypt.c: a compressed data packet (RFC 9580 section 5.6) written as a stream, in partial lengths. */
#ifndef OPENPGP_DEFLATE_SINK_H
#define OPENPGP_DEFLATE_SINK_H

#include "openpgp/frame/stream.h"

struct deflate_sink;

/* algorithm: enum pgp_compression, not PGP_UNCOMPRESSED. ERR_UNSUPPORTED, ERR_NOMEM, or the sink's error. */
int deflate_sink_new(uint8_t algorithm, struct pgp_sink out, struct deflate_sink **sink_out, struct error *e);
/* What is written to it is the packet's plain content. */
int deflate_sink_put(struct deflate_sink *z, struct slice data, struct error *e);
int deflate_sink_end(struct deflate_sink *z, struct error *e);
void deflate_sink_free(struct deflate_sink *z); /* NULL is permitted; wipes */

#endif
