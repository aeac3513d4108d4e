/* SPDX-License-Identifier: ISC */
/*
 * Received letters, for the verbs that read: the account's INBOX, its mirror
 * on this machine, our keys, everybody's certificates, all opened together.
 *
 * A signer who is not known is asked for once at the account's directory, by
 * the sender's address.
 */
#ifndef CLIENT_LETTERS_H
#define CLIENT_LETTERS_H

#include "client/key/lazy_keys.h"
#include "client/mirror.h"
#include "letter/open.h"

struct letters {
	const struct common *common;
	struct account account;
	struct keyring keyring;
	struct lazy_keys keys;
	struct mailbox mailbox;
	struct mirror mirror;
};

struct letter_view {
	uint32_t uid;
	struct buf raw;
	struct letter_opened *opened;
};

/* letters_end() also after an error. */
int letters_begin(struct letters *l, const struct common *c, struct error *e);
void letters_end(struct letters *l);

/* letter_view_done() also after an error. ERR_NOT_FOUND. */
int letters_open(struct letters *l, uint32_t uid, struct letter_view *out, struct error *e);
void letter_view_done(struct letter_view *v);

/* What is known of the signer that the verdict names; NULL for nothing. */
const struct trust_entry *letters_signer(const struct letters *l, const struct letter_view *v);

/* A message's number as a person types it. ERR_USAGE. */
int letters_parse_number(const char *text, uint32_t *uid_out, struct error *e);

/* Appends local@domain of the one sender that is shown; false without one. */
bool letters_sender(const struct letter_view *v, struct buf *out);
/* A field decoded to UTF-8 on one line; appends nothing when there is none. */
void letter_view_field(const struct letter_view *v, const char *name, struct buf *out);

#endif
