/* SPDX-License-Identifier: ISC */
/* Shared by the files of this room; nobody else includes it. */
#ifndef TRUST_PAGES_INTERNAL_H
#define TRUST_PAGES_INTERNAL_H

#include "trust/pages/pages.h"

/* The certificate as strangers get it, appended. */
int pages_armored(const struct trust_pages *p, struct buf *out, struct error *e);

#endif
