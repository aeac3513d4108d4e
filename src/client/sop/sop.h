/* SPDX-License-Identifier: ISC */
/*
 * `letterlock sop`: the Stateless OpenPGP command line interface
 * (draft-dkg-openpgp-stateless-cli, revision 16). Nothing is remembered between
 * calls; keys, certificates, passwords and signatures are files, descriptors
 * (@FD:3) or environment variables (@ENV:NAME). Output files must not exist.
 *
 * Exit statuses are the interface's own, not those of the other verbs. Every
 * sop_* function that can fail returns 0 or such a status, having said why on
 * standard error.
 *
 * Hardware is the one thing that is not offered: @HARDWARE: is refused as a
 * prefix that we do not know (71). So the statuses 97 and 101, for those that
 * know it, are named in help and manual and never come.
 */
#ifndef CLIENT_SOP_SOP_H
#define CLIENT_SOP_SOP_H

#include "base/error.h"
#include "client/options.h"

enum sop_status {
	SOP_OK = 0,
	SOP_FAILED = 1,
	SOP_NO_SIGNATURE = 3,
	SOP_UNSUPPORTED_ASYMMETRIC = 13,
	SOP_CERT_CANNOT_ENCRYPT = 17,
	SOP_MISSING_ARG = 19,
	SOP_INCOMPLETE_VERIFICATION = 23,
	SOP_CANNOT_DECRYPT = 29,
	SOP_PASSWORD_NOT_HUMAN_READABLE = 31,
	SOP_UNSUPPORTED_OPTION = 37,
	SOP_BAD_DATA = 41,
	SOP_EXPECTED_TEXT = 53,
	SOP_OUTPUT_EXISTS = 59,
	SOP_MISSING_INPUT = 61,
	SOP_KEY_IS_PROTECTED = 67,
	SOP_UNSUPPORTED_SUBCOMMAND = 69,
	SOP_UNSUPPORTED_SPECIAL_PREFIX = 71,
	SOP_AMBIGUOUS_INPUT = 73,
	SOP_KEY_CANNOT_SIGN = 79,
	SOP_INCOMPATIBLE_OPTIONS = 83,
	SOP_UNSUPPORTED_PROFILE = 89,
	SOP_PRIMARY_KEY_BAD = 103,
	SOP_CERT_USERID_NO_MATCH = 107,
	SOP_KEY_CANNOT_CERTIFY = 109
};

#define SOP_BLOCK (1u << 20)       /* octets of one read or write */
#define SOP_INPUT_MAX (256u << 20) /* octets of keys, certificates or signatures in one file */
#define SOP_OPTIONS_MAX 16u        /* of one subcommand */

/* The verb. argv[0] is the subcommand. */
int verb_sop(int argc, char **argv);

/* Says the sentence on standard error and returns status. */
int sop_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The status for an engine's error on data: SOP_BAD_DATA, or SOP_FAILED when it was not the data's fault. */
int sop_bad(const struct error *e);
/* The same where a key's algorithm may be one that we do not have: SOP_UNSUPPORTED_ASYMMETRIC for ERR_UNSUPPORTED. */
int sop_bad_key(const struct error *e);
int sop_nomem(void);

/*
 * Options of a subcommand, and --help and --debug, which each of them has.
 * A positive status, SOP_OK, or -1 when its help was printed. arguments NULL:
 * it takes none but standard input.
 */
int sop_options(const char *subcommand, int argc, char **argv, const struct option *options, size_t count,
    struct option_list *arguments);

/* Prints what a subcommand says of itself; all of them for NULL. False when there is no such subcommand. */
bool sop_help(const char *subcommand);

/* ---- subcommands ---- */

int sop_version(int argc, char **argv);
int sop_list_profiles(int argc, char **argv);
int sop_generate_key(int argc, char **argv);
int sop_change_key_password(int argc, char **argv);
int sop_revoke_key(int argc, char **argv);
int sop_extract_cert(int argc, char **argv);
int sop_update_key(int argc, char **argv);
int sop_merge_certs(int argc, char **argv);
int sop_certify_userid(int argc, char **argv);
int sop_validate_userid(int argc, char **argv);
int sop_sign(int argc, char **argv);
int sop_verify(int argc, char **argv);
int sop_encrypt(int argc, char **argv);
int sop_decrypt(int argc, char **argv);
int sop_inline_detach(int argc, char **argv);
int sop_inline_verify(int argc, char **argv);
int sop_inline_sign(int argc, char **argv);
int sop_armor(int argc, char **argv);
int sop_dearmor(int argc, char **argv);

#endif
