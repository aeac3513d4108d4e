/* SPDX-License-Identifier: ISC */
/*
 * Messages with everything that the engine can write and read, on the command
 * line, for tests against other programs only: secrets are unprotected files,
 * and passphrases stand in arguments. Arguments are NAME=VALUE; some may come
 * several times.
 *
 *	message_tool key version=4              a secret key
 *	message_tool cert key=FILE armor=1      its certificate
 *	message_tool write cert=FILE password=TEXT sign=FILE container=0|1|2 cipher=N aead=N chunk=N compression=N
 *	                   hide=1 pad=1 armor=1 length=unknown
 *	message_tool sed session=N:HEX          packet type 9 with one literal, which the engine never writes
 *	message_tool read key=FILE password=TEXT session=N:HEX cert=FILE policy=TEXT old=1 plain=1 piece=N
 *
 * read says on standard error what it was: "container=1 cipher=9 aead=0 recipients=1 signatures=1 good=1", and the
 * session key; a failure is "error: CODE sentence".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "crypto/cipher.h"
#include "openpgp/key/algorithm.h"
#include "openpgp/frame/armor.h"
#include "openpgp/message/decrypt.h"
#include "openpgp/message/encrypt.h"
#include "openpgp/cert/generate.h"

#define INPUT_MAX (512u << 20)
#define LIST_MAX 32u

static int argument_count;
static char **arguments;

/* The n-th value of a name; NULL behind the last. */
static const char *
value(const char *name, size_t n)
{
	size_t len = strlen(name);

	for (int i = 2; i < argument_count; i++) {
		if (strncmp(arguments[i], name, len) == 0 && arguments[i][len] == '=' && n-- == 0)
			return arguments[i] + len + 1;
	}
	return NULL;
}

static unsigned
number(const char *name)
{
	const char *v = value(name, 0);

	return v == NULL ? 0 : (unsigned)strtoul(v, NULL, 10);
}

static int
read_file(const char *path, struct buf *out)
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
load(const char *name, struct pgp_certs *out, struct error *e)
{
	const char *path;
	int rc = 0;

	for (size_t n = 0; rc == 0 && (path = value(name, n)) != NULL; n++) {
		BUF_OWNED struct buf b = { 0 };

		rc = read_file(path, &b) != 0 ? error_set(e, ERR_IO, "cannot read %s", path)
					      : pgp_certs_parse(buf_slice(&b), out, e);
	}
	return rc;
}

static int
unlock(const struct pgp_certs *certs, struct pgp_memory_keys *memory, struct error *e)
{
	const struct pgp_key *k;
	int rc = 0;

	for (size_t i = 0; i < certs->count; i++) {
		for (size_t n = 0; rc == 0 && (k = pgp_cert_key(certs->items[i], n)) != NULL; n++) {
			struct secret s = SECRET_EMPTY;

			rc = pgp_key_unlock(k, SLICE_EMPTY, &s, e);
			if (rc == 0)
				rc = pgp_memory_keys_add(memory, k, secret_slice(&s), e);
			secret_done(&s);
		}
	}
	return rc;
}

static size_t
encryption_keys(const struct pgp_certs *certs, const struct pgp_key **out)
{
	const struct pgp_key *k;
	size_t count = 0;

	for (size_t i = 0; i < certs->count; i++) {
		for (size_t n = 0; (k = pgp_cert_key(certs->items[i], n)) != NULL && count < LIST_MAX; n++) {
			/* RSA primary keys could, too, and are for signing only. */
			if (pgp_key_can_encrypt(k) && (n > 0 || pgp_cert_key(certs->items[i], 1) == NULL))
				out[count++] = k;
		}
	}
	return count;
}

static size_t
passwords(struct slice *out)
{
	size_t n = 0;

	for (; n < LIST_MAX && value("password", n) != NULL; n++)
		out[n] = slice_str(value("password", n));
	return n;
}

static int
write_out(void *ctx, struct slice piece, struct error *e)
{
	(void)ctx;
	if (fwrite(piece.data, 1, piece.len, stdout) == piece.len)
		return 0;
	return error_set(e, ERR_IO, "cannot write");
}

/* ---- key, cert ---- */

static int
do_key(struct error *e)
{
	struct slice id = SLICE("Tool <tool@example.org>");
	struct pgp_generate_spec spec = { .version = (uint8_t)number("version"),
		.user_ids = &id,
		.user_id_count = 1,
		.created = (uint32_t)time(NULL) - 10 };
	BUF_OWNED struct buf b = { 0 };
	int rc;

	buf_init(&b, 1 << 20);
	rc = pgp_generate(&spec, &b, e);
	return rc == 0 ? write_out(NULL, buf_slice(&b), e) : rc;
}

static int
do_cert(struct error *e)
{
	struct pgp_certs c = { 0 };
	BUF_OWNED struct buf b = { 0 }, text = { 0 };
	int rc = load("key", &c, e);

	buf_init(&b, 1 << 20);
	buf_init(&text, 2 << 20);
	if (rc == 0)
		rc = pgp_cert_write_public(c.items[0], &b);
	if (rc == 0)
		rc = pgp_armor_write(PGP_ARMOR_PUBLIC_KEY, true, buf_slice(&b), &text, e);
	if (rc == 0)
		rc = write_out(NULL, number("armor") != 0 ? buf_slice(&text) : buf_slice(&b), e);
	pgp_certs_done(&c);
	return rc;
}

/* ---- write ---- */

static int
write_with(struct pgp_encrypt_spec *spec, struct error *e)
{
	struct pgp_encryptor *enc = NULL;
	BUF_OWNED struct buf data = { 0 };
	struct slice rest;
	int rc = read_file(NULL, &data);

	rest = buf_slice(&data);
	spec->length = value("length", 0) != NULL ? PGP_LENGTH_UNKNOWN : rest.len;
	if (rc == 0)
		rc = pgp_encryptor_new(spec, (struct pgp_sink){ write_out, NULL }, &enc, e);
	while (rc == 0 && rest.len > 0) {
		rc = pgp_encryptor_feed(enc, slice_sub(rest, 0, 100000), e);
		rest = slice_from(rest, size_min(rest.len, 100000));
	}
	if (rc == 0)
		rc = pgp_encryptor_finish(enc, e);
	pgp_encryptor_free(enc);
	return rc;
}

static int
make_maker(const struct pgp_certs *signers, struct pgp_memory_keys *memory, struct pgp_maker **out, struct error *e)
{
	struct pgp_signer signer[LIST_MAX];
	struct pgp_maker_spec m = {
		.signers = signer, .signer_count = size_min(signers->count, LIST_MAX), .created = (uint32_t)time(NULL)
	};

	for (size_t i = 0; i < m.signer_count; i++)
		signer[i] = (struct pgp_signer){ signers->items[i]->primary, pgp_memory_keys_ops(memory) };
	return m.signer_count == 0 ? 0 : pgp_maker_new(out, &m, e);
}

static int
do_write(struct error *e)
{
	const struct pgp_key *keys[LIST_MAX];
	struct slice words[LIST_MAX];
	struct pgp_certs certs = { 0 }, signers = { 0 };
	struct pgp_memory_keys *memory = NULL;
	struct pgp_maker *maker = NULL;
	struct pgp_encrypt_spec spec = { .container = (enum pgp_container)number("container"),
		.cipher = (uint8_t)number("cipher"),
		.aead = (uint8_t)number("aead"),
		.chunk_code = (uint8_t)number("chunk"),
		.compression = (uint8_t)number("compression"),
		.hide_recipients = number("hide") != 0,
		.padding = number("pad") != 0 ? PGP_PAD_PADME : PGP_PAD_NONE,
		.armor = number("armor") != 0,
		.recipients = keys,
		.passphrases = words };
	int rc = load("cert", &certs, e);

	if (rc == 0)
		rc = load("sign", &signers, e);
	if (rc == 0)
		rc = pgp_memory_keys_new(&memory, e);
	if (rc == 0)
		rc = unlock(&signers, memory, e);
	if (rc == 0)
		rc = make_maker(&signers, memory, &maker, e);
	spec.recipient_count = encryption_keys(&certs, keys);
	spec.passphrase_count = passwords(words);
	spec.maker = maker;
	if (rc == 0)
		rc = write_with(&spec, e);
	pgp_maker_free(maker);
	pgp_memory_keys_free(memory);
	pgp_certs_done(&signers);
	pgp_certs_done(&certs);
	return rc;
}

/* ---- read ---- */

static int
session_of(const char *text, struct pgp_session *out, struct error *e)
{
	BUF_OWNED struct buf key = { 0 };
	struct slice hex, cipher = slice_split(slice_str(text), ':', &hex);
	uint64_t n;
	int rc;

	buf_init(&key, 64);
	if (!slice_to_u64(cipher, 255, &n))
		return error_set(e, ERR_USAGE, "a session key is N:HEX");
	rc = hex_parse(hex, &key, e);
	if (rc == 0)
		rc = secret_copy(&out->key, buf_slice(&key), e);
	out->cipher = (uint8_t)n;
	return rc;
}

/* RFC 9580 section 5.7. */
static int
do_sed(struct error *e)
{
	struct pgp_session session = { 0, SECRET_EMPTY };
	uint8_t prefix[18] = "0123456789abcdef", text[18];
	BUF_OWNED struct buf data = { 0 }, inner = { 0 }, body = { 0 }, out = { 0 };
	enum cipher_id id = CIPHER_AES256;
	size_t block = 0;
	int rc = session_of(value("session", 0), &session, e);

	(void)read_file(NULL, &data);
	buf_init(&inner, INPUT_MAX);
	buf_init(&body, INPUT_MAX);
	buf_init(&out, INPUT_MAX);
	(void)pgp_header_write(&inner, PGP_LITERAL, (uint32_t)(6 + data.len));
	(void)buf_put(&inner, "b\0\0\0\0\0", 6);
	(void)buf_put_slice(&inner, buf_slice(&data));
	if (rc == 0)
		rc = pgp_cipher_find(session.cipher, &id, e);
	if (rc == 0) {
		block = cipher_block_size(id);
		memcpy(prefix + block, prefix + block - 2, 2);
		rc = cipher_cfb_once(
		    id, CIPHER_ENCRYPT, secret_slice(&session.key), SLICE_EMPTY, slice_of(prefix, block + 2), text, e);
	}
	if (rc == 0)
		rc = cipher_cfb_once(id, CIPHER_ENCRYPT, secret_slice(&session.key), slice_of(text + 2, block),
		    buf_slice(&inner), inner.data, e);
	(void)buf_put(&body, text, block + 2);
	(void)buf_put_slice(&body, buf_slice(&inner));
	(void)pgp_packet_write(&out, PGP_SED, buf_slice(&body));
	pgp_session_done(&session);
	return rc == 0 ? write_out(NULL, buf_slice(&out), e) : rc;
}

struct pieces {
	struct slice in;
	size_t size;
};

static int
pieces_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	*piece_out = slice_sub(p->in, 0, p->size);
	p->in = slice_from(p->in, piece_out->len);
	return 0;
}

static void
tell(const struct pgp_decrypt_result *r, const struct pgp_verifier *v)
{
	(void)fprintf(stderr,
	    "container=%d cipher=%u aead=%u recipients=%zu signatures=%zu good=%zu key=%d session=%u:",
	    (int)r->container, r->cipher, r->aead, r->recipient_count, r->signature_count, pgp_verifier_good(v),
	    r->key != NULL, r->cipher);
	for (size_t i = 0; i < r->session.key.len; i++)
		(void)fprintf(stderr, "%02X", r->session.key.data[i]);
	(void)fputc('\n', stderr);
}

static int
read_with(struct pgp_decrypt_spec *spec, struct error *e)
{
	BUF_OWNED struct buf message = { 0 }, plain = { 0 };
	struct pgp_decrypt_result result = { 0 };
	struct pieces in = { .size = number("piece") == 0 ? 1u << 20 : number("piece") };
	int rc = read_file(NULL, &message);

	in.in = buf_slice(&message);
	buf_init(&plain, INPUT_MAX);
	if (rc == 0)
		rc = pgp_decrypt((struct pgp_source){ pieces_next, &in }, spec, pgp_plain_buf(&plain), &result, e);
	if (rc == 0)
		(void)pgp_verifier_finish(spec->verifier, NULL);
	if (rc == 0)
		tell(&result, spec->verifier);
	pgp_session_done(&result.session);
	return rc == 0 ? write_out(NULL, buf_slice(&plain), e) : rc;
}

static int
read_sessions(struct pgp_session *sessions, size_t *count_out, struct error *e)
{
	int rc = 0;

	*count_out = 0;
	while (rc == 0 && *count_out < LIST_MAX && value("session", *count_out) != NULL) {
		rc = session_of(value("session", *count_out), &sessions[*count_out], e);
		(*count_out)++;
	}
	return rc;
}

static int
do_read(struct error *e)
{
	const struct pgp_key *keys[LIST_MAX];
	struct slice words[LIST_MAX];
	struct pgp_session sessions[LIST_MAX] = { 0 };
	struct pgp_policy policy = pgp_policy_default((uint64_t)time(NULL));
	struct pgp_certs own = { 0 }, certs = { 0 };
	struct pgp_memory_keys *memory = NULL;
	struct pgp_decrypt_spec spec = { .keys = keys,
		.passphrases = words,
		.sessions = sessions,
		.policy = &policy,
		.accept_unauthenticated_old_packet = number("old") != 0,
		.unencrypted = number("plain") != 0 };
	int rc = load("key", &own, e);

	if (rc == 0)
		rc = load("cert", &certs, e);
	if (rc == 0 && value("policy", 0) != NULL)
		rc = pgp_policy_override(&policy, slice_str(value("policy", 0)), e);
	if (rc == 0)
		rc = pgp_memory_keys_new(&memory, e);
	if (rc == 0)
		rc = unlock(&own, memory, e);
	if (rc == 0)
		rc = pgp_verifier_new(&spec.verifier, &certs, &policy, e);
	if (rc == 0)
		rc = read_sessions(sessions, &spec.session_count, e);
	if (rc == 0) {
		spec.key_count = encryption_keys(&own, keys);
		spec.keyring = pgp_memory_keys_ops(memory);
		spec.passphrase_count = passwords(words);
		rc = read_with(&spec, e);
	}
	for (size_t i = 0; i < LIST_MAX; i++)
		pgp_session_done(&sessions[i]);
	pgp_verifier_free(spec.verifier);
	pgp_memory_keys_free(memory);
	pgp_certs_done(&certs);
	pgp_certs_done(&own);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct error *e);
	} verbs[] = { { "key", do_key }, { "cert", do_cert }, { "write", do_write }, { "sed", do_sed },
		{ "read", do_read } };
	struct error e = { 0 };
	int rc = ERR_USAGE;

	argument_count = argc;
	arguments = argv;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0)
			rc = verbs[i].run(&e);
	}
	if (rc != 0)
		(void)fprintf(stderr, "error: %s %s\n", error_name(rc), e.text);
	return rc == 0 ? 0 : 1;
}
