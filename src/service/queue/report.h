/* SPDX-License-Identifier: ISC */
/*
 * The report on a message's delivery (DSN: RFC 3461 section 6, 3464; of a
 * message with SMTPUTF8 RFC 6533): in plain words what happened and what to do,
 * the same for programs, and the message's header. Its own envelope sender is
 * the null one, and a message with that sender has none: reports provoke no
 * reports. Pure.
 */
#ifndef SERVICE_QUEUE_REPORT_H
#define SERVICE_QUEUE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "store/limits.h"

#define REPORT_MAX STORE_INLINE_MAX /* octets: what a thousand recipients and a header need */

enum report_action { /* RFC 3464 section 2.3.3 */
	REPORT_FAILED = 1,
	REPORT_DELAYED = 2,
	REPORT_DELIVERED = 3, /* into a mailbox here */
	REPORT_RELAYED = 4,   /* the next server took it and makes no such reports */
};

struct report_recipient {
	struct slice address;
	struct slice orcpt;  /* as it was given: "type;xtext"; empty: none */
	uint32_t action;     /* enum report_action */
	struct slice status; /* "5.1.1"; empty: the action's general one */
	struct slice text;   /* the other server's reply, or in plain words what stood in the way; may be empty */
	bool from_remote;    /* it is a reply */
	struct slice host;   /* whose reply; may be empty */
	uint64_t until;      /* DELAYED: for so long it is tried; 0: not known */
	uint64_t last;       /* when it was tried last; 0: not known */
};

struct report {
	struct slice hostname; /* ours */
	struct slice id;       /* for Received; empty: none is written */
	uint64_t now;
	uint8_t random[16];
	struct slice to; /* whom it is for: the message's sender */
	bool utf8;       /* the message came with SMTPUTF8 */
	bool seven_bit;  /* it goes to another server, which may take no more: to is ASCII, and a whole original too */
	struct slice envid;    /* as it was given, in xtext; empty: none */
	uint64_t arrival;      /* of the message */
	uint64_t tried_s;      /* FAILED: how long it was tried; 0: it was refused at once */
	struct slice original; /* the message's header with its empty line, or all of it; empty: none is shown */
	bool whole;            /* all of it */
	const struct report_recipient *recipients; /* at least one */
	size_t recipient_count;
};

/*
 * Appends the report as it is kept for its reader: Return-Path (its octets are
 * *skip_out) and then what would be sent. *header_size_out: with both. Returns
 * out's sticky error.
 */
int report_write(const struct report *r, struct buf *out, uint32_t *skip_out, uint32_t *header_size_out);

/* Whether what was written has octets above 127, or must be sent with SMTPUTF8. */
bool report_is_8bit(const struct report *r);

#endif
