/* SPDX-License-Identifier: ISC */
/*
 * Pictures as grey pixels: PNG and JPEG read, by libpng and libjpeg-turbo, and
 * PNG written; and the QR codes in one, read by libzbar. For photographs and
 * scans of somebody's code; nothing is shown. The libraries are loaded when
 * they are first wanted (os/late.h).
 *
 * What a picture claims to be is bounded before anything is decoded:
 * PICTURE_PIXELS_MAX is an A4 page at 600 dots an inch and some more.
 */
#ifndef OS_PICTURE_H
#define OS_PICTURE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define PICTURE_FILE_MAX (64u << 20)   /* octets of a file */
#define PICTURE_PIXELS_MAX (48u << 20) /* width times height */
#define PICTURE_SIDE_MAX 20000u        /* pixels */
#define PICTURE_CODES_MAX 256u         /* QR codes that are read from one picture */

struct picture {
	unsigned width, height;
	struct buf grey; /* one octet a pixel, line by line: 0 black, 255 white */
};

/* ERR_SYNTAX (damaged, or neither PNG nor JPEG), ERR_LIMIT, ERR_NOMEM, ERR_IO (a library is missing). picture_done(). */
int picture_read(struct slice file, struct picture *out, struct error *e);
void picture_done(struct picture *p);
/* Appends a PNG file. ERR_IO, ERR_NOMEM, ERR_LIMIT. */
int picture_write_png(const struct picture *p, struct buf *out, struct error *e);

/*
 * Calls each(ctx, text) for every QR code in it, in no order; stops when that
 * returns non-zero, which is returned. *count_out: how many. ERR_IO (the library is
 * missing), ERR_NOMEM.
 */
int picture_codes(const struct picture *p, int (*each)(void *ctx, struct slice text, struct error *e), void *ctx,
    size_t *count_out, struct error *e);

#endif
