/* SPDX-License-Identifier: ISC */
/*
 * `letterlock sop`: the Stateless OpenPGP command line interface
 * (draft-dkg-openpgp-stateless-cli, revision 15). Nothing is remembered between
 * calls; keys, certificates, passwords and signatures are files, descriptors
 * (@FD:3) or environment variables (@ENV:NAME). Output files must not exist.
 *
 * Exit statuses are the interface's own, not those of the other verbs. Every
 * sop_* function that can fail returns 0 or such a status, having said why on
 * standard error.
 */
#ifndef CLIENT_SOP_SOP_H
#define CLIENT_SOP_SOP_H

#include "base/buf.h"
#include "client/options.h"
#include "openpgp/data_sig.h"
#include "os/file.h"

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
	SOP_UNSUPPORTED_PROFILE = 89
};

#define SOP_BLOCK (1u << 20)       /* octets of one read or write */
#define SOP_INPUT_MAX (256u << 20) /* octets of keys, certificates or signatures in one file */
#define SOP_PASSWORD_MAX 4096u
#define SOP_KEYS_MAX 64u /* subkeys of one certificate that are used for one purpose */

/* The verb. argv[0] is the subcommand. */
int verb_sop(int argc, char **argv);

/* Says the sentence on standard error and returns status. */
int sop_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The status for an engine's error on data: SOP_BAD_DATA, or SOP_FAILED when it was not the data's fault. */
int sop_bad(const struct error *e);

/* Options of a subcommand; --help prints help. A positive status, SOP_OK, or -1 when help was printed. */
int sop_options(
    int argc, char **argv, const struct option *options, size_t count, const char *help, struct option_list *arguments);

/* ---- input and output ---- */

/* Appends what an argument stands for: a path, @FD:n, @ENV:name. */
int sop_read(const char *argument, struct buf *out);
/* A password; a line end behind it is cut. must_be_text: SOP_PASSWORD_NOT_HUMAN_READABLE when it is not UTF-8. */
int sop_read_password(const char *argument, bool must_be_text, struct buf *out);
/* Writes a whole result to a new file or to @FD:n. */
int sop_write(const char *argument, struct slice content);
/* Before any work: is the name free? */
int sop_check_output(const char *argument);
/* Standard input, block by block: each(ctx, piece) returns 0 or a status. */
int sop_each_block(int (*each)(void *ctx, struct slice piece), void *ctx);
/* Appends all of standard input. */
int sop_read_all(struct buf *out);
/* A whole result to standard output. */
int sop_put(struct slice content);
/* The same, armored or not. v6 objects go without checksum (RFC 9580 section 6.1). */
int sop_put_packets(struct slice packets, bool armor, bool checksum);
/* Octets of standard input when it is a plain file, else UINT64_MAX. */
uint64_t sop_input_size(void);

/* ISO 8601, "now" or "-" (no bound). */
int sop_date(const char *text, uint64_t otherwise, uint64_t *out);

/* ---- keys and certificates ---- */

/* Adds what an argument holds. secret: only secret keys are good, else SOP_BAD_DATA. */
int sop_load(const char *argument, bool secret, struct pgp_certs *out);

struct sop_passwords {
	struct buf items[32];
	size_t count;
};
int sop_load_passwords(const struct option_list *arguments, bool must_be_text, struct sop_passwords *out);
/* Without white space at its end. */
struct slice sop_trimmed(struct slice password);
void sop_passwords_done(struct sop_passwords *p);

/* Unlocks a key with one of the passwords (none when it is not locked) and adds it. SOP_KEY_IS_PROTECTED. */
int sop_unlock(const struct pgp_key *key, const struct sop_passwords *passwords, struct pgp_memory_keys *memory);

/* One signing key of each secret key, unlocked into memory. signers_out: room for keys->count. */
int sop_signers(const struct pgp_certs *keys, const struct sop_passwords *passwords, struct pgp_memory_keys *memory,
    struct pgp_signer *signers_out);

/* ---- verifications ---- */

struct sop_window {
	uint64_t not_before, not_after;
};
/*
 * Appends one line for each good signature that was made within the window:
 * time, signing key, primary key, mode. The count is given.
 */
int
sop_verifications(const struct pgp_verifier *v, const struct sop_window *window, struct buf *out, size_t *count_out);

/* "binary" or "text". */
int sop_as(const char *as, bool *text_out);

/* Says whether octets that come in pieces are UTF-8. */
struct sop_text_check {
	uint8_t tail[4];
	size_t tail_len;
	bool bad;
};
void sop_text_feed(struct sop_text_check *t, struct slice piece);
bool sop_text_good(const struct sop_text_check *t);

/* ---- subcommands ---- */

int sop_generate_key(int argc, char **argv);
int sop_extract_cert(int argc, char **argv);
int sop_sign(int argc, char **argv);
int sop_verify(int argc, char **argv);
int sop_encrypt(int argc, char **argv);
int sop_decrypt(int argc, char **argv);
int sop_armor(int argc, char **argv);
int sop_dearmor(int argc, char **argv);

#endif
