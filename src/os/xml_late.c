/* SPDX-License-Identifier: ISC */
#include "os/xml_late.h"

#include <stddef.h>

#include "base/xml_library.h"
#include "os/late.h"

static struct xml_library table;

static const struct late_symbol symbols[] = {
#define SYMBOL(name) { "XML_" #name, offsetof(struct xml_library, name) },
	XML_LIBRARY_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct late library = {
	.library = "libexpat.so.1",
	.package = "libexpat1",
	.symbols = symbols,
	.symbol_count = sizeof symbols / sizeof symbols[0],
	.table = &table,
};

const struct xml_library *
xml_late(struct error *e)
{
	return late_load(&library, ERR_IO, e) == 0 ? &table : NULL;
}
