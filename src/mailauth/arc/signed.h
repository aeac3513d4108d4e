/* SPDX-License-Identifier: ISC */
/*
 * Inside arc: the seal and the message signature of one set, taken apart (RFC
 * 8617 sections 4.1.2 and 4.1.3), and what is wrong with them as they stand.
 */
#ifndef MAILAUTH_ARC_SIGNED_H
#define MAILAUTH_ARC_SIGNED_H

#include "mailauth/arc/fields.h"
#include "mailauth/dkim/signature.h"

/* One set, taken apart. */
struct arc_signed {
	const struct arc_fields_set *fields;
	struct arc_set told;
	struct dkim_parsed message;
	bool message_parsed;        /* it is to be done with */
	struct error message_fault; /* code 0: as far as is known, it may hold */
	struct mailauth_tags seal;
	enum dkim_algorithm seal_algorithm;
	struct buf seal_signature;
};

/* ERR_SYNTAX: the seal is not what it should be; ERR_LIMIT, ERR_NOMEM. */
int arc_signed_seal(struct arc_signed *s, struct error *e);
/* Sets message_fault: also ERR_NOMEM. */
void arc_signed_message(struct arc_signed *s, const struct dkim_header *h, uint64_t now);
void arc_signed_done(struct arc_signed *s);

#endif
