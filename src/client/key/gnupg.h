/* SPDX-License-Identifier: ISC */
/*
 * What GnuPG has: its certificates, its secret keys, and how far its user
 * trusts each. By its own program and its own export: its files are its own
 * affair. It is started without a shell, with what it asks for on its standard
 * input.
 *
 * Its list (doc/DETAILS of GnuPG, --with-colons) is parsed here; user IDs in
 * it are peer text.
 */
#ifndef CLIENT_KEY_GNUPG_H
#define CLIENT_KEY_GNUPG_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "openpgp/key/key.h"

#define GNUPG_OUTPUT_MAX (256u << 20) /* octets that are taken from it */
#define GNUPG_MS 600000               /* it may check its trust database, or ask its user for a passphrase */

struct gnupg {
	const char *home; /* NULL: where it is by itself */
};

struct gnupg_key {
	struct pgp_fingerprint fingerprint;
	struct slice user_id; /* the first; unescaped octets */
	char validity;        /* 'u' ultimate, 'f' full, 'm' marginal, ...; 0 none */
	char owner_trust;     /* the same, as introducer */
	bool secret;          /* GnuPG has its secret part, or knows on which card it is */
};

/* Not 0 ends it and is returned. */
typedef int gnupg_each(void *ctx, const struct gnupg_key *key, struct error *e);
/* Lines that are not understood are passed over; a key without a whole fingerprint too. */
int gnupg_list_parse(struct slice text, gnupg_each *each, void *ctx, struct error *e);

/* Appends each call's output. ERR_NOT_FOUND when there is no gpg, ERR_IO when it says no; it says why on standard error. */
int gnupg_list(const struct gnupg *g, bool secret, struct buf *out, struct error *e);
int gnupg_export(const struct gnupg *g, struct buf *out, struct error *e);
/* ERR_PASSWORD when it says no. */
int gnupg_export_secret(
    const struct gnupg *g, const struct pgp_fingerprint *f, struct slice passphrase, struct buf *out, struct error *e);

#endif
