/* SPDX-License-Identifier: ISC */
#include "os/archive_late.h"

#include <stddef.h>

#include "os/late.h"

static struct archive_late table;

static const struct late_symbol symbols[] = {
#define SYMBOL(name) { "archive_" #name, offsetof(struct archive_late, name) },
	ARCHIVE_LATE_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct late library = {
	.library = "libarchive.so.13",
	.package = "libarchive13",
	.symbols = symbols,
	.symbol_count = sizeof symbols / sizeof symbols[0],
	.table = &table,
};

const struct archive_late *
archive_late(struct error *e)
{
	return late_load(&library, ERR_IO, e) == 0 ? &table : NULL;
}
