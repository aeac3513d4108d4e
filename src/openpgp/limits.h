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
#define PGP_DOUBLE_MAX 512u             /* octets of a user ID of which copies are looked for: each with each */
#define PGP_SELF_CHECKS_MAX 2048u       /* self-signatures of a certificate that may turn out to be forged */
#define PGP_SELF_CHECKS_EACH_MIN 8u     /* of one component, however many there are */
#define PGP_SELF_CHECKS_EACH_MAX 128u   /* and however few */
#define PGP_SELF_HASHED_MAX (1u << 30)  /* octets hashed for signatures with a salt of their own: a second */
#define PGP_USER_BODY_MAX (1u << 20)    /* octets of a user ID or attribute whose signatures are checked; pictures */
#define PGP_EMBEDDED_MAX 8u             /* embedded signatures of one binding that are looked at */
#define PGP_REVOKERS_MAX 16u            /* keys that a certificate names as its revokers */
#define PGP_CERTIFICATIONS_EACH_MAX 8u  /* signatures of one issuer over one user ID that may not count; as many may */
#define PGP_REGEX_MAX 1024u             /* octets of a regular expression; real ones name a domain */
#define PGP_REGEX_NESTING_MAX 64u       /* parentheses in each other, and branches */
#define PGP_REGEX_TEXT_MAX 16384u       /* octets of the user ID that it is matched with */
#define PGP_REGEXES_MAX 16u             /* of one certification */
#define PGP_NETWORK_EDGES_MAX 262144u   /* certifications of a web of trust that a question comes upon */
#define PGP_NETWORK_PATHS_MAX 120u      /* found for one question: each is worth at least 1 */
#define PGP_CERTS_MAX 65536u            /* of one keyring */
#define PGP_USER_ID_MAX 4096u           /* octets of a user ID that we make */
#define PGP_NOTATIONS_MAX 64u           /* of one certification that we make */
#define PGP_APPROVALS_MAX 1000u         /* certifications approved in one signature: 64 octets each in 64 KiB */
#define PGP_REPAIR_TRIES_MAX 2000u      /* verifications to find where misplaced signatures belong: a second of RSA */
#define PGP_ISSUERS_MAX 16u             /* in one area of a signature; two are usual */
#define PGP_SIGNER_TRIES_MAX 256u       /* keys tried for one signature that does not say whose it is */
#define PGP_SIGNATURES_MAX 256u         /* of one message */

/* Cleartext framework */
#define PGP_CLEARTEXT_BLANKS_MAX \
	(64u << 10) /* spaces and tabs in a row, held until it is known whether they end a line */
#define PGP_CLEARTEXT_HELD_MAX (64u << 20) /* octets of text kept when the input cannot be read twice */
#define PGP_CLEARTEXT_TAIL_MAX (20u << 20) /* octets of armored signatures and of what follows them: 256 of SLH-DSA */
#define PGP_CLEARTEXT_HEADERS_MAX 32u      /* Hash header lines; there are nine hashes */

/* Messages */
#define PGP_NESTING_MAX 4u                  /* containers and compressed packets in each other */
#define PGP_RECIPIENTS_MAX 16384u           /* PKESK packets of one message, as RNP bounds them */
#define PGP_HIDDEN_TRIES_MAX 64u            /* keys tried for packets that do not say whose they are */
#define PGP_KEY_TRIES_MAX 256u              /* secret-key operations on one message's session key packets in all */
#define PGP_SESSION_CANDIDATES_MAX 64u      /* session keys that one message may leave to choose from */
#define PGP_PASSPHRASE_TRIES_MAX 256u       /* passphrases times packets; each may cost an Argon2 */
#define PGP_SKESK_MAX 16u                   /* passphrase packets looked at; each may cost an Argon2 */
#define PGP_ARGON2_WORK_MAX (64u << 20)     /* passes times KiB of all of them: a minute, or 256 of what we write */
#define PGP_ESK_BODY_MAX 8192u              /* octets; RSA of 16384 bits has 2 KiB */
#define PGP_ONE_PASS_BODY_MAX 1024u         /* octets of a one-pass signature packet */
#define PGP_INFLATE_RATIO_MAX 1100u         /* DEFLATE itself cannot pass 1032; bzip2 can */
#define PGP_INFLATE_OUTPUT_MAX (1ull << 40) /* octets out of one compressed packet */

#endif
