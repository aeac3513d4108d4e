/* SPDX-License-Identifier: ISC */
/* Data items: what parses is written, and parses again to the same writing. */
#include <stdlib.h>

#include "imap/command.h"
#include "imap/limits.h"
#include "imap/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
rewrite(struct slice in, struct buf *out)
{
	const struct imap_item *items;
	size_t count = 0;
	struct arena a;
	bool ok;

	arena_init(&a, IMAP_ARENA_MAX);
	ok = imap_items_parse(in, &a, &items, &count, NULL) == 0;
	(void)buf_put_str(out, "(");
	for (size_t i = 0; ok && i < count; i++) {
		(void)buf_put_str(out, i > 0 ? " " : "");
		(void)imap_write_item(out, &items[i]);
	}
	(void)buf_put_str(out, ")");
	arena_done(&a);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once, twice;

	buf_init(&once, 16u << 20);
	buf_init(&twice, 16u << 20);
	if (rewrite(slice_of(data, size), &once) &&
	    (!rewrite(buf_slice(&once), &twice) || !slice_eq(buf_slice(&once), buf_slice(&twice))))
		abort();
	buf_done(&once);
	buf_done(&twice);
	return 0;
}
