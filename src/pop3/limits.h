/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the pop3 floor. Settings may lower them, never lift them.
 */
#ifndef POP3_LIMITS_H
#define POP3_LIMITS_H

#include "sasl/limits.h"

#define POP3_LINE_MAX 255u /* octets of a command with its CRLF (RFC 2449 section 4) */
/*
 * Of a client's response in an AUTH exchange, and of an AUTH command itself: RFC 5034 section 4 keeps an initial
 * response within 255 octets, but OAuth tokens are longer and clients send them there.
 */
#define POP3_AUTH_LINE_MAX (SASL_TEXT_MAX + SASL_NAME_MAX + 16u)
#define POP3_STATUS_MAX 512u         /* octets of an answer's first line (RFC 1939 section 3) */
#define POP3_LOGIN_BAD_MAX 8u        /* bad commands before login until the connection ends */
#define POP3_LOGIN_REFUSED_MAX 5u    /* wrong passwords until the connection ends */
#define POP3_BAD_MAX 20u             /* bad commands in a row after login until the connection ends */
#define POP3_LOGIN_COMMANDS_MAX 100u /* commands before login: CAPA for ever is no login */
#define POP3_OUTPUT_HIGH (64u << 10) /* with so much output waiting no further command is taken */
#define POP3_OUTPUT_MAX (8u << 20)   /* octets of output not yet sent */
#define POP3_PIECE_MAX (256u << 10)  /* octets of one piece of a multi-line answer, dots stuffed */
#define POP3_MESSAGES_MAX 1000000u   /* of one maildrop: the oldest; more are seen when some of these are deleted */
#define POP3_UNIQUE_ID_MAX 70u       /* octets of a unique-id (RFC 1939 section 7, UIDL) */
#define POP3_LANGUAGE_RANGE_MAX 35u  /* octets of LANG's argument: RFC 5646 4.4.1 */
#define POP3_LOGIN_MS (10 * 60000)   /* from the greeting to authentication */
#define POP3_IDLE_MS (10 * 60000)    /* autologout; RFC 1939 section 3 wants at least 10 minutes */

#endif
