/* SPDX-License-Identifier: ISC */
/*
 * Giving a certificate to servers: HKP (/pks/add; version 6 keys by POST to
 * /pks/v2/certs), the verifying interface (VKS: upload, request-verify), and
 * HKP version 2's token by mail with PUT of the canonical certificate.
 *
 * Only public parts travel, and nothing that is marked to stay at home: local
 * certifications, sensitive revokers, trust packets.
 *
 * Blocking, bounded in size and time.
 */
#ifndef TRUST_PUBLISH_H
#define TRUST_PUBLISH_H

#include "openpgp/cert/cert.h"
#include "trust/find/server.h"
#include "trust/limits.h"

#define PUBLISH_TOKEN_MAX 2048u /* octets of a server's token */

struct publish_to {
	const struct find_web *web;
	const struct find_server *server;
	const char *user, *password; /* of our account, only for its own exchange; else NULL */
};

/* Appends what travels of it, binary. */
int publish_export(const struct pgp_cert *cert, struct buf *out, struct error *e);

/* ERR_DENIED when the server does not take it, with its status; ERR_UNSUPPORTED when it has no such door. */
int publish_hkp(const struct publish_to *to, const struct pgp_cert *cert, struct error *e);

enum publish_state { PUBLISH_UNPUBLISHED, PUBLISH_PENDING, PUBLISH_PUBLISHED, PUBLISH_REVOKED, PUBLISH_UNKNOWN };
const char *publish_state_name(enum publish_state s); /* as VKS says: "unpublished", "pending", ... */

struct publish_address {
	char address[TRUST_ADDRESS_MAX + 1]; /* peer text */
	enum publish_state state;
};

/* What a VKS server answers. */
struct publish_status {
	struct publish_address addresses[TRUST_ADDRESSES_MAX];
	size_t count;
	char token[PUBLISH_TOKEN_MAX + 1];
};
/* ERR_SYNTAX for what is no such answer. */
int publish_status_parse(struct slice json, struct publish_status *out, struct error *e);

int publish_vks_upload(
    const struct publish_to *to, const struct pgp_cert *cert, struct publish_status *out, struct error *e);
/*
 * The server mails a link to the which-th address; the new state is put into status. One at a time: a server refuses a
 * question about several as a whole when it does not like one of them.
 */
int publish_vks_verify(const struct publish_to *to, struct publish_status *status, size_t which, struct error *e);

/* The server mails a token to the address. */
int publish_send_token(const struct publish_to *to, struct slice address, struct error *e);
/* ERR_DENIED: the token is not right, or is too old; ERR_POLICY: the address is not in the certificate. */
int publish_canonical(
    const struct publish_to *to, struct slice address, const struct pgp_cert *cert, const char *token, struct error *e);

#endif
