/* SPDX-License-Identifier: ISC */
/*
 * Tag-lists, "v=1; a=rsa-sha256; ...": DKIM's and ARC's fields and key records
 * (RFC 6376 section 3.2), and the records of DMARC, MTA-STS and TLS-RPT, which
 * have the same grammar. Names count with their case. A name that comes twice
 * makes the list no list, as it would be read differently by different people.
 */
#ifndef MAILAUTH_DKIM_TAGS_H
#define MAILAUTH_DKIM_TAGS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"

struct mailauth_tag {
	struct slice name;
	struct slice value; /* without white space around it; inside, folds are as they came */
};

struct mailauth_tags {
	struct mailauth_tag tags[MAILAUTH_TAGS_MAX]; /* in their order; slices of the text */
	size_t count;
};

/*
 * Texts of more than MAILAUTH_TAG_LIST_MAX octets or MAILAUTH_TAGS_MAX tags:
 * ERR_LIMIT. What is no tag-list, with the offset: ERR_SYNTAX. UTF-8 is
 * permitted in values (RFC 8616); other control characters than folds are not.
 */
int mailauth_tags_parse(struct slice text, struct mailauth_tags *out, struct error *e);
/* NULL when there is none of that name. An empty value is not the same. */
const struct slice *mailauth_tags_find(const struct mailauth_tags *t, const char *name);
/* Empty for none too. */
struct slice mailauth_tags_value(const struct mailauth_tags *t, const char *name);

/* The next piece of a list such as "a : b : c", without white space around it; false at the end. Begin with *rest the value. */
bool mailauth_tags_item(struct slice *rest, uint8_t separator, struct slice *item_out);
/* Appends the octets of base64 with white space anywhere (RFC 6376 section 2.10). ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int mailauth_tags_base64(struct slice value, struct buf *out, struct error *e);
/* Appends the octets of dkim-quoted-printable (section 2.11). ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int mailauth_tags_quoted(struct slice value, struct buf *out, struct error *e);

#endif
