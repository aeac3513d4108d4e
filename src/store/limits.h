/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the store floor. Settings may lower them, never lift them.
 */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

#define STORE_LOCAL_PART_MAX 64u       /* RFC 5321 4.5.3.1.1: SMTP takes no longer one */
#define STORE_ADDRESS_MAX 320u         /* local part 64, "@", domain 255 (RFC 5321 4.5.3.1) */
#define STORE_DOMAIN_MAX 255u          /* RFC 5321 4.5.3.1.2 */
#define STORE_ADDRESSES_MAX 256u       /* of one account */
#define STORE_ALIAS_TARGETS_MAX 1000u  /* of one alias: no more than a delivery has mailboxes */
#define STORE_ALIAS_ACCOUNTS_MAX 1000u /* that an alias leads to in the end: STORE_TARGETS_MAX */
#define STORE_ALIAS_DEPTH_MAX 8u       /* aliases of aliases: who made more than a few has lost the thread */
#define STORE_ALIAS_PAGE_MAX 64u       /* aliases of one list reply, each with all it stands for */
#define STORE_VERIFIER_MAX 512u        /* an encoded Argon2id verifier is about 100 octets */
#define STORE_CREDENTIALS_MAX 32u      /* of one account, beside its password: a sign-in may be tried against each */
#define STORE_CREDENTIAL_NAME_MAX 64u  /* octets of such a one's name */
#define STORE_CREDENTIAL_USED_S 300    /* to how many seconds its last use is kept: not a write for each sign-in */
#define STORE_NAME_MAX 1000u           /* octets of a mailbox name, all levels together */
#define STORE_NAME_DEPTH_MAX 32u       /* levels of a mailbox name */
#define STORE_MAILBOXES_MAX 10000u     /* of one account */
#define STORE_SUBSCRIPTIONS_MAX 20000u /* of one account; a name may be subscribed without a mailbox */
#define STORE_KEYWORDS_MAX 64u         /* different keywords in one mailbox: they are bits of a uint64_t */
#define STORE_KEYWORD_MAX 255u         /* octets of a keyword's name */
#define STORE_RANGES_MAX 65536u        /* UID ranges of one request */
#define STORE_TOUCH_MAX 8192u   /* messages that one flag or expunge call changes; the reply says where to go on */
#define STORE_COPY_MAX 100000u  /* messages of one copy, which is all or nothing */
#define STORE_PAGE_MAX 16384u   /* rows of one list reply */
#define STORE_TARGETS_MAX 1000u /* mailboxes of one delivery (RFC 5321 4.5.3.1.8 wants at least 100) */
#define STORE_MESSAGE_MAX (1ull << 30) /* octets of one message */
#define STORE_INLINE_MAX (1u << 20)    /* octets of a message that travels inside the request */
#define STORE_FRONT_MAX (512u << 10) /* octets put in front of a staged message: a header (256 KiB), and what is ours */
#define STORE_PIECE_MAX (1u << 20)   /* octets of one body_append or body_read */
#define STORE_CACHE_MAX (64u << 10)  /* octets of what is remembered about a message (envelope, structure) */
#define STORE_ENVELOPE_MAX (64u << 10)    /* octets of the envelope kept with a delivery */
#define STORE_HANDLES_MAX 4096u           /* bodies being staged at once */
#define STORE_HOLDS_MAX 16u               /* ports that hold at once; each is somebody who makes a backup */
#define STORE_CERTIFICATE_MAX (1u << 20)  /* octets of a directory certificate */
#define STORE_CERTIFICATE_KEYS_MAX 256u   /* keys and subkeys of one */
#define STORE_CERTIFICATE_USERS_MAX 256u  /* user IDs of one */
#define STORE_BUCKET_MAX 4096u            /* entries of one bucket reply; its octets bound it before */
#define STORE_TOKEN_SIZE 32u              /* octets of a token's SHA-256 */
#define STORE_TOKENS_MAX 100000u          /* that have not run out: each is a mail that was sent */
#define STORE_DIRECTORY_DAYS 90u          /* for so long it is known on which day a certificate changed */
#define STORE_LOOKS_MAX 64u               /* of one certificate_look */
#define STORE_USER_ID_MAX 1024u           /* octets of a user ID */
#define STORE_FINGERPRINT_MAX 32u         /* v6: 32 octets, v4: 20 */
#define STORE_TALLY_MAX (8u << 10)        /* octets of what is counted */
#define STORE_TALLY_ROWS_MAX 10000u       /* different ones of one day and domain; what is more is not counted */
#define STORE_TALLY_DAY_ROWS_MAX 20000u   /* of one day, kind and all domains: who names ever new ones fills no disk */
#define STORE_TALLY_PAGE_MAX 500u         /* of one list reply: at most 4 MiB */
#define STORE_TALLY_DAYS_MAX 8u           /* that are kept, counted or not: nobody wants older reports */
#define STORE_KEY_MAX 128u                /* octets of a meta key */
#define STORE_VALUE_MAX (256u << 10)      /* octets of a meta value */
#define STORE_CHANGES_MAX 4096u           /* mailboxes in one changes_wait reply */
#define STORE_FINDINGS_MAX 1000u          /* of one verify reply; what is beyond is left out */
#define STORE_FINDING_TEXT_MAX 1024u      /* octets of one sentence */
#define STORE_QUEUE_RECIPIENTS_MAX 1000u  /* elsewhere, of one message: as many as a delivery has mailboxes */
#define STORE_QUEUE_LEASE_MAX 256u        /* entries of one lease: what a relay begins at once */
#define STORE_QUEUE_FULL_MAX 4096u        /* destinations that a relay wants nothing of: more than it has connections */
#define STORE_QUEUE_FRONT_MAX (64u << 10) /* octets in front of a message: a few signatures */
#define STORE_QUEUE_TEXT_MAX 1024u /* octets of what was said about an attempt: two SMTP replies (RFC 5321 4.5.3.1.5) */
#define STORE_QUEUE_STATUS_MAX 16u /* of an enhanced status code, "5.999.999" (RFC 3463) */
#define STORE_QUEUE_WORD_MAX 255u  /* of a host's name, a cipher's, a policy's source */
#define STORE_QUEUE_ENVID_MAX 100u /* RFC 3461 section 5.4 */
#define STORE_QUEUE_ORCPT_MAX 500u /* the same */
#define STORE_QUEUE_PAGE_MAX 256u  /* messages of one list, or destinations */
#define STORE_QUEUE_CHANGE_MAX 256u  /* messages of one change: a writer that waits behind it waits some milliseconds */
#define STORE_QUEUE_EVENTS_MAX 1000u /* of one queue_log reply */
#define STORE_QUEUE_LOG_S (7u * 86400u) /* for so long it is known what became of an attempt */
#define STORE_QUEUE_RETRY_FIRST_S 300u  /* a first failure is often greylisting, which most servers end in 5 minutes; */
#define STORE_QUEUE_RETRY_MAX_S 14400u  /* then twice as long each time, up to this (RFC 5321 4.5.4.1) */

#define STORE_POLICY_MAX (64u << 10) /* octets of another domain's policy (RFC 8461 section 3.3) */
#define STORE_POLICIES_MAX 100000u   /* of them; those that expire first go */

#endif
