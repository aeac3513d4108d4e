/* SPDX-License-Identifier: ISC */
/*
 * The encrypted container (RFC 9580 section 5.13), written and read as a
 * stream: version 1 (CFB with the SHA-1 MDC) and version 2 (AEAD in chunks).
 * Only read: LibrePGP's packet type 20 (draft-koch-librepgp section 5.16, AEAD in
 * chunks, too) and the old packet type 9 (section 5.7, CFB).
 *
 * Reading version 1 gives plaintext that nothing has proven yet: only the end
 * of the source, without error, says that it was whole. Reading version 2 gives
 * each chunk after its tag; the end says that none is missing. Whatever is
 * wrong, the error is the same ERR_INTEGRITY. Type 9 proves nothing ever.
 */
#ifndef OPENPGP_SEIPD_H
#define OPENPGP_SEIPD_H

#include "openpgp/sig/hasher.h"
#include "openpgp/frame/packet.h"
#include "openpgp/message/session.h"

enum pgp_container {
	PGP_CONTAINER_NONE,
	PGP_CONTAINER_SEIPD1,
	PGP_CONTAINER_SEIPD2,
	PGP_CONTAINER_LIBRE, /* packet type 20 of LibrePGP: read only */
	PGP_CONTAINER_SED    /* packet type 9: read only, and only when that is asked for */
};

#define PGP_CHUNK_CODE 10u     /* chunks of 64 KiB: any reader can hold them */
#define PGP_CHUNK_CODE_MAX 16u /* 4 MiB, section 5.13.2 */

/* ---- writing ---- */

struct pgp_seipd_writer;

/*
 * Writes one packet to out, which must outlive it. session: cipher and key.
 * aead: 0 for version 1, else enum pgp_aead. ERR_UNSUPPORTED, ERR_NOMEM,
 * ERR_CRYPTO.
 */
int pgp_seipd_writer_new(const struct pgp_session *session, uint8_t aead, uint8_t chunk_code, struct pgp_hasher hasher,
    struct pgp_sink out, struct pgp_seipd_writer **writer_out, struct error *e);
int pgp_seipd_writer_put(struct pgp_seipd_writer *w, struct slice plain, struct error *e);
/* The MDC or the last tag, and the packet's end. */
int pgp_seipd_writer_end(struct pgp_seipd_writer *w, struct error *e);
void pgp_seipd_writer_free(struct pgp_seipd_writer *w); /* NULL is permitted; wipes */

/* ---- reading ---- */

/* CFB, whose cipher is told by the session key's packet: not AEAD, whose cipher stands in the container. */
static inline bool
pgp_seipd_is_cfb(enum pgp_container container)
{
	return container == PGP_CONTAINER_SEIPD1 || container == PGP_CONTAINER_SED;
}

/* What stands in front of the ciphertext. */
struct pgp_seipd_head {
	enum pgp_container container;
	uint8_t cipher, aead, chunk_code; /* AEAD */
	uint8_t salt[32];                 /* LIBRE: the first nonce */
	uint8_t prefix[18]; /* CFB: the encrypted random octets, by which a passphrase can be told to be wrong */
};

/* Takes it off the open body of a packet of this type (SEIPD, SED, AEAD_LIBRE). ERR_UNSUPPORTED another version, cipher, mode or chunk size; ERR_TRUNCATED. */
int pgp_seipd_head_read(struct pgp_packets *packet, uint8_t type, struct pgp_seipd_head *out, struct error *e);
/*
 * CFB: whether the two repeated octets are right under this session key.
 * Only to tell one passphrase from another: for public keys it would answer an
 * attacker's questions (section 13.4). ERR_UNSUPPORTED a cipher that is not
 * here, ERR_NOMEM, ERR_CRYPTO.
 */
int pgp_seipd_quick_check(
    const struct pgp_seipd_head *head, const struct pgp_session *session, bool *right_out, struct error *e);

struct pgp_seipd_reader;

/*
 * Reads what is left of the body. session: CFB needs its cipher.
 * ERR_INTEGRITY when the key's length does not fit (an attacker's doing).
 */
int pgp_seipd_reader_new(struct pgp_packets *packet, const struct pgp_seipd_head *head,
    const struct pgp_session *session, struct pgp_hasher hasher, struct pgp_seipd_reader **out, struct error *e);
/*
 * AEAD only, before anything was read: takes another session key, and says
 * whether the first chunk opens with it. Nothing is read by that. ERR_NOMEM,
 * ERR_CRYPTO, or the source's error.
 */
int pgp_seipd_reader_try(struct pgp_seipd_reader *r, const struct pgp_seipd_head *head,
    const struct pgp_session *session, bool *opens_out, struct error *e);
struct pgp_source pgp_seipd_reader_source(struct pgp_seipd_reader *r);
void pgp_seipd_reader_free(struct pgp_seipd_reader *r); /* NULL is permitted; wipes */

#endif
