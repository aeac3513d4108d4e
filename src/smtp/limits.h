/* SPDX-License-Identifier: ISC */
/*
 * Hard maxima of the smtp floor. Settings may lower them, never lift them.
 */
#ifndef SMTP_LIMITS_H
#define SMTP_LIMITS_H

#define SMTP_LOCAL_MAX 64u    /* octets (RFC 5321 4.5.3.1.1) */
#define SMTP_DOMAIN_MAX 255u  /* octets (4.5.3.1.2) */
#define SMTP_ADDRESS_MAX 320u /* both and the "@" */
#define SMTP_PATH_MAX 1024u   /* octets; 256 are required (4.5.3.1.3), source routes need more */
#define SMTP_LINE_MAX 2048u   /* octets of a command line with its CRLF; 512 and what the extensions add (4.5.3.1.4) */
#define SMTP_AUTH_LINE_MAX 12290u        /* of AUTH and of its responses (RFC 4954 section 4) */
#define SMTP_SKIP_MAX (1u << 20)         /* octets of one over-long line before the connection ends */
#define SMTP_INPUT_MAX 16384u            /* octets that a machine holds unread */
#define SMTP_OUTPUT_MAX 32768u           /* octets of replies that a machine holds */
#define SMTP_OUTPUT_HIGH 8192u           /* with so much unsent no command is carried out */
#define SMTP_RECIPIENTS_MAX 1000u        /* of one message (at least 100: RFC 5321 4.5.3.1.8) */
#define SMTP_LMTP_RECIPIENTS_MAX 150u    /* each has its reply behind the text: they must fit into SMTP_OUTPUT_MAX */
#define SMTP_ENVID_MAX 100u              /* octets of xtext (RFC 3461 4.4) */
#define SMTP_ORCPT_MAX 500u              /* octets with the type (4.2) */
#define SMTP_CHUNK_DIGITS_MAX 19u        /* of a BDAT's number: any such number fits into 64 bits */
#define SMTP_ERRORS_MAX 20u              /* refused commands before the connection ends */
#define SMTP_REFUSED_MAX 100u            /* refused recipients before the connection ends */
#define SMTP_AUTH_FAILURES_MAX 3u        /* wrong passwords before the connection ends */
#define SMTP_IDLE_MS 300000              /* to wait for a command (RFC 5321 4.5.3.2.7) */
#define SMTP_DATA_PROGRESS 1024u         /* octets of text in each idle time, at least */
#define SMTP_REPLY_LINE_MAX 2048u        /* octets of a reply line that a client reads; 512 are permitted (4.5.3.1.5) */
#define SMTP_REPLY_LINES_MAX 100u        /* lines of one reply */
#define SMTP_REPLY_TEXT_MAX 4096u        /* octets kept of one reply */
#define SMTP_PUT_MAX 65536u              /* octets of text that a client machine holds unsent */
#define SMTP_CHUNK_SENT 32768u           /* octets of a BDAT of a client: few answers, and soon told of a refusal */
#define MILTER_PACKET_MAX (128u << 10)   /* octets that a milter says at once; libmilter's own are at most 64 KiB */
#define MILTER_CHUNK_MAX 65535u          /* octets of one command's data: MILTER_CHUNK_SIZE */
#define MILTER_QUEUE_MAX (512u << 10)    /* octets of commands that wait to be sent: a header is sent at once */
#define MILTER_EDITS_MAX 256u            /* fields that it adds or changes */
#define MILTER_EDITS_OCTETS (256u << 10) /* of them all: no more than a header may have */
#define MILTER_VALUE_MAX (64u << 10)     /* octets of one value */
#define MILTER_TEXT_MAX 400u             /* octets kept of a reply or reason: it goes into one reply line of 512 */

#endif
