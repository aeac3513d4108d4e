/* SPDX-License-Identifier: ISC */
/*
 * Address lists (RFC 5322 section 3.4 with the obsolete forms of 4.4: routes,
 * comments and spaces inside, empty members, names with dots; and RFC 6532's
 * UTF-8). Groups are kept as marks around their members, as IMAP shows them.
 * A member that is no address is passed over to the next comma and noted.
 */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mime/limits.h"

enum mime_address_kind {
	MIME_ADDRESS_MAILBOX,
	MIME_ADDRESS_GROUP,     /* a group begins; name holds its name */
	MIME_ADDRESS_GROUP_END, /* nothing set */
};

struct mime_address {
	enum mime_address_kind kind;
	struct slice name; /* display name, unquoted, words still encoded; a comment behind a bare address counts too */
	struct slice route;  /* "@a,@b", or empty */
	struct slice local;  /* unquoted */
	struct slice domain; /* without spaces and comments; a literal keeps its brackets; empty when there is none */
	bool has_name;       /* a name was written, be it empty */
};

struct mime_addresses {
	const struct mime_address *items;
	size_t count;
	bool broken; /* something was passed over */
	bool cut;    /* more than MIME_ADDRESSES_MAX */
};

/* Parses a field's value. Everything lives in the arena or points into value. ERR_NOMEM, ERR_LIMIT of the arena only. */
int mime_addresses_parse(struct slice value, struct arena *a, struct mime_addresses *out, struct error *e);

/* Exactly one mailbox and nothing else (what a person types, what From must be): else ERR_SYNTAX with a sentence. */
int mime_address_parse_one(struct slice value, struct arena *a, struct mime_address *out, struct error *e);

/* The display name in UTF-8, words decoded. Returns out's sticky error. */
int mime_address_name(const struct mime_address *m, struct buf *out);
/* Appends "local@domain", the local part quoted where it must be. */
int mime_address_spec(const struct mime_address *m, struct buf *out);
/* Appends "Name <local@domain>" for a header field, name encoded as it must be; column as in mime_text_encode(). */
int mime_address_write(const struct mime_address *m, size_t column, struct buf *out);

/* The same mailbox: local parts octet for octet but for ASCII case, domains without regard to ASCII case. */
bool mime_address_same(const struct mime_address *a, const struct mime_address *b);

/* "<id>" tokens of Message-ID, In-Reply-To, References (RFC 5322 3.6.4), with the brackets; others are passed over. */
int mime_ids_parse(struct slice value, struct arena *a, struct slice **ids_out, size_t *count_out, struct error *e);

#endif
