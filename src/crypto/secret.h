/* SPDX-License-Identifier: ISC */
/*
 * A secret is an owned range of bytes (key, session key, passphrase) that is
 * overwritten before its memory is given back, is never printed and is
 * compared in constant time. It lies in libcrypto's secure heap (locked, kept
 * out of dumps) when the program made one with secret_heap_init(), else in
 * ordinary memory.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/error.h"
#include "base/slice.h"

struct secret {
	uint8_t *data; /* NULL when empty */
	size_t len;
};

#define SECRET_OWNED __attribute__((cleanup(secret_done)))
#define SECRET_EMPTY ((struct secret){ NULL, 0 })

/* Once, at a program's start: size octets (a power of two) of locked memory for secrets. Failing is no error. */
void secret_heap_init(size_t size);

/*
 * Instead of that: everything that libcrypto takes lies in this region, secrets too, and is overwritten when it is given
 * back. Before anything else of libcrypto is called; ERR_ORDER when that is over. For a process with one thread.
 */
struct region;
int secret_within(struct region *r, struct error *e);
/* Overwrites what calls that are over left on the stack, and the registers that a caller may lose. */
void secret_wipe_stack(void);

/* Both expect s to be empty or uninitialised: they do not free what it held. len zeroed octets; ERR_NOMEM. */
int secret_new(struct secret *s, size_t len, struct error *e);
int secret_copy(struct secret *s, struct slice from, struct error *e);
/* Fresh random octets. ERR_NOMEM, ERR_CRYPTO. */
int secret_random(struct secret *s, size_t len, struct error *e);
/* Ownership moves from *from, which becomes empty. */
struct secret secret_take(struct secret *from);
/* Cuts to len octets (no longer than it is); the rest is wiped. */
void secret_cut(struct secret *s, size_t len);
/* Wipes and frees; s is then empty. NULL and an empty one are permitted. */
void secret_done(struct secret *s);
/* Overwrites memory that is not a struct secret (a buffer on the stack). */
void secret_wipe(void *p, size_t len);

static inline struct slice
secret_slice(const struct secret *s)
{
	return slice_of(s->data, s->len);
}

#endif
