/* SPDX-License-Identifier: ISC */
#include "base/xml.h"
#include "base/xml_library.h"

const struct xml_library xml_linked = {
#define ENTRY(name) .name = XML_##name,
	XML_LIBRARY_FUNCTIONS(ENTRY)
#undef ENTRY
};

int
xml_read(struct slice document, const struct xml_handler *handler, void *ctx, struct error *e)
{
	return xml_read_by(&xml_linked, document, handler, ctx, e);
}
