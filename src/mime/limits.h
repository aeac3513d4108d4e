/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the mime floor. Over them a message is still stored, served
 * and shown, only not analysed deeper. Settings may lower them, never lift them.
 */
#ifndef MIME_LIMITS_H
#define MIME_LIMITS_H

#define MIME_HEADER_MAX (256u << 10) /* octets of one header block that are looked at; what follows is passed over */
#define MIME_HEADERS_MAX \
	(2u << 20) /* octets of all header blocks of one message, and MIME_FIELD_COST for each field; then parts are leaves without type */
#define MIME_FIELD_COST 16u
#define MIME_FIELDS_MAX 2000u      /* fields of one header block */
#define MIME_FIELD_NAME_MAX 500u   /* octets up to the colon; a longer one is no field */
#define MIME_PARTS_MAX 1000u       /* parts of one message; the last one holds all the rest */
#define MIME_DEPTH_MAX 32u         /* parts inside parts; one deeper is a leaf */
#define MIME_BOUNDARY_MAX 250u     /* octets; RFC 2046 5.1.1 says 70, some write more */
#define MIME_LINE_KEPT 512u        /* octets of a line that are compared with boundaries, its trailing spaces too */
#define MIME_PARAMS_MAX 64u        /* parameters of one value, pieces of continuations counted */
#define MIME_PARAM_MAX (16u << 10) /* octets of one parameter after its pieces were joined */
#define MIME_ADDRESSES_MAX 10000u  /* addresses and group marks of one field */
#define MIME_IDS_MAX 1000u         /* message-ids of one field */
#define MIME_LANGUAGES_MAX 32u     /* tags of Content-Language */
#define MIME_ARENA_MAX (24u << 20) /* octets of arena that are enough for any one message */

#define MIME_LINE_MAX 76u          /* characters of a line we write (RFC 2045 6.7, 6.8) */
#define MIME_FOLD_MAX 78u          /* characters of a header line we write, where it can be folded (RFC 5322 2.1.1) */
#define MIME_WORD_MAX 75u          /* characters of an encoded word (RFC 2047 2) */
#define MIME_MESSAGE_LINE_MAX 998u /* octets of any line we write (RFC 5322 2.1.1) */
#define MIME_COMPOSE_HEADER_MAX (1u << 20) /* octets of header fields that we write */

#define MIME_RECEIVED_MAX (8u << 10) /* octets of one Received field; the longest in use have some 1,000 */

#endif
