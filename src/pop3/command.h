/* SPDX-License-Identifier: ISC */
/*
 * The commands of POP3, parsed: RFC 1939, CAPA (RFC 2449), STLS (RFC 2595),
 * AUTH (RFC 5034), UTF8 and LANG (RFC 6856). One constant table says in which
 * states a command may come and what its arguments are. Parsing is total and
 * without effects.
 *
 *   rc = pop3_command_parse(line, POP3_STATE_TRANSACTION, &command, &e)
 */
#ifndef POP3_COMMAND_H
#define POP3_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

enum pop3_verb {
	POP3_CAPA,
	POP3_STLS,
	POP3_USER,
	POP3_PASS,
	POP3_AUTH,
	POP3_APOP, /* known, and refused: it wants the password kept in clear */
	POP3_UTF8,
	POP3_LANG,
	POP3_QUIT,
	POP3_STAT,
	POP3_LIST,
	POP3_RETR,
	POP3_DELE,
	POP3_NOOP,
	POP3_RSET,
	POP3_TOP,
	POP3_UIDL,
	POP3_VERB_COUNT, /* no command */
};

enum pop3_state { /* bits */
	POP3_STATE_AUTHORIZATION = 1,
	POP3_STATE_TRANSACTION = 2,
};

/* Slices point into the line. */
struct pop3_command {
	enum pop3_verb verb;
	bool has_message;     /* LIST and UIDL may come without */
	uint32_t message;     /* a message number; 0 and UINT32_MAX are nobody's: what is too large becomes that */
	uint32_t lines;       /* TOP; what is too large becomes UINT32_MAX */
	struct slice text;    /* USER: name, PASS: password, with its spaces; AUTH: mechanism; LANG: range or empty */
	struct slice initial; /* AUTH: the initial response */
	bool has_initial;
};

/*
 * line: without its CRLF. state: one enum pop3_state. ERR_UNSUPPORTED (no such command), ERR_ORDER (not in this
 * state), ERR_SYNTAX (arguments); each with a sentence that repeats nothing of the line. out->verb is set as soon as it
 * is known.
 */
int pop3_command_parse(struct slice line, uint32_t state, struct pop3_command *out, struct error *e);
/* "RETR"; "" for POP3_VERB_COUNT. */
const char *pop3_verb_name(enum pop3_verb verb);

#endif
