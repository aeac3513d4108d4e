/* SPDX-License-Identifier: ISC */
/* What the writing operations on certificates share: rows, sums, and what of them is served. */
#ifndef STORE_OP_CERTIFICATE_H
#define STORE_OP_CERTIFICATE_H

#include "store/internal.h"

struct certificate_row {
	uint64_t certificate; /* 0: there is none */
	uint64_t account;
	uint64_t revision;
};

struct certificate_user_row {
	uint64_t position;
	struct slice user_id, address_key, address_name, text_key;
	uint32_t state, how;
	uint64_t verified;
	uint32_t place, length;
};

struct certificate_change {
	bool was_there, is_there;
	uint32_t published_before, published_after;
};

int certificate_find_row(struct tx *tx, struct slice fingerprint, struct certificate_row *out, struct error *e);
/* A statement with one parameter. */
int certificate_run(struct tx *tx, const char *sql_literal, uint64_t certificate, struct error *e);
int certificate_load_users(
    struct tx *tx, uint64_t certificate, struct certificate_user_row **out, size_t *count_out, struct error *e);
/* How many of its user IDs are served. */
int certificate_published(struct tx *tx, uint64_t certificate, uint32_t *out, struct error *e);
/* The sums of the directory. */
int certificate_count_change(struct tx *tx, const struct certificate_change *c, struct error *e);
/* That what is served of it changed today; what is too old goes. */
int certificate_note_day(struct tx *tx, struct slice fingerprint, struct error *e);
/* held without the user IDs that are not published; they are in order and inside. */
int certificate_cut(
    struct tx *tx, struct slice held, const struct certificate_user_row *users, size_t count, struct slice *out);
/* The published ones are found by their words. */
int certificate_name_users(
    struct tx *tx, uint64_t certificate, const struct certificate_user_row *users, size_t count, struct error *e);
/* Its rows of keys and user IDs go. */
int certificate_drop_parts(struct tx *tx, uint64_t certificate, struct error *e);
int certificate_is_owned(struct tx *tx, uint64_t account, struct slice address, bool *out, struct error *e);
int tombstone_is_there(struct tx *tx, struct slice fingerprint, struct slice name, bool *out, struct error *e);
int tombstone_remove(struct tx *tx, struct slice fingerprint, struct slice name, struct error *e);

#endif
