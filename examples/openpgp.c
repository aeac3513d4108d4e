/* SPDX-License-Identifier: ISC */
/*
 * What a program does with libletterlock, in one page:
 *
 *   cc $(pkg-config --cflags letterlock) openpgp.c $(pkg-config --libs letterlock) -o openpgp
 *
 *   openpgp generate "Alice <alice@example.org>" >alice.key
 *   openpgp certificate alice.key >alice.cert
 *   openpgp encrypt alice.cert <letter >letter.pgp
 *   openpgp decrypt alice.key <letter.pgp >letter
 *   openpgp sign alice.key <program.tar >program.tar.sig
 *   openpgp verify program.tar.sig alice.cert <program.tar
 *
 * Data of any size streams through; keys and signatures are read into memory.
 */
#include <letterlock/openpgp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX_OCTETS (16u << 20)

static int
complain(const char *what, const struct llk_error *e)
{
	(void)fprintf(stderr, "openpgp: %s: %s\n", what, e->text);
	return 1;
}

static int
read_file(const char *name, struct llk_bytes *out)
{
	FILE *f = fopen(name, "rb");
	char *data = malloc(FILE_MAX_OCTETS);
	size_t len;

	if (f == NULL || data == NULL) {
		perror(name);
		return 1;
	}
	len = fread(data, 1, FILE_MAX_OCTETS, f);
	(void)fclose(f);
	*out = (struct llk_bytes){ data, len };
	return 0;
}

static int
load(const char *name, struct llk_certs **out)
{
	struct llk_bytes data;
	struct llk_error e = { 0 };

	if (read_file(name, &data) != 0)
		return 1;
	if (llk_certs_new(out, &e) != 0 || llk_certs_add(*out, data, &e) != 0)
		return complain(name, &e);
	return 0;
}

/* ---- the program's ends of a stream ---- */

static int
write_out(void *ctx, const void *data, size_t len)
{
	return fwrite(data, 1, len, ctx) == len ? 0 : LLK_IO;
}

static int
read_in(void *ctx, void *buffer, size_t size, size_t *len_out)
{
	*len_out = fread(buffer, 1, size, ctx);
	return ferror((FILE *)ctx) ? LLK_IO : 0;
}

/* Plaintext goes to a temporary file and comes out only when all of it was proven. */
static int
plain_write(void *ctx, const void *data, size_t len, bool proven)
{
	(void)proven;
	return write_out(ctx, data, len);
}

static int
plain_commit(void *ctx)
{
	char piece[4096];
	size_t n;

	rewind(ctx);
	while ((n = fread(piece, 1, sizeof piece, ctx)) > 0)
		if (fwrite(piece, 1, n, stdout) != n)
			return LLK_IO;
	return fflush(stdout) == 0 ? 0 : LLK_IO;
}

static void
plain_abort(void *ctx)
{
	(void)ctx; /* a temporary file goes by itself */
}

static int
put(struct llk_data *d)
{
	int rc = fwrite(d->data, 1, d->len, stdout) == d->len ? 0 : 1;

	llk_data_free(d);
	return rc;
}

static int
feed(int (*take)(void *object, struct llk_bytes piece, struct llk_error *e), void *object, struct llk_error *e)
{
	char piece[65536];
	size_t n;

	while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
		if (take(object, (struct llk_bytes){ piece, n }, e) != 0)
			return 1;
	return 0;
}

/* ---- what it can do ---- */

static int
generate(char **user_ids)
{
	struct llk_generator *g;
	struct llk_error e = { 0 };
	struct llk_data key;
	int rc = llk_generator_new("rfc9580", &g, &e);

	for (; rc == 0 && *user_ids != NULL; user_ids++)
		rc = llk_generator_user_id(g, (struct llk_bytes){ *user_ids, strlen(*user_ids) }, &e);
	if (rc == 0)
		rc = llk_generator_run(g, (uint32_t)time(NULL), true, &key, &e);
	llk_generator_free(g);
	return rc != 0 ? complain("generate", &e) : put(&key);
}

static int
certificate(const char *file)
{
	struct llk_certs *keys;
	struct llk_error e = { 0 };
	struct llk_data cert;
	int rc = load(file, &keys);

	if (rc != 0)
		return rc;
	rc = llk_cert_write(llk_certs_at(keys, 0), LLK_PUBLIC, true, &cert, &e);
	llk_certs_free(keys);
	return rc != 0 ? complain(file, &e) : put(&cert);
}

static int
encrypter_take(void *object, struct llk_bytes piece, struct llk_error *e)
{
	return llk_encrypter_write(object, piece, e);
}

static int
encrypt(char **files)
{
	struct llk_policy *policy = NULL;
	struct llk_encrypter *x = NULL;
	struct llk_error e = { 0 };
	int rc = llk_policy_new((uint64_t)time(NULL), &policy, &e);

	if (rc == 0)
		rc = llk_encrypter_new(policy, &x, &e);
	for (; rc == 0 && *files != NULL; files++) {
		struct llk_certs *certs;

		if (load(*files, &certs) != 0) /* lives until the program ends */
			return 1;
		rc = llk_encrypter_recipient(x, llk_certs_at(certs, 0), &e);
	}
	if (rc == 0) {
		llk_encrypter_armor(x);
		rc = llk_encrypter_begin(x, (struct llk_writer){ write_out, stdout }, &e);
	}
	if (rc == 0)
		rc = feed(encrypter_take, x, &e);
	if (rc == 0)
		rc = llk_encrypter_end(x, &e);
	llk_encrypter_free(x);
	llk_policy_free(policy);
	return rc != 0 ? complain("encrypt", &e) : 0;
}

static int
unlock(const char *file, struct llk_certs **certs, struct llk_keys **keys)
{
	struct llk_error e = { 0 };

	if (load(file, certs) != 0)
		return 1;
	if (llk_keys_new(keys, &e) != 0 ||
	    llk_keys_unlock(*keys, llk_certs_at(*certs, 0), (struct llk_bytes){ NULL, 0 }, &e) != 0)
		return complain(file, &e);
	return 0;
}

static int
decrypt(const char *file)
{
	struct llk_policy *policy = NULL;
	struct llk_decrypter *x = NULL;
	struct llk_certs *certs = NULL;
	struct llk_keys *keys = NULL;
	struct llk_error e = { 0 };
	FILE *held = tmpfile();
	int rc;

	if (held == NULL || unlock(file, &certs, &keys) != 0)
		return 1;
	rc = llk_policy_new((uint64_t)time(NULL), &policy, &e);
	if (rc == 0)
		rc = llk_decrypter_new(policy, &x, &e);
	if (rc == 0)
		rc = llk_decrypter_keys(x, keys, &e);
	if (rc == 0)
		rc = llk_decrypter_run(x, (struct llk_reader){ read_in, stdin },
		    (struct llk_plaintext){ plain_write, plain_commit, plain_abort, held }, &e);
	llk_decrypter_free(x);
	llk_policy_free(policy);
	llk_keys_free(keys);
	llk_certs_free(certs);
	(void)fclose(held);
	return rc != 0 ? complain("decrypt", &e) : 0;
}

static int
signer_take(void *object, struct llk_bytes piece, struct llk_error *e)
{
	return llk_signer_write(object, piece, e);
}

static int
sign(const char *file)
{
	struct llk_policy *policy = NULL;
	struct llk_signer *s = NULL;
	struct llk_certs *certs = NULL;
	struct llk_keys *keys = NULL;
	struct llk_error e = { 0 };
	uint64_t now = (uint64_t)time(NULL);
	int rc;

	if (unlock(file, &certs, &keys) != 0)
		return 1;
	rc = llk_policy_new(now, &policy, &e);
	if (rc == 0)
		rc = llk_signer_new(LLK_DETACHED, &s, &e);
	if (rc == 0)
		rc = llk_signer_key(s, llk_certs_at(certs, 0), policy, keys, &e);
	if (rc == 0) {
		llk_signer_armor(s);
		rc = llk_signer_begin(s, (uint32_t)now, (struct llk_writer){ write_out, stdout }, &e);
	}
	if (rc == 0)
		rc = feed(signer_take, s, &e);
	if (rc == 0)
		rc = llk_signer_end(s, &e);
	llk_signer_free(s);
	llk_policy_free(policy);
	llk_keys_free(keys);
	llk_certs_free(certs);
	return rc != 0 ? complain("sign", &e) : 0;
}

static int
verifier_take(void *object, struct llk_bytes piece, struct llk_error *e)
{
	return llk_verifier_write(object, piece, e);
}

static int
verify(const char *signatures, const char *file)
{
	struct llk_policy *policy = NULL;
	struct llk_verifier *v = NULL;
	struct llk_certs *certs = NULL;
	struct llk_error e = { 0 };
	struct llk_verdict verdict;
	struct llk_bytes data;
	size_t good = 0;
	int rc;

	if (load(file, &certs) != 0 || read_file(signatures, &data) != 0)
		return 1;
	rc = llk_policy_new((uint64_t)time(NULL), &policy, &e);
	if (rc == 0)
		rc = llk_verifier_new(certs, policy, &v, &e);
	if (rc == 0)
		rc = llk_verifier_signatures(v, data, &e);
	if (rc == 0)
		rc = feed(verifier_take, v, &e);
	if (rc == 0)
		rc = llk_verifier_end(v, &e);
	for (size_t i = 0; rc == 0 && llk_verifier_verdict(v, i, &verdict); i++)
		(void)printf("%s %s\n", verdict.key, verdict.kind == LLK_GOOD ? "good" : verdict.reason);
	if (rc == 0)
		good = llk_verifier_good(v);
	llk_verifier_free(v);
	llk_policy_free(policy);
	llk_certs_free(certs);
	return rc != 0 ? complain("verify", &e) : good > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "generate") == 0)
		return generate(argv + 2);
	if (argc == 3 && strcmp(argv[1], "certificate") == 0)
		return certificate(argv[2]);
	if (argc >= 3 && strcmp(argv[1], "encrypt") == 0)
		return encrypt(argv + 2);
	if (argc == 3 && strcmp(argv[1], "decrypt") == 0)
		return decrypt(argv[2]);
	if (argc == 3 && strcmp(argv[1], "sign") == 0)
		return sign(argv[2]);
	if (argc == 4 && strcmp(argv[1], "verify") == 0)
		return verify(argv[2], argv[3]);
	(void)fprintf(stderr, "openpgp (libletterlock %s): generate, certificate, encrypt, decrypt, sign, verify\n",
	    llk_version());
	return 2;
}
