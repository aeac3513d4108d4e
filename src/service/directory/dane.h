/* SPDX-License-Identifier: ISC */
/*
 * Keys of addresses in DNS: OPENPGPKEY (RFC 7929) and SMIMEA (RFC 8162). Pure:
 * the name and the RDATA of a record.
 *
 * The name is the SHA-256 of the local part, cut to 28 octets, in hex, under
 * _openpgpkey or _smimecert of the domain (both RFCs, section 3). RFC 7929 4
 * leaves variants of the local part to the domain; here letters in both cases
 * are the same address, and programs ask for small ones (gpg) or for what was
 * typed: the name is that of the small ones, and dane_is_folded() says when the
 * one as it is written is another, which is to be there too.
 */
#ifndef SERVICE_DIRECTORY_DANE_H
#define SERVICE_DIRECTORY_DANE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define DANE_OPENPGPKEY "_openpgpkey"
#define DANE_SMIMEA "_smimecert"
#define DANE_NAME_MAX 400u
#define DANE_RDATA_MAX 60000u /* octets: with name and head it has to fit into 65,535 */

/* Appends the name, without last dot; as_written: of the local part in its own case. ERR_SYNTAX: no address; ERR_LIMIT. */
int dane_name(struct slice address, const char *label, bool as_written, struct buf *out, struct error *e);
/* Whether dane_name() gives another name as_written. */
bool dane_is_folded(struct slice address);

/*
 * Appends the RDATA of OPENPGPKEY: the certificate with that address's user IDs alone, the newest self-signatures, what
 * of its keys is alive at now, and nobody else's signatures (RFC 7929 2.1.2). ERR_POLICY: nothing of it is alive; ERR_LIMIT.
 */
int dane_openpgpkey(struct slice certificate, struct slice address, uint64_t now, struct buf *out, struct error *e);
/*
 * Appends the RDATA of SMIMEA: 3 0 0 and the first certificate of PEM text, whole, so that one can encrypt to it.
 * ERR_SYNTAX: it is none, or does not name the address.
 */
int dane_smimea(struct slice pem, struct slice address, struct buf *out, struct error *e);

#endif
