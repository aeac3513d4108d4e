/* SPDX-License-Identifier: ISC */
/*
 * Finding people by a piece of their name: only in domains where the operator
 * wants that (the setting directory_search), for it tells strangers who is
 * there. On a worker: it waits for the store.
 */
#ifndef SERVICE_DIRECTORY_SEARCH_H
#define SERVICE_DIRECTORY_SEARCH_H

#include "base/error.h"
#include "base/slice.h"
#include "store/types.h"

struct web_call;

/*
 * At most DIRECTORY_MATCHES_MAX certificates in whose published user IDs of such a domain the text stands, in the call's
 * arena. version: of the certificates; 0 for all. ERR_UNSUPPORTED: no domain is searched; ERR_SYNTAX: too short a text; the
 * store's.
 */
int directory_search(
    struct web_call *call, struct slice text, uint32_t version, struct store_certificates *out, struct error *e);

#endif
