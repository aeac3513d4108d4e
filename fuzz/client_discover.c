/* SPDX-License-Identifier: ISC */
/* Any document of settings: what is taken from it is whole, and what is refused changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "client/discover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_server(const struct account_server *s)
{
	size_t len = strnlen(s->host, sizeof s->host);

	if (len == 0 || len == sizeof s->host || s->port == 0)
		abort();
	for (size_t i = 0; i < len; i++)
		if (s->host[i] <= ' ' || s->host[i] > 126)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct account a = { .address = "alice@example.org" }, before = a;

	if (discover_read(&a, slice_of(data, size), NULL) == 0) {
		for (size_t i = 0; i < ACCOUNT_SERVICES; i++)
			check_server(&a.servers[i]);
	} else if (memcmp(&a, &before, sizeof a) != 0) {
		abort();
	}
	return 0;
}
