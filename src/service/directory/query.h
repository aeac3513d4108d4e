/* SPDX-License-Identifier: ISC */
/*
 * What is asked of the key directory: the query of HKP's /pks/lookup
 * (draft-ietf-openpgp-hkp, "OpenPGP HTTP Keyserver Protocol") and the paths of
 * HKP v2 and of the VKS interface, as text in and plain values out. Pure.
 *
 * search is 40 or 64 hex digits (a fingerprint) or 16 (a key ID), with "0x" or
 * without; "0x" and 8 (a short key ID, which anybody can make collide: all that
 * match are given, and the index says so); an address; or any part of a user ID.
 */
#ifndef SERVICE_DIRECTORY_QUERY_H
#define SERVICE_DIRECTORY_QUERY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define DIRECTORY_SEARCH_MAX 320u /* octets of the decoded search text */
#define DIRECTORY_SEARCH_MIN 3u   /* octets of a text that is searched for anywhere in user IDs */

enum directory_op {
	DIRECTORY_GET,
	DIRECTORY_INDEX, /* and vindex */
	DIRECTORY_STATS,
};

enum directory_by {
	DIRECTORY_BY_FINGERPRINT,
	DIRECTORY_BY_KEY_ID,
	DIRECTORY_BY_SHORT_ID,
	DIRECTORY_BY_ADDRESS,
	DIRECTORY_BY_TEXT
};

struct directory_query {
	enum directory_op op;
	enum directory_by by;  /* but for stats */
	bool machine_readable; /* options=mr */
	bool json;             /* options=json */
	uint8_t octets[32];    /* fingerprint or key ID */
	size_t octet_count;    /* 20, 32, 8 or 4 */
	struct slice text;     /* address or text; points into the buf */
};

/*
 * text: born empty with at least 3 * DIRECTORY_SEARCH_MAX; holds what
 * query_out->text points to. ERR_UNSUPPORTED: an operation that we do not
 * have (501); anything else (400): ERR_SYNTAX, ERR_LIMIT.
 */
int directory_query_parse(struct slice query, struct buf *text, struct directory_query *query_out, struct error *e);

/* The address in a search text: "a@b", "<a@b>", "Name <a@b>"; empty when it is none. */
struct slice directory_query_address(struct slice text);

/* ---- paths ---- */

struct directory_path {
	enum directory_by by;
	uint32_t version;   /* of the certificates that may be given; 0: all */
	uint8_t octets[32]; /* as above */
	size_t octet_count;
	struct slice text;
};

/*
 * What stands behind /pks/v2/certs/: by-vfingerprint/VVFINGERPRINT (or VV/FINGERPRINT), by-keyid/KEYID,
 * by-identity/ADDRESS. ERR_UNSUPPORTED: no such category (501); ERR_DENIED: nothing behind it (403); ERR_NOT_FOUND: it can
 * name no certificate here.
 */
int directory_path_v2(struct slice path, struct buf *text, struct directory_path *out, struct error *e);
/*
 * What stands behind /vks/v1/: by-fingerprint/, by-keyid/ and by-email/. Old programs ask there: of version 6 is only
 * what is named by its whole fingerprint. ERR_NOT_FOUND: no such path; ERR_SYNTAX.
 */
int directory_path_vks(struct slice path, struct buf *text, struct directory_path *out, struct error *e);
/* The address behind /pks/v2/index/. Errors as with directory_path_v2(). */
int directory_path_identity(struct slice path, struct buf *text, struct slice *address_out, struct error *e);
/* "2026-02-03", the day since 1970-01-01. ERR_SYNTAX. */
int directory_path_day(struct slice path, uint64_t *day_out, struct error *e);

#endif
