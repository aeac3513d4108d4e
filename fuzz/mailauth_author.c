/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a header: whom it is from, and what it says in our name. Each domain could be asked for and is told once;
 * every From that the strict reader sees was seen; what was taken out is not there any more, and nothing else is gone.
 */
#include <stdlib.h>

#include "mailauth/dmarc/author.h"
#include "mailauth/name.h"
#include "mailauth/results/results.h"
#include "mime/header.h"
#include "mime/lax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_authors(const struct dmarc_authors *found)
{
	if (found->count > MAILAUTH_DMARC_AUTHORS_MAX)
		abort();
	for (size_t i = 0; i < found->count; i++) {
		if (!mailauth_name_can_be(found->domains[i]))
			abort();
		for (size_t k = 0; k < i; k++)
			if (slice_eq(found->domains[i], found->domains[k]))
				abort();
	}
	if (dmarc_authors_one(found) && (found->fields != 1 || found->count != 1))
		abort();
}

static void
check_strict(struct slice block, const struct dmarc_authors *found)
{
	struct mime_header header;
	struct arena a;

	arena_init(&a, MIME_ARENA_MAX);
	if (mime_header_parse(block, &a, &header, NULL) == 0 && mime_header_count(&header, "From") > found->fields)
		abort();
	arena_done(&a);
}

static void
check_fields(struct slice block)
{
	size_t len = 0, whole = block.len;

	while (block.len > 0) {
		struct slice field = mime_lax_take(&block), value;

		if (field.len == 0)
			abort();
		len += field.len;
		if (mime_lax_named(field, "Authentication-Results", &value))
			(void)auth_results_claims(value, SLICE("mx.example"));
	}
	if (len != whole)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice block = slice_of(data, size);
	struct dmarc_authors found;
	struct arena a;

	arena_init(&a, 1u << 14);
	if (dmarc_authors(block, &a, &found, NULL) == 0) {
		check_authors(&found);
		check_strict(block, &found);
	}
	check_fields(block);
	arena_done(&a);
	return 0;
}
