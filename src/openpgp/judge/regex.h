/* SPDX-License-Identifier: ISC */
/*
 * The regular expressions of trust signatures (RFC 9580 sections 5.2.3.22 and
 * 8): branches |, pieces with * + ?, parentheses, . ^ $, ranges [a-z], and \
 * before a character that means itself. They match anywhere in a user ID, and
 * by code points, with regard to case.
 *
 * An expression comes from whoever made the certificate, so matching is by a
 * set of states and takes no longer than the product of both lengths, whatever
 * the expression. libc's regex is no help: it knows classes and back references
 * that these do not have, follows the locale, and may take for ever.
 *
 * Limits: PGP_REGEX_MAX, PGP_REGEX_NESTING_MAX, PGP_REGEX_TEXT_MAX (limits.h).
 */
#ifndef OPENPGP_REGEX_H
#define OPENPGP_REGEX_H

#include "base/error.h"
#include "base/slice.h"

struct pgp_regex;

/*
 * pattern: UTF-8, without the NUL at the end of the subpacket. Copies what it
 * needs. ERR_SYNTAX with the offset; ERR_LIMIT; ERR_NOMEM.
 */
int pgp_regex_compile(struct slice pattern, struct pgp_regex **out, struct error *e);
void pgp_regex_free(struct pgp_regex *r);

/*
 * Sets *out. text: what is not UTF-8 matches . and [^...] only. Without memory ERR_NOMEM; ERR_LIMIT for texts over
 * PGP_REGEX_TEXT_MAX.
 */
int pgp_regex_match(const struct pgp_regex *r, struct slice text, bool *out, struct error *e);

#endif
