/* SPDX-License-Identifier: ISC */
/* Search keys: a tree within its bounds, every node with the children its key needs. */
#include <stdlib.h>

#include "imap/command.h"
#include "imap/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned
check(const struct imap_search *s, unsigned depth)
{
	unsigned nodes = 1;
	unsigned children = 0;

	/* Each level of the text makes at most three of the tree: NOT around AND around OR. */
	if (depth > IMAP_DEPTH_MAX * 3 + 6)
		abort();
	for (const struct imap_search *c = s->child; c != NULL; c = c->next) {
		nodes += check(c, depth + 1);
		children++;
	}
	if ((s->key == IMAP_KEY_NOT && children != 1) || (s->key == IMAP_KEY_OR && children != 2) ||
	    (s->key == IMAP_KEY_AND && children == 0) ||
	    (s->key != IMAP_KEY_NOT && s->key != IMAP_KEY_OR && s->key != IMAP_KEY_AND && children != 0))
		abort();
	return nodes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct imap_search *s;
	struct slice charset;
	struct arena a;

	arena_init(&a, IMAP_ARENA_MAX);
	if (imap_search_parse(slice_of(data, size), &a, &s, &charset, NULL) == 0 &&
	    check(s, 0) > IMAP_SEARCH_KEYS_MAX * 5)
		abort();
	arena_done(&a);
	return 0;
}
