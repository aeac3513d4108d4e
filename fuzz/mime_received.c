/* SPDX-License-Identifier: ISC */
/* Any bytes as a value: what is understood lies within it, and a field that was made of it says the same. */
#include <stdlib.h>

#include "base/date.h"
#include "mime/limits.h"
#include "mime/received.h"

/* One word; of several one may be a keyword, whose clause is empty here. An open quote or comment reaches to the end. */
static bool
is_plain(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == ' ' || value.data[i] == '"' || value.data[i] == '(' || value.data[i] == '\\')
			return false;
	return value.len > 0;
}

static void
put(struct buf *b, const char *word, struct slice value)
{
	if (!is_plain(value))
		return;
	(void)buf_put_str(b, word);
	(void)buf_put_slice(b, value);
}

/* The plain clauses, without comments. */
static void
check(const struct mime_received *x)
{
	struct mime_received y;
	struct arena a;
	struct buf b;

	arena_init(&a, 1 << 20);
	buf_init(&b, 4 * MIME_RECEIVED_MAX);
	put(&b, "by ", x->by);
	put(&b, " id ", x->id);
	if (x->dated) {
		(void)buf_put_str(&b, "; ");
		(void)date_write_mail(&b, x->when, x->zone);
	}
	if (mime_received_parse(buf_slice(&b), &a, &y, NULL) == 0) {
		if (y.encrypted || y.authenticated || y.local || y.from.len > 0)
			abort(); /* without clauses that say so */
		if (is_plain(x->by) && !slice_eq(x->by, y.by))
			abort();
		if (x->dated && x->when >= 0 && (!y.dated || x->when != y.when))
			abort();
	} else if (is_plain(x->by) && b.len <= MIME_RECEIVED_MAX) {
		abort();
	}
	buf_done(&b);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_received x;
	struct arena a;

	arena_init(&a, 1 << 20);
	if (mime_received_parse(slice_of(data, size), &a, &x, NULL) == 0) {
		if (x.from.len + x.by.len == 0 && !x.dated)
			abort();
		if (x.tls_version.len > 0 && !x.encrypted)
			abort();
		if (x.address.len > 45)
			abort();
		check(&x);
	}
	arena_done(&a);
	return 0;
}
