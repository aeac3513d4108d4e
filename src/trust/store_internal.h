/* SPDX-License-Identifier: ISC */
/*
 * Shared by the files behind store.h, evidence.h, records.h and peers.h; nobody
 * else includes it. store.c opens and changes, store_read.c finds, store_list.c
 * walks, store_put.c merges and writes, store_take.c takes the earlier folder
 * of files over.
 */
#ifndef TRUST_STORE_INTERNAL_H
#define TRUST_STORE_INTERNAL_H

#include "os/file.h"
#include "store/db.h"
#include "trust/evidence.h"
#include "trust/store.h"

/* What also a reader changes: the connection, and the entries that were given out. */
struct trust_live {
	struct db db;
	struct arena arena; /* of the entries */
	struct trust_known *known;
	size_t known_count, known_room;
	size_t last_number; /* what trust_store_at() gave last */
	uint64_t last_id;
	uint64_t generation; /* of the file, as other processes change it */
	struct error failed;
	uint64_t now;
	bool bulk; /* between trust_store_begin() and trust_store_end() */
};

struct trust_store {
	char folder[FILE_PATH_MAX];
	struct trust_live *live;
};

/* An entry that was given out: with a fingerprint or number address is empty. */
struct trust_known {
	uint64_t id;
	struct slice address;
	const struct trust_entry *entry;
};

/* A change: all of it or nothing. rc of the change in, its own out; entries that were given out end here. */
int trust_change_begin(struct trust_store *s, struct error *e);
int trust_change_end(struct trust_store *s, int rc, struct error *e);

void trust_known_clear(struct trust_live *live);
int trust_not_there(struct error *e);
struct slice trust_fingerprint_slice(const struct pgp_fingerprint *f);
struct pgp_fingerprint trust_fingerprint_of(struct slice octets);
/* The row's number; ERR_NOT_FOUND. */
int trust_id_of(const struct trust_store *s, const struct pgp_fingerprint *f, uint64_t *id_out, struct error *e);

/* The columns of certificates that make an entry, in this order. */
#define TRUST_COLUMNS \
	"c.id, c.fingerprint, c.version, c.origin, c.source, c.added, c.changed, c.verified, c.created, c.expires, " \
	"c.encrypts, c.encrypts_until, c.revoked, c.cut, c.user_id, c.addresses"
/* From a row with these columns first: good until the next step, */
void trust_entry_peek(struct query *q, struct slice addresses[TRUST_ADDRESSES_MAX], struct trust_entry *out);
/* and with everything in a. */
int trust_entry_read(struct query *q, struct arena *a, struct trust_entry *out);

/* For store_put.c and evidence.c, inside a change: id's row is there. address is folded. */
int trust_evidence_note(struct trust_store *s, uint64_t id, const struct trust_evidence *seen, struct error *e);
int trust_history_note(struct trust_store *s, struct slice address, const struct pgp_fingerprint *f,
    const struct trust_history *h, struct error *e);
/* The same for every address of a certificate. */
int trust_history_note_all(struct trust_store *s, uint64_t id, const struct pgp_fingerprint *f,
    const struct trust_history *h, struct error *e);

/* The folder of files of before: 0 when there is none. Under the lock. */
int trust_take_over(struct trust_store *s, struct error *e);

#endif
