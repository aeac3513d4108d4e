/* SPDX-License-Identifier: ISC */
/*
 * Authentication-Results (RFC 8601): what a receiver found out about where a
 * message is from, written where other programs read it. The same payload, with
 * "i=1; " in front, is ARC's ARC-Authentication-Results (RFC 8617 section 4.1.1).
 *
 *   Authentication-Results: mx.example.org;
 *    spf=pass smtp.mailfrom=example.com;
 *    dkim=pass header.d=example.com header.s=k1 header.b=AbCdEfGh;
 *    dmarc=fail reason="no aligned signature" header.from=example.net
 *
 * The field is believed by whoever trusts its authserv-id. So what strangers
 * send with ours must go (auth_results_claims()), and what they say, being
 * written into ours, must stay inside its value: everything is quoted as it
 * must be, and control characters become '?'.
 *
 * UTF-8 is written as it is (RFC 6532); what is not UTF-8 becomes '?'.
 */
#ifndef MAILAUTH_RESULTS_RESULTS_H
#define MAILAUTH_RESULTS_RESULTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "mailauth/limits.h"

struct auth_property {
	struct slice type;  /* "smtp", "header", "body", "policy" */
	struct slice name;  /* "mailfrom", "d", ... */
	struct slice value; /* as meant, without quotes. Written: left out with its name when empty */
};

struct auth_result {
	struct slice method; /* "spf", "dkim", "dmarc", "arc", "iprev", "auth" */
	uint64_t version;    /* of the method; 0: not said, which is 1. Never written */
	struct slice result; /* "pass" and so on */
	struct slice reason; /* reason=, as meant; empty: none */
	struct slice
	    comment; /* what was in the parentheses behind the result; empty: none. Written when there is some */
	const struct auth_property *properties;
	size_t property_count;
};

struct auth_results {
	struct slice server; /* authserv-id, as meant, without quotes */
	uint64_t version;    /* 0: not said, which is 1. Others than 1 are read no further. Never written */
	uint32_t instance;   /* ARC's i=; 0: an Authentication-Results field */
	const struct auth_result *results;
	size_t count; /* 0: "none" */
};

/*
 * Appends the whole field with its CR LF, folded before each result and where
 * lines would grow over MIME_FOLD_MAX: Authentication-Results or, with an
 * instance, ARC-Authentication-Results. ERR_USAGE: a method, result, type or
 * name is no keyword, or the identifier is empty (our fault; nothing is
 * appended); ERR_LIMIT over MAILAUTH_RESULTS_FIELD_MAX; ERR_NOMEM.
 */
int auth_results_write(const struct auth_results *r, struct buf *out, struct error *e);

/*
 * Takes a field's value (mime/header.h: all after the colon) apart. arc: "i=N;"
 * stands in front. Slices point into the value or the arena. ERR_SYNTAX, with
 * the offset; ERR_UNSUPPORTED: another version (out has the identifier and the
 * version); ERR_LIMIT over MAILAUTH_RESULTS_MAX, MAILAUTH_PROPERTIES_MAX or
 * MAILAUTH_RESULTS_FIELD_MAX; ERR_NOMEM.
 */
int auth_results_parse(struct slice value, bool arc, struct arena *a, struct auth_results *out, struct error *e);

/* The first result of a method, any case; NULL: none. */
const struct auth_result *auth_results_find(const struct auth_results *r, const char *method);
/* The value of a property ("header", "d"); empty: it is not there. */
struct slice auth_result_property(const struct auth_result *r, const char *type, const char *name);

/*
 * Whether a field's value (of Authentication-Results) claims to be by this
 * server, so that it has to go from a stranger's message. Says yes to all that
 * a lenient reader could take for it: any case, quotes, comments, folds, dots at
 * the end, U-labels, something behind it ("our.host/1", "our.host foo"); to what
 * has no identifier that can be told; and to names below or versions unknown.
 * The field's name is for the caller: any case, spaces before the colon.
 */
bool auth_results_claims(struct slice value, struct slice server);

#endif
