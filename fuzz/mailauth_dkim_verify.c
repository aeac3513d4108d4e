/* SPDX-License-Identifier: ISC */
/*
 * First octet: the size of pieces; then a message. Whether its body comes in
 * pieces or at once, the results are the same; only so many signatures are
 * looked at and keys asked for; a signature that passes is right by the key
 * that we gave for it, and what is canonical stays so.
 */
#include <stdlib.h>
#include <string.h>

#include "mailauth/dkim/canon.h"
#include "mailauth/dkim/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000u

/* Those of the seeds; nobody has their secrets any more. */
static const char *const records[] = {
	"v=DKIM1; k=ed25519; p=u0Dcf4SS6qnBj8HZZRvz0HuLw+V8MeliOegovSWEdQQ=",
	"v=DKIM1; t=y:s; p=",
	"k=rsa; p=AAAA",
};

static struct dkim_verify *
verify(struct slice header, struct slice body, size_t piece)
{
	const struct dkim_verify_config config = { .now = NOW };
	struct mailauth_question q;
	struct dkim_verify *v;
	size_t asked = 0;

	if (dkim_verify_new(&config, header, &v, NULL) != 0)
		abort();
	for (size_t at = 0; at < body.len; at += piece)
		dkim_verify_body(v, slice_sub(body, at, piece));
	while (dkim_verify_next(v, &q) == DKIM_VERIFY_LOOKUP) {
		struct slice record = slice_str(records[q.name.len % 3]);
		const struct mailauth_answer a = { .found = q.name.len % 7 == 0 ? MAILAUTH_FAILED : MAILAUTH_FOUND,
			.records = &record,
			.record_count = 1 };

		if (++asked > MAILAUTH_DKIM_SIGNATURES_MAX)
			abort();
		dkim_verify_answer(v, &a);
	}
	return v;
}

static void
put(void *ctx, struct slice octets)
{
	(void)buf_put_slice(ctx, octets);
}

static void
canonical(enum dkim_canon how, struct slice body, size_t piece, struct buf *out)
{
	struct dkim_body_canon c = { .how = how, .put = put, .ctx = out };

	buf_init(out, 1 << 24);
	for (size_t at = 0; at < body.len; at += piece)
		dkim_body_canon_feed(&c, slice_sub(body, at, piece));
	dkim_body_canon_end(&c);
}

static void
check_canonical(enum dkim_canon how, struct slice body, size_t piece)
{
	struct buf whole, pieces, again;

	canonical(how, body, body.len + 1, &whole);
	canonical(how, body, piece, &pieces);
	canonical(how, buf_slice(&whole), piece, &again);
	if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)) || !slice_eq(buf_slice(&whole), buf_slice(&again)))
		abort();
	buf_done(&whole);
	buf_done(&pieces);
	buf_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message, header, body;
	struct dkim_verify *whole, *pieces;
	size_t piece;

	if (size < 1)
		return 0;
	piece = 1 + data[0] % 100;
	message = slice_of(data + 1, size - 1);
	header = slice_sub(message, 0, mime_header_length(message));
	body = slice_from(message, header.len);
	whole = verify(header, body, body.len + 1);
	pieces = verify(header, body, piece);
	if (dkim_verify_count(whole) != dkim_verify_count(pieces) ||
	    dkim_verify_count(whole) > MAILAUTH_DKIM_SIGNATURES_MAX ||
	    dkim_verify_best(whole) != dkim_verify_best(pieces))
		abort();
	for (size_t i = 0; i < dkim_verify_count(whole); i++) {
		const struct dkim_signature *a = dkim_verify_result(whole, i), *b = dkim_verify_result(pieces, i);

		if (a->result != b->result || strcmp(a->reason, b->reason) != 0 || a->result == DKIM_NONE ||
		    a->reason[0] == '\0')
			abort();
	}
	dkim_verify_free(whole);
	dkim_verify_free(pieces);
	check_canonical(DKIM_SIMPLE, body, piece);
	check_canonical(DKIM_RELAXED, body, piece);
	return 0;
}
