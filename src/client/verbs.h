/* SPDX-License-Identifier: ISC */
/*
 * The verbs of the command line. argv[0] is the first word behind the verb.
 * Each returns the exit status (client/common.h).
 */
#ifndef CLIENT_VERBS_H
#define CLIENT_VERBS_H

int verb_setup(int argc, char **argv);
int verb_key(int argc, char **argv);
int verb_send(int argc, char **argv);
int verb_inbox(int argc, char **argv);
int verb_read(int argc, char **argv);
int verb_save(int argc, char **argv);
int verb_agent(int argc, char **argv);
int verb_encrypt(int argc, char **argv); /* of files */
int verb_decrypt(int argc, char **argv);
int verb_sign(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_audit(int argc, char **argv); /* of a domain's mail servers */

/* A noun's own verbs: `letterlock key list`. */
struct subverb {
	const char *name;
	int (*run)(int argc, char **argv);
};
/* Calls the one that argv[0] names; without one, or with --help, prints help. */
int verb_dispatch(const struct subverb *table, unsigned count, const char *help, int argc, char **argv);

#endif
