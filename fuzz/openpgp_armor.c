/* SPDX-License-Identifier: ISC */
/* Any octets: read octet by octet or at once, the same comes out or nothing; what comes out armors and reads back the same. */
#include <stdlib.h>

#include "openpgp/frame/armor.h"

#define MAX (1u << 20)

struct pieces {
	struct slice in;
	size_t size;
};

static int
pieces_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	*piece_out = slice_sub(p->in, 0, p->size);
	p->in = slice_from(p->in, piece_out->len);
	return 0;
}

static int
read_all(struct slice in, size_t size, struct buf *out)
{
	struct pieces p = { in, size };
	struct pgp_armor_reader *r;
	struct slice piece;
	int rc = pgp_armor_reader_new((struct pgp_source){ pieces_next, &p }, &r, NULL);

	if (rc != 0)
		abort();
	do {
		rc = pgp_source_next(pgp_armor_reader_source(r), &piece, NULL);
		if (rc == 0 && buf_put_slice(out, piece) != 0)
			abort();
	} while (rc == 0 && piece.len > 0);
	pgp_armor_reader_free(r);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf whole, single, text, back;
	enum pgp_armor_kind kind;
	size_t at = 0;
	int rc;

	buf_init(&whole, MAX);
	buf_init(&single, MAX);
	buf_init(&text, 2 * MAX);
	buf_init(&back, MAX);
	rc = read_all(in, size, &whole);
	if (read_all(in, 1, &single) != rc || (rc == 0 && !slice_eq(buf_slice(&whole), buf_slice(&single))))
		abort();
	if (rc == 0 && whole.len > 0) {
		if (pgp_armor_write(PGP_ARMOR_MESSAGE, size % 2, buf_slice(&whole), &text, NULL) != 0 ||
		    pgp_armor_parse(buf_slice(&text), &at, &kind, &back, NULL) != 1 || kind != PGP_ARMOR_MESSAGE ||
		    at != text.len || !slice_eq(buf_slice(&whole), buf_slice(&back)))
			abort();
	}
	at = 0;
	buf_clear(&back);
	while (pgp_armor_parse(in, &at, &kind, &back, NULL) == 1)
		buf_clear(&back);
	buf_done(&whole);
	buf_done(&single);
	buf_done(&text);
	buf_done(&back);
	return 0;
}
