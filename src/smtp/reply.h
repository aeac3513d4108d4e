/* SPDX-License-Identifier: ISC */
/*
 * Replies: every one that a server of ours gives, in one table (reply.c) with
 * its enhanced status code (RFC 2034, 3463); and reading the replies of others.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "smtp/limits.h"

enum smtp_reply {
	SMTP_REPLY_NONE,
	/* connection */
	SMTP_REPLY_GREETING, /* detail: our name */
	SMTP_REPLY_BYE,
	SMTP_REPLY_TLS_READY,
	SMTP_REPLY_TLS_UNAVAILABLE,
	SMTP_REPLY_TLS_ALREADY,
	SMTP_REPLY_TLS_FIRST,
	SMTP_REPLY_TIMEOUT,
	SMTP_REPLY_TOO_MANY_ERRORS,
	SMTP_REPLY_SHUTTING_DOWN,
	SMTP_REPLY_NO_ROOM,
	/* commands */
	SMTP_REPLY_OK,
	SMTP_REPLY_RESET,
	SMTP_REPLY_HELP,
	SMTP_REPLY_VERIFY,
	SMTP_REPLY_EXPAND,
	SMTP_REPLY_UNKNOWN_COMMAND,
	SMTP_REPLY_NOT_DONE_HERE,
	SMTP_REPLY_LINE_TOO_LONG,
	SMTP_REPLY_BAD_LINE,
	SMTP_REPLY_BAD_ARGUMENT,
	SMTP_REPLY_NO_ARGUMENT,
	SMTP_REPLY_HELLO_FIRST,
	SMTP_REPLY_LHLO_FIRST,
	SMTP_REPLY_MAIL_FIRST,
	SMTP_REPLY_MAIL_ALREADY,
	SMTP_REPLY_RECIPIENT_FIRST,
	SMTP_REPLY_NO_RECIPIENTS,
	SMTP_REPLY_NO_RECIPIENTS_LMTP,
	SMTP_REPLY_CHUNKS_BEGUN,
	SMTP_REPLY_CHUNK_SIZE,
	SMTP_REPLY_OUT_OF_STEP,
	/* authentication (RFC 4954) */
	SMTP_REPLY_AUTH_FIRST,
	SMTP_REPLY_AUTH_TLS_FIRST,
	SMTP_REPLY_AUTH_OK,
	SMTP_REPLY_AUTH_WRONG,
	SMTP_REPLY_AUTH_MALFORMED,
	SMTP_REPLY_AUTH_CANCELLED,
	SMTP_REPLY_AUTH_MECHANISM,
	SMTP_REPLY_AUTH_ALREADY,
	SMTP_REPLY_AUTH_IN_MAIL,
	SMTP_REPLY_AUTH_LINE_TOO_LONG,
	SMTP_REPLY_AUTH_BUSY,
	/* MAIL */
	SMTP_REPLY_SENDER_OK,
	SMTP_REPLY_SENDER_SYNTAX,
	SMTP_REPLY_SENDER_FOREIGN,
	SMTP_REPLY_SENDER_ASCII,
	SMTP_REPLY_PARAMETER_UNKNOWN,
	SMTP_REPLY_PARAMETER_BAD,
	SMTP_REPLY_SIZE_TOO_BIG,
	/* RCPT */
	SMTP_REPLY_RECIPIENT_OK,
	SMTP_REPLY_RECIPIENT_SYNTAX,
	SMTP_REPLY_RECIPIENT_ASCII,
	SMTP_REPLY_RECIPIENT_UNKNOWN,
	SMTP_REPLY_RECIPIENT_ELSEWHERE, /* from strangers: no relay */
	SMTP_REPLY_RECIPIENT_DENIED,    /* ours, but this writer may not write to it */
	SMTP_REPLY_RECIPIENTS_TOO_MANY,
	/* DATA, BDAT */
	SMTP_REPLY_DATA_GO,
	SMTP_REPLY_CHUNK, /* detail: its octets */
	SMTP_REPLY_KEPT,  /* detail: its number */
	SMTP_REPLY_BARE_CR,
	SMTP_REPLY_BARE_LF,
	SMTP_REPLY_NUL,
	SMTP_REPLY_TOO_BIG,
	SMTP_REPLY_HEADER_TOO_BIG,
	SMTP_REPLY_LOOP,
	SMTP_REPLY_FROM_FOREIGN,
	SMTP_REPLY_UNQUALIFIED,
	SMTP_REPLY_FROM_TWICE,
	SMTP_REPLY_DMARC, /* detail: the author's domain */
	SMTP_REPLY_SPF,   /* detail: the sender's domain */
	SMTP_REPLY_FILTER,
	SMTP_REPLY_FILTER_SAYS,       /* detail: its words, with an enhanced code or without */
	SMTP_REPLY_FILTER_SAYS_LATER, /* the same */
	SMTP_REPLY_HEADER_BROKEN,
	/* ours */
	SMTP_REPLY_TRY_LATER,
	SMTP_REPLY_HOUR_FULL,
	SMTP_REPLY_QUEUE_FULL,
	SMTP_REPLY_DISK_FULL,
	SMTP_REPLY_COUNT,
};

/* 220 ... 555. */
unsigned smtp_reply_code(enum smtp_reply reply);
/* Appends the reply with its CRLF; detail, when not empty, stands behind the text. Returns out's sticky error. */
int smtp_reply_write(struct buf *out, enum smtp_reply reply, struct slice detail);

/* A reply of a server, as a client reads it. */
struct smtp_answer {
	unsigned code;         /* 200 to 599; 0: none yet */
	struct slice enhanced; /* "5.1.1", or empty */
	struct slice text;     /* its lines, separated by LF, without codes */
};

struct smtp_answer_reader {
	struct buf text; /* of the reply so far */
	unsigned code;
	unsigned lines;
	bool whole; /* the last line was read: the next one begins a new reply */
};

void smtp_answer_reader_init(struct smtp_answer_reader *r);
void smtp_answer_reader_done(struct smtp_answer_reader *r);
/*
 * One line without its CRLF (RFC 5321 section 4.2). 1: the reply is whole,
 * *out is valid until the next call; 0: more lines follow; ERR_SYNTAX, ERR_LIMIT.
 */
int smtp_answer_line(struct smtp_answer_reader *r, struct slice line, struct smtp_answer *out, struct error *e);

#endif
