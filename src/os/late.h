/* SPDX-License-Identifier: ISC */
/*
 * A library that is loaded when it is first wanted: Debian's libcurl brings
 * some twenty-five others along, and mapping them takes longer than signing or
 * sealing one line does; most runs of the program need none of them.
 *
 * A process that gives up the file system calls late_load() before it does.
 */
#ifndef OS_LATE_H
#define OS_LATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct late_symbol {
	const char *name;
	size_t offset; /* of the pointer to the function, in the table */
};

/* Constant but for its last two members, which begin as zero. */
struct late {
	const char *library; /* "libcurl.so.4" */
	const char *package; /* that has it, for the sentence */
	const struct late_symbol *symbols;
	size_t symbol_count;
	void *table; /* of pointers to functions */
	bool tried, loaded;
};

/* Fills the table, once; any thread. code, with a sentence, when the library or one of its functions is not there. */
int late_load(struct late *l, int code, struct error *e);

#endif
