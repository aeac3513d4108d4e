/* SPDX-License-Identifier: ISC */
/*
 * The person at the terminal: passphrases without echo, yes or no, progress
 * on standard error. Questions go to /dev/tty, so that they work while the
 * standard streams are files; without a terminal they fail with ERR_USAGE and
 * a sentence that names the way around.
 */
#ifndef OS_TERMINAL_H
#define OS_TERMINAL_H

#include "base/buf.h"
#include "base/error.h"

#define TERMINAL_SECRET_MAX 1024u /* octets of a passphrase */

bool terminal_is(int fd);
/* A terminal that may be coloured: NO_COLOR unset or empty, TERM not "dumb". */
bool terminal_colour(int fd);
/* Whether the environment says that characters are UTF-8: LC_ALL, LC_CTYPE or LANG, the first that is set. */
bool terminal_utf8(void);
/* Columns, 80 when unknown. */
unsigned terminal_columns(int fd);
/* True when somebody can be asked. */
bool terminal_can_ask(void);

/*
 * Asks without echo. The answer, without its line end, is appended to out,
 * which was initialised with TERMINAL_SECRET_MAX and is ended by the caller with
 * buf_wipe_done(). ERR_USAGE without a terminal, ERR_CLOSED at end of file.
 */
int terminal_ask_secret(const char *question, struct buf *out, struct error *e);
/* "question [y/N] "; anything but y or yes is no. */
int terminal_ask_yes(const char *question, bool *yes_out, struct error *e);
/* One line with echo. */
int terminal_ask_line(const char *question, struct buf *out, struct error *e);

/* The first line that comes from a descriptor (--passphrase-fd N), read octet by octet so that nothing behind it is lost. */
int secret_from_fd(int fd, struct buf *out, struct error *e);

/*
 * "label  12 of 345 MiB (3 %), 678 messages" in place, at most ten times a second, only when
 * standard error is a terminal. progress_done() clears the line.
 */
struct progress {
	const char *label;
	uint64_t total;     /* octets, 0 for unknown */
	const char *things; /* what is counted beside the octets; NULL: nothing */
	uint64_t count;
	int64_t shown_ms;
	bool shown;
};

void progress_show(struct progress *p, uint64_t done);
void progress_done(struct progress *p);

#endif
