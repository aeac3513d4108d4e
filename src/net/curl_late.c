/* SPDX-License-Identifier: ISC */
#include "net/curl_late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static struct curl_late late;
static bool loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "curl_easy_init", offsetof(struct curl_late, easy_init) },
	{ "curl_easy_setopt", offsetof(struct curl_late, easy_setopt) },
	{ "curl_easy_perform", offsetof(struct curl_late, easy_perform) },
	{ "curl_easy_getinfo", offsetof(struct curl_late, easy_getinfo) },
	{ "curl_easy_strerror", offsetof(struct curl_late, easy_strerror) },
	{ "curl_easy_cleanup", offsetof(struct curl_late, easy_cleanup) },
	{ "curl_slist_append", offsetof(struct curl_late, slist_append) },
	{ "curl_slist_free_all", offsetof(struct curl_late, slist_free_all) },
};

static void
load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library != NULL && i < sizeof symbols / sizeof symbols[0]; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (symbol == NULL)
			return;
		/* ISO C has no cast between object and function pointers; POSIX says that their octets are the same. */
		memcpy((char *)&late + symbols[i].offset, &symbol, sizeof symbol);
	}
	loaded = library != NULL;
}

const struct curl_late *
curl_late(struct error *e)
{
	(void)pthread_once(&once, load);
	if (loaded)
		return &late;
	(void)error_set(e, ERR_NET, "%s cannot be loaded; install the package libcurl4", LIBRARY);
	return NULL;
}
