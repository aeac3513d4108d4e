/* SPDX-License-Identifier: ISC */
/*
 * What all verbs share: common options, how they end, how secrets come in.
 *
 * Exit statuses: 0; 1 the operation's own no (no such key, bad signature,
 * wrong password, refused); 2 used wrongly; 3 could not (network, disk, ...).
 */
#ifndef CLIENT_COMMON_H
#define CLIENT_COMMON_H

#include "base/buf.h"
#include "base/json.h"
#include "client/options.h"

enum exit_status { EXIT_DONE = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

struct common {
	bool json, help;
	int passphrase_fd, password_fd; /* -1: not given */
};

#define COMMON_INIT ((struct common){ .passphrase_fd = -1, .password_fd = -1 })
#define COMMON_OPTIONS(c) \
	{ "json", OPTION_FLAG, &(c)->json }, { "help", OPTION_FLAG, &(c)->help }, \
	    { "passphrase-fd", OPTION_FD, &(c)->passphrase_fd }, \
	{ \
		"password-fd", OPTION_FD, &(c)->password_fd \
	}

/* Says the error on standard error, and gives the status that belongs to its code. */
int client_fail(const struct error *e);
int client_status(int code);
/* The usage text to standard output; EXIT_DONE. */
int client_help(const char *text);

/* Untrusted text to standard output, escaped for one line. */
void client_print(struct slice text);
/* Standard output: a line of our own and untrusted text. */
void client_say(const char *before, struct slice text, const char *after);
/* Writes the JSON value with a line end to standard output and frees it. */
int client_print_json(struct json_value *v, struct error *e);

/* Somebody can be asked: at a terminal or in a window. */
bool client_can_ask(void);
/*
 * The passphrase of a key: from --passphrase-fd, else asked at the terminal, or
 * by pinentry where there is none (twice when it is new). Appended to out, initialised with TERMINAL_SECRET_MAX;
 * end with buf_wipe_done(). Kept for the rest of this run, since a descriptor
 * gives it only once.
 */
int client_passphrase(const struct common *c, const char *question, bool new, struct buf *out, struct error *e);
/* The account's password: from --password-fd, else the agent's, else asked; the agent then keeps it. */
struct agent_client;
int client_password(
    const struct common *c, struct agent_client *agent, const char *address, struct buf *out, struct error *e);

#endif
