/* SPDX-License-Identifier: ISC */
/* Hashing in a thread that the caller lends: one piece is away at a time. */
#include "base/mem.h"
#include "openpgp/public/public.h"

static void
hash_piece(void *argument)
{
	const struct public_helper *h = argument;

	hash_update(h->hash, h->piece);
}

static void
await(struct public_helper *h)
{
	if (h->away)
		h->lent.wait(h->lent.ctx);
	h->away = false;
}

static int
helper_begin(void *ctx, enum hash_id id, struct error *e)
{
	struct public_helper *h = ctx;

	await(h);
	hash_free(h->hash);
	h->hash = NULL;
	return hash_new(id, &h->hash, e);
}

static void
helper_update(void *ctx, struct slice data)
{
	struct public_helper *h = ctx;

	await(h);
	h->piece = data;
	h->away = true;
	h->lent.start(h->lent.ctx, hash_piece, h);
}

static void
helper_settle(void *ctx, unsigned left)
{
	/* There is never more than one piece away. */
	if (left == 0)
		await(ctx);
}

static int
helper_finish(void *ctx, uint8_t *out, struct error *e)
{
	struct public_helper *h = ctx;
	int rc;

	await(h);
	rc = hash_finish(h->hash, out, e);
	hash_free(h->hash);
	h->hash = NULL;
	return rc;
}

struct pgp_hasher
public_hasher(struct public_helper *h)
{
	static const struct pgp_hasher_ops ops = { helper_begin, helper_update, helper_settle, helper_finish };

	return h->lent.start == NULL ? (struct pgp_hasher){ NULL, NULL } : (struct pgp_hasher){ &ops, h };
}

void
public_helper_done(struct public_helper *h)
{
	await(h);
	hash_free(h->hash);
	h->hash = NULL;
}
