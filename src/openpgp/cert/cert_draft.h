/* SPDX-License-Identifier: ISC */
/*
 * A certificate that is being put together out of one or several copies: its
 * components without duplicates, each with its parts without duplicates, to be
 * ordered, thinned out and written. For merge.c, export.c and canonical.c only.
 *
 * A draft points into the certificates that it was made of.
 */
#ifndef OPENPGP_CERT_DRAFT_H
#define OPENPGP_CERT_DRAFT_H

#include "openpgp/cert/cert.h"
#include "openpgp/sig/sig.h"

/* Where a part stands in canonical order. */
enum pgp_draft_rank {
	PGP_DRAFT_REVOCATION, /* by the certificate's own key, as far as it says */
	PGP_DRAFT_SELF,
	PGP_DRAFT_OTHERS,  /* others' certifications, and their revocations */
	PGP_DRAFT_UNKNOWN, /* signatures that are not understood */
	PGP_DRAFT_NO_SIGNATURE
};

struct pgp_draft_part {
	struct slice raw; /* as it is written */
	struct slice body;
	uint32_t component; /* index */
	uint32_t created;
	uint8_t type;
	uint8_t rank; /* after pgp_draft_order() */
	bool drop;
};

struct pgp_draft_component {
	enum pgp_component_kind kind;
	const struct pgp_component *from; /* the source whose packet is written */
	size_t first, count;              /* of the draft's parts */
	bool drop;
};

struct pgp_draft {
	const struct pgp_key *primary;
	struct pgp_draft_component *components;
	size_t component_count;
	struct pgp_draft_part *parts;
	struct slice padding; /* packets that stand behind everything */
	bool changed;         /* a later copy had something that the first has not */
	struct arena arena;
};

/* Of copies of one certificate (the caller knows that). ERR_LIMIT, ERR_NOMEM, ERR_CRYPTO. Free with pgp_draft_done(). */
int pgp_draft_new(const struct pgp_cert *const *copies, size_t count, struct pgp_draft *out, struct error *e);
void pgp_draft_done(struct pgp_draft *d);

/* Ranks every part and brings them into canonical order. */
void pgp_draft_order(struct pgp_draft *d);

/* Appends it. secret: with secret parts, else as a public certificate. ERR_LIMIT, ERR_NOMEM. */
int pgp_draft_write(const struct pgp_draft *d, bool secret, struct buf *out, struct error *e);

/*
 * A signature packet's body without its unhashed area, in three pieces: what is
 * hashed of it, and what stands behind the unhashed area. false when it is
 * malformed or of a version without areas: then only the whole tells it.
 */
bool pgp_sig_core(struct slice body, struct slice *prefix_out, struct slice *unhashed_out, struct slice *tail_out);

#endif
