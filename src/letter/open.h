/* SPDX-License-Identifier: ISC */
/*
 * Opening a received letter. The result is the part tree that a person may
 * see, the header fields that count, and a verdict about the whole letter.
 *
 * Only layers contiguous from the MIME root count (the Cryptographic Envelope
 * of RFC 9787 section 4.2). What lies deeper is errant: it stays a closed
 * part, is not decrypted by itself and gives no status. Nothing decrypted is
 * handed out before its integrity is proven. A broken or unknown signature
 * lowers the status to unsigned, with a note, and never stops the reading.
 *
 * Protected header fields (RFC 9788, and protected-headers="v1") are read only
 * at the payload's root and only inside an envelope that holds. The signer is
 * matched with the one From address that is shown.
 */
#ifndef LETTER_OPEN_H
#define LETTER_OPEN_H

#include "letter/limits.h"
#include "mime/part.h"
#include "openpgp/cert/cert.h"
#include "openpgp/key/keyops.h"
#include "openpgp/judge/policy.h"

/* Who is looked for: whatever is known of a signer. */
struct letter_wanted {
	struct pgp_fingerprint fingerprint; /* of the signing (sub)key; len 0 when not known */
	uint64_t key_id;                    /* 0 when not known */
};

/* Where certificates of others come from. */
struct letter_certs {
	/*
	 * Adds to out (which frees them) every certificate that holds such a key. Finding none is no error. An error
	 * makes the signature one that cannot be judged, or an encrypted letter stay closed, with its sentence as note.
	 */
	int (*find)(void *ctx, const struct letter_wanted *wanted, struct pgp_certs *out, struct error *e);
	void *ctx;
};

struct letter_open_spec {
	const struct pgp_cert *const *own; /* certificates whose keys may decrypt */
	size_t own_count;
	struct pgp_keyring_ops keys; /* the secrets of these; ops NULL: nothing can be decrypted */
	struct letter_certs certs;   /* find NULL: no signature can be verified */
	const struct pgp_policy *policy;
	size_t payload_max; /* octets of a decrypted payload; 0 for LETTER_PAYLOAD_MAX */
};

/* One status for the whole letter (RFC 9787 section 3). */
enum letter_status {
	LETTER_PLAIN,     /* neither encrypted nor signed */
	LETTER_SIGNED,    /* verified: signed by the one who is shown as sender */
	LETTER_ENCRYPTED, /* confidential, but nobody vouches for who wrote it */
	LETTER_SEALED,    /* both */
	LETTER_CLOSED,    /* encrypted, and could not be opened: there is nothing to show but the outer header */
};

enum letter_signature {
	LETTER_SIGNATURE_NONE,
	LETTER_SIGNATURE_GOOD,
	LETTER_SIGNATURE_OTHER,       /* good, but of somebody else than the sender shown */
	LETTER_SIGNATURE_UNKNOWN,     /* its certificate is not known */
	LETTER_SIGNATURE_BAD,         /* does not fit: letter or signature was changed */
	LETTER_SIGNATURE_INVALID,     /* fits, and yet does not count: expired, revoked, refused by policy */
	LETTER_SIGNATURE_UNSUPPORTED, /* of a kind that cannot be checked here */
};

struct letter_verdict {
	enum letter_status status;
	enum letter_signature signature;
	bool encrypted;                /* the envelope has an encryption layer, opened or not */
	bool headers_protected;        /* the header fields shown come from inside the envelope */
	bool subject_hidden;           /* the true subject did not travel in clear (RFC 9788 4.3.1) */
	bool from_differs;             /* inner and outer From are different addresses */
	bool errant;                   /* there are layers deeper inside that do not count */
	struct pgp_fingerprint signer; /* primary key of the signer's certificate; len 0 when not known */
	uint64_t signer_key_id;        /* as the signature names it, 0 when none; never proof */
	uint64_t signed_at;            /* unix seconds, with GOOD, OTHER and INVALID */
	int closed_reason;             /* with LETTER_CLOSED: an enum error_code (ERR_NO_KEY, ERR_INTEGRITY, ...) */
	char notes[LETTER_NOTES_MAX][LETTER_NOTE_MAX]; /* sentences, most important first */
	size_t note_count;
};

/* How one header field is protected (RFC 9788 section 4.3). */
enum letter_protection {
	LETTER_FIELD_UNPROTECTED,
	LETTER_FIELD_SIGNED,
	LETTER_FIELD_ENCRYPTED,
	LETTER_FIELD_BOTH,
};

struct letter_opened;

/*
 * Opens raw, which must outlive the result. Returns 0 for every mail, however
 * broken or closed: the verdict says it. ERR_NOMEM and ERR_LIMIT only when
 * there is no memory for its structure.
 */
int letter_open(struct slice raw, const struct letter_open_spec *spec, struct letter_opened **out, struct error *e);
void letter_opened_free(struct letter_opened *o); /* wipes the plaintext; NULL is permitted */

const struct letter_verdict *letter_opened_verdict(const struct letter_opened *o);

/* The part to show (the Cryptographic Payload, or all of a plain mail); NULL when closed. */
const struct mime_part *letter_opened_root(const struct letter_opened *o);
/* The octets that the tree's offsets count in. */
struct slice letter_opened_source(const struct letter_opened *o);

/*
 * The value of a field that may be shown (From, To, Cc, Reply-To, Date,
 * Subject, Message-ID, In-Reply-To, References and the like), folded and
 * encoded as it came. false when there is none. From is the outer one, when
 * inner and outer differ and no good signature is bound to the inner one
 * (RFC 9788 4.4.3). A field that stands only outside of a protected letter is
 * not given. protection_out may be NULL.
 */
bool letter_opened_field(
    const struct letter_opened *o, const char *name, struct slice *value_out, enum letter_protection *protection_out);
/*
 * The same for answering: only protected fields of a protected letter, also
 * From (RFC 9788 4.4.4).
 */
bool letter_opened_reply_field(const struct letter_opened *o, const char *name, struct slice *value_out);
/* What travelled outside, of a protected letter too; for showing both of two differing From. */
struct slice letter_opened_outer_field(const struct letter_opened *o, const char *name);

/*
 * Appends the text that a person reads: the main body part (RFC 9787 section
 * 7.1), UTF-8, LF, without Legacy Display Elements. Only what this shows may
 * be quoted in an answer. ERR_NOT_FOUND when there is none of type text/plain;
 * *html_out (may be NULL) then is the text/html part, if there is one.
 */
int
letter_opened_text(const struct letter_opened *o, struct buf *out, const struct mime_part **html_out, struct error *e);

/* The parts to offer as files, in order: the n-th, or NULL. Closed (errant) layers are files too. */
const struct mime_part *letter_opened_attachment(const struct letter_opened *o, size_t n);

/* A sentence about the whole: "Encrypted, and signed by the sender." */
const char *letter_status_text(enum letter_status s);
const char *letter_signature_text(enum letter_signature s);

#endif
