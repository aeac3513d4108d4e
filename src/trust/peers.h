/* SPDX-License-Identifier: ISC */
/*
 * What Autocrypt Level 1 (version 1.1) wants kept of each peer, its rules for
 * what a mail changes in that, and its recommendation whether to encrypt.
 *
 * The rules are functions of a state, of facts about a mail, and of times; they
 * touch no file. Reading and writing the rows is apart. What a header says is
 * parsed elsewhere (mime/autocrypt.h).
 *
 * Nothing here makes a key believed: a header can be forged. A key that the
 * person compared is not overwritten by one of these (see evidence.h).
 */
#ifndef TRUST_PEERS_H
#define TRUST_PEERS_H

#include "trust/store.h"

/* Section "Communication Peers": peers[addr]. Slices live where they were read. */
struct trust_peer {
	struct slice address;         /* folded */
	uint64_t last_seen;           /* effective date of the newest mail; 0: none was seen */
	uint64_t autocrypt_timestamp; /* of the newest mail with a valid header; 0: none */
	struct slice key;             /* that header's keydata, binary; empty: none */
	bool mutual;                  /* its prefer-encrypt=mutual */
	uint64_t gossip_timestamp;    /* of the newest mail that gossiped; 0: none */
	struct slice gossip_key;      /* its keydata; empty: none */
};

/* ---- rules ---- */

/* Effective date: the Date header (0: none), or the time of receipt when that is missing or in the future. */
uint64_t trust_peer_effective_date(uint64_t date, uint64_t received);

/* A mail from the peer. Not to be fed: multipart/report, several From addresses, what is believed to be spam. */
struct trust_peer_mail {
	uint64_t effective_date;
	struct slice key; /* of the one valid Autocrypt header; empty: it has none, or several */
	bool mutual;
};

/* "Updating Autocrypt Peer State". Whether anything changed. */
bool trust_peer_update(struct trust_peer *p, const struct trust_peer_mail *m);
/*
 * "Updating Autocrypt Peer State from Key Gossip": key from an encrypted mail
 * that names the address in To, Cc or Reply-To. Whether anything changed.
 */
bool trust_peer_gossip(struct trust_peer *p, uint64_t effective_date, struct slice key);

/* In the order of how much they permit. */
enum trust_advice {
	TRUST_ADVICE_DISABLE,    /* encryption is not possible */
	TRUST_ADVICE_DISCOURAGE, /* possible; the recipient may not be able to read it */
	TRUST_ADVICE_AVAILABLE,  /* possible, not by default */
	TRUST_ADVICE_ENCRYPT     /* by default */
};
const char *trust_advice_name(enum trust_advice a); /* "disable", ... */

struct trust_peer_question {
	const struct trust_peer *peer; /* NULL: nothing is known of the address */
	bool key_usable;               /* its key is not revoked, expired or otherwise unfit; false when empty */
	bool gossip_usable;            /* the same of gossip_key */
	bool mutual;                   /* our account prefers to encrypt */
	bool reply_to_encrypted;
};

/* For one recipient. *key_out (NULL permitted): which key; empty with DISABLE. */
enum trust_advice trust_peer_advice(const struct trust_peer_question *q, struct slice *key_out);
/* For all recipients of a message; DISABLE without any. */
enum trust_advice trust_peer_advice_all(const enum trust_advice *each, size_t count);

/* ---- rows ---- */

/* ERR_NOT_FOUND when nothing is known of the address; slices live in a. address need not be folded. */
int trust_peer_read(
    const struct trust_store *s, struct slice address, struct arena *a, struct trust_peer *out, struct error *e);
/* Adds or replaces. ERR_LIMIT: keys over TRUST_PEER_KEY_MAX, more peers than TRUST_PEERS_MAX. */
int trust_peer_write(struct trust_store *s, const struct trust_peer *p, struct error *e);
/* Reads, updates by the rule and writes, as one step among several processes. *changed_out may be NULL. */
int trust_peer_see(
    struct trust_store *s, struct slice address, const struct trust_peer_mail *m, bool *changed_out, struct error *e);
int trust_peer_hear(struct trust_store *s, struct slice address, uint64_t effective_date, struct slice key,
    bool *changed_out, struct error *e);
int trust_peer_remove(struct trust_store *s, struct slice address, struct error *e); /* ERR_NOT_FOUND */

#endif
