/* SPDX-License-Identifier: ISC */
#include "os/late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool
load(const struct late *l)
{
	void *library = dlopen(l->library, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library != NULL && i < l->symbol_count; i++) {
		void *symbol = dlsym(library, l->symbols[i].name);

		if (symbol == NULL)
			return false;
		/* ISO C has no cast between object and function pointers; POSIX says that their octets are the same. */
		memcpy((char *)l->table + l->symbols[i].offset, &symbol, sizeof symbol);
	}
	return library != NULL;
}

int
late_load(struct late *l, int code, struct error *e)
{
	bool loaded;

	(void)pthread_mutex_lock(&lock);
	if (!l->tried)
		l->loaded = load(l);
	l->tried = true;
	loaded = l->loaded;
	(void)pthread_mutex_unlock(&lock);
	if (loaded)
		return 0;
	return error_set(e, code, "%s cannot be loaded; install the package %s", l->library, l->package);
}
