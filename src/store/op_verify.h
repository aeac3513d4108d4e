/* SPDX-License-Identifier: ISC */
/* What the two files of verification share. */
#ifndef STORE_OP_VERIFY_H
#define STORE_OP_VERIFY_H

#include "store/internal.h"

/* One page being looked at. */
struct look {
	struct rx *rx;
	const struct store_verify *in;
	struct store_verified *out;
	struct rows findings; /* struct store_finding */
};

void look_found(struct look *l, const char *advice, struct slice text);
/* ERR_INTEGRITY becomes a finding and 0. */
int look_failed(struct look *l, int rc, const struct error *why);

/* Each does one page from l->in's cursor and sets l->out's. */
int look_database(struct look *l, struct error *e);
int look_accounts(struct look *l, struct error *e);
int look_references(struct look *l, struct error *e);
int look_mailboxes(struct look *l, struct error *e);
int look_certificates(struct look *l, struct error *e);
int look_bodies(struct look *l, struct error *e);
int look_segments(struct look *l, struct error *e);
int look_files(struct look *l, struct error *e);
int look_octets(struct look *l, struct error *e);

#endif
