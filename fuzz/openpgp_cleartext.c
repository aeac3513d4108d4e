/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a signed text: in large pieces, small ones, and kept instead of
 * read twice, the same comes out; nothing of one that is refused. What came out
 * is written and read again. Then the octets as a text to be signed: what is
 * read of that is the text without blanks at the ends of its lines.
 */
#include <stdlib.h>
#include <string.h>

#include "openpgp/sig/inline.h"

#define MAX (4u << 20)

struct pieces {
	struct slice all, left;
	size_t size;
};

static int
pieces_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	*piece_out = slice_sub(p->left, 0, p->size);
	p->left = slice_from(p->left, piece_out->len);
	return 0;
}

static int
pieces_again(void *ctx, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	p->left = p->all;
	return 0;
}

/* Text and signatures of a message: 0, or 1 when it is not in the framework; what is wrong otherwise depends on pieces. */
static int
take_apart(struct slice message, size_t size, bool twice, struct buf *text, struct buf *signatures)
{
	struct pieces p = { message, message, size };
	struct pgp_reread in = { { pieces_next, &p }, twice ? pieces_again : NULL, &p };
	struct pgp_inline_result result;
	int rc;

	buf_init(text, MAX);
	buf_init(signatures, MAX);
	rc = pgp_inline_detach(in, pgp_plain_buf(text), signatures, &result, NULL);
	if (rc != 0 && text->len != 0)
		abort();
	return rc != 0 ? -1 : !result.cleartext;
}

/* Signs nothing: the framework does not look into signatures. */
static int
sign(void *ctx, const struct pgp_key *key, uint8_t hash, struct slice digest, struct buf *out, struct error *e)
{
	(void)ctx;
	(void)key;
	(void)hash;
	(void)digest;
	(void)e;
	return buf_put(out, "\x00\x01\x01\x00\x01\x01", 6);
}

/* false: it is not for the framework. */
static bool
write_text(struct slice text, size_t step, struct buf *out)
{
	static const struct pgp_keyops ops = { .sign = sign };
	static const struct pgp_key key = { .version = 4, .algorithm = PGP_EDDSA_LEGACY, .fingerprint.len = 20 };
	const struct pgp_signer signer = { &key, { &ops, NULL } };
	const struct pgp_maker_spec spec = { .signers = &signer, .signer_count = 1, .type = PGP_SIG_TEXT };
	struct pgp_cleartext_writer *w;
	struct pgp_maker *m;
	int rc = 0;

	buf_init(out, MAX);
	if (pgp_maker_new(&m, &spec, NULL) != 0 || pgp_cleartext_writer_new(m, pgp_sink_buf(out), &w, NULL) != 0)
		abort();
	for (size_t at = 0; rc == 0 && at < text.len; at += step)
		rc = pgp_cleartext_writer_put(w, slice_sub(text, at, step), NULL);
	if (rc == 0)
		rc = pgp_cleartext_writer_end(w, NULL);
	if (rc != 0 && rc != ERR_USAGE && rc != ERR_LIMIT)
		abort();
	pgp_cleartext_writer_free(w);
	pgp_maker_free(m);
	return rc == 0;
}

/* Section 7.1, line by line. */
static void
strip(struct slice text, struct buf *out)
{
	buf_init(out, MAX);
	while (text.len > 0) {
		size_t lf = slice_find(text, '\n');
		struct slice line = slice_sub(text, 0, lf), end = lf == SIZE_MAX ? SLICE_EMPTY : SLICE("\n");

		text = slice_from(text, line.len + end.len);
		if (end.len > 0 && line.len > 0 && line.data[line.len - 1] == '\r') {
			line = slice_sub(line, 0, line.len - 1);
			end = SLICE("\r\n");
		}
		while (line.len > 0 && (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t'))
			line = slice_sub(line, 0, line.len - 1);
		(void)buf_put_slice(out, line);
		(void)buf_put_slice(out, end);
	}
}

static void
check_text(struct slice text, size_t step)
{
	struct buf message, want, got, signatures;

	if (write_text(text, step, &message)) {
		strip(text, &want);
		if (take_apart(buf_slice(&message), step, true, &got, &signatures) != 0 ||
		    !slice_eq(buf_slice(&got), buf_slice(&want)))
			abort();
		buf_done(&want);
		buf_done(&got);
		buf_done(&signatures);
	}
	buf_done(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = { 1u << 20, 1, 300 };
	struct slice in = slice_of(data, size);
	struct buf text[3], signatures[3];
	int rc[3];

	for (size_t i = 0; i < 3; i++)
		rc[i] = take_apart(in, sizes[i], i != 2, &text[i], &signatures[i]);
	for (size_t i = 1; i < 3; i++)
		if (rc[i] != rc[0] || !slice_eq(buf_slice(&text[i]), buf_slice(&text[0])) ||
		    !slice_eq(buf_slice(&signatures[i]), buf_slice(&signatures[0])))
			abort();
	if (rc[0] == 0)
		check_text(buf_slice(&text[0]), 7);
	for (size_t i = 0; i < 3; i++) {
		buf_done(&text[i]);
		buf_done(&signatures[i]);
	}
	check_text(in, 1 + size / 3);
	return 0;
}
