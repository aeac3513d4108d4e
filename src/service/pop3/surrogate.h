/* SPDX-License-Identifier: ISC */
/*
 * A header for a client that cannot read UTF-8 in it (RFC 6858 section 2):
 * fields in ASCII stay octet for octet; of the others, addresses become
 * invalid ones whose display name tells the real one, Subject an encoded word,
 * Content-Type and Content-Disposition lose the parameters that cannot be
 * shown, and every other field is left out. Headers of a message's parts are
 * left as they are.
 */
#ifndef SERVICE_POP3_SURROGATE_H
#define SERVICE_POP3_SURROGATE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* block: the header with its empty line. Appends one. ERR_LIMIT, ERR_NOMEM. */
int pop3_surrogate_header(struct slice block, struct buf *out, struct error *e);

#endif
