/* SPDX-License-Identifier: ISC */
/*
 * What is counted of a session with another server for TLS reports (RFC 8460):
 * a row without its count. The store counts octets that are alike as one, by
 * day and policy domain (STORE_TALLY_TLS). So what differs from session to
 * session and nobody wants to know, such as the host of one that went well,
 * is not in it.
 */
#ifndef SERVICE_POLICY_TALLY_H
#define SERVICE_POLICY_TALLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "mailauth/policy/tlsrpt.h"

#define TLS_TALLY_TEXT_MAX 255u      /* octets of a host, an address, a reason */
#define TLS_TALLY_LINE_MAX 600u      /* of a policy: "mx: " and a name; a TLSA record with a digest */
#define TLS_TALLY_LINES_MAX 68u      /* STS_MX_MAX and the three other lines of a policy, and one to spare */
#define TLS_TALLY_POLICY_MAX 6144u   /* octets of all lines; of a longer policy the last ones are left out */
#define TLS_TALLY_ROW_MAX (8u << 10) /* octets of it all: STORE_TALLY_MAX */

struct tls_tally_line {
	struct slice text;
};

struct tls_tally {
	uint32_t type;   /* enum tlsrpt_policy_type */
	uint32_t result; /* enum tlsrpt_result */
	/* Of a session that failed; empty: not known. */
	struct slice mx_name, mx_ip, sending_ip;
	struct slice reason;
	const struct tls_tally_line *lines; /* the policy as it was published */
	size_t line_count;
};

/* ERR_LIMIT: a text is longer than it may be; ERR_NOMEM. */
int tls_tally_write(const struct tls_tally *t, struct buf *out, struct error *e);
/* Texts live in the arena. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
int tls_tally_read(struct slice in, struct arena *a, struct tls_tally *out, struct error *e);

/* The lines of an MTA-STS policy, and TLSA records in their presentation (RFC 8460 section 4.5). */
void tls_tally_sts(struct tls_tally *t, struct slice policy, struct arena *a);
void tls_tally_tlsa(struct tls_tally *t, const struct slice *records, size_t count, struct arena *a);

#endif
