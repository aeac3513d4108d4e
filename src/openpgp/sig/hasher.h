/* SPDX-License-Identifier: ISC */
/*
 * A digest that somebody else may compute beside us. Hashing is the slowest
 * stage of SEIPDv1 and of signatures; this floor has no threads, so the program
 * may give a table whose work is done by another one. Without a table the
 * engine hashes by itself.
 */
#ifndef OPENPGP_HASHER_H
#define OPENPGP_HASHER_H

#include "crypto/hash.h"

struct pgp_hasher_ops {
	int (*begin)(void *ctx, enum hash_id id, struct error *e);
	/* data stays where and as it is until settle() says that it was taken. In order. */
	void (*update)(void *ctx, struct slice data);
	/* Returns when at most left updates are not yet taken. */
	void (*settle)(void *ctx, unsigned left);
	/* The digest of all updates, hash_size() octets; a new begin() may follow. */
	int (*finish)(void *ctx, uint8_t *out, struct error *e);
};

struct pgp_hasher {
	const struct pgp_hasher_ops *ops; /* NULL: no helper */
	void *ctx;
};

#endif
