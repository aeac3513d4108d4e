/* SPDX-License-Identifier: ISC */
/*
 * The Sender Rewriting Scheme, for mail that is passed on to another domain:
 * the envelope's sender becomes an address of ours, so that SPF permits us to
 * send it, and what bounces comes back here and is passed on to the sender.
 *
 *   someone@example.net            SRS0=HHHHH=TT=example.net=someone@ours
 *   SRS0=h=TT=a.example=b@other    SRS1=HHHHH=other==h=TT=a.example=b@ours
 *
 * HHHHH is a keyed hash over the rest, so that nobody makes us pass mail on who
 * has not got the address from us; TT the day, which says when it expires. The
 * form is that of other people's programs (Mail::SRS, postsrsd), which rewrite
 * ours again as we do theirs; the hash is our own, in base32, as it is compared
 * without case: some servers change that.
 *
 * The local part may have 64 octets (RFC 5321 section 4.5.3.1.1): what would be
 * longer is ERR_LIMIT. Forwarding must not fail for that: then the caller sends
 * with an own short address that it keeps a row for, or with the null sender,
 * which SPF checks as our HELO, and which loses only the bounce.
 */
#ifndef MAILAUTH_SRS_H
#define MAILAUTH_SRS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"

struct srs_config {
	const struct slice *keys; /* at least one, of SRS_KEY_MIN octets or more; the first makes, all are believed */
	size_t key_count;
	struct slice domain; /* ours, that such addresses are at */
	uint64_t now;        /* unix seconds */
	unsigned int days;   /* that an address is good for; 0: SRS_DAYS */
};

#define SRS_KEY_MIN 16u
#define SRS_DAYS 21u /* a bounce comes after five days at most, unless somebody holds it back */

/* Whether a local part looks like one of ours; it may still be false. */
bool srs_is_rewritten(struct slice local);

/*
 * Appends the address to send with, "local@domain". sender is "local@domain"
 * and not empty: the null sender stays as it is. A sender at our own domain is
 * passed as it is, too: the caller should not have asked.
 * ERR_LIMIT: longer than an address may be; ERR_UNSUPPORTED: not of ASCII, or
 * quoted in a way that has no such form: the caller does as with ERR_LIMIT;
 * ERR_USAGE: no key; ERR_SYNTAX: no address; ERR_NOMEM, ERR_CRYPTO.
 */
int srs_forward(const struct srs_config *config, struct slice sender, struct buf *out, struct error *e);

/*
 * Appends the address that a bounce to this local part of ours is passed on to.
 * ERR_SYNTAX: not of this form; ERR_INTEGRITY: not made by us, or changed;
 * ERR_TIMEOUT: expired. Tell the peer nothing but that there is no such
 * mailbox. ERR_USAGE, ERR_NOMEM, ERR_CRYPTO.
 */
int srs_reverse(const struct srs_config *config, struct slice local, struct buf *out, struct error *e);

#endif
