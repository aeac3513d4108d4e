/* SPDX-License-Identifier: ISC */
/*
 * Writing a message (RFC 9580 section 10.3) as a stream: session key packets,
 * the container, one-pass signatures, one literal data packet, signatures, and
 * what hides the length; armored or binary. Feed data in pieces as large as is handy (1 MiB is good);
 * what was fed has been written when the call returns, but for one part.
 *
 * The parts of the container depend on the recipients: SEIPDv2 with PKESK
 * version 6 where all can read it, else SEIPDv1 with version 3. The caller
 * decides (negotiate.h says how); both are written from the same keys.
 *
 * Compression is off unless it is asked for: it tells about the plaintext by
 * the length (CRIME), and attachments are compressed already. What is compressed
 * is all that the container holds but the padding, signatures too.
 */
#ifndef OPENPGP_ENCRYPT_H
#define OPENPGP_ENCRYPT_H

#include "openpgp/sig/data_sig.h"
#include "openpgp/message/seipd.h"

#define PGP_LENGTH_UNKNOWN UINT64_MAX

/* How long the plaintext of a SEIPDv2 container is made by a padding packet (section 5.14). */
enum pgp_padding {
	PGP_PAD_NONE,
	/*
	 * Padme (Nikitin and others, "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
	 * 2019): a length keeps only so many significant bits as its own length's length has, so that the length of the
	 * message tells at most O(log log n) bits, for at most 12 % more.
	 */
	PGP_PAD_PADME
};

struct pgp_encrypt_spec {
	enum pgp_container container;
	uint8_t cipher;                          /* enum pgp_cipher; 0: AES-256 */
	uint8_t aead;                            /* SEIPDv2; 0: OCB */
	uint8_t chunk_code;                      /* SEIPDv2; 0: PGP_CHUNK_CODE */
	const struct pgp_key *const *recipients; /* encryption (sub)keys */
	size_t recipient_count;
	const struct slice *passphrases;
	size_t passphrase_count;
	bool hide_recipients;     /* key ID 0, no fingerprint: who has the key must try */
	uint8_t compression;      /* enum pgp_compression; 0: none */
	enum pgp_padding padding; /* only in SEIPDv2 (ERR_USAGE elsewhere) */
	bool armor;
	bool text;                /* literal data is UTF-8 text: its line ends become CR LF */
	uint64_t length;          /* octets of data, with a text's CR LF, when that is known, else PGP_LENGTH_UNKNOWN */
	struct pgp_maker *maker;  /* signs what is fed; NULL: no signature. Stays the caller's */
	struct pgp_hasher hasher; /* for SEIPDv1 */
};

struct pgp_encryptor;

/*
 * Writes the beginning to out. Everything that spec points at must outlive it.
 * ERR_USAGE (a container and nobody to read it, padding elsewhere than in
 * SEIPDv2), ERR_UNSUPPORTED (a recipient's algorithm, a cipher that is only read, a
 * compression), ERR_NOMEM, ERR_CRYPTO, or the sink's error.
 */
int pgp_encryptor_new(
    const struct pgp_encrypt_spec *spec, struct pgp_sink out, struct pgp_encryptor **enc_out, struct error *e);
/* ERR_USAGE when it is more than spec's length. After an error there is only that error. */
int pgp_encryptor_feed(struct pgp_encryptor *enc, struct slice data, struct error *e);
/* ERR_USAGE when it was less than spec's length. What was written before an error is no message. */
int pgp_encryptor_finish(struct pgp_encryptor *enc, struct error *e);
void pgp_encryptor_free(struct pgp_encryptor *enc); /* NULL is permitted; wipes */

/* The session key, until free. */
const struct pgp_session *pgp_encryptor_session(const struct pgp_encryptor *enc);

/* The whole of a message that is in memory; appends to out. spec's length is set by itself. */
int pgp_encrypt(const struct pgp_encrypt_spec *spec, struct slice data, struct buf *out, struct error *e);

#endif
