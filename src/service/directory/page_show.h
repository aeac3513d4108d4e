/* SPDX-License-Identifier: ISC */
/*
 * Certificates as people read them: the entry of a list, and the page of one,
 * with its addresses, whether it is good and until when, the fingerprint in
 * groups and as a picture to scan. Pure: octets and a time in, HTML out.
 */
#ifndef SERVICE_DIRECTORY_PAGE_SHOW_H
#define SERVICE_DIRECTORY_PAGE_SHOW_H

#include "base/buf.h"
#include "base/error.h"
#include "openpgp/judge/verify.h"

/* Appends <li>...</li>; nothing when it cannot be read. Returns page's sticky error. */
int page_put_result(struct buf *page, struct slice certificate, uint64_t now);
/* Appends the content of the page of one. Errors of parsing and judging, or page's own. */
int page_put_certificate(struct buf *page, struct slice certificate, uint64_t now, struct error *e);

/* "This key is good until 2027-01-02.", as a sentence. */
int page_put_standing(struct buf *page, const struct pgp_cert_judgement *j);
/* 40 or 64 upper-case digits in groups of four. */
int page_put_groups(struct buf *page, const struct pgp_fingerprint *f);

#endif
