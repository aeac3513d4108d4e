/* SPDX-License-Identifier: ISC */
/*
 * Addresses and paths of the envelope (RFC 5321 section 4.1.2). Slices point
 * into the input. The grammar is kept strictly: what an address cannot be must
 * not reach a log, a file name or another server.
 */
#ifndef SMTP_PATH_H
#define SMTP_PATH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "smtp/limits.h"

struct smtp_path {
	struct slice mailbox; /* "local@domain" as it stands; empty: the null path <> */
	struct slice local;   /* with its quotes, if it has any */
	struct slice domain;  /* a domain or "[literal]"; empty: the bare postmaster */
	bool utf8;            /* it has octets over 127 (RFC 6531): well-formed UTF-8 */
};

/*
 * A path at the front of in, in angle brackets; *rest_out is what follows.
 * A source route is skipped (Appendix C). UTF-8 is taken as RFC 6531 section
 * 3.3 has it; whether it may be there is the caller's to say, by p.utf8.
 * ERR_SYNTAX, ERR_LIMIT.
 */
int smtp_path_parse(struct slice in, struct smtp_path *out, struct slice *rest_out, struct error *e);

/* A mailbox alone: "local@domain", all of in; UTF-8 as above. */
int smtp_mailbox_parse(struct slice in, struct smtp_path *out, struct error *e);

/*
 * Appends the address in the form that is compared and stored: a quoted local
 * part loses its quotes when it is the same without (4.1.2: they must be
 * treated as equivalent). Returns out's sticky error.
 */
int smtp_path_address(const struct smtp_path *p, struct buf *out);

/* Letters, digits and hyphens in labels of 1 to 63; at most SMTP_DOMAIN_MAX octets. */
bool smtp_domain_valid(struct slice in);
/*
 * The same with UTF-8 in its labels. Which characters may stand in a name of
 * DNS is not decided here (base/idna.h does, where the name is looked up);
 * controls and separators of any script are refused.
 */
bool smtp_domain_valid_utf8(struct slice in);
/*
 * Octets of the character outside of ASCII at the front of in (RFC 6531 section 3.3); 0: there is none, or none that may be
 * in an address: controls, and what breaks lines or turns the direction of text.
 */
size_t smtp_utf8_length(struct slice in);
/* "[192.0.2.1]", "[IPv6:2001:db8::1]" or another tag; the addresses' own form is checked. */
bool smtp_literal_valid(struct slice in);

#endif
