/* SPDX-License-Identifier: ISC */
/*
 * Inside dkim/, and for ARC, whose message signatures are made in the same way:
 * which fields are signed, what may stand among what is signed, and how a
 * signature's field is folded.
 */
#ifndef MAILAUTH_DKIM_SIGNING_H
#define MAILAUTH_DKIM_SIGNING_H

#include "mailauth/dkim/canon.h"

/*
 * Appends the canonical fields to octets, and their names, as they stand in h=,
 * to names. also: one name more, or NULL. ERR_SYNTAX: there is no From, or very
 * many; ERR_LIMIT, ERR_NOMEM.
 */
int dkim_signing_fields(
    const struct dkim_header *h, const char *also, struct buf *octets, struct buf *names, struct error *e);

/* Of octets to be signed, the last line: the signature's own field. */
struct slice dkim_signing_own(struct slice octets);
/* The lines before it are fields of h=, in that order, and From is among them. ERR_SYNTAX. */
int dkim_signing_check(struct slice lines, struct slice names, struct error *e);

/*
 * Appends the field: name with its colon, own (what follows it in what was
 * signed, up to "b="), and the signature, folded, with CR LF. ERR_LIMIT, ERR_NOMEM.
 */
int dkim_signing_write(const char *name, struct slice own, struct slice signature, struct buf *out, struct error *e);

#endif
