/* SPDX-License-Identifier: ISC */
/*
 * Asking a person through the program pinentry (Assuan protocol: a line a
 * command, OK or ERR back; "D " lines are data). Three things: which program,
 * where the person sits, and the conversation as a machine that knows no
 * descriptor, so that whoever runs the program (the agent's launcher) need not
 * be who hears the answer (the agent).
 *
 * The program is the one that a setting names, else the first that is there of
 * a fixed list in /usr/bin and /usr/local/bin. PATH is not looked at: whoever
 * can set it would be shown every passphrase.
 *
 * Limits: PINENTRY_LINE_MAX octets a line, TERMINAL_SECRET_MAX octets an answer.
 */
#ifndef OS_PINENTRY_H
#define OS_PINENTRY_H

#include "base/buf.h"
#include "base/error.h"
#include "os/file.h"

#define PINENTRY_LINE_MAX 4096u /* Assuan's is 1002 octets; an answer's octets may each be escaped */
#define PINENTRY_WAIT_S 120u    /* a person has so long, then it counts as cancelled */
#define PINENTRY_TEXT_MAX 1000u /* octets of a description */

/* Where the person sits: what pinentry is told, and its environment. Empty texts are left out. */
enum seat_item {
	SEAT_TTY, /* "/dev/pts/3" */
	SEAT_TERM,
	SEAT_DISPLAY,
	SEAT_WAYLAND,
	SEAT_XAUTHORITY,
	SEAT_BUS, /* of the session */
	SEAT_RUNTIME,
	SEAT_LC_CTYPE,
	SEAT_LC_MESSAGES,
	SEAT_ITEMS
};
#define SEAT_TEXT_MAX 256u /* octets of one, NUL included */

struct pinentry_seat {
	char items[SEAT_ITEMS][SEAT_TEXT_MAX];
};

/* This process's own terminal and environment. */
void pinentry_seat_mine(struct pinentry_seat *out);
/* Sets one item. False, and it stays empty, when the text is too long or has control characters. */
bool pinentry_seat_set(struct pinentry_seat *s, enum seat_item item, struct slice text);
/* "TERM", "DISPLAY", ...; NULL for the terminal, which is no variable. */
const char *pinentry_seat_variable(enum seat_item item);
bool pinentry_seat_graphical(const struct pinentry_seat *s);

/*
 * Which program. setting: an absolute path, or empty. It must be a program of root's or of this user's that nobody else
 * can change: ERR_DENIED. ERR_NOT_FOUND when there is none.
 */
int pinentry_program(const char *setting, const struct pinentry_seat *seat, char out[FILE_PATH_MAX], struct error *e);

/* ---- the conversation ---- */

enum pinentry_kind {
	PINENTRY_PASSPHRASE,
	PINENTRY_NEW,    /* typed twice, compared by the program */
	PINENTRY_CONFIRM /* yes or no */
};

struct pinentry_question {
	enum pinentry_kind kind;
	const char *description; /* several lines are permitted */
	const char *error;       /* what was wrong the last time; NULL or empty: nothing */
	const struct pinentry_seat *seat;
	unsigned seconds; /* 0: PINENTRY_WAIT_S */
};

enum pinentry_state {
	PINENTRY_GOES_ON,
	PINENTRY_ANSWERED,
	PINENTRY_CANCELLED, /* or the time was over, or the answer was no */
	PINENTRY_BROKEN     /* it does not speak the protocol, or could not ask */
};

struct pinentry_talk;

int pinentry_talk_new(const struct pinentry_question *q, struct pinentry_talk **out, struct error *e);
void pinentry_talk_free(struct pinentry_talk *t); /* wipes; NULL is permitted */
enum pinentry_state pinentry_talk_feed(struct pinentry_talk *t, struct slice in);
/* It ended, or the connection to it did. */
enum pinentry_state pinentry_talk_end(struct pinentry_talk *t);
struct slice pinentry_talk_output(const struct pinentry_talk *t);
void pinentry_talk_sent(struct pinentry_talk *t, size_t len);
/* The passphrase, once it is answered; lives as long as the talk. */
struct slice pinentry_talk_answer(const struct pinentry_talk *t);

/* ---- all of it, by a program that waits ---- */

/* There is a graphical session. */
bool pinentry_can_ask(void);
/*
 * As terminal_ask_secret(): the answer is appended to out, which was initialised with TERMINAL_SECRET_MAX. kind:
 * PINENTRY_PASSPHRASE or PINENTRY_NEW. ERR_CLOSED when the person cancels, ERR_USAGE when there is no pinentry, ERR_LIMIT.
 */
int pinentry_ask_secret(
    const char *setting, enum pinentry_kind kind, const char *question, struct buf *out, struct error *e);

#endif
