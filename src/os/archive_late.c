/* SPDX-License-Identifier: ISC */
#include "os/archive_late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libarchive.so.13"

static struct archive_late late;
static bool loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
#define SYMBOL(name) { "archive_" #name, offsetof(struct archive_late, name) },
	ARCHIVE_LATE_FUNCTIONS(SYMBOL)
#undef SYMBOL
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

const struct archive_late *
archive_late(struct error *e)
{
	(void)pthread_once(&once, load);
	if (loaded)
		return &late;
	(void)error_set(e, ERR_IO, "%s cannot be loaded; install the package libarchive13", LIBRARY);
	return NULL;
}
