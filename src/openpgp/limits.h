/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the openpgp floor. Settings may lower them, never lift them.
 */
#ifndef OPENPGP_LIMITS_H
#define OPENPGP_LIMITS_H

/* Keys, certificates and signatures */
#define PGP_MPI_BITS_MAX 16384u         /* RSA keys of 16k bits exist; beyond that verification is an attack */
#define PGP_KEY_BODY_MAX (64u << 10)    /* octets of one key packet; the largest real ones are a few KiB */
#define PGP_SIG_BODY_MAX (1u << 20)     /* octets of one signature packet, as RNP bounds its packets */
#define PGP_SUBPACKETS_MAX 1024u        /* in one area */
#define PGP_CERT_MAX (64u << 20)        /* octets; flooded certificates of 2019 have 18 MB */
#define PGP_CERT_PACKETS_MAX (1u << 20) /* of one certificate */
#define PGP_CERT_COMPONENTS_MAX 4096u   /* keys, user IDs and attributes of one certificate */
#define PGP_SELF_SIGS_MAX 1000u         /* self-signatures of one component that are looked at */
#define PGP_CERTS_MAX 65536u            /* of one keyring */
#define PGP_USER_ID_MAX 4096u           /* octets of a user ID that we make */
#define PGP_SIGNATURES_MAX 256u         /* of one message */

#endif
