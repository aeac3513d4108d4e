/* SPDX-License-Identifier: ISC */
/* Shared by the files behind believe.h; nobody else includes it. */
#ifndef TRUST_BELIEVE_INTERNAL_H
#define TRUST_BELIEVE_INTERNAL_H

#include "trust/believe/believe.h"

#define BELIEVE_ROOTS_BUDGET (4u << 20)         /* octets of roots and their regular expressions */
#define BELIEVE_TEXT_BUDGET (4u << 20)          /* octets of the sentences of one answer */
#define BELIEVE_REASONS_MAX 64u                 /* sentences of one answer: the rest is told by their number */
#define BELIEVE_SENTENCE_MAX 4096u              /* octets */
#define BELIEVE_NAME_MAX 100u                   /* octets of a user ID in a sentence */
#define BELIEVE_ROOTS_MAX (2 * TRUST_ROOTS_MAX) /* those that the person named, and as many keys of his own */

struct believer {
	const struct trust_store *store; /* NULL: a keyring alone */
	struct pgp_policy policy;
	enum believe_model model;
	struct believe_root *roots;
	size_t root_count;
	struct trust_ring *ring;
	struct pgp_network *network; /* made when they are needed */
	struct classic *classic;
	struct arena arena;
};

/* NULL: it is none. */
const struct believe_root *believer_root(const struct believer *b, const struct pgp_fingerprint *f);

/* What the store knows beside certifications. */
struct believe_known {
	const struct trust_entry *entry; /* for the address, when one is asked about; NULL: not in the store */
	const struct trust_entry
	    *other; /* another certificate of the address that is own, compared, or weighs in full */
	const struct trust_entry *rival; /* another one that is no more than this */
	const char *dead;                /* why it cannot be used: "it has expired"; NULL when it can */
};

/* ---- words (words.c): each appends a sentence; they return the answer's arena's error ---- */

int believe_say(struct belief *out, const struct buf *sentence);
/* What the trust model found, path by path. */
int believe_say_paths(const struct believer *b, struct belief *out);
/* Evidence, and what speaks against it. */
int
believe_say_known(const struct believer *b, const struct believe_known *k, struct slice address, struct belief *out);
/* What to do about it. */
int believe_say_advice(const struct believe_known *k, struct belief *out);

#endif
