/* SPDX-License-Identifier: ISC */
/* For seipd_read*.c: the two ways to read, CFB (SEIPDv1, packet type 9) and AEAD in chunks (SEIPDv2, packet type 20). */
#ifndef OPENPGP_SEIPD_READ_H
#define OPENPGP_SEIPD_READ_H

#include "openpgp/message/seipd_common.h"

struct pgp_seipd_reader {
	struct pgp_packets *packet;
	bool over;         /* the end was reached and proven (type 9: only reached) */
	int failed;        /* the error that ended it: told again to whoever asks again */
	uint8_t *plain[2]; /* CFB alternates, so that a helper may still hash the one; AEAD uses the first */
	size_t plain_size; /* octets of each */
	/* CFB */
	struct cipher *cfb;
	bool bare; /* packet type 9: no MDC */
	struct mdc mdc;
	unsigned turn;
	uint8_t held[SEIPD_MDC]; /* the last octets seen: they may be the MDC. Type 9: what stood behind the prefix */
	size_t held_len;         /* SEIPD_MDC; type 9: what waits of the above */
	/* AEAD */
	struct chunks chunks;
	uint8_t *text; /* ciphertext that waits for the rest of its chunk */
	size_t text_len;
	struct slice tail; /* of the packet's piece that went there last; valid until the next one is asked for */
	bool ended;        /* the body is read to its end */
};

/* The one error of all that is wrong with ciphertext. */
int seipd_changed(struct error *e);

int seipd_cfb_begin(struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session,
    struct pgp_hasher hasher, struct error *e);
int seipd_cfb_next(struct pgp_seipd_reader *r, struct slice *piece_out, struct error *e);

int seipd_chunks_begin(
    struct pgp_seipd_reader *r, const struct pgp_seipd_head *head, const struct pgp_session *session, struct error *e);
int seipd_chunks_next(struct pgp_seipd_reader *r, struct slice *piece_out, struct error *e);

#endif
