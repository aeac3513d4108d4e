/* SPDX-License-Identifier: ISC */
/*
 * Sealing and opening letters on the command line, for tests against other
 * programs only: secrets are unprotected files.
 *
 *	letter_tool key USER-ID                    a secret key that RFC 4880 readers can encrypt to
 *	letter_tool cert KEYFILE                   its certificate
 *	letter_tool seal KEYFILE CERTFILE SUBJECT  text on standard input, a letter on standard output
 *	letter_tool sign KEYFILE SUBJECT
 *	letter_tool open KEYFILE CERTFILE...       a letter on standard input: its verdict, subject, and text
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "letter/open.h"
#include "letter/seal.h"
#include "mime/word.h"
#include "openpgp/cert/generate.h"

#define INPUT_MAX (64u << 20)

static struct pgp_certs known;

static int
complain(const struct error *e)
{
	(void)fprintf(stderr, "letter_tool: %s\n", e->text);
	return 1;
}

static int
read_all(const char *path, struct buf *out)
{
	FILE *f = path == NULL ? stdin : fopen(path, "rb");
	uint8_t piece[65536];
	size_t n;

	if (f == NULL)
		return ERR_IO;
	buf_init(out, INPUT_MAX);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		(void)buf_put(out, piece, n);
	if (path != NULL)
		(void)fclose(f);
	return out->err;
}

static int
write_out(void *ctx, struct slice piece, struct error *e)
{
	(void)ctx;
	if (fwrite(piece.data, 1, piece.len, stdout) == piece.len)
		return 0;
	return error_set(e, ERR_IO, "cannot write");
}

static int
load(const char *path, struct pgp_certs *out, struct error *e)
{
	BUF_OWNED struct buf b = { 0 };

	if (read_all(path, &b) != 0)
		return error_set(e, ERR_IO, "cannot read %s", path);
	return pgp_certs_parse(buf_slice(&b), out, e);
}

static int
unlock(const struct pgp_cert *c, struct pgp_memory_keys **out, struct error *e)
{
	const struct pgp_key *k;
	int rc = pgp_memory_keys_new(out, e);

	for (size_t n = 0; rc == 0 && (k = pgp_cert_key(c, n)) != NULL; n++) {
		struct secret s = SECRET_EMPTY;

		rc = pgp_key_unlock(k, SLICE_EMPTY, &s, e);
		if (rc == 0)
			rc = pgp_memory_keys_add(*out, k, secret_slice(&s), e);
		secret_done(&s);
	}
	return rc;
}

static int
do_key(const char *user_id, struct error *e)
{
	struct slice id = slice_str(user_id);
	struct pgp_generate_spec spec = {
		.version = 4, .user_ids = &id, .user_id_count = 1, .created = (uint32_t)time(NULL)
	};
	BUF_OWNED struct buf b = { 0 };
	int rc;

	buf_init(&b, 1 << 20);
	rc = pgp_generate(&spec, &b, e);
	return rc == 0 ? write_out(NULL, buf_slice(&b), e) : rc;
}

static int
do_cert(const char *path, struct error *e)
{
	struct pgp_certs c = { 0 };
	BUF_OWNED struct buf b = { 0 };
	int rc = load(path, &c, e);

	buf_init(&b, 1 << 20);
	if (rc == 0)
		rc = pgp_cert_write_public(c.items[0], &b);
	if (rc == 0)
		rc = write_out(NULL, buf_slice(&b), e);
	pgp_certs_done(&c);
	return rc;
}

static struct slice
user_id_of(const struct pgp_cert *c)
{
	for (size_t i = 0; i < c->component_count; i++) {
		if (c->components[i].kind == PGP_COMPONENT_USER_ID)
			return c->components[i].packet.body;
	}
	return SLICE_EMPTY;
}

/* to NULL: signed only. */
static int
make(const struct pgp_cert *from, const struct pgp_cert *to, struct pgp_memory_keys *keys, const char *subject,
    struct error *e)
{
	struct pgp_policy policy = pgp_policy_default((uint64_t)time(NULL));
	struct letter_seal_spec spec = { .recipients = &to,
		.recipient_count = 1,
		.sender = from,
		.keys = pgp_memory_keys_ops(keys),
		.policy = &policy };
	struct mime_letter l = { .subject = slice_str(subject), .date = (int64_t)policy.now };
	ARENA_OWNED struct arena a = { 0 };
	BUF_OWNED struct buf text = { 0 };
	int rc;

	arena_init(&a, 1 << 20);
	rc = read_all(NULL, &text);
	if (rc == 0)
		rc = mime_addresses_parse(user_id_of(from), &a, &l.from, e);
	if (rc == 0)
		rc = mime_addresses_parse(user_id_of(to == NULL ? from : to), &a, &l.to, e);
	if (rc == 0)
		rc = random_bytes(spec.random, sizeof spec.random, e);
	if (rc != 0)
		return rc;
	l.message_id = SLICE("<tool@a.test>");
	l.text = buf_slice(&text);
	spec.letter = &l;
	return to == NULL ? letter_sign(&spec, (struct mime_sink){ write_out, NULL }, e)
			  : letter_seal(&spec, (struct mime_sink){ write_out, NULL }, e);
}

/* Gives every certificate of the command line: what does not fit is found out by the engine. */
static int
find(void *ctx, const struct letter_wanted *wanted, struct pgp_certs *out, struct error *e)
{
	(void)wanted;
	for (char **path = ctx; *path != NULL; path++) {
		int rc = load(*path, out, e);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
show(const struct letter_opened *o, struct error *e)
{
	const struct letter_verdict *v = letter_opened_verdict(o);
	BUF_OWNED struct buf out = { 0 };
	struct slice subject;

	buf_init(&out, INPUT_MAX);
	(void)buf_putf(&out, "status: %s\nsignature: %s\nsubject: ", letter_status_text(v->status),
	    letter_signature_text(v->signature));
	if (letter_opened_field(o, "Subject", &subject, NULL))
		(void)mime_text_decode(subject, &out);
	for (size_t i = 0; i < v->note_count; i++)
		(void)buf_putf(&out, "\nnote: %s", v->notes[i]);
	(void)buf_put_str(&out, "\n\n");
	(void)letter_opened_text(o, &out, NULL, NULL);
	return write_out(NULL, buf_slice(&out), e);
}

static int
do_open(const struct pgp_cert *own, struct pgp_memory_keys *keys, char **certs, struct error *e)
{
	struct pgp_policy policy = pgp_policy_default((uint64_t)time(NULL));
	struct letter_open_spec spec = { .own = &own,
		.own_count = 1,
		.keys = pgp_memory_keys_ops(keys),
		.certs = { find, certs },
		.policy = &policy };
	struct letter_opened *o = NULL;
	BUF_OWNED struct buf mail = { 0 };
	int rc = read_all(NULL, &mail);

	if (rc == 0)
		rc = letter_open(buf_slice(&mail), &spec, &o, e);
	if (rc == 0)
		rc = show(o, e);
	letter_opened_free(o);
	return rc;
}

static int
with_key(int argc, char **argv, struct error *e)
{
	struct pgp_certs own = { 0 };
	struct pgp_memory_keys *keys = NULL;
	int rc = load(argv[2], &own, e);

	if (rc == 0)
		rc = unlock(own.items[0], &keys, e);
	if (rc == 0 && strcmp(argv[1], "open") == 0)
		rc = do_open(own.items[0], keys, argv + 3, e);
	else if (rc == 0 && strcmp(argv[1], "sign") == 0 && argc == 4)
		rc = make(own.items[0], NULL, keys, argv[3], e);
	else if (rc == 0 && strcmp(argv[1], "seal") == 0 && argc == 5) {
		rc = load(argv[3], &known, e);
		if (rc == 0)
			rc = make(own.items[0], known.items[0], keys, argv[4], e);
		pgp_certs_done(&known);
	} else if (rc == 0)
		rc = error_set(e, ERR_USAGE, "used wrongly");
	pgp_memory_keys_free(keys);
	pgp_certs_done(&own);
	return rc;
}

int
main(int argc, char **argv)
{
	struct error e = { 0 };
	int rc;

	if (argc < 3)
		rc = error_set(&e, ERR_USAGE, "used wrongly");
	else if (strcmp(argv[1], "key") == 0)
		rc = do_key(argv[2], &e);
	else if (strcmp(argv[1], "cert") == 0)
		rc = do_cert(argv[2], &e);
	else
		rc = with_key(argc, argv, &e);
	return rc == 0 ? 0 : complain(&e);
}
