/* SPDX-License-Identifier: ISC */
/*
 * A certificate as files for one's own web page, where no server of ours is:
 *
 *	FOLDER/key.html                     fingerprint, QR code and certificate, for people
 *	FOLDER/key.asc                      the certificate, armored
 *	FOLDER/DOMAIN/.well-known/openpgpkey/policy, hu/HASH
 *	FOLDER/openpgpkey.DOMAIN/.well-known/openpgpkey/DOMAIN/policy, hu/HASH
 *
 * The last two are Web Key Directories for each domain that its user IDs have,
 * by the direct and the advanced method (draft-koch-openpgp-webkey-service
 * section 3.1); each name is that of the host whose root it belongs to. A file
 * there has the one user ID and nobody else's signatures.
 *
 * User IDs are peer text: names that cannot be a domain's get no folder.
 */
#ifndef TRUST_PAGES_H
#define TRUST_PAGES_H

#include "openpgp/cert/cert.h"
#include "openpgp/judge/policy.h"

struct trust_pages {
	const struct pgp_cert *cert; /* secret parts are left out */
	const struct pgp_policy *policy;
};

/* Writes all of them; folders are made, files replaced. *addresses_out: how many addresses got their files. */
int trust_pages_write(const struct trust_pages *p, const char *folder, size_t *addresses_out, struct error *e);

/* The page alone, appended: HTML by itself, without script, everything escaped. ERR_NOMEM, ERR_LIMIT. */
int trust_pages_html(const struct trust_pages *p, struct buf *out, struct error *e);
/*
 * The name of an address's file in a Web Key Directory, appended: 32 characters, of the local part with its capital
 * ASCII letters made small. ERR_CRYPTO, ERR_NOMEM.
 */
int trust_pages_hash(struct slice local, struct buf *out, struct error *e);

#endif
