/* SPDX-License-Identifier: ISC */
/*
 * IMAP's ENVELOPE (RFC 3501 section 7.4.2): its data and its writing. Strings
 * are what stands in the header, unfolded, not decoded.
 */
#ifndef MIME_ENVELOPE_H
#define MIME_ENVELOPE_H

#include "mime/address.h"
#include "mime/header.h"

struct mime_nstring {
	struct slice text;
	bool present; /* false is NIL */
};

struct mime_envelope {
	struct mime_nstring date, subject;
	struct mime_addresses from, sender, reply_to, to, cc, bcc; /* sender and reply_to as from when not given */
	struct mime_nstring in_reply_to, message_id;
};

/* From a header's fields; of several fields of one name the address lists are joined, else the first counts. */
int mime_envelope_of(const struct mime_header *h, struct arena *a, struct mime_envelope *out, struct error *e);

/* Appends the parenthesized list. Returns out's sticky error. */
int mime_envelope_write(struct buf *out, const struct mime_envelope *env);

/* From the octets of a header block to the written list, with memory of its own. */
int mime_envelope_put(struct buf *out, struct slice header_block, struct error *e);

/*
 * An IMAP string: quoted when it may be, else a literal "{n}" CRLF octets (NUL
 * octets become spaces: a literal may not hold them). nstring: NIL when absent.
 */
int mime_imap_string(struct buf *out, struct slice s);
int mime_imap_nstring(struct buf *out, struct mime_nstring s);

#endif
