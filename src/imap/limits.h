/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the imap floor. Settings may lower them, never lift them.
 */
#ifndef IMAP_LIMITS_H
#define IMAP_LIMITS_H

#define IMAP_LOGIN_LINE_MAX 8192u     /* octets of one line before login; RFC 2683 3.2.1.5 wants 8000 */
#define IMAP_LOGIN_LITERALS_MAX 4096u /* octets of all literals of one command before login */
#define IMAP_LINE_MAX 65536u          /* octets of one line after login: long UID sets are real */
#define IMAP_LITERALS_MAX 65536u      /* octets of all literals of one command, but the message of APPEND */
#define IMAP_LITERAL_COUNT_MAX 1000u  /* literals of one command */
#define IMAP_NONSYNC_MAX 4096u        /* octets of a non-synchronizing literal; RFC 7888 section 5, LITERAL- */
#define IMAP_APPEND_MAX (256u << 20)  /* octets of an appended message, unless the options say fewer */
#define IMAP_INPUT_MAX (32u << 10)    /* octets fed and not yet taken */
#define IMAP_OUTPUT_MAX (8u << 20)    /* octets of output not yet sent; services stop at IMAP_OUTPUT_HIGH */
#define IMAP_OUTPUT_HIGH (64u << 10)  /* with so much output waiting no further command is taken */
#define IMAP_BAD_MAX 20u              /* BAD answers in a row before the connection ends */
#define IMAP_LOGIN_BAD_MAX 8u         /* the same before login */

#define IMAP_TAG_MAX 100u          /* octets */
#define IMAP_ARENA_MAX (4u << 20)  /* octets that parsing one command may use */
#define IMAP_DEPTH_MAX 20u         /* nested parentheses, NOT and OR of SEARCH */
#define IMAP_SEARCH_KEYS_MAX 1000u /* keys of one SEARCH */
#define IMAP_RANGES_MAX 32768u     /* numbers and ranges of one sequence set: a full line of them */
#define IMAP_ITEMS_MAX 100u        /* data items of one FETCH */
#define IMAP_FIELDS_MAX 300u       /* field names of one HEADER.FIELDS */
#define IMAP_PART_DEPTH_MAX 50u    /* numbers in one section */
#define IMAP_FLAGS_MAX 64u         /* keywords of one STORE or APPEND */
#define IMAP_MAILBOX_MAX 1000u     /* octets of a mailbox name in UTF-8 */
#define IMAP_PATTERN_MAX 1000u     /* octets of a LIST pattern */
#define IMAP_ID_PAIRS_MAX 30u      /* RFC 2971 3.3 */
#define IMAP_ID_FIELD_MAX 30u
#define IMAP_ID_VALUE_MAX 1024u

#define IMAP_LOGIN_MS 180000      /* from the greeting to authentication */
#define IMAP_IDLE_MS (31 * 60000) /* autologout; RFC 3501 5.4 wants at least 30 minutes */
#define IMAP_COMMAND_MS 300000    /* a command that began must be whole by then */
#define IMAP_LITERAL_RATE 256     /* octets a second that a literal's sender must reach on average */

#define IMAP_CLIENT_CAPABILITIES_MAX 65536u /* octets of a list of capabilities */
#define IMAP_CLIENT_RESPONSE_MAX (4u << 20) /* octets of one response that is held whole */
#define IMAP_CLIENT_LITERALS_MAX 1000u      /* literals of one response */

#endif
