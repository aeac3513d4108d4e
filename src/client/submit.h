/* SPDX-License-Identifier: ISC */
/* Handing a written letter to the account's submission server (RFC 6409). Blocking. */
#ifndef CLIENT_SUBMIT_H
#define CLIENT_SUBMIT_H

#include "client/account.h"

struct submit_letter {
	const char *path;               /* the file that holds it */
	const struct slice *recipients; /* "local@domain" each; at least one */
	size_t recipient_count;
};

/*
 * Sends letters over one connection. ERR_PASSWORD when the server refuses the
 * account, ERR_DENIED when it refuses a recipient or a letter, with its words;
 * network errors. *sent_out: how many letters it took. When it signed in by
 * SCRAM, the account keeps that (account_save() it); *learnt_out then.
 */
int submit(struct account *a, struct slice password, const struct submit_letter *letters, size_t count,
    size_t *sent_out, bool *learnt_out, struct error *e);

#endif
