/* SPDX-License-Identifier: ISC */
/*
 * A backup as a page to be printed: HTML by itself, without script, picture or
 * anything that is fetched. It has the message as numbered QR codes and as
 * lines to type, what to do with them, whose key it is, and the revocation
 * certificate in clear, for the day on which the code is lost as well.
 */
#ifndef CLIENT_KEY_BACKUP_PAGE_H
#define CLIENT_KEY_BACKUP_PAGE_H

#include "openpgp/cert/cert.h"

struct backup_page {
	const struct pgp_cert *cert; /* for its fingerprint and user IDs */
	struct slice message;        /* backup_make()'s */
	struct slice revocation;     /* armored, with its words; may be empty */
	uint64_t now;
};
/* Appends. ERR_LIMIT when the key is too large for paper. */
int backup_page_write(const struct backup_page *p, struct buf *out, struct error *e);

#endif
