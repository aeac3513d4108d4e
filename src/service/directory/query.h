/* SPDX-License-Identifier: ISC */
/*
 * What is asked of the key directory: the query of HKP's /pks/lookup
 * (draft-ietf-openpgp-hkp, "OpenPGP HTTP Keyserver Protocol"), as text in and
 * plain values out. Pure.
 *
 * search is "0x" and 40 or 64 hex digits (a fingerprint), "0x" and 16 (a key
 * ID), an address, or any part of a user ID. Key IDs of 8 digits are refused:
 * they collide at will.
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
};

enum directory_by { DIRECTORY_BY_FINGERPRINT, DIRECTORY_BY_KEY_ID, DIRECTORY_BY_ADDRESS, DIRECTORY_BY_TEXT };

struct directory_query {
	enum directory_op op;
	enum directory_by by;
	bool machine_readable; /* options=mr */
	uint8_t octets[32];    /* fingerprint or key ID */
	size_t octet_count;    /* 20, 32 or 8 */
	struct slice text;     /* address or text; points into the buf */
};

/*
 * text: born empty with at least DIRECTORY_SEARCH_MAX; holds what
 * query_out->text points to. ERR_UNSUPPORTED: an operation that we do not
 * have (501); anything else (400): ERR_SYNTAX, ERR_LIMIT.
 */
int directory_query_parse(struct slice query, struct buf *text, struct directory_query *query_out, struct error *e);

/* The address in a search text: "a@b", "<a@b>", "Name <a@b>"; empty when it is none. */
struct slice directory_query_address(struct slice text);

#endif
