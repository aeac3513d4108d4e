/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the http floor. Settings may lower them, never lift them.
 */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

#define HTTP_INPUT_MAX (32u << 10)    /* octets held: a head, or a piece of a body */
#define HTTP_HEAD_MAX (16u << 10)     /* octets of the request line and all fields: 431 */
#define HTTP_LINE_MAX (8u << 10)      /* octets of the request line (RFC 9112 3 recommends 8000): 414 */
#define HTTP_FIELDS_MAX 64u           /* header fields of one request: 431 */
#define HTTP_CHUNK_LINE_MAX 256u      /* octets of a chunk's size and its extensions */
#define HTTP_TRAILER_MAX (4u << 10)   /* octets of trailer fields, which are dropped */
#define HTTP_BODY_MAX (64ull << 20)   /* octets of a request's body, whatever the setting says */
#define HTTP_ANSWER_MAX (32u << 20)   /* octets of an answer, body included */
#define HTTP_SKIP_MAX (256ull << 10)  /* octets of a refused body that are read before the connection is closed */
#define HTTP_PARTS_MAX 16u            /* of one form */
#define HTTP_PART_FIELDS_MAX 8u       /* header fields of one of them */
#define HTTP_PART_HEAD_MAX (4u << 10) /* octets of them */
#define HTTP_BOUNDARY_MAX 70u         /* octets (RFC 2046 5.1.1) */
#define HTTP_IDLE_MS 60000            /* between requests */
#define HTTP_HEAD_MS 30000            /* from a request's first octet to the end of its head */
#define HTTP_BODY_MS 30000            /* between two pieces of a body */
#define HTTP_REQUEST_MS 600000        /* from a request's first octet to its end: against a byte a minute */

#endif
