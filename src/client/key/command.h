/* SPDX-License-Identifier: ISC */
/*
 * How every verb of `letterlock key` begins and ends: its command line is read,
 * the keyring opened; at its end the keyring is closed and the error said.
 *
 *	struct key_command c;
 *	int status, rc;
 *
 *	if (!key_begin(&c, argc, argv, &syntax, &status))
 *		return status;
 *	rc = …;
 *	return key_end(&c, rc);
 */
#ifndef CLIENT_KEY_COMMAND_H
#define CLIENT_KEY_COMMAND_H

#include "client/key/keyring.h"

#define KEY_OPTIONS_MAX 24u
#define KEY_IMPORT_MAX (64u << 20) /* octets of a file of certificates */
#define KEY_EXPORT_MAX (8u << 20)  /* octets of one certificate or key that is written */

struct key_command {
	struct common common;
	struct option_list arguments;
	struct keyring keyring;
	struct error error;
};

/* A verb's command line. Its options come beside the common ones (--json, --help, --passphrase-fd, --password-fd). */
struct key_syntax {
	const char *help;
	const struct option *options;
	size_t option_count; /* at most KEY_OPTIONS_MAX */
	size_t least, most;  /* arguments */
};
/* For option tables that are arrays. */
#define KEY_SYNTAX(text, table, from, to) \
	((struct key_syntax){ .help = (text), \
	    .options = (table), \
	    .option_count = sizeof(table) / sizeof(table)[0], \
	    .least = (from), \
	    .most = (to) })

/* Parses and opens the keyring. False: it is over, with *status. */
bool key_begin(struct key_command *c, int argc, char **argv, const struct key_syntax *syntax, int *status);
/* Closes; says the error of c when rc is not 0. The exit status. */
int key_end(struct key_command *c, int rc);
/* The first argument, or an empty slice. */
struct slice key_argument(const struct key_command *c);

#endif
