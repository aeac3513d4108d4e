/* SPDX-License-Identifier: ISC */
/*
 * XML 1.0, as far as documents of settings need it: reading by libexpat, and
 * writing of text and simple elements.
 *
 * Reading gives what begins, ends and stands between, with namespaces
 * resolved (Namespaces in XML 1.0). A document type declaration is refused as
 * such: no entity is ever declared, expanded or fetched. The size of the
 * document, the depth and the number of elements and attributes are bounded.
 * Comments and processing instructions are passed over.
 */
#ifndef BASE_XML_H
#define BASE_XML_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* All of it lives until the function that it is given to returns. */
struct xml_element {
	struct slice space; /* the namespace's name; empty: none */
	struct slice name;  /* without prefix */
	unsigned depth;     /* of the root: 1 */
	const char *const *attributes;
};

/* For documents that are larger than settings. */
struct xml_bounds {
	size_t octets;
	size_t elements;
};

/* Each may be NULL. What is not 0 ends the reading and is returned. */
struct xml_handler {
	int (*begin)(void *ctx, const struct xml_element *element, struct error *e);
	int (*text)(void *ctx, struct slice piece, struct error *e); /* UTF-8; may come in pieces */
	int (*end)(void *ctx, struct error *e);
	const struct xml_bounds *bounds; /* NULL: XML_DOCUMENT_MAX and XML_ELEMENTS_MAX */
};

/*
 * ERR_SYNTAX with the offset (not well formed, cut off, an encoding that is
 * not known); ERR_POLICY (a document type); ERR_LIMIT; ERR_NOMEM; or the
 * handler's own.
 */
int xml_read(struct slice document, const struct xml_handler *handler, void *ctx, struct error *e);
/* The same by a library that is not linked (base/xml_library.h, os/xml_late.h). */
struct xml_library;
int xml_read_by(const struct xml_library *library, struct slice document, const struct xml_handler *handler, void *ctx,
    struct error *e);
/* The value of an attribute without namespace; empty when it is not there. */
struct slice xml_attribute(const struct xml_element *element, const char *name);

/* Appends text as content, also good between double quotes: escaped, and with U+FFFD for what XML cannot hold. */
int xml_put_text(struct buf *out, struct slice text);
/* Appends a line: depth times two spaces, <name>, text, </name>. */
int xml_put_element(struct buf *out, unsigned depth, const char *name, struct slice text);

#endif
