/* SPDX-License-Identifier: ISC */
/*
 * QR codes written (ISO/IEC 18004), by libqrencode: text becomes a square of
 * modules, dark or light, and that a picture for a page, a terminal, or a
 * bitmap. Reading them from pictures is os/qr_read.h.
 *
 * Text of digits, capitals and " $%*+-./:" alone takes a third less room
 * than other text: a certificate's fingerprint as OPENPGP4FPR:HEX is so.
 */
#ifndef BASE_QR_H
#define BASE_QR_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define QR_WIDTH_MAX 177u /* modules of the largest code, version 40 */
#define QR_TEXT_MAX 4296u /* of such text in the largest code; 2,953 octets of any other */
#define QR_MARGIN 4u      /* light modules around it, which the standard asks for */

/* How much of the code may be lost: 7, 15, 25, 30 in a hundred. More of it makes a larger code. */
enum qr_level { QR_LEVEL_L, QR_LEVEL_M, QR_LEVEL_Q, QR_LEVEL_H };

struct qr {
	unsigned width; /* modules, without the margin */
	struct buf modules;
};

/*
 * The smallest code for a text (octets as they are). ERR_LIMIT when it is too
 * long for one code of that level, ERR_USAGE when it is empty, ERR_NOMEM. End
 * with qr_done(), also after an error.
 */
int qr_make(struct slice text, enum qr_level level, struct qr *out, struct error *e);
void qr_done(struct qr *q);

/* Whether the module of that column and row, from 0, is dark. Outside it is light. */
bool qr_is_dark(const struct qr *q, unsigned x, unsigned y);

/*
 * Appends an <svg> element (dark on white, margin inside, one path; it has a
 * viewBox of modules and a class "qr", no size, script or style). title: text
 * for who cannot see it, escaped here; empty for none. Returns out's error.
 */
int qr_write_svg(const struct qr *q, struct slice title, struct buf *out);
/*
 * Appends lines of half blocks (UTF-8), two rows of modules each, margin
 * included, with the colours set so that dark is dark on every terminal.
 * colour false: without them, as for a terminal of dark background.
 */
int qr_write_terminal(const struct qr *q, bool colour, struct buf *out);
/*
 * Appends its pixels, one octet each (0 dark, 255 light), a module of scale
 * pixels a side, margin included; *side_out: pixels of a side. scale 1..64.
 */
int qr_write_grey(const struct qr *q, unsigned scale, struct buf *out, unsigned *side_out);

#endif
