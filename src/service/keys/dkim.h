/* SPDX-License-Identifier: ISC */
/*
 * A domain's keys for DKIM, as files in the folder of keys:
 * dkim-DOMAIN_SELECTOR.STATE, PEM text. '_' is in no domain's name, so the two
 * are told apart. The state is the file's last word:
 *
 *   pem       the key signs
 *   waiting   its record is not known to stand in DNS yet; nothing is signed with it
 *   retired   it signs no longer; its record stays in DNS for mail that is under way
 *
 * What is signed with such a key is a message's fields that end in a
 * DKIM-Signature of that domain and selector (mailauth/dkim/sign.h), or in one of
 * ARC's two signatures (mailauth/arc/seal.h), made now.
 */
#ifndef SERVICE_KEYS_DKIM_H
#define SERVICE_KEYS_DKIM_H

#include "base/buf.h"
#include "base/error.h"
#include "crypto/pem_secret.h"
#include "mailauth/dkim/key.h"
#include "mailauth/dkim/sign.h"

#define KEYS_DKIM_PREFIX "dkim-"
#define KEYS_DKIM_NAME_MAX 400u     /* octets of a file's name */
#define KEYS_DKIM_SELECTOR_MAX 63u  /* of ours */
#define KEYS_DKIM_RECORD_MAX 2048u  /* octets of a record's text */
#define KEYS_DKIM_SKEW_SECONDS 600u /* t= of what is to be signed may differ so much from now */

enum keys_dkim_state { KEYS_DKIM_NONE, KEYS_DKIM_SIGNS, KEYS_DKIM_WAITS, KEYS_DKIM_RETIRED };
/* "signs", "waits", "retired" */
const char *keys_dkim_state_name(enum keys_dkim_state s);

/* KEYS_DKIM_NONE: it is not the name of such a file. The slices are of name. */
enum keys_dkim_state keys_dkim_file(struct slice name, struct slice *domain_out, struct slice *selector_out);
/* Appends the name. Returns out's error. */
int keys_dkim_file_name(struct slice domain, struct slice selector, enum keys_dkim_state s, struct buf *out);

struct keys_dkim {
	struct slice domain, selector; /* of name */
	struct buf name;
	struct pem_secret *key;
};

/* ERR_SYNTAX: not the name of such a file, or no key in it. End with keys_dkim_close(), also after an error. */
int keys_dkim_open(struct slice name, struct slice secret, struct keys_dkim *out, struct error *e);
void keys_dkim_close(struct keys_dkim *k);
enum dkim_algorithm keys_dkim_algorithm(const struct keys_dkim *k);
/* Octets of its signatures. */
size_t keys_dkim_signature_size(const struct keys_dkim *k);
/* Appends the record's text. */
int keys_dkim_record(const struct keys_dkim *k, struct buf *out, struct error *e);
/*
 * Whether a TXT record's text (theirs) is the record of this key (ours): the
 * same key, whatever else it says, as long as it says nothing against signing
 * mail with it.
 */
bool keys_dkim_record_is(struct slice ours, struct slice theirs);

enum keys_dkim_use {
	KEYS_DKIM_SIGNATURE, /* RFC 6376 */
	KEYS_DKIM_ARC,       /* RFC 8617: a message signature or a seal */
};
/* Whose signature it would be that these octets end in. ERR_SYNTAX: they end in none of that use. */
int keys_dkim_claim(enum keys_dkim_use use, struct slice octets, struct dkim_sign_claim *out, struct error *e);
/* Appends the signature. ERR_DENIED: it is not to be signed with this key; ERR_SYNTAX: as above. */
int keys_dkim_sign(const struct keys_dkim *k, enum keys_dkim_use use, struct slice octets, uint64_t now,
    struct buf *out, struct error *e);

#endif
