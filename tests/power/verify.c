/* SPDX-License-Identifier: ISC */
#include "verify.h"

#include <stdio.h>
#include <unistd.h>

#include "store/store.h"

#define REPLY_BUDGET ((size_t)16 << 20)
#define LOOKS 60 /* at files that change beside their rows: a finding that goes is none */
#define LOOK_AGAIN_US 50000u

static bool
say(const struct store_verify *page, const char *what, struct slice text, char *why, size_t why_size)
{
	(void)snprintf(
	    why, why_size, "verify, part %u%s: %.*s", page->part, what, (int)text.len, (const char *)text.data);
	return false;
}

/* *page becomes the next one. */
static bool
look_at_page(struct port *port, struct store_verify *page, bool *more, char *why, size_t why_size)
{
	for (int look = 1;; look++) {
		struct arena a ARENA_OWNED = { 0 };
		struct store_verified found;
		struct error e;

		arena_init(&a, REPLY_BUDGET);
		if (store_verify(port, page, &a, &found, &e) != 0)
			return say(page, ", cannot look", slice_str(e.text), why, why_size);
		if (found.finding_count == 0) {
			page->after = found.after;
			page->behind = found.behind;
			*more = found.more;
			return true;
		}
		if (page->part < STORE_VERIFY_SEGMENTS || look == LOOKS)
			return say(page, "", found.findings[0].text, why, why_size);
		(void)usleep(LOOK_AGAIN_US);
	}
}

bool
verify_finds_nothing(struct port *port, char *why, size_t why_size)
{
	for (uint32_t part = 0; part < STORE_VERIFY_PARTS; part++) {
		struct store_verify page = { .part = part };
		bool more = true;

		while (more) {
			if (!look_at_page(port, &page, &more, why, why_size))
				return false;
		}
	}
	return true;
}
