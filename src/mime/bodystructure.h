/* SPDX-License-Identifier: ISC */
/*
 * IMAP's BODY and BODYSTRUCTURE (RFC 3501 section 7.4.2) of a parsed message.
 * Types, encodings and parameter names are written in upper case as the
 * standard's examples have them. A multipart without parts shows one empty
 * text part, since the grammar wants one.
 */
#ifndef MIME_BODYSTRUCTURE_H
#define MIME_BODYSTRUCTURE_H

#include "mime/part.h"

/* Appends the list; extended: with extension data (BODYSTRUCTURE), else without (BODY). ERR_NOMEM, ERR_LIMIT. */
int mime_bodystructure_write(struct buf *out, const struct mime_part *root, bool extended, struct error *e);

#endif
