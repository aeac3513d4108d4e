/* SPDX-License-Identifier: ISC */
/*
 * The verbs of letterlockd. Each takes what is left of the command line after
 * the verb and the configuration that main() loaded, and returns the exit
 * status: 0; 1 the operation's own no; 2 used wrongly; 3 it could not be done.
 */
#ifndef DAEMON_VERBS_H
#define DAEMON_VERBS_H

#include "base/error.h"
#include "base/json.h"
#include "daemon/config.h"

enum exit_status { EXIT_DONE = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

struct verb_input {
	const struct config *config;
	const struct config_overrides *overrides; /* what the command line said: for reading the file again */
	char **words;                             /* what is no option */
	int word_count;
	int password_fd; /* -1: ask on the terminal */
	bool json;
	const char *mailbox; /* NULL: not said */
	const char *format;  /* NULL: not said */
	const char *senders; /* NULL: not said */
	bool again;
	const char *protocols; /* app-password: NULL: not said */
	const char *expires;   /* likewise */
	bool offline;
	bool openpgpkey;     /* domain records */
	const char **smimea; /* likewise: ADDRESS=FILE */
	size_t smimea_count;
	bool now;                /* domain dkim: without looking whether DNS has the records */
	const char *days;        /* domain reports; NULL: not said */
	const char *certificate; /* domain tlsa, check: the next one's file; NULL: not said */
	bool print;              /* likewise: only lines of a zone file */
};

int verb_run(const struct verb_input *in);
int verb_check(const struct verb_input *in);
int verb_config(const struct verb_input *in);
int verb_status(const struct verb_input *in);
int verb_verify(const struct verb_input *in);
int verb_account(const struct verb_input *in);
/* account address: the words behind it. */
int verb_account_address(const struct verb_input *in);
int verb_alias(const struct verb_input *in);
int verb_domain(const struct verb_input *in);
int verb_queue(const struct verb_input *in);
int verb_directory(const struct verb_input *in);
int verb_backup(const struct verb_input *in);
int verb_restore(const struct verb_input *in);
/* account app-password: the words from that on. */
int verb_app_password(const struct verb_input *in);
/* account import and export: the words from these on. */
int verb_transfer(const struct verb_input *in);

/* Says e on standard error and returns the exit status for its code. */
int verb_failed(const struct error *e);
/* The same for what was asked rightly and is not done (EXIT_NO): an ERR_ORDER of the store, say. */
int verb_refused(const struct error *e);
/* One line on standard output; frees it. */
void verb_print_json(struct json_value *object);

#endif
