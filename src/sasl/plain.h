/* SPDX-License-Identifier: ISC */
/*
 * PLAIN's one message (RFC 4616): [authzid] NUL authcid NUL passwd. Exactly two
 * NULs, all three valid UTF-8, the last two not empty.
 */
#ifndef SASL_PLAIN_H
#define SASL_PLAIN_H

#include "sasl/sasl.h"

/* authorize, identity and password, which point into the message. ERR_SYNTAX, ERR_LIMIT. */
int plain_parse(struct slice message, struct sasl_credentials *credentials_out, struct error *e);
/* What plain_parse() would take is the caller's care. Returns out's sticky error. */
int plain_write(const struct sasl_credentials *credentials, struct buf *out);

#endif
