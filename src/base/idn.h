/* SPDX-License-Identifier: ISC */
/*
 * Internationalised domain names (IDNA2008, RFC 5890 and 5891, with the mapping
 * of UTS 46): a name of U-labels is the same as its name of A-labels ("xn--…"),
 * and it is the latter that is kept, compared and looked up. The one file that
 * calls libidn2.
 */
#ifndef BASE_IDN_H
#define BASE_IDN_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define IDN_NAME_MAX 255u /* octets of a name, in either form (RFC 5321 4.5.3.1.2) */

/*
 * Appends the name in A-labels and small letters. What is ASCII already is only
 * made small, whatever it is: whether it can be a domain is for the caller.
 * ERR_SYNTAX: characters or labels that no name can have; ERR_LIMIT, ERR_NOMEM.
 */
int idn_to_ascii(struct slice name, struct buf *out, struct error *e);

#endif
