/* SPDX-License-Identifier: ISC */
/* The program letterlock: which verbs there are. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client/common.h"
#include "client/sop/sop.h"
#include "client/verbs.h"
#include "crypto/secret.h"
#include "crypto/start.h"
#include "os/file.h"

#define SECRET_HEAP (1u << 18) /* octets of locked memory for secrets in use */

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the word behind the verb */
	const char *summary;
	bool alone;     /* never speaks TLS: libcrypto then starts with less */
	bool by_itself; /* decides itself where its memory lies, and starts libcrypto */
} verbs[] = {
	{ "setup", verb_setup, "find the servers, sign in, make a key and publish it" },
	{ "send", verb_send, "write a letter: signed, and sealed for everyone whose certificate is known" },
	{ "inbox", verb_inbox, "list what came" },
	{ "read", verb_read, "open a letter, with a verdict in plain words" },
	{ "save", verb_save, "write a letter's attachments to files" },
	{ "encrypt", verb_encrypt, "seal files and folders" },
	{ "decrypt", verb_decrypt, "open sealed files and folders, and say who signed them" },
	{ "sign", verb_sign, "sign files" },
	{ "verify", verb_verify, "check a file and its signature: whose key it is, and why that is known" },
	{ "key", verb_key, "keys and certificates: new list show find certify approve trust publish backup" },
	{ "audit", verb_audit, "look at a domain's mail servers as senders meet them, and say what to do" },
	{ "agent", verb_agent, "what the agent holds; make it forget", .by_itself = true },
	{ "sop", verb_sop, "the Stateless OpenPGP interface, for programs", .alone = true },
};

#define VERBS (sizeof verbs / sizeof verbs[0])

static int
help(int status)
{
	FILE *out = status == EXIT_DONE ? stdout : stderr;

	(void)fputs("letterlock VERB ...\n\n", out);
	for (size_t i = 0; i < VERBS; i++)
		(void)fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
	(void)fputs(
	    "\nEach verb has --help with examples, --json for programs, and takes the account's password and the\n"
	    "key's passphrase from descriptors (--password-fd N, --passphrase-fd N) instead of asking.\n"
	    "`letterlock --version` says which version this is. Exit status: 0 done, 1 no (no such key, bad "
	    "signature,\n"
	    "refused), 2 used wrongly, 3 could not (network, disk).\n",
	    out);
	return status;
}

/*
 * What was said must have arrived, or it was no success. A reader who has read enough (`| head -1`) is none either to a
 * program, which wants all of it.
 */
static int
finish(int status, bool program)
{
	bool flushed = fflush(stdout) == 0, gone = !flushed && errno == EPIPE;

	if (status != EXIT_DONE || (flushed && ferror(stdout) == 0) || (gone && !program))
		return status;
	(void)fputs("letterlock: cannot write to standard output\n", stderr);
	return program ? (int)SOP_FAILED : (int)EXIT_COULD_NOT;
}

static int
run(const struct verb *verb, int argc, char **argv)
{
	if (verb->by_itself)
		return finish(verb->run(argc, argv), false);
	if (verb->alone)
		crypto_start_alone();
	else
		crypto_start_brief();
	secret_heap_init(SECRET_HEAP);
	return finish(verb->run(argc, argv), verb->run == verb_sop);
}

int
main(int argc, char **argv)
{
	if (!file_keep_standard_streams())
		return EXIT_COULD_NOT;
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return help(EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return finish(help(EXIT_DONE), false);
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("letterlock " LETTERLOCK_VERSION);
		return finish(EXIT_DONE, false);
	}
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run(&verbs[i], argc - 2, argv + 2);
	}
	(void)fprintf(stderr, "letterlock: '%.60s' is not a verb; see --help\n", argv[1]);
	return EXIT_USAGE;
}
