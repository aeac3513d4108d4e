/* SPDX-License-Identifier: ISC */
#include "client/key/backup.h"

#include <string.h>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/armor.h"
#include "openpgp/message/decrypt.h"
#include "openpgp/message/encrypt.h"

#define DIGITS 36u
#define GROUP 4u
#define GUARD ":"
#define REVOCATION_BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"

/* ---- the code ---- */

static void
put_digit(char out[BACKUP_CODE_OCTETS], size_t n, uint8_t digit)
{
	size_t at = n + n / GROUP;

	if (n > 0 && n % GROUP == 0)
		out[at - 1] = '-';
	out[at] = (char)digit;
}

int
backup_code_make(char out[BACKUP_CODE_OCTETS], struct error *e)
{
	uint8_t octet = 0;
	int rc = 0;

	memset(out, 0, BACKUP_CODE_OCTETS);
	for (size_t n = 0; rc == 0 && n < DIGITS;) {
		rc = random_bytes(&octet, 1, e);
		/* Of 256 values 250 are ten digits equally often. */
		if (rc == 0 && octet < 250)
			put_digit(out, n++, (uint8_t)('0' + octet % 10));
	}
	secret_wipe(&octet, sizeof octet);
	return rc;
}

int
backup_code_read(struct slice typed, char out[BACKUP_CODE_OCTETS], struct error *e)
{
	size_t n = 0;

	memset(out, 0, BACKUP_CODE_OCTETS);
	for (size_t i = 0; i < typed.len; i++) {
		if (typed.data[i] < '0' || typed.data[i] > '9')
			continue;
		if (n == DIGITS)
			return error_set(e, ERR_PASSWORD, "a backup code has %u digits, and these are more", DIGITS);
		put_digit(out, n++, typed.data[i]);
	}
	return n == DIGITS ? 0
			   : error_set(e, ERR_PASSWORD, "a backup code has %u digits, and these are %zu", DIGITS, n);
}

/* ---- making ---- */

static int
write_key(const struct backup_spec *s, struct buf *armored, struct error *e)
{
	const struct pgp_export how = { .secret = true,
		.keep_local = true,
		.keep_unhashed = !s->small,
		.newest_only = s->small,
		.third_party = s->small ? PGP_THIRD_PARTY_DROP : PGP_THIRD_PARTY_KEEP,
		.policy = s->policy };
	struct buf bare, key;
	struct pgp_cert *c = NULL;
	size_t used;
	int rc;

	buf_init(&bare, BACKUP_TEXT_MAX);
	buf_init(&key, BACKUP_TEXT_MAX);
	rc = pgp_cert_protect(s->key, s->passphrase, PGP_PROTECT_NONE, SLICE_EMPTY, &bare, e);
	if (rc == 0)
		rc = pgp_cert_parse(buf_slice(&bare), &c, &used, e);
	if (rc == 0)
		rc = pgp_cert_export(c, &how, &key, e);
	if (rc == 0)
		rc = pgp_armor_write(PGP_ARMOR_PRIVATE_KEY, s->key->primary->version == 4, buf_slice(&key), armored, e);
	pgp_cert_free(c);
	buf_wipe_done(&bare);
	buf_wipe_done(&key);
	return rc;
}

/* The revocation's armor behind a colon, as GnuPG has it: nobody revokes a key by restoring it. */
static void
put_revocation(struct slice revocation, struct buf *text)
{
	size_t at = slice_search(revocation, SLICE(REVOCATION_BEGIN));

	if (at == SIZE_MAX)
		return;
	(void)buf_put_str(text,
	    "\n\nIts revocation certificate. Whoever really wants to declare the key void takes the\n"
	    "colon away and imports what follows.\n\n" GUARD);
	(void)buf_put_slice(text, slice_from(revocation, at));
}

int
backup_make(const struct backup_spec *s, struct buf *out, struct error *e)
{
	struct slice code = slice_str(s->code);
	const struct pgp_encrypt_spec spec = {
		.container = s->key->primary->version == 4 ? PGP_CONTAINER_SEIPD1 : PGP_CONTAINER_SEIPD2,
		.passphrases = &code,
		.passphrase_count = 1,
		.compression =
		    PGP_ZIP, /* nobody else has a say in what is inside; base64 would be a third of the paper */
	};
	struct buf text;
	int rc;

	buf_init(&text, BACKUP_TEXT_MAX);
	(void)buf_put_str(&text, "The secret key ");
	(void)pgp_fingerprint_write(&s->key->primary->fingerprint, &text);
	(void)buf_put_str(&text, "\n\n");
	rc = write_key(s, &text, e);
	if (rc == 0)
		put_revocation(s->revocation, &text);
	if (rc == 0 && text.err != 0)
		rc = error_set(e, text.err, "the key is too large for a backup");
	if (rc == 0)
		rc = pgp_encrypt(&spec, buf_slice(&text), out, e);
	buf_wipe_done(&text);
	return rc;
}

/* ---- opening ---- */

static int
decrypt(struct slice message, struct slice code, struct buf *text, struct error *e)
{
	const struct pgp_decrypt_spec spec = {
		.passphrases = &code, .passphrase_count = 1, .output_max = BACKUP_TEXT_MAX
	};
	struct pgp_decrypt_result result = { .length = 0 };
	struct pgp_armor_reader *reader;
	int rc = pgp_armor_reader_new(pgp_source_slice(&message), &reader, e);

	if (rc != 0)
		return rc;
	rc = pgp_decrypt(pgp_armor_reader_source(reader), &spec, pgp_plain_buf(text), &result, e);
	pgp_session_done(&result.session);
	pgp_armor_reader_free(reader);
	/* A wrong code may open a v4 session key packet to nonsense: that shows only in the container. */
	return rc == ERR_INTEGRITY || rc == ERR_NO_KEY || rc == ERR_PASSWORD
	    ? error_set(e, ERR_PASSWORD, "this code does not open the backup")
	    : rc;
}

int
backup_open(struct slice message, const char *code, struct backup *out, struct error *e)
{
	struct slice key;
	size_t guard;
	int rc;

	*out = (struct backup){ .text = { .max = BACKUP_TEXT_MAX } };
	rc = decrypt(message, slice_str(code), &out->text, e);
	if (rc != 0)
		return rc;
	key = buf_slice(&out->text);
	guard = slice_search(key, SLICE("\n" GUARD REVOCATION_BEGIN));
	if (guard != SIZE_MAX) {
		out->revocation = slice_from(key, guard + 2);
		key = slice_sub(key, 0, guard);
	}
	rc = pgp_certs_parse(key, &out->certs, e);
	if (rc == 0 && (out->certs.count != 1 || !out->certs.items[0]->secret))
		rc = error_set(e, ERR_SYNTAX, "the backup does not have one secret key");
	return rc;
}

void
backup_done(struct backup *b)
{
	pgp_certs_done(&b->certs);
	buf_wipe_done(&b->text);
	b->revocation = SLICE_EMPTY;
}
