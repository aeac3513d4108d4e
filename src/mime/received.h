/* SPDX-License-Identifier: ISC */
/*
 * Received fields (RFC 5321 section 4.4): one for each server that took the
 * letter, the last one on top. Read as they are written in the world, by
 * Postfix, Exim, Sendmail, Gmail, Outlook, qmail and ourselves, which is more
 * than the grammar has: words where one is permitted, clauses in any order,
 * what TLS was used in comments of five kinds.
 *
 * Nothing here can be checked: each server may write what it likes, and
 * whoever sends a letter may put as many of these fields into it as he likes.
 */
#ifndef MIME_RECEIVED_H
#define MIME_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct mime_received {
	/* As written, unfolded; empty: not there. */
	struct slice from;    /* the name that the sender gave itself (EHLO) */
	struct slice name;    /* the name of its address in DNS, as far as the writer says one */
	struct slice address; /* where it connected from: "192.0.2.1", "2001:db8::1" */
	struct slice by;
	struct slice via;
	struct slice with; /* "ESMTPS", "Microsoft SMTP Server" */
	struct slice id;
	struct slice recipient;   /* for: without angle brackets */
	struct slice tls_version; /* "TLS 1.3" in this form, whoever wrote it in which */
	struct slice tls_cipher;
	bool encrypted;     /* with says so (RFC 3848, RFC 8314 7.4), or the version is there */
	bool authenticated; /* the sender had signed in: with ends in A */
	bool local;         /* no network: handed over on the same machine */
	bool dated;
	int64_t when; /* unix seconds */
	int16_t zone; /* minutes east of UTC, as its writer has them */
};

/*
 * A field's value, folded as it came. Slices live in the arena. ERR_SYNTAX:
 * there is nothing in it that can be understood; ERR_LIMIT over
 * MIME_RECEIVED_MAX; ERR_NOMEM. Otherwise what is understood is set.
 */
int mime_received_parse(struct slice value, struct arena *a, struct mime_received *out, struct error *e);

#endif
