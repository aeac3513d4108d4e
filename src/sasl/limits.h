/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the sasl floor. Settings may lower them, never lift them.
 */
#ifndef SASL_LIMITS_H
#define SASL_LIMITS_H

#define SASL_TEXT_MAX 12288u      /* characters of one encoded response or challenge (RFC 4954 section 4) */
#define SASL_MESSAGE_MAX 9216u    /* octets of one decoded */
#define SASL_IDENTITY_MAX 1024u   /* octets of an identity; RFC 4616 section 2 wants at least 255 */
#define SASL_PASSWORD_MAX 1024u   /* likewise */
#define SASL_TOKEN_MAX 8192u      /* octets of a bearer token: large signed ones have some thousands */
#define SASL_NAME_MAX 20u         /* characters of a mechanism's name (RFC 4422 section 3.1) */
#define SASL_ROUNDS_MAX 3u        /* messages of a client: no mechanism here has more */
#define SASL_BINDING_MAX 64u      /* octets of channel binding data: the largest hash (RFC 5929 section 4) */
#define SASL_BINDING_NAME_MAX 64u /* characters of a channel binding type's name */

#define SCRAM_MESSAGE_MAX 6144u       /* octets of a message: names three times as long as they may be, nonces, data */
#define SCRAM_NONCE_MAX 512u          /* characters of one side's nonce; others send 18 to 44 */
#define SCRAM_SALT_MAX 64u            /* octets; others have 12 to 32 */
#define SCRAM_ITERATIONS_MIN 4096u    /* RFC 7677 section 4: a client takes no fewer */
#define SCRAM_ITERATIONS_MAX 2000000u /* half a second: a server cannot keep a client busy longer */
#define SCRAM_VERIFIERS_MAX 32u       /* of one account; every proof is tried against so many */

#endif
