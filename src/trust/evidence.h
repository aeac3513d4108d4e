/* SPDX-License-Identifier: ISC */
/*
 * How it is known that a certificate is somebody's: one row for each
 * (certificate, address, source, where from) with when it was first and last
 * seen and how often, and the history of each address: which certificates it
 * has had, what became of them. History outlives the certificates.
 *
 * Rows are facts, no judgement. A store keeps at most TRUST_EVIDENCE_MAX of a
 * certificate (the oldest weakest go first) and TRUST_HISTORY_MAX of an address.
 */
#ifndef TRUST_EVIDENCE_H
#define TRUST_EVIDENCE_H

#include "trust/store.h"

struct trust_evidence {
	enum trust_origin origin;
	struct slice address; /* folded; empty: of the certificate as a whole */
	struct slice from;    /* a URL, a file's name, a message's sender, how it was compared; may be empty */
	uint64_t first, last; /* when seen */
	uint32_t count;       /* how often */
};

/*
 * Notes that it was seen at last (once more, when such a row is there: first,
 * last and count are kept up). VERIFIED with an empty address also sets the
 * entry's verified. ERR_NOT_FOUND when the certificate is not in the store.
 */
int trust_evidence_add(
    struct trust_store *s, const struct pgp_fingerprint *f, const struct trust_evidence *seen, struct error *e);
/* Takes all rows of a source (and address, when it is not empty) back. */
int trust_evidence_remove(struct trust_store *s, const struct pgp_fingerprint *f, enum trust_origin origin,
    struct slice address, struct error *e);
/* All of a certificate, the strongest first; they live in a. */
int trust_evidence_list(const struct trust_store *s, const struct pgp_fingerprint *f, struct arena *a,
    struct trust_evidence **out, size_t *count_out, struct error *e);

enum trust_event {
	TRUST_EVENT_SEEN,       /* first came for this address */
	TRUST_EVENT_USED,       /* a message was encrypted to it, or a signature of it was believed */
	TRUST_EVENT_VERIFIED,   /* the person compared it */
	TRUST_EVENT_UNVERIFIED, /* and took that back */
	TRUST_EVENT_REVOKED,    /* its owner revoked it */
	TRUST_EVENT_REMOVED     /* it was removed from the store */
};
#define TRUST_EVENTS 6u
const char *trust_event_name(enum trust_event event);

struct trust_history {
	enum trust_event event;
	struct pgp_fingerprint fingerprint;
	uint64_t when;        /* the last time */
	uint64_t first;       /* the first time */
	uint32_t count;       /* how often */
	enum trust_origin by; /* SEEN: from where */
};

/* One row for each event, certificate and address: again counts. Only USED is for callers, the store notes the others. */
int trust_history_add(struct trust_store *s, struct slice address, const struct pgp_fingerprint *f,
    enum trust_event event, uint64_t when, struct error *e);
/* Of an address, in order of time; lives in a. */
int trust_history_list(const struct trust_store *s, struct slice address, struct arena *a, struct trust_history **out,
    size_t *count_out, struct error *e);

#endif
