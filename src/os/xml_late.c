/* SPDX-License-Identifier: ISC */
#include "os/xml_late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/xml_library.h"

#define LIBRARY "libexpat.so.1"

static struct xml_library late;
static bool loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
#define SYMBOL(name) { "XML_" #name, offsetof(struct xml_library, name) },
	XML_LIBRARY_FUNCTIONS(SYMBOL)
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

const struct xml_library *
xml_late(struct error *e)
{
	(void)pthread_once(&once, load);
	if (loaded)
		return &late;
	(void)error_set(e, ERR_IO, "%s cannot be loaded; install the package libexpat1", LIBRARY);
	return NULL;
}
