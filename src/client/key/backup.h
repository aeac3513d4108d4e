/* SPDX-License-Identifier: ISC */
/*
 * A key of one's own for the drawer: its secret parts, its certificate and its
 * revocation certificate, as one OpenPGP message that a backup code opens (36
 * digits in groups of four, as Autocrypt's setup code is: 119 bits, drawn here,
 * never chosen). Any other program opens it too: gpg --decrypt gives the text
 * inside, and gpg --import takes the key from that; a colon keeps it from taking
 * the revocation along. So neither this program nor the key's passphrase is
 * needed, only the code.
 */
#ifndef CLIENT_KEY_BACKUP_H
#define CLIENT_KEY_BACKUP_H

#include "client/key/keyring.h"
#include "openpgp/cert/cert.h"

#define BACKUP_CODE_OCTETS 45u      /* nine groups of four, a hyphen between, and a NUL */
#define BACKUP_TEXT_MAX (8u << 20)  /* octets of what is inside */
#define BACKUP_FILE_MAX (16u << 20) /* octets of a backup's file */

/* ERR_CRYPTO. */
int backup_code_make(char out[BACKUP_CODE_OCTETS], struct error *e);
/* What was typed, with whatever between the digits, as it was made. ERR_PASSWORD when these are not 36 digits. */
int backup_code_read(struct slice typed, char out[BACKUP_CODE_OCTETS], struct error *e);

struct backup_spec {
	const struct pgp_cert *key; /* with its secrets, under passphrase */
	struct slice passphrase;
	struct slice revocation; /* armored, with its words */
	const char *code;
	bool small; /* for paper: only what the key needs, without others' certifications and older self-signatures */
	const struct pgp_policy *policy;
};
/* Appends the message, binary. ERR_PASSWORD when the passphrase is wrong. */
int backup_make(const struct backup_spec *spec, struct buf *out, struct error *e);

struct backup {
	struct pgp_certs certs;  /* one: the secret key, not encrypted */
	struct buf text;         /* all that was inside */
	struct slice revocation; /* in text; empty when there is none */
};
/* Binary or armored. ERR_PASSWORD when the code is not its; ERR_SYNTAX, ERR_INTEGRITY. backup_done() also after an error. */
int backup_open(struct slice message, const char *code, struct backup *out, struct error *e);
void backup_done(struct backup *b);

#endif
