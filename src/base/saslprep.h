/* SPDX-License-Identifier: ISC */
/*
 * SASLprep (RFC 4013, a profile of RFC 3454), by libidn: user names and
 * passwords in the one form in which they are compared and hashed. Soft
 * hyphens go, odd spaces become spaces, NFKC; control characters, private use
 * and mixed directions are refused. Case stays.
 */
#ifndef BASE_SASLPREP_H
#define BASE_SASLPREP_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define SASLPREP_INPUT_MAX 1024u  /* octets: names and passwords are shorter */
#define SASLPREP_OUTPUT_MAX 4096u /* NFKC makes some characters longer, one of them 11 times */

/*
 * Appends the prepared text. stored: characters that Unicode 3.2 did not have
 * are refused, as what is kept has to be the same for ever (RFC 3454 section
 * 7); without it they pass. ASCII without control characters passes as it is.
 * ERR_SYNTAX (no UTF-8, or a NUL), ERR_POLICY (a character or a direction that
 * is not permitted), ERR_LIMIT, ERR_NOMEM. out is then as it was. The text may
 * be empty where the input was not. Copies are wiped.
 */
int saslprep(struct slice in, bool stored, struct buf *out, struct error *e);

#endif
