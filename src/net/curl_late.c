/* SPDX-License-Identifier: ISC */
#include "net/curl_late.h"

#include <stddef.h>

#include "os/late.h"

static struct curl_late table;

static const struct late_symbol symbols[] = {
	{ "curl_easy_init", offsetof(struct curl_late, easy_init) },
	{ "curl_easy_setopt", offsetof(struct curl_late, easy_setopt) },
	{ "curl_easy_perform", offsetof(struct curl_late, easy_perform) },
	{ "curl_easy_getinfo", offsetof(struct curl_late, easy_getinfo) },
	{ "curl_easy_strerror", offsetof(struct curl_late, easy_strerror) },
	{ "curl_easy_cleanup", offsetof(struct curl_late, easy_cleanup) },
	{ "curl_slist_append", offsetof(struct curl_late, slist_append) },
	{ "curl_slist_free_all", offsetof(struct curl_late, slist_free_all) },
};

static struct late library = {
	.library = "libcurl.so.4",
	.package = "libcurl4",
	.symbols = symbols,
	.symbol_count = sizeof symbols / sizeof symbols[0],
	.table = &table,
};

const struct curl_late *
curl_late(struct error *e)
{
	return late_load(&library, ERR_NET, e) == 0 ? &table : NULL;
}
