/* SPDX-License-Identifier: ISC */
/*
 * Errors. A function that can fail returns 0 or one of these negative codes
 * and fills a struct error: the code, a sentence for a person (what was wrong
 * and what to do), and where: a byte offset into the input when that is known.
 *
 * The lowest floor that knows makes the sentence; upper floors put context in
 * front of it with error_context(). Every function that takes a struct error
 * accepts NULL for it.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#include "base/limits.h"

enum error_code {
	ERR_NOMEM = -1,       /* no memory */
	ERR_LIMIT = -2,       /* over a named maximum or a budget */
	ERR_SYNTAX = -3,      /* malformed input */
	ERR_UNSUPPORTED = -4, /* well formed, but a version or algorithm we do not have */
	ERR_INTEGRITY = -5,   /* a tag, checksum or MDC does not match: changed data */
	ERR_SIGNATURE = -6,   /* a signature does not verify */
	ERR_NO_KEY = -7,      /* no key for this message or signature */
	ERR_PASSWORD = -8,    /* wrong password or passphrase */
	ERR_POLICY = -9,      /* understood, and refused by policy */
	ERR_NOT_FOUND = -10,
	ERR_EXISTS = -11,
	ERR_DENIED = -12, /* not permitted to this caller */
	ERR_ORDER = -13,  /* a call out of order */
	ERR_IO = -14,     /* files and disks */
	ERR_FULL = -15,   /* disk or quota full */
	ERR_NET = -16,    /* names, connections */
	ERR_TLS = -17,
	ERR_TIMEOUT = -18,
	ERR_USAGE = -19,     /* the person or the program asked wrongly */
	ERR_CRYPTO = -20,    /* libcrypto failed though its input was right */
	ERR_TRUNCATED = -21, /* the input ended too early */
	ERR_CLOSED = -22,    /* the other side is gone */
	ERR_INTERNAL = -23,  /* our fault; worth a report */
};

#define ERROR_NO_OFFSET UINT64_MAX

struct error {
	int code;                  /* 0 or an enum error_code */
	uint64_t offset;           /* octets into the input, or ERROR_NO_OFFSET */
	char text[ERROR_TEXT_MAX]; /* a sentence; NUL-terminated, printable ASCII and UTF-8 only */
};

/* A fixed word for each code ("syntax", "integrity"); "unknown" for others. */
const char *error_name(int code);

/* Sets e and returns code, so that a caller can `return error_set(...)`. Control characters in the text become '?'. */
int error_set(struct error *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int
error_set_at(struct error *e, int code, uint64_t offset, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* With errno's text appended after a colon. */
int error_set_errno(struct error *e, int code, int errnum, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Puts "context: " in front of the text and returns e's code. */
int error_context(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The usual answer to a failed allocation. */
int error_nomem(struct error *e);

#endif
