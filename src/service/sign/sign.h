/* SPDX-License-Identifier: ISC */
/*
 * DKIM signatures for what our own people write, and for what we write
 * ourselves (reports, letters with a token): in mail, which hashes the body as
 * it comes and has the process keys sign. Of a domain that has keys nothing
 * goes out unsigned: when keys does not answer, the message must wait.
 *
 *   sign_begin(signer, domain, &s, e)       s stays NULL: this domain has no key, nothing is to be done
 *   sign_body(s, piece)                     all behind the header's empty line, in pieces
 *   sign_end(s, header, done, ctx, e)       done is told the fields that go in front of that header
 *   sign_free(s)
 *
 * Which domain: that of the address in From, which in submission is the
 * writer's own, otherwise that of the envelope's sender.
 *
 * And ARC's seals (RFC 8617) for what strangers wrote and we send on: sign_seal().
 */
#ifndef SERVICE_SIGN_SIGN_H
#define SERVICE_SIGN_SIGN_H

#include "base/error.h"
#include "mailauth/arc/verify.h"
#include "mailauth/results/results.h"
#include "os/port.h"

struct signer; /* one in the process: which domains have which keys */
struct sign;   /* one message */

#define SIGN_KEYS_AGE_MS 2000       /* how old what is known of the keys may be */
#define SIGN_ANSWER_MS 5000         /* after which keys is taken not to answer */
#define SIGN_FIELDS_MAX (32u << 10) /* octets of all fields of a message */

/* keys: the caller's. */
int signer_new(struct port *keys, struct signer **out, struct error *e);
/* Nothing is asked any more. Then the port is closed, which answers what is under way. NULL is permitted. */
void signer_stop(struct signer *s);
/* When the port is closed. NULL is permitted. */
void signer_free(struct signer *s);

/*
 * Any thread; never waits. domain: A-labels or U-labels, any case; empty: none.
 * *out stays NULL when nothing is to be signed. ERR_NOMEM, ERR_CRYPTO; whether
 * keys answers shows at the end.
 */
int sign_begin(struct signer *signer, struct slice domain, struct sign **out, struct error *e);
/* s may be NULL in the following. */
void sign_body(struct sign *s, struct slice piece);

/*
 * fields: whole header fields, each with CR LF, to go in front of the header;
 * empty when the domain turned out to have no key (any more). An error: the
 * message must not go out now (451); ERR_SYNTAX: nor ever, as its header is
 * none (554). Called once, on any thread, perhaps before sign_end() returns.
 */
typedef void sign_done_fn(void *ctx, struct slice fields, const struct error *e);
/* header: the block that will stand behind the fields, with its empty line; copied. An error, as above: done is not called. */
int sign_end(struct sign *s, struct slice header, sign_done_fn *done, void *ctx, struct error *e);
/* While a sign_end() is under way it goes on, and done is called. */
void sign_free(struct sign *s);

struct sign_sealed {
	struct slice domain;      /* who seals; as for sign_begin() */
	struct slice header;      /* as it goes out, with its empty line */
	const uint8_t *body_hash; /* DKIM_BODY_HASH_SIZE octets, of the relaxed body */
	const struct arc_verdict *chain;
	const struct auth_results *results;
};
/*
 * One more set of ARC for the front of that header, by one key of the domain; empty fields when it has none. done as above,
 * but what cannot be sealed goes out as it is: an error says why. Never waits; copies what it needs. An error here: done is
 * not called. ERR_POLICY: nothing may be added to this chain; those of arc_seal_new().
 */
int sign_seal(struct signer *signer, const struct sign_sealed *in, sign_done_fn *done, void *ctx, struct error *e);

/* Signatures for a whole message at once, which waits: for letters of our own. Appends the fields. message: header and body. */
int
sign_whole(struct signer *signer, struct slice domain, struct slice message, struct buf *fields_out, struct error *e);

#endif
