/* SPDX-License-Identifier: ISC */
/*
 * In whose name a message is: the domains of its From fields (RFC 9989 section
 * 5.3.1). A message with none, several, or a From that cannot be read is outside
 * of DMARC, and for that reason is what a forger sends (section 11.5): so all
 * domains that a reader could show are told here, whatever field they stand in
 * (mime/lax.h), however far down, and, of a field that is no list of addresses,
 * or too long a one, whatever stands behind an '@'.
 */
#ifndef MAILAUTH_DMARC_AUTHOR_H
#define MAILAUTH_DMARC_AUTHOR_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"

struct dmarc_authors {
	struct slice domains[MAILAUTH_DMARC_AUTHORS_MAX]; /* A-labels in small letters, each once */
	size_t count;
	size_t fields; /* From fields that there are */
	size_t names;  /* that were looked at; inside: they are counted */
	bool
	    more; /* over MAILAUTH_DMARC_AUTHORS_MAX different domains, or MAILAUTH_DMARC_NAMES_MAX: not all was looked at */
	bool broken; /* something in them is no address, or has no domain that can be looked up */
};

/* block: the header as it came. Texts live in the arena, a few names. ERR_NOMEM, ERR_LIMIT of the arena. */
int dmarc_authors(struct slice block, struct arena *a, struct dmarc_authors *out, struct error *e);
/* Exactly one From field with one domain, as RFC 5322 wants it. */
bool dmarc_authors_one(const struct dmarc_authors *authors);

#endif
