/* SPDX-License-Identifier: ISC */
/* The addresses of a domain as a regular expression: whom an introducer may speak for. */
#ifndef TRUST_BELIEVE_SCOPE_H
#define TRUST_BELIEVE_SCOPE_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends "<[^>]+[@.]example\.org>$", the form that GnuPG writes and the only
 * one that it takes in trust signatures: the domain and what is below it.
 * with_bare: user IDs that are an address alone as well, for our own roots.
 * ERR_USAGE when it is no domain.
 */
int believe_domain_scope(const char *domain, bool with_bare, struct buf *out, struct error *e);

#endif
