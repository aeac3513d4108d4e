/* SPDX-License-Identifier: ISC */
/*
 * What encrypt, decrypt, sign and verify of files share: options, our keys,
 * which key signs, how each file's outcome is said, and ending early.
 *
 * Each file is on its own: one that fails does not stop the others, and the
 * exit status is the worst of all. Sentences go to standard output, or to
 * standard error when data goes there; text of strangers (names of files, user
 * IDs) is escaped. With --json there is a list with one object for each file.
 *
 * Ctrl-C, a hang-up or a SIGTERM ends the work between two pieces, so that
 * temporary files are removed; what was not finished never has its name.
 */
#ifndef CLIENT_FILE_COMMAND_H
#define CLIENT_FILE_COMMAND_H

#include <stdio.h>

#include "client/key/lazy_keys.h"
#include "client/options.h"
#include "openpgp/sig/data_sig.h"

#define FILE_BLOCK (1u << 20)           /* octets of one read or write */
#define FILE_SIDE_HASH_MIN (1u << 20)   /* octets of data from which a second thread is worth while */
#define FILE_CERTS_MAX (64u << 20)      /* octets of a file with certificates */
#define FILE_SIGNATURES_MAX (16u << 20) /* octets of a file with detached signatures */

struct file_command {
	struct common common;
	struct option_list files;
	struct keyring keyring;
	struct lazy_keys keys;
	const char *output; /* --output, NULL: beside the file */
	const char *as;     /* --as: which key of ours signs */
	bool force;         /* an output that exists is replaced */
	bool filter;        /* what comes from standard input goes to standard output */
	bool to_stdout;     /* --to-stdout */
	/* Certificates that were given: with some, nothing of ours is needed, and a home that cannot be written to, or none. */
	const struct option_list *given;
	FILE *out;               /* where sentences go */
	struct json_value *list; /* with --json */
	struct json_value *said; /* about the file at hand; NULL without --json */
	struct error error;
};

/* "output", "force", and what all verbs have. */
#define FILE_OPTIONS(c) \
	COMMON_OPTIONS(&(c)->common), { "output", OPTION_TEXT, &(c)->output }, \
	{ \
		"force", OPTION_FLAG, &(c)->force \
	}

/* Reads the command line and opens our keys. False: it is over, with *status. file_command_end() only after true. */
bool file_command_begin(struct file_command *c, const char *help, const struct option *options, size_t count, int argc,
    char **argv, int *status);
/* Says what failed before any file, or prints the list; frees. Returns the exit status. */
int file_command_end(struct file_command *c, int rc, int status);

/* Calls run() for each file and returns the worst status. run() sets c->error. */
int file_command_each(struct file_command *c, int (*run)(void *ctx, const char *path, struct error *e), void *ctx);

/* The same for the first file only. */
int file_command_one(struct file_command *c, int (*run)(void *ctx, const char *path, struct error *e), void *ctx);

/* The status of a code: as client_status(), and what is wrong with the data itself is a no. */
int file_status(int code);

/* A sentence: our words, a stranger's, our words. Nothing with --json. */
void file_say(const struct file_command *c, const char *before, struct slice text, const char *after);
/* To standard error, escaped, whatever the options. */
void file_warn(const char *before, struct slice text, const char *after);

/* True when a signal asked to stop. */
bool file_stopped(void);
/* 0, or ERR_CLOSED then. */
int file_check_stopped(struct error *e);

/*
 * Our certificate that signs: the one of --as, else the account's, else the
 * only one. NULL and 0 when there is none; ERR_USAGE when there are several.
 */
int file_own_cert(const struct file_command *c, const struct pgp_cert **out, struct error *e);
/* Its key for signing; the secret is unlocked when it signs. ERR_POLICY and others with the reason when it has none. */
int file_signer(struct file_command *c, const struct pgp_cert *cert, struct pgp_signer *out, struct error *e);

/* Adds to a list of certificates, which then owns it (also after an error). */
int file_certs_add(struct pgp_certs *certs, struct pgp_cert *cert, struct error *e);
/* Adds all certificates that a file holds. */
int file_certs_load(const char *path, struct pgp_certs *certs, struct error *e);

/* Our policy with what the words of --accept-old permit. ERR_USAGE. */
int file_policy(
    const struct file_command *c, const struct option_list *accept_old, struct pgp_policy *out, struct error *e);

/* The password of a message: from --password-fd, else asked. out as client_passphrase() wants it. */
int file_password(const struct file_command *c, bool new, struct buf *out, struct error *e);

#endif
