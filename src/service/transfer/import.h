/* SPDX-License-Identifier: ISC */
/*
 * Import of mbox files and Maildirs into one account. Each message is read,
 * with CRLF at the ends of its lines, and kept with its flags, keywords and date
 * (the one that the mbox or the file has; else the one in its Date field, and at
 * last the file's own, or in an mbox that of the message before it). One that cannot be kept is told, and the rest goes on.
 */
#ifndef SERVICE_TRANSFER_IMPORT_H
#define SERVICE_TRANSFER_IMPORT_H

#include "service/transfer/transfer.h"

struct import_options {
	const char *path;
	struct slice mailbox; /* everything goes into this one and below it; empty: where its name says */
	enum transfer_format format;
	bool again; /* also what is there already */
	uint64_t message_max;
};

/* ERR_SYNTAX: there is no mail at the path. Other errors: it stopped there; it may be run again. */
int import_run(struct transfer *t, const struct import_options *options, struct error *e);

#endif
