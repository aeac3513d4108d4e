/* SPDX-License-Identifier: ISC */
/*
 * Writers of what IMAP sends (RFC 3501 section 9), for both sides. Each
 * appends to a buf and returns its sticky error.
 */
#ifndef IMAP_WRITE_H
#define IMAP_WRITE_H

#include "base/buf.h"
#include "imap/command.h"

/* A quoted string when it is short, 7-bit and without CR, LF, NUL; otherwise a literal ("{3}" CRLF octets). */
int imap_write_string(struct buf *out, struct slice s);
/* NIL when nil. */
int imap_write_nstring(struct buf *out, struct slice s, bool nil);
/* An atom when it can be one. */
int imap_write_astring(struct buf *out, struct slice s);
/* A mailbox name from UTF-8, in modified UTF-7. */
int imap_write_mailbox(struct buf *out, struct slice name);
/* "{3}" CRLF; the octets follow from the caller. */
int imap_write_literal_head(struct buf *out, uint64_t len);
/* "\Seen $word" without parentheses; system: enum imap_flag bits. */
int imap_write_flags(struct buf *out, uint32_t system, const struct slice *keywords, size_t count);
/* "BODY[1.HEADER.FIELDS (From)]<0>", "RFC822.TEXT", ...: what a FETCH response calls this item. */
int imap_write_item_name(struct buf *out, const struct imap_item *item);
/* The same with ".PEEK" and "<0.100>": as a client asks for it. */
int imap_write_item(struct buf *out, const struct imap_item *item);
/* Human text of a response line: CR, LF, NUL and other controls become '?', it does not begin with "[". */
int imap_write_text(struct buf *out, struct slice text);

#endif
