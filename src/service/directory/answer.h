/* SPDX-License-Identifier: ISC */
/*
 * What the look-ups of the key directory share: from what the store has seen to an answer. Armored or binary at once, on
 * the thread that brought it; what takes parsing on a worker.
 */
#ifndef SERVICE_DIRECTORY_ANSWER_H
#define SERVICE_DIRECTORY_ANSWER_H

#include "service/directory/query.h"
#include "service/web/call.h"
#include "store/types.h"

#define DIRECTORY_TYPE_ARMORED "application/pgp-keys"
#define DIRECTORY_TYPE_V2 "application/pgp-keys;armor=no" /* draft-ietf-openpgp-hkp 7.1 */
#define DIRECTORY_TYPE_BINARY "application/octet-stream"
#define DIRECTORY_TYPE_TEXT "text/plain; charset=utf-8"

/* In a call's arena. */
struct directory_found {
	struct directory_query query;
	struct slice *certificates;
	size_t count;
	bool more; /* there are others */
};

/* Looks it up, and goes on with then. version: of the certificates, 0 for all. What q points to lives as long as the call. */
void directory_find(struct web_call *call, const struct directory_query *q, uint32_t version,
    void (*then)(struct web_call *call, const struct store_certificate_seen *seen));

/* 404 when there are none. */
void directory_give_armored(struct web_call *call, const struct store_certificate_seen *seen);
void directory_give_v2(struct web_call *call, const struct store_certificate_seen *seen);
/* Keeps it in call->found, and goes on on a worker. 404 when there are none. */
void
directory_keep(struct web_call *call, const struct store_certificate_seen *seen, void (*stage)(struct web_call *call));
void directory_say_none(struct web_call *call);

/* ---- indexes, appended to the call's answer, of call->found: parsing, for workers ---- */

void directory_index_machine(struct web_call *call); /* options=mr */
void directory_index_html(struct web_call *call);
void directory_index_json(struct web_call *call); /* HKP v2 */

#endif
