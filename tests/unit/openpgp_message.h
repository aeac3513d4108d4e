/* SPDX-License-Identifier: ISC */
/* Messages read with a sink that notes what was let out, for the tests of openpgp's messages. */
#ifndef TESTS_OPENPGP_MESSAGE_H
#define TESTS_OPENPGP_MESSAGE_H

#include "crypto/random.h"
#include "openpgp/message/decrypt.h"
#include "openpgp/message/encrypt.h"

#include "openpgp_helpers.h"

#define NOW 1700000000u

static const struct slice letter __attribute__((unused)) = { (const uint8_t *)"Dear Bob, the walnut is hollow.\n", 32 };
static const struct slice password __attribute__((unused)) = { (const uint8_t *)"correct horse", 13 };

/* A sink that notes what was let out. */
struct taker {
	struct buf held, out;
	bool is_held, committed, aborted;
};

static inline int __attribute__((unused)) taker_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct taker *t = ctx;

	(void)e;
	t->is_held = literal->held;
	return 0;
}

static inline int __attribute__((unused)) taker_write(void *ctx, struct slice data, struct error *e)
{
	struct taker *t = ctx;
	int rc = buf_put_slice(t->is_held ? &t->held : &t->out, data);

	return rc == 0 ? 0 : error_set(e, rc, "full");
}

static inline int __attribute__((unused)) taker_commit(void *ctx, struct error *e)
{
	struct taker *t = ctx;
	int rc = buf_put_slice(&t->out, buf_slice(&t->held));

	t->committed = rc == 0;
	return rc == 0 ? 0 : error_set(e, rc, "full");
}

static inline void __attribute__((unused)) taker_abort(void *ctx)
{
	struct taker *t = ctx;

	t->aborted = true;
}

static const struct pgp_plain_ops taker_ops
    __attribute__((unused)) = { taker_begin, taker_write, taker_commit, taker_abort };

static inline void __attribute__((unused)) taker_init(struct taker *t)
{
	*t = (struct taker){ 0 };
	buf_init(&t->held, 16u << 20);
	buf_init(&t->out, 16u << 20);
}

static inline void __attribute__((unused)) taker_done(struct taker *t)
{
	buf_done(&t->held);
	buf_done(&t->out);
}

/* A source that gives pieces of a chosen size. */
struct pieces {
	struct slice in;
	size_t size;
};

static inline int __attribute__((unused)) pieces_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	*piece_out = slice_sub(p->in, 0, p->size);
	p->in = slice_from(p->in, piece_out->len);
	return 0;
}

/* Who can read, and how to ask. */
struct reader_of {
	struct pgp_decrypt_spec spec;
	const struct pgp_key *keys[4];
};

static inline void __attribute__((unused)) reader_for(struct reader_of *r, const struct fixture *f)
{
	*r = (struct reader_of){ .spec = { .passphrases = &password, .passphrase_count = 1 } };
	if (f == NULL)
		return;
	for (size_t i = 0; i < 4 && (r->keys[i] = pgp_cert_key(f->cert, i)) != NULL; i++)
		r->spec.key_count++;
	r->spec.keys = r->keys;
	r->spec.keyring = pgp_memory_keys_ops(f->memory);
}

static inline int __attribute__((unused))
read_message(const struct pgp_decrypt_spec *spec, struct slice message, size_t size, struct taker *t, struct error *e)
{
	struct pieces p = { message, size };
	struct pgp_decrypt_result result;
	int rc;

	taker_init(t);
	rc = pgp_decrypt((struct pgp_source){ pieces_next, &p }, spec, (struct pgp_plain){ &taker_ops, t }, &result, e);
	pgp_session_done(&result.session);
	assert_int_equal(rc == 0, t->committed);
	assert_int_equal(rc != 0, t->aborted);
	return rc;
}

static inline const struct pgp_key *__attribute__((unused)) encryption_key(const struct fixture *f)
{
	for (size_t i = 0; pgp_cert_key(f->cert, i) != NULL; i++) {
		if (pgp_key_can_encrypt(pgp_cert_key(f->cert, i)))
			return pgp_cert_key(f->cert, i);
	}
	return NULL;
}

#endif
