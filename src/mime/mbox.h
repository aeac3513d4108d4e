/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes as one file (mbox). Each message is preceded by a line "From ", a
 * sender and a date, and followed by an empty line. RFC 4155 describes it; the
 * files of four decades differ in how a line "From " inside a message is kept
 * from being taken for the next message:
 *
 *   mboxrd   each line of '>'s and "From " is written with one more '>'. Nothing is lost
 *   mboxo    a line "From " is written as ">From "; what was ">From " before cannot be told from it
 *   mboxcl   as mboxrd, with a field Content-Length that leads to the next message
 *   mboxcl2  Content-Length, and lines are written as they are
 *
 * A line "From " is taken for the beginning of a message when it has a date and
 * an empty line before it or a header field behind it. One without a date needs
 * both, and then says nothing but a sender, or an address and a time of day: a
 * sentence that begins with "From " is text. A Content-Length is believed only
 * when it leads exactly to such a line or to the end of the file.
 *
 * The reader is a machine: it is fed the file's octets and gives events. Message
 * octets are appended to a buf with lines ended by CRLF, without the empty line
 * that belongs to the file, and without the fields in which programs keep their
 * own notes there (Status, X-Status, X-Keywords, X-UID, X-IMAPbase, Content-Length,
 * X-Mozilla-Status, X-Mozilla-Status2, X-Mozilla-Keys): the first of each name is
 * taken out and understood, and any further one is the message's own.
 *
 * The writer writes mboxrd. A message that has one of those fields itself gets one
 * in front of it, so that the reader above gives back the same octets; one whose
 * last line does not end gets a Content-Length, for the same reason.
 */
#ifndef MIME_MBOX_H
#define MIME_MBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define MBOX_FROM_LINE_MAX 1000u      /* octets of a line "From "; a longer one begins no message */
#define MBOX_QUOTES_MAX 1000u         /* '>'s in front of "From " that are counted; with more it is text */
#define MBOX_FIELD_MAX (16u << 10)    /* octets of a field with notes; a longer one is the message's */
#define MBOX_WINDOW (64u << 10)       /* octets that the reader holds at most */
#define MBOX_PEEK 2048u               /* octets that are enough to answer MBOX_ASK */
#define MBOX_KEYWORDS_MAX (32u << 10) /* octets of all keywords of one message */

enum mbox_rule { MBOX_RD, MBOX_O, MBOX_CL, MBOX_CL2 };

enum mbox_flag { /* bits; the values of RFC 3501's flags in store/types.h */
	MBOX_SEEN = 1,
	MBOX_ANSWERED = 2,
	MBOX_FLAGGED = 4,
	MBOX_DELETED = 8,
	MBOX_DRAFT = 16,
};

/* ---- reading ---- */

enum mbox_event {
	MBOX_NEED,  /* feed, or say that the file ended */
	MBOX_BEGIN, /* a message: offset, has_date, date */
	MBOX_DATA,  /* octets of it were appended to out; call again */
	MBOX_ASK,   /* what is in the file from ask_offset on? mbox_reader_answer() */
	MBOX_END,   /* the message is whole: flags, keywords, internal */
	MBOX_DONE,  /* so is the file */
};

struct mbox_reader {
	/* For the caller, from MBOX_BEGIN on: */
	uint64_t offset; /* where its line "From " is */
	bool has_date;
	int64_t date; /* unix seconds; a date without zone is UTC (RFC 4155) */
	/* From MBOX_END on: */
	uint32_t flags;      /* enum mbox_flag */
	struct buf keywords; /* separated by spaces */
	bool internal;       /* no message: what UW IMAP keeps about the file */

	/* Inside: */
	enum mbox_rule rule;
	struct buf in;
	size_t at;         /* octets of in that are done with */
	uint64_t position; /* of in's first octet in the file */
	uint64_t ask_offset;
	uint64_t content_length;
	uint64_t counted; /* octets of the body that Content-Length still vouches for */
	uint32_t seen;    /* fields with notes that were taken out */
	uint32_t keys;    /* X-Mozilla-Status2 */
	uint8_t state;
	uint8_t field;   /* whose continuation lines are taken out too */
	uint8_t skipped; /* empty lines behind a counted body */
	bool ended;
	bool started; /* a message was seen */
	bool in_header;
	bool blank; /* an empty line waits: the next message begins, and it is the file's, or it is text */
	bool has_length;
	bool imap_before_status;
	bool named_internal;
};

void mbox_reader_init(struct mbox_reader *r, enum mbox_rule rule);
/* To begin at a message whose line "From " is there, as an offset of the caller's. Fresh from init. */
void mbox_reader_seek(struct mbox_reader *r, uint64_t offset);
void mbox_reader_done(struct mbox_reader *r);
/* Octets of in that were taken; feed the rest after the next MBOX_NEED. */
size_t mbox_reader_feed(struct mbox_reader *r, struct slice in);
void mbox_reader_end(struct mbox_reader *r);
/*
 * The next event. out's error is the caller's to look at. ERR_SYNTAX with the offset: this is no mbox (only before the
 * first message); ERR_NOMEM.
 */
int mbox_reader_next(struct mbox_reader *r, struct buf *out, enum mbox_event *event_out, struct error *e);
/*
 * The file's octets from ask_offset on: MBOX_PEEK of them, or as many as there are (none: it lies behind the file's end).
 * True: that Content-Length is believed.
 */
bool mbox_reader_answer(struct mbox_reader *r, struct slice there);

/* Does a file that begins so look like an mbox? Empty lines at its front are permitted; an empty file is none. */
bool mbox_begins(struct slice in);
/* The date of a line "From ", which may end with its line end. */
bool mbox_from_date(struct slice line, int64_t *unix_out);

/* ---- writing ---- */

/*
 * How line ends and lines "From " are written, piece by piece. A line ends with LF; after a CR of the line's own it stays
 * CRLF, or that CR could not be told from the line's end. Zeroed at first.
 */
struct mbox_quoter {
	uint32_t quotes; /* held: so many '>' */
	uint8_t from;    /* and so much of "From " */
	bool inside;     /* the line is decided */
	bool cr;         /* held */
	bool after_cr;   /* the octet before was a CR that is the line's own */
	bool unquoted;   /* set by the caller: only the line ends, as a Maildir has them */
};

/*
 * What must be known of a message before its first octet is written. Zeroed at first, then fed the whole message; the
 * first piece has all of its header or the first megabyte.
 */
struct mbox_survey {
	uint64_t size;
	uint64_t dropped; /* CRs that are not written */
	bool unended;     /* its last line does not end */
	bool has_body;    /* an empty line ends the header */
	uint32_t own;     /* fields of the names above that it has itself */
	uint64_t body;    /* octets of the body as written */
	uint8_t last[2];
	struct mbox_quoter quoter;
};

void mbox_survey_feed(struct mbox_survey *s, struct slice piece);

struct mbox_note {
	int64_t date;          /* unix seconds */
	uint32_t flags;        /* enum mbox_flag */
	struct slice keywords; /* separated by spaces */
	uint32_t uid;          /* as X-UID; 0: without */
	/*
	 * In a file's first message, for UW IMAP and Dovecot, which know only the keywords that are listed there:
	 * UIDVALIDITY, the last UID, keywords, with spaces between. Empty: without.
	 */
	struct slice base;
};

/* Each returns out's sticky error. begin; the message in pieces; end. */
int mbox_write_begin(struct buf *out, const struct mbox_survey *s, const struct mbox_note *note);
int mbox_write_piece(struct buf *out, struct mbox_quoter *q, struct slice piece);
int mbox_write_end(struct buf *out, const struct mbox_survey *s, struct mbox_quoter *q);
/* What is held at the end of an unquoted message. */
int mbox_write_rest(struct buf *out, struct mbox_quoter *q);

#endif
