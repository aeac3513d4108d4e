/* SPDX-License-Identifier: ISC */
/* Hard maxima of the trust floor. */
#ifndef TRUST_LIMITS_H
#define TRUST_LIMITS_H

#define TRUST_CERT_MAX (4u << 20)      /* octets of one certificate that is kept; larger ones were flooded */
#define TRUST_INDEX_MAX (16u << 20)    /* octets of an index.json that is taken over */
#define TRUST_CERTS_MAX 1000000u       /* certificates in one store */
#define TRUST_INDEX_CERTS_MAX 20000u   /* of an index.json */
#define TRUST_ADDRESSES_MAX 32u        /* addresses of one certificate that are indexed */
#define TRUST_KEYS_MAX 64u             /* primary and subkeys of one certificate that are indexed */
#define TRUST_ADDRESS_MAX 320u         /* octets of an address */
#define TRUST_FROM_MAX 256u            /* octets of where a certificate came from */
#define TRUST_TEXT_MAX 8192u           /* octets of user IDs of one certificate that are searched for a part of them */
#define TRUST_CANDIDATES_MAX 16u       /* certificates of one address that are looked at */
#define TRUST_OTHERS_MAX 500u          /* others' signatures kept of one user ID; the best known people have so many */
#define TRUST_OTHERS_EACH_MAX 16u      /* of one issuer among them, when there are too many */
#define TRUST_SELF_MAX 64u             /* self-signatures of one component that are kept unseen */
#define TRUST_CUT_CHECKS_MAX 1024u     /* self-signatures of a flooded certificate that may turn out to be forged */
#define TRUST_EVIDENCE_MAX 64u         /* rows of one certificate */
#define TRUST_HISTORY_MAX 256u         /* rows of one address */
#define TRUST_ROOTS_MAX 1000u          /* roots of the web of trust */
#define TRUST_SETTING_MAX 1024u        /* octets of a setting */
#define TRUST_PEER_KEY_MAX (10u << 10) /* octets of an Autocrypt key: its whole header is no longer */
#define TRUST_PEERS_MAX 1000000u       /* Autocrypt peers */
#define TRUST_RING_MAX (512u << 20)    /* octets of certificates that one question of trust leads to */
#define TRUST_ANSWER_MAX (8u << 20)    /* octets of a directory's answer */

#endif
