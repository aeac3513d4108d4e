/* SPDX-License-Identifier: ISC */
/* Everything about one certificate: in words, as a tree with all its signatures, as an object. */
#ifndef CLIENT_KEY_SHOW_H
#define CLIENT_KEY_SHOW_H

#include "client/key/command.h"
#include "openpgp/judge/verify.h"

/* What is shown of a certificate, beside what the store knows of it. */
struct key_shown {
	struct pgp_cert *cert;
	struct pgp_cert_judgement j;
};
/* As of now. key_shown_done() also after an error, which is in c->error. */
int key_shown_load(struct key_shown *s, struct key_command *c, const struct pgp_fingerprint *f);
void key_shown_done(struct key_shown *s);

void key_show_words(struct key_command *c, const struct key_shown *s);
void key_show_tree(struct key_command *c, const struct key_shown *s);
/* Adds "components", each with its "signatures", to an entry's object. */
void key_show_json(struct key_command *c, const struct key_shown *s, struct json_value *object);

/* "certify, sign"; "nothing". */
void key_put_flags(uint32_t flags, struct buf *out);
/* "2027-06-30" */
void key_put_day(uint64_t when, struct buf *out);
/* In groups of four, two halves: as people compare it. */
void key_put_groups(const struct pgp_fingerprint *f, struct buf *out);

#endif
