/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a domain and as text: what becomes of a domain is ASCII in
 * small letters and stays what it is when it is done again; normalised text is
 * UTF-8 and normal.
 */
#include <stdlib.h>

#include "base/idn.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_be_same(const struct buf *a, const struct buf *b)
{
	if (!slice_eq(buf_slice(a), buf_slice(b)))
		abort();
}

static void
as_domain(struct slice in)
{
	struct buf once, twice;
	struct error e;

	buf_init(&once, 1024);
	buf_init(&twice, 1024);
	if (idn_to_ascii(in, &once, &e) == 0) {
		if (!utf8_is_ascii(buf_slice(&once)) || idn_to_ascii(buf_slice(&once), &twice, &e) != 0)
			abort();
		must_be_same(&once, &twice);
	}
	buf_done(&once);
	buf_done(&twice);
}

static void
as_text(struct slice in)
{
	struct buf once, twice;

	buf_init(&once, 1 << 16);
	buf_init(&twice, 1 << 16);
	if (utf8_normalize(&once, in) == 0) {
		if (!utf8_valid(buf_slice(&once)) && utf8_valid(in))
			abort();
		if (utf8_normalize(&twice, buf_slice(&once)) != 0)
			abort();
		must_be_same(&once, &twice);
	} else if (utf8_valid(in) && in.len < 1000) {
		abort();
	}
	buf_done(&once);
	buf_done(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	as_domain(in);
	as_text(in);
	return 0;
}
