/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the letter floor. Settings may lower them, never lift them.
 */
#ifndef LETTER_LIMITS_H
#define LETTER_LIMITS_H

#define LETTER_PAYLOAD_MAX (256u << 20)   /* octets of one decrypted letter, unless the caller says fewer */
#define LETTER_LAYERS_MAX 4u              /* cryptographic layers from the root inwards (RFC 9787 4.4.2 needs two) */
#define LETTER_RECIPIENTS_MAX 500u        /* certificates that one letter is sealed for */
#define LETTER_NAMED_MAX 128u             /* readers that a signature names; 33 octets of 64 KiB each */
#define LETTER_SIGNERS_MAX 16u            /* different signers whose certificates are looked up for one letter */
#define LETTER_SIGNATURE_MAX (256u << 10) /* octets of a detached signature part */
#define LETTER_TEXT_MAX (16u << 20)       /* octets of text given to read or quote */
#define LETTER_NOTE_MAX 240u              /* octets of one note of a verdict */
#define LETTER_NOTES_MAX 12u              /* notes of one verdict */
#define LETTER_DATE_SLACK 86400           /* seconds that Date and signature may differ before it is worth a note */

#endif
