/* SPDX-License-Identifier: ISC */
/*
 * What a domain says about mail in its name: the TXT record at _dmarc.DOMAIN
 * (RFC 9989 sections 4.7 and 4.8), and where it wants reports (RFC 9990).
 *
 * A record that does not begin with v=DMARC1 is none. Of all others, what cannot
 * be understood is as if it were not there; a tag that comes twice cannot be
 * understood. What RFC 9989 took out of RFC 7489 (pct, rf, ri) is passed over.
 */
#ifndef MAILAUTH_DMARC_RECORD_H
#define MAILAUTH_DMARC_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

/* "none", "quarantine", "reject" */
const char *dmarc_policy_name(enum dmarc_policy p);

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

enum dmarc_failure { /* fo=, several at once */
	DMARC_FAILURE_ALL = 1,
	DMARC_FAILURE_ANY = 2,
	DMARC_FAILURE_DKIM = 4,
	DMARC_FAILURE_SPF = 8,
};

/* rua= or ruf=: those whose address can be sent to, in their order; slices of the record. */
struct dmarc_uris {
	struct slice mailto[MAILAUTH_DMARC_URIS_MAX]; /* the whole URI, without an old size ("!10m") */
	size_t count;
	size_t seen; /* well-formed URIs of any scheme; more than count: others were passed over */
};

struct dmarc_record {
	bool has_policy;      /* p= is there and can be understood */
	bool broken_policy;   /* sp= or np= is there and cannot be understood */
	enum dmarc_policy p;  /* p=; none when it is not there */
	enum dmarc_policy sp; /* for domains below, by default p */
	enum dmarc_policy np; /* for domains below that do not exist, by default sp */
	bool has_sp, has_np;  /* they stand in it */
	bool strict_dkim;     /* adkim=s */
	bool strict_spf;      /* aspf=s */
	bool testing;         /* t=y */
	enum dmarc_psd psd;
	unsigned failure;      /* fo=, enum dmarc_failure; DMARC_FAILURE_ALL by default */
	struct dmarc_uris rua; /* aggregate reports */
	struct dmarc_uris ruf; /* reports of single failures */
};

/* Whether the text is a DMARC record at all; then all of out is set, with slices of text. */
bool dmarc_record_parse(struct slice text, struct dmarc_record *out);
/*
 * Whether mail is judged by it (RFC 9989 section 4.10.1): it has a policy that
 * can be understood, or at least wants reports. In the latter case all of its
 * policies are to be taken as "none", which this sets.
 */
bool dmarc_record_settle(struct dmarc_record *r);

/* A mailto URI with one address that can be sent to. */
bool dmarc_uri_is_mailto(struct slice uri);
/*
 * Appends the address of a mailto URI, "local@domain" as it is written in a
 * header, the domain in A-labels; header fields behind '?' are left out. ERR_SYNTAX, ERR_NOMEM.
 */
int dmarc_uri_address(struct slice uri, struct buf *out, struct error *e);
/* Appends its host, A-labels in small letters. ERR_SYNTAX, ERR_NOMEM. */
int dmarc_uri_host(struct slice uri, struct buf *out, struct error *e);

#endif
