/* SPDX-License-Identifier: ISC */
/*
 * A line with an expression, then a text: two ways of writing the same agree.
 * R, (R) and R| before something that cannot match come to the same verdict.
 */
#include <stdlib.h>

#include "openpgp/limits.h"
#include "openpgp/judge/regex.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
match(struct slice pattern, struct slice text, bool *out)
{
	struct pgp_regex *r;
	int rc = pgp_regex_compile(pattern, &r, NULL);

	if (rc != 0)
		return rc;
	rc = pgp_regex_match(r, text, out, NULL);
	pgp_regex_free(r);
	return rc;
}

static void
agrees(struct slice before, struct slice pattern, struct slice behind, struct slice text, bool want)
{
	struct buf b;
	bool got;
	int rc;

	buf_init(&b, PGP_REGEX_MAX + 64);
	(void)buf_put_slice(&b, before);
	(void)buf_put_slice(&b, pattern);
	(void)buf_put_slice(&b, behind);
	rc = match(buf_slice(&b), text, &got);
	if (rc != ERR_LIMIT && (rc != 0 || got != want))
		abort();
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), pattern, text;
	bool matched;
	size_t n = 0;

	while (n < size && data[n] != '\n')
		n++;
	pattern = slice_sub(in, 0, n);
	text = slice_from(in, n < size ? n + 1 : n);
	if (match(pattern, text, &matched) != 0)
		return 0;
	agrees(SLICE("("), pattern, SLICE(")"), text, matched);
	agrees(SLICE("("), pattern, SLICE("|x$y)"), text, matched);
	agrees(SLICE("x^y|"), pattern, SLICE(""), text, matched);
	agrees(SLICE("("), pattern, SLICE(")+"), text, matched);
	return 0;
}
