/* SPDX-License-Identifier: ISC */
/*
 * Certificates and transferable secret keys (RFC 9580 sections 10.1, 10.2).
 *
 * The certificate owns a copy of its bytes; everything in it points there.
 * Every packet is kept, understood or not, in its order: pgp_cert_write()
 * gives back exactly the bytes that came in. Over that lies the canonical
 * view: a list of components (primary key, user IDs, attributes, subkeys,
 * unknown), each with the signature packets that follow it.
 *
 * Signatures are not parsed here, only found: a certificate that was flooded
 * with a hundred thousand of them costs a pass over its bytes, no more.
 * A subkey or user ID that is not understood never spoils the rest.
 *
 * Limits: PGP_CERT_MAX octets, PGP_CERT_PACKETS_MAX packets (limits.h).
 */
#ifndef OPENPGP_CERT_H
#define OPENPGP_CERT_H

#include "base/arena.h"
#include "openpgp/key/key.h"

enum pgp_component_kind {
	PGP_COMPONENT_PRIMARY,
	PGP_COMPONENT_USER_ID,
	PGP_COMPONENT_USER_ATTRIBUTE,
	PGP_COMPONENT_SUBKEY,
	PGP_COMPONENT_UNKNOWN
};

struct pgp_part {
	uint8_t type;     /* packet type */
	struct slice raw; /* header and body */
	struct slice body;
};

struct pgp_component {
	enum pgp_component_kind kind;
	struct pgp_part packet;
	const struct pgp_key *key;    /* primary and subkeys; NULL when not even the frame was readable */
	const struct pgp_part *parts; /* packets that follow it up to the next component: signatures and others */
	size_t part_count;
};

struct pgp_cert {
	struct slice raw;                       /* all of it */
	const struct pgp_component *components; /* the first is the primary key */
	size_t component_count;
	const struct pgp_key *primary;
	bool secret;      /* a transferable secret key: at least one packet of it is a secret one (section 10.2) */
	struct buf owned; /* what raw points into when it was taken over, not copied */
	struct arena arena;
};

/*
 * Reads one certificate off the front of in (binary, without armor) and says
 * how many octets it took. ERR_SYNTAX when it does not begin with a primary
 * key, or a packet stands in it that belongs elsewhere; ERR_UNSUPPORTED when
 * that key's version is unknown, or a packet of an unknown critical type is in
 * it (sections 4.3, 10); ERR_LIMIT; ERR_NOMEM. Free with pgp_cert_free().
 */
int pgp_cert_parse(struct slice in, struct pgp_cert **out, size_t *used_out, struct error *e);
void pgp_cert_free(struct pgp_cert *c);

/* A keyring: certificates one after the other. */
struct pgp_certs {
	struct pgp_cert **items;
	size_t count;
};

/*
 * All certificates of in, which may be armored (several blocks one after the
 * other, too) or binary. Certificates that are ERR_UNSUPPORTED are passed
 * over. ERR_SYNTAX when there is none at all. Adds to out,
 * which begins as zeros; free with pgp_certs_done() also after an error.
 */
int pgp_certs_parse(struct slice in, struct pgp_certs *out, struct error *e);
/*
 * The same, and in is taken over and empty then, whatever comes out: so a large
 * certificate is not in memory twice.
 */
int pgp_certs_take(struct buf *in, struct pgp_certs *out, struct error *e);
void pgp_certs_done(struct pgp_certs *c);

/* The same bytes again. */
int pgp_cert_write(const struct pgp_cert *c, struct buf *out);
/* The public certificate: secret key packets become public ones, all else stays byte for byte. */
int pgp_cert_write_public(const struct pgp_cert *c, struct buf *out);

/* Primary and subkeys by number, 0 the primary; NULL behind the last. */
const struct pgp_key *pgp_cert_key(const struct pgp_cert *c, size_t n);
const struct pgp_key *pgp_cert_find_key(const struct pgp_cert *c, const struct pgp_fingerprint *f);
/* The component that a key of this certificate stands in; NULL when it is not of this certificate. */
const struct pgp_component *pgp_cert_component_of(const struct pgp_cert *c, const struct pgp_key *key);

/* The addr-spec inside a user ID: "Name <a@b>" gives a@b, a bare address itself; empty when there is none. Peer text. */
struct slice pgp_user_id_address(struct slice user_id);

#endif
