/* SPDX-License-Identifier: ISC */
/* Any bytes as a list of candidates, a log of changes, a VKS answer: what comes out is in bounds. */
#include <stdlib.h>
#include <string.h>

#include "trust/find/find.h"
#include "trust/find/index.h"
#include "trust/find/refresh.h"
#include "trust/publish/publish.h"

static int
each_candidate(void *ctx, const struct find_candidate *c)
{
	size_t *n = ctx;

	if (c->name.len > FIND_INDEX_NAME_MAX ||
	    (c->fingerprint.len != 0 && c->key_id != pgp_fingerprint_key_id(&c->fingerprint)))
		abort();
	return ++*n == 1000;
}

static int
each_prefix(void *ctx, uint32_t prefix)
{
	size_t *n = ctx;

	(void)prefix;
	(*n)++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct publish_status status;
	struct slice in = slice_of(data, size);
	struct find_server server;
	struct find_query q;
	size_t n = 0;

	(void)find_index_read(in, each_candidate, &n, NULL);
	n = 0;
	(void)find_prefixlog_read(in, each_prefix, &n, NULL);
	if (n > size / 8)
		abort();
	if (publish_status_parse(in, &status, NULL) == 0 &&
	    (status.count > TRUST_ADDRESSES_MAX || strlen(status.token) > PUBLISH_TOKEN_MAX || status.token[0] == '\0'))
		abort();
	if (find_server_parse(in, true, &server, NULL) == 0 && (server.host[0] == '\0' || server.port == 0))
		abort();
	if (find_query_parse(in, &q, NULL) == 0 && q.text.len > TRUST_ADDRESS_MAX)
		abort();
	return 0;
}
