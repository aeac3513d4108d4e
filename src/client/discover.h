/* SPDX-License-Identifier: ISC */
/*
 * What a domain's provider says of its servers in config-v1.1.xml
 * (draft-ietf-mailmaint-autoconfig 4.1), over HTTPS only: the certificate of
 * the domain's own name vouches for it.
 */
#ifndef CLIENT_DISCOVER_H
#define CLIENT_DISCOVER_H

#include "client/account.h"

#define DISCOVER_WAIT_MS 5000 /* for each of two places; Thunderbird waits as long */

/*
 * Puts the first IMAP and SMTP server that we can use (TLS, a password, the whole address as user) into the account;
 * HTTPS is looked for where mail is sent. ERR_NOT_FOUND: there is no such document, or none that names both; the account
 * is as it was then.
 */
int discover_servers(struct account *a, struct error *e);

/* The same from a document that is there. ERR_SYNTAX, ERR_POLICY, ERR_LIMIT: it is none. */
int discover_read(struct account *a, struct slice document, struct error *e);

#endif
