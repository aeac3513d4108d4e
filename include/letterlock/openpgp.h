/* SPDX-License-Identifier: ISC */
/*
 * libletterlock: OpenPGP (RFC 9580), and what RFC 4880 mail, keys and archives still need, for C programs.
 *
 * The model
 *
 * - Certificates (other people's public keys, and one's own secret keys, which are certificates with secrets in them) are
 *   read into a keyring, struct llk_certs. A certificate of it is looked at with llk_cert_...() and lives as long as it.
 * - What a certificate is worth is not a property of it, but an answer at a time under a policy: struct llk_validity.
 * - A secret key is unlocked into struct llk_keys before it signs or decrypts.
 * - Every operation (encrypting, decrypting, signing, verifying, generating) is an object: made, told what to do by calls
 *   that each do one thing, run, asked for its results, freed. Data streams through in pieces of any size; memory
 *   stays constant, whatever the size of the data.
 *
 * The library opens no file, starts no thread, reads no environment and no clock: a policy carries the time that its maker
 * gives it. It never aborts, exits or writes a log: without memory a call fails with LLK_NOMEM and what it was given is
 * unchanged or to be freed. Randomness comes from libcrypto.
 *
 * Errors: a call that can fail returns 0 or a negative enum llk_code, and fills *error (which may be NULL): the code, a
 * sentence for a person, and where in the input it happened when that is known. Output parameters are set on success only.
 *
 * Threads: there is no global state. One object may be used by one thread at a time; certificates, validities and policies
 * that nobody changes may be looked at by many.
 *
 * Limits: everything that comes from outside has a bound (nesting 4, 16384 recipients, 256 signatures of one message,
 * certificates of 64 MiB, Argon2 and S2K costs, decompression); over one, LLK_LIMIT.
 *
 * Compatibility: functions are added, never changed; structures whose members stand here change only with a new major version
 * (the name of the shared library).
 */
#ifndef LETTERLOCK_OPENPGP_H
#define LETTERLOCK_OPENPGP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---- */

enum llk_code {
	LLK_OK = 0,
	LLK_NOMEM = -1,
	LLK_LIMIT = -2,       /* over a maximum */
	LLK_SYNTAX = -3,      /* malformed input */
	LLK_UNSUPPORTED = -4, /* well formed, but a version or an algorithm that is not here */
	LLK_INTEGRITY = -5,   /* changed data: a tag or the MDC does not fit */
	LLK_SIGNATURE = -6,   /* a signature does not fit */
	LLK_NO_KEY = -7,      /* no key, password or session key opens it */
	LLK_PASSWORD = -8,    /* a wrong password */
	LLK_POLICY = -9,      /* understood, and refused: the sentence says which rule refused */
	LLK_NOT_FOUND = -10,
	LLK_IO = -14,        /* what a caller's own functions return when they cannot read or write */
	LLK_ORDER = -13,     /* a call out of order */
	LLK_USAGE = -19,     /* an impossible request */
	LLK_CRYPTO = -20,    /* libcrypto failed though its input was right */
	LLK_TRUNCATED = -21, /* the input ended too early */
	LLK_INTERNAL = -23   /* the library's fault: worth a report */
};

#define LLK_ERROR_TEXT_SIZE 240

struct llk_error {
	int code;
	uint64_t offset;                /* octets into the input; UINT64_MAX when it is not known */
	char text[LLK_ERROR_TEXT_SIZE]; /* a sentence; UTF-8, no control characters, NUL-terminated */
};

/* A fixed word for a code: "integrity", "no-key"; "unknown" for others. */
const char *llk_code_name(int code);
/* "0.1.0" */
const char *llk_version(void);

/* ---- octets ---- */

/* Borrowed: the library does not keep the pointer beyond the call, unless it says so. */
struct llk_bytes {
	const void *data;
	size_t len;
};

/* Owned by who gets it; begins as zeros. */
struct llk_data {
	uint8_t *data;
	size_t len;
};

/* Overwrites, frees and empties it. */
void llk_data_free(struct llk_data *d);

/* Where data comes from: up to size octets to buffer. *len_out 0 is the end. Returns 0, or a negative code that ends the work. */
struct llk_reader {
	int (*read)(void *ctx, void *buffer, size_t size, size_t *len_out);
	void *ctx;
};

/* Where data goes: takes all of it. Returns 0, or a negative code that ends the work. */
struct llk_writer {
	int (*write)(void *ctx, const void *data, size_t len);
	void *ctx;
};

/*
 * A second thread, which a program may lend to encrypting and decrypting with SEIPD version 1, whose hash is its slowest stage.
 * The library starts no thread; what it gives to this one it waits for, at the latest when the encrypter or the decrypter is
 * freed.
 */
struct llk_helper {
	/* Begins work(argument) elsewhere and returns. Called again only after wait(). */
	void (*start)(void *ctx, void (*work)(void *argument), void *argument);
	/* Returns when it is done. Called after each start(). */
	void (*wait)(void *ctx);
	void *ctx;
};

/* ---- policy ---- */

/*
 * What is acceptable: hashes, public-key algorithms and sizes, ciphers, packet versions, each with the time until which it is
 * taken, and the time that is asked about.
 */
struct llk_policy;

/* The standard policy. now: unix seconds. */
int llk_policy_new(uint64_t now, struct llk_policy **out, struct llk_error *error);
/*
 * For an old archive: takes what the standard policy refuses, by the rule's name as the library's sentences say it, e.g.
 * "sha1", "dsa", "no-mdc". LLK_NOT_FOUND for an unknown name; the sentence lists those that there are.
 */
int llk_policy_accept(struct llk_policy *policy, const char *rule, struct llk_error *error);
void llk_policy_free(struct llk_policy *policy);

/* ---- certificates ---- */

struct llk_certs;
struct llk_cert;

#define LLK_FINGERPRINT_SIZE 65 /* 64 hexadecimal digits (version 6) and a NUL; version 4 has 40 */

int llk_certs_new(struct llk_certs **out, struct llk_error *error);
void llk_certs_free(struct llk_certs *certs);
/*
 * Adds every certificate or secret key that stands in data, armored (one or several blocks) or binary. Copies. Those of unknown
 * versions are passed over. After an error those before it have been added. LLK_SYNTAX when there is none.
 */
int llk_certs_add(struct llk_certs *certs, struct llk_bytes data, struct llk_error *error);
size_t llk_certs_count(const struct llk_certs *certs);
/* The n-th; NULL behind the last. Lives as long as certs. */
const struct llk_cert *llk_certs_at(const struct llk_certs *certs, size_t n);
/* The first one that has a primary key or subkey of this fingerprint (hexadecimal, spaces allowed); NULL when there is none. */
const struct llk_cert *llk_certs_find(const struct llk_certs *certs, const char *fingerprint);

unsigned llk_cert_version(const struct llk_cert *cert); /* 3, 4, 5 or 6 */
/* Upper-case digits and a NUL. */
void llk_cert_fingerprint(const struct llk_cert *cert, char out[LLK_FINGERPRINT_SIZE]);
/* Whether it has secrets in it. */
bool llk_cert_is_secret(const struct llk_cert *cert);

enum llk_form {
	LLK_PUBLIC, /* without the secrets */
	LLK_SECRET  /* as it is; LLK_USAGE for a certificate that has none */
};
/* What is not understood is written as it was read, octet for octet. */
int llk_cert_write(
    const struct llk_cert *cert, enum llk_form form, bool armor, struct llk_data *out, struct llk_error *error);
/* Two copies of one certificate, made one: every signature of both, none twice. LLK_USAGE when they are not of the same key. */
int llk_cert_merge(
    const struct llk_cert *a, const struct llk_cert *b, bool armor, struct llk_data *out, struct llk_error *error);

/* ---- validity ---- */

/* What a certificate is worth at policy's time. Lives no longer than the certificate. */
struct llk_validity;

#define LLK_REASON_SIZE 200

struct llk_user_id {
	struct llk_bytes text; /* not always UTF-8; lives as long as the certificate */
	bool valid;            /* bound by the key itself: nobody has said that it is this person's */
	bool primary;
	char reason[LLK_REASON_SIZE]; /* why it is not valid, in words; empty when it is */
};

enum llk_flag {
	LLK_CERTIFY = 0x01,
	LLK_SIGN = 0x02,
	LLK_ENCRYPT_COMMUNICATIONS = 0x04,
	LLK_ENCRYPT_STORAGE = 0x08,
	LLK_ENCRYPT = 0x0c, /* either */
	LLK_AUTHENTICATE = 0x20
};

struct llk_key {
	char fingerprint[LLK_FINGERPRINT_SIZE];
	const char *algorithm; /* "Ed25519", "RSA": static */
	unsigned bits;
	unsigned flags; /* enum llk_flag: what it is meant for */
	bool primary;
	bool secret;
	bool valid;
	uint64_t created;             /* unix seconds */
	uint64_t expires;             /* 0 never */
	char reason[LLK_REASON_SIZE]; /* why it is not valid */
};

int llk_validity_new(
    const struct llk_cert *cert, const struct llk_policy *policy, struct llk_validity **out, struct llk_error *error);
void llk_validity_free(struct llk_validity *validity);
/* Whether the certificate as a whole is good; its reason otherwise (empty when it is). */
bool llk_validity_good(const struct llk_validity *validity);
const char *llk_validity_reason(const struct llk_validity *validity);
size_t llk_validity_user_ids(const struct llk_validity *validity);
/* false behind the last */
bool llk_validity_user_id(const struct llk_validity *validity, size_t n, struct llk_user_id *out);
size_t llk_validity_keys(const struct llk_validity *validity);
bool llk_validity_key(const struct llk_validity *validity, size_t n, struct llk_key *out);

/* ---- secret keys ---- */

/* Unlocked secrets in this process's memory, wiped when freed. */
struct llk_keys;

int llk_keys_new(struct llk_keys **out, struct llk_error *error);
void llk_keys_free(struct llk_keys *keys);
/*
 * Unlocks every secret key of the certificate that this password opens (those that are not locked need none: an empty password)
 * and keeps copies. cert must outlive keys. LLK_PASSWORD when it opens none; LLK_NO_KEY when there is none to open; LLK_INTEGRITY
 * when a secret does not belong to its public key.
 */
int
llk_keys_unlock(struct llk_keys *keys, const struct llk_cert *cert, struct llk_bytes password, struct llk_error *error);

/* ---- new keys and changes ---- */

/*
 * profile: "rfc9580" (version 6, Ed25519 and X25519), "security" (version 6, Ed448 and X448), "compatibility" (version 4,
 * EdDSA and ECDH over Curve25519: all of today's programs read it), "rfc4880" (version 4, RSA of 3072 bits: the oldest do, too),
 * "rfc9980" (version 6, post-quantum, where libcrypto has the algorithms). LLK_USAGE for another name, LLK_UNSUPPORTED.
 */
struct llk_generator;

int llk_generator_new(const char *profile, struct llk_generator **out, struct llk_error *error);
void llk_generator_free(struct llk_generator *generator);
/* UTF-8, e.g. "Alice <alice@example.org>". The first becomes the primary one. Copies. None is permitted. */
int llk_generator_user_id(struct llk_generator *generator, struct llk_bytes user_id, struct llk_error *error);
/* Locks the secret keys. Copies. */
int llk_generator_password(struct llk_generator *generator, struct llk_bytes password, struct llk_error *error);
/* seconds after creation; 0, the default: never */
void llk_generator_expires(struct llk_generator *generator, uint32_t seconds);
/* Without a key to encrypt to. */
void llk_generator_signing_only(struct llk_generator *generator);
/* created: unix seconds. The secret key with its certificate. */
int llk_generator_run(
    struct llk_generator *generator, uint32_t created, bool armor, struct llk_data *out, struct llk_error *error);

/* Why a key is revoked (RFC 9580, section 5.2.3.31). */
enum llk_revocation {
	LLK_REVOKE_NO_REASON = 0,   /* hard: signatures made before count no more */
	LLK_REVOKE_SUPERSEDED = 1,  /* soft: only what comes after */
	LLK_REVOKE_COMPROMISED = 2, /* hard */
	LLK_REVOKE_RETIRED = 3      /* soft */
};

/* A revocation certificate: merged into the certificate it revokes it. keys must hold the primary key. */
int llk_cert_revocation(const struct llk_cert *cert, const struct llk_keys *keys, enum llk_revocation reason,
    struct llk_bytes text, uint32_t created, bool armor, struct llk_data *out, struct llk_error *error);
/* The secret key again, locked with another password (an empty one: not locked). */
int llk_cert_change_password(const struct llk_cert *cert, struct llk_bytes old_password, struct llk_bytes password,
    bool armor, struct llk_data *out, struct llk_error *error);

/*
 * Changes of one's own certificate. Each gives the whole changed certificate (with its secrets, when cert has them) and leaves
 * cert as it is; several are made one after the other, each on what the last one gave. Old signatures stay behind the new ones.
 * keys must hold the primary key; policy's now is the time of the new signatures.
 */
struct llk_change {
	const struct llk_cert *cert;
	const struct llk_keys *keys;
	const struct llk_policy *policy;
	bool armor; /* of the result */
};

/* fingerprint: of a subkey; NULL: the certificate. expires: unix seconds, 0 never. LLK_NOT_FOUND, LLK_USAGE. */
int llk_change_expiry(const struct llk_change *change, const char *fingerprint, uint64_t expires, struct llk_data *out,
    struct llk_error *error);
int llk_change_add_user_id(const struct llk_change *change, struct llk_bytes user_id, bool primary,
    struct llk_data *out, struct llk_error *error);
int llk_change_revoke_user_id(const struct llk_change *change, struct llk_bytes user_id, struct llk_bytes why,
    struct llk_data *out, struct llk_error *error);
/*
 * A subkey more, of the primary key's own family. flags: LLK_SIGN, LLK_ENCRYPT or LLK_AUTHENTICATE. expires: seconds after its
 * creation, 0 never. password locks its secret; empty: not locked.
 */
int llk_change_add_subkey(const struct llk_change *change, unsigned flags, uint32_t expires, struct llk_bytes password,
    struct llk_data *out, struct llk_error *error);
/* fingerprint: of a subkey; NULL: the certificate. */
int llk_change_revoke(const struct llk_change *change, const char *fingerprint, enum llk_revocation reason,
    struct llk_bytes why, struct llk_data *out, struct llk_error *error);
/* Puts in a revocation that was made ahead by llk_cert_revocation() or another program. Needs no secret. */
int llk_cert_revoke_with(const struct llk_cert *cert, struct llk_bytes revocation, bool armor, struct llk_data *out,
    struct llk_error *error);

/*
 * Says that a user ID of somebody's certificate is that person's: change->cert is the one who says so, target's changed certificate
 * comes out. local: for one's own use, it does not travel. depth and amount: RFC 9580 section 5.2.3.21; 0 and 0: only that.
 */
int llk_certify(const struct llk_change *change, const struct llk_cert *target, struct llk_bytes user_id, bool local,
    unsigned depth, unsigned amount, struct llk_data *out, struct llk_error *error);

/* A copy for a journey: nothing secret, nothing local; minimal: only what is alive, and no signatures of others. */
int llk_cert_export(const struct llk_cert *cert, const struct llk_policy *policy, bool minimal, bool armor,
    struct llk_data *out, struct llk_error *error);

/* ---- encrypting ---- */

/*
 * Where every recipient's certificate announces that it can read it, SEIPD version 2 (AEAD); otherwise version 1. Calls that say
 * what to do come before llk_encrypter_begin().
 */
struct llk_encrypter;

int llk_encrypter_new(const struct llk_policy *policy, struct llk_encrypter **out, struct llk_error *error);
void llk_encrypter_free(struct llk_encrypter *encrypter);
/* cert must outlive it. LLK_POLICY, LLK_UNSUPPORTED when it has no key for that: the sentence says why. */
int llk_encrypter_recipient(struct llk_encrypter *encrypter, const struct llk_cert *cert, struct llk_error *error);
/* Copies. */
int llk_encrypter_password(struct llk_encrypter *encrypter, struct llk_bytes password, struct llk_error *error);
/* Signs inside with the certificate's signing key, whose secret keys holds. Both must outlive it. */
int llk_encrypter_signer(
    struct llk_encrypter *encrypter, const struct llk_cert *cert, const struct llk_keys *keys, struct llk_error *error);
/* Default: binary output, of binary data, without compression, in the newest container that all can read. */
void llk_encrypter_armor(struct llk_encrypter *encrypter);
void llk_encrypter_seipd1(struct llk_encrypter *encrypter);
void llk_encrypter_compress(struct llk_encrypter *encrypter);
/* The message does not say for whom it is: who has the key must try. */
void llk_encrypter_hide_recipients(struct llk_encrypter *encrypter);
/* The length of the message tells less about the length of the data (at most 12 % more; in SEIPD version 2 only). */
void llk_encrypter_pad(struct llk_encrypter *encrypter);
/* helper and what it points at must outlive the encrypter. */
void llk_encrypter_helper(struct llk_encrypter *encrypter, const struct llk_helper *helper);
/* Octets of data that will come, when that is known: saves partial lengths. */
void llk_encrypter_length(struct llk_encrypter *encrypter, uint64_t length);

int llk_encrypter_begin(struct llk_encrypter *encrypter, struct llk_writer out, struct llk_error *error);
int llk_encrypter_write(struct llk_encrypter *encrypter, struct llk_bytes data, struct llk_error *error);
/* What was written before an error is no message; after an error nothing more is written (LLK_ORDER). */
int llk_encrypter_end(struct llk_encrypter *encrypter, struct llk_error *error);
/* The three of them over data in memory. */
int llk_encrypter_run(
    struct llk_encrypter *encrypter, struct llk_bytes data, struct llk_data *out, struct llk_error *error);

/* ---- verdicts ---- */

enum llk_verdict_kind {
	LLK_GOOD,
	LLK_BAD,            /* it does not fit: the data or the signature was changed */
	LLK_UNKNOWN_SIGNER, /* none of the certificates that were given made it */
	LLK_NOT_COUNTING    /* it fits, and yet must not count: see reason */
};

struct llk_verdict {
	enum llk_verdict_kind kind;
	const struct llk_cert *cert; /* whose; NULL when it is not known. Lives as long as the certificates given */
	char key
	    [LLK_FINGERPRINT_SIZE]; /* of the key that signed; of a key ID only its 16 digits; empty when it names none */
	uint64_t created;           /* unix seconds, as the signature says */
	bool text;                  /* over text: line ends were made canonical */
	char reason[LLK_REASON_SIZE]; /* a sentence; empty with LLK_GOOD */
	/* What the signer says besides; empty when he does not. They live as long as what gave the verdict. */
	struct llk_bytes policy_uri;
	struct llk_bytes signer_user_id; /* only with LLK_GOOD, and only when it is one of the certificate's */
	size_t notations;                /* how many there are */
	/*
	 * The signature names those whom the letter is for, and the key that opened it is not of any of them: somebody has
	 * passed it on, and it was not meant for you.
	 */
	bool misdirected;
};

/* "tag@example.org" and what it says, which is text only when readable. */
struct llk_notation {
	struct llk_bytes name, value;
	bool readable;
	bool critical;
};

/* ---- decrypting ---- */

/*
 * Where plaintext goes. proven: what is written is proven by its chunk's tag (SEIPD version 2), though more may be missing. Not
 * proven (SEIPD version 1, and messages that are only signed): nobody may see it before commit. Only commit says that all of it
 * was there and right; otherwise abort is called. All return 0 or a negative code that ends the work.
 */
struct llk_plaintext {
	int (*write)(void *ctx, const void *data, size_t len, bool proven);
	int (*commit)(void *ctx);
	void (*abort)(void *ctx);
	void *ctx;
};

struct llk_decrypter;

int llk_decrypter_new(const struct llk_policy *policy, struct llk_decrypter **out, struct llk_error *error);
void llk_decrypter_free(struct llk_decrypter *decrypter);
/* All keys that keys holds may open it. keys must outlive it. */
int llk_decrypter_keys(struct llk_decrypter *decrypter, const struct llk_keys *keys, struct llk_error *error);
/* Copies. */
int llk_decrypter_password(struct llk_decrypter *decrypter, struct llk_bytes password, struct llk_error *error);
/* cipher: the number that RFC 9580 section 9.3 gives it; 0 when it is not known (SEIPD version 2 says it itself). Copies. */
int llk_decrypter_session_key(
    struct llk_decrypter *decrypter, unsigned cipher, struct llk_bytes key, struct llk_error *error);
/* Whose signatures are known. certs must outlive it. Without it signatures are not looked at. */
int llk_decrypter_verify_with(struct llk_decrypter *decrypter, const struct llk_certs *certs, struct llk_error *error);
/* Messages that are not encrypted (only signed) are taken, too. */
void llk_decrypter_unencrypted(struct llk_decrypter *decrypter);
/*
 * Old mail whose encryption has no protection against changes (packet type 9): anybody on its way could have changed it, so
 * that showing it may tell him what else it holds (EFAIL). Refused without this call; and the policy has to accept "no-mdc".
 */
void llk_decrypter_accept_unauthenticated(struct llk_decrypter *decrypter);
/* helper and what it points at must outlive the decrypter. */
void llk_decrypter_helper(struct llk_decrypter *decrypter, const struct llk_helper *helper);

/*
 * Reads the whole message, armored or binary. 0: it was whole and plaintext was committed; whether it is signed, and by whom, the
 * verdicts say. May be run once.
 */
int llk_decrypter_run(
    struct llk_decrypter *decrypter, struct llk_reader in, struct llk_plaintext out, struct llk_error *error);
/* The same over octets in memory. */
int llk_decrypter_run_data(
    struct llk_decrypter *decrypter, struct llk_bytes in, struct llk_data *out, struct llk_error *error);
size_t llk_decrypter_verdicts(const struct llk_decrypter *decrypter);
bool llk_decrypter_verdict(const struct llk_decrypter *decrypter, size_t n, struct llk_verdict *out);
/* The i-th notation of the n-th verdict's signature; false behind the last. */
bool llk_decrypter_notation(const struct llk_decrypter *decrypter, size_t n, size_t i, struct llk_notation *out);
/* The session key that opened it, to be given to llk_decrypter_session_key() another time. LLK_NOT_FOUND. */
int llk_decrypter_opened_with(
    const struct llk_decrypter *decrypter, unsigned *cipher_out, struct llk_data *key_out, struct llk_error *error);

/* ---- signing ---- */

enum llk_signature_form {
	LLK_DETACHED, /* the signature alone */
	LLK_INLINE,   /* a message with the data inside */
	LLK_CLEARTEXT /* the text, readable, with the signature below it (RFC 9580 section 7) */
};

struct llk_signer;

int llk_signer_new(enum llk_signature_form form, struct llk_signer **out, struct llk_error *error);
void llk_signer_free(struct llk_signer *signer);
/* Signs with the certificate's signing key as policy chooses it. cert and keys must outlive it. LLK_POLICY: it cannot sign. */
int llk_signer_key(struct llk_signer *signer, const struct llk_cert *cert, const struct llk_policy *policy,
    const struct llk_keys *keys, struct llk_error *error);
/* The data is text: line ends do not matter. Always so with LLK_CLEARTEXT. */
void llk_signer_text(struct llk_signer *signer);
void llk_signer_armor(struct llk_signer *signer);
/* At most 64. Copies. name: "tag@example.org", UTF-8; value is UTF-8 when readable. */
int llk_signer_notation(struct llk_signer *signer, const struct llk_notation *notation, struct llk_error *error);
/* seconds after created; 0, the default: never */
void llk_signer_expires(struct llk_signer *signer, uint32_t seconds);
/* created: unix seconds. After an error of one of the three nothing more is written (LLK_ORDER). */
int llk_signer_begin(struct llk_signer *signer, uint32_t created, struct llk_writer out, struct llk_error *error);
int llk_signer_write(struct llk_signer *signer, struct llk_bytes data, struct llk_error *error);
int llk_signer_end(struct llk_signer *signer, struct llk_error *error);
int llk_signer_run(
    struct llk_signer *signer, uint32_t created, struct llk_bytes data, struct llk_data *out, struct llk_error *error);

/* ---- verifying ---- */

/* Detached signatures: give them, then the data, then ask. Messages with the data inside are read with a decrypter. */
struct llk_verifier;

/* Both must outlive it. */
int llk_verifier_new(
    const struct llk_certs *certs, const struct llk_policy *policy, struct llk_verifier **out, struct llk_error *error);
void llk_verifier_free(struct llk_verifier *verifier);
/* One or several, armored or binary. LLK_SYNTAX when it is anything else. */
int llk_verifier_signatures(struct llk_verifier *verifier, struct llk_bytes signatures, struct llk_error *error);
int llk_verifier_write(struct llk_verifier *verifier, struct llk_bytes data, struct llk_error *error);
int llk_verifier_end(struct llk_verifier *verifier, struct llk_error *error);
/* After the end: how many are good, and what is to be said of each. */
size_t llk_verifier_good(const struct llk_verifier *verifier);
size_t llk_verifier_verdicts(const struct llk_verifier *verifier);
bool llk_verifier_verdict(const struct llk_verifier *verifier, size_t n, struct llk_verdict *out);
bool llk_verifier_notation(const struct llk_verifier *verifier, size_t n, size_t i, struct llk_notation *out);
/*
 * A text in the cleartext framework: gives the text that is signed, which alone may be shown, and then the verdicts are there.
 * Nothing else of the input is signed.
 */
int llk_verifier_cleartext(
    struct llk_verifier *verifier, struct llk_bytes in, struct llk_data *text_out, struct llk_error *error);

/* ---- armor ---- */

/* Octets of packets as ASCII armor; its label from the first packet. */
int llk_armor(struct llk_bytes packets, struct llk_data *out, struct llk_error *error);
/* LLK_SYNTAX when it is no armor. */
int llk_dearmor(struct llk_bytes text, struct llk_data *out, struct llk_error *error);

#ifdef __cplusplus
}
#endif

#endif
