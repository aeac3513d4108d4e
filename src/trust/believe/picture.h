/* SPDX-License-Identifier: ISC */
/*
 * The paths of a belief as a picture (SVG 1.1): whom one trusts on the left,
 * whose key is asked about on the right, and between them who speaks for whom.
 * An edge says its amount, and how deep its trust goes; its width is what paths
 * through it carry. Below it stand the reasons, as sentences.
 *
 * All names are peer text: escaped for a person (base/printable.h) and for XML.
 * There is no script, no link and nothing that is fetched in it.
 *
 * Limits: PICTURE_NODES_MAX certificates and PICTURE_COLUMNS_MAX in a row; what
 * is over is left out, and the picture says so.
 */
#ifndef TRUST_BELIEVE_PICTURE_H
#define TRUST_BELIEVE_PICTURE_H

#include "trust/believe/believe.h"

#define PICTURE_NODES_MAX 200u
#define PICTURE_EDGES_MAX 600u
#define PICTURE_COLUMNS_MAX 40u
#define PICTURE_OCTETS_MAX (4u << 20)

/* Appends. x.cert must be there. Returns out's error. */
int believe_picture(const struct believer *b, const struct belief *x, struct buf *out);

#endif
