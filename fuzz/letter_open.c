/* SPDX-License-Identifier: ISC */
/*
 * Any bytes opened as a letter with a key at hand: it always gives a verdict,
 * and the verdict, the tree and the text fit together. Nothing is shown of a
 * letter that stays closed.
 */
#include <stdlib.h>

#include "crypto/secret.h"
#include "letter/open.h"
#include "letter_open_key.h"

static struct pgp_cert *cert;
static struct pgp_memory_keys *keys;

static int
find(void *ctx, const struct letter_wanted *wanted, struct pgp_certs *out, struct error *e)
{
	(void)ctx;
	(void)wanted;
	return pgp_certs_parse(cert->raw, out, e);
}

static void
forget(void)
{
	pgp_cert_free(cert);
	pgp_memory_keys_free(keys);
}

static void
prepare(void)
{
	const struct pgp_key *k;
	size_t used;

	if (pgp_cert_parse(slice_of(letter_open_key, sizeof letter_open_key), &cert, &used, NULL) != 0 ||
	    pgp_memory_keys_new(&keys, NULL) != 0)
		abort();
	for (size_t n = 0; (k = pgp_cert_key(cert, n)) != NULL; n++) {
		struct secret s = SECRET_EMPTY;

		if (pgp_key_unlock(k, SLICE_EMPTY, &s, NULL) != 0 ||
		    pgp_memory_keys_add(keys, k, secret_slice(&s), NULL) != 0)
			abort();
		secret_done(&s);
	}
	(void)atexit(forget);
}

static void
check_tree(const struct letter_opened *o)
{
	const struct mime_part *root = letter_opened_root(o);
	uint64_t length = letter_opened_source(o).len;

	for (const struct mime_part *p = root; p != NULL; p = mime_part_walk(root, p)) {
		if (p->body + p->body_len > length)
			abort();
	}
}

static void
check(const struct letter_opened *o)
{
	static const char *const names[] = { "From", "Subject", "Date" };
	const struct letter_verdict *v = letter_opened_verdict(o);
	bool good = v->signature == LETTER_SIGNATURE_GOOD, closed = v->status == LETTER_CLOSED;
	struct slice value;
	struct buf text;

	if (closed != (letter_opened_root(o) == NULL) || (closed && (good || v->headers_protected)))
		abort();
	if (good != (v->status == LETTER_SEALED || v->status == LETTER_SIGNED))
		abort();
	if (v->headers_protected && !v->encrypted && v->signature != LETTER_SIGNATURE_GOOD &&
	    v->signature != LETTER_SIGNATURE_OTHER)
		abort();
	for (size_t i = 0; i < 3; i++) {
		(void)letter_opened_field(o, names[i], &value, NULL);
		(void)letter_opened_reply_field(o, names[i], &value);
	}
	buf_init(&text, LETTER_TEXT_MAX);
	if (letter_opened_text(o, &text, NULL, NULL) == 0 && closed)
		abort();
	buf_done(&text);
	for (size_t n = 0; letter_opened_attachment(o, n) != NULL; n++)
		if (n > MIME_PARTS_MAX)
			abort();
	if (!closed)
		check_tree(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pgp_policy policy = pgp_policy_default(LETTER_OPEN_NOW);
	const struct pgp_cert *own[1];
	struct letter_open_spec spec = {
		.own = own, .own_count = 1, .certs = { find, NULL }, .policy = &policy, .payload_max = 8 << 20
	};
	struct letter_opened *o;

	if (cert == NULL)
		prepare();
	own[0] = cert;
	spec.keys = pgp_memory_keys_ops(keys);
	if (letter_open(slice_of(data, size), &spec, &o, NULL) != 0)
		abort();
	check(o);
	letter_opened_free(o);
	return 0;
}
