/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim on the command line, for tests beside other people's programs. A message comes on standard input.
 *
 *   dkim_tool verify KEYS NOW PIECE      one line a signature: result, d=, s=, i=, a=, b=, bits, testing, reason; by tabs.
 *                                        KEYS: a file of lines NAME, tab, record; PIECE: octets of body at a time
 *   dkim_tool sign DOMAIN NOW SELECTOR PEM [SELECTOR PEM]   the fields that go in front
 *   dkim_tool header|body simple|relaxed PIECE              the canonical octets
 *   dkim_tool new rsa|ed25519            a secret key
 *   dkim_tool record PEM                 its record
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/pem_secret.h"
#include "mailauth/dkim/sign.h"
#include "mailauth/dkim/verify.h"
#include "mailauth/name.h"

#define FILE_MAX (64u << 20)

static void
fail(const struct error *e)
{
	(void)fprintf(stderr, "dkim_tool: %s\n", e->text);
	exit(1);
}

static void
read_all(FILE *f, struct buf *out)
{
	size_t got;
	uint8_t *to;

	buf_init(out, FILE_MAX);
	while ((to = buf_reserve(out, 65536)) != NULL && (got = fread(to, 1, 65536, f)) > 0)
		buf_commit(out, got);
}

static void
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	read_all(f, out);
	(void)fclose(f);
}

static void
split(struct slice message, struct slice *header, struct slice *body)
{
	size_t end = mime_header_length(message);

	*header = slice_sub(message, 0, end);
	*body = slice_from(message, end);
}

static void
print(struct slice s)
{
	(void)fwrite(s.data == NULL ? (const uint8_t *)"" : s.data, 1, s.len, stdout);
}

/* ---- verify ---- */

static void
look_up(struct slice keys, struct slice name, struct slice *records, struct mailauth_answer *out)
{
	*out = (struct mailauth_answer){ .found = MAILAUTH_NO_NAME, .records = records };
	while (keys.len > 0) {
		struct slice line = slice_split(keys, '\n', &keys), record;
		struct slice of = slice_split(line, '\t', &record);

		if (!mailauth_name_is(of, name))
			continue;
		if (slice_eq(record, SLICE("FAILED"))) {
			out->found = MAILAUTH_FAILED;
			return;
		}
		out->found = MAILAUTH_FOUND;
		records[out->record_count++] = record;
	}
}

static void
print_result(const struct dkim_signature *s)
{
	const struct slice parts[] = { s->domain, s->selector, s->identity, s->algorithm, s->signature };

	(void)printf("%s\t", dkim_result_name(s->result));
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		print(parts[i]);
		(void)putchar('\t');
	}
	(void)printf("%zu\t%d\t%s\n", s->key_bits, s->testing, s->reason);
}

static int
verify(char **argv)
{
	struct dkim_verify_config config = { .now = strtoull(argv[1], NULL, 10) };
	size_t piece = strtoull(argv[2], NULL, 10);
	struct slice header, body, records[MAILAUTH_RECORDS_MAX];
	struct mailauth_question q;
	struct mailauth_answer a;
	struct buf keys, message;
	struct dkim_verify *v;
	struct error e;

	read_file(argv[0], &keys);
	read_all(stdin, &message);
	split(buf_slice(&message), &header, &body);
	if (dkim_verify_new(&config, header, &v, &e) != 0)
		fail(&e);
	for (size_t at = 0; at < body.len; at += piece)
		dkim_verify_body(v, slice_sub(body, at, piece));
	while (dkim_verify_next(v, &q) == DKIM_VERIFY_LOOKUP) {
		look_up(buf_slice(&keys), q.name, records, &a);
		dkim_verify_answer(v, &a);
	}
	for (size_t i = 0; i < dkim_verify_count(v); i++)
		print_result(dkim_verify_result(v, i));
	(void)printf("%s\t%zu\n", dkim_result_name(dkim_verify_best(v)), dkim_verify_seen(v));
	dkim_verify_free(v);
	buf_done(&keys);
	buf_done(&message);
	return 0;
}

/* ---- sign ---- */

static struct pem_secret *
load(const char *path)
{
	struct pem_secret *k;
	struct buf text;
	struct error e;

	read_file(path, &text);
	if (pem_secret_parse(buf_slice(&text), &k, &e) != 0)
		fail(&e);
	buf_done(&text);
	return k;
}

static void
sign_with(struct dkim_sign *s, const char *path, struct slice header, const uint8_t *hash)
{
	struct pem_secret *k = load(path);
	uint8_t digest[32];
	struct dkim_sign_claim claim;
	struct buf octets, signature, field;
	struct error e;

	s->algorithm = pem_secret_kind(k) == PEM_PUBLIC_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
	buf_init(&octets, FILE_MAX);
	buf_init(&signature, 1024);
	buf_init(&field, DKIM_SIGN_FIELD_MAX);
	if (dkim_sign_octets(s, header, hash, &octets, &e) != 0 ||
	    dkim_sign_claim(buf_slice(&octets), &claim, &e) != 0 ||
	    hash_once(HASH_SHA256, buf_slice(&octets), digest, &e) != 0 ||
	    pem_secret_sign(k, slice_of(digest, sizeof digest), &signature, &e) != 0 ||
	    dkim_sign_field(buf_slice(&octets), buf_slice(&signature), &field, &e) != 0)
		fail(&e);
	print(buf_slice(&field));
	buf_done(&octets);
	buf_done(&signature);
	buf_done(&field);
	pem_secret_free(k);
}

static int
sign(int argc, char **argv)
{
	struct dkim_sign s = { .domain = slice_str(argv[0]), .now = strtoull(argv[1], NULL, 10) };
	struct slice header, body;
	struct dkim_body *b;
	struct buf message;
	struct error e;

	read_all(stdin, &message);
	split(buf_slice(&message), &header, &body);
	if (dkim_body_new(DKIM_RELAXED, &b, &e) != 0)
		fail(&e);
	dkim_body_put(b, body);
	if (dkim_body_end(b, &e) != 0)
		fail(&e);
	for (int i = 2; i + 1 < argc; i += 2) {
		s.selector = slice_str(argv[i]);
		sign_with(&s, argv[i + 1], header, dkim_body_hash(b, DKIM_BODY_WHOLE));
	}
	dkim_body_free(b);
	buf_done(&message);
	return 0;
}

/* ---- the rest ---- */

static void
put(void *ctx, struct slice octets)
{
	(void)ctx;
	print(octets);
}

static int
canon(const char *what, char **argv)
{
	struct dkim_body_canon c = { .put = put };
	size_t piece = strtoull(argv[1], NULL, 10);
	struct slice header, body;
	struct buf message, out;
	struct dkim_header h;
	struct arena a;
	struct error e;

	read_all(stdin, &message);
	split(buf_slice(&message), &header, &body);
	if (!dkim_canon_of(slice_str(argv[0]), &c.how))
		return 2;
	arena_init(&a, MIME_ARENA_MAX);
	buf_init(&out, FILE_MAX);
	if (strcmp(what, "body") == 0) {
		for (size_t at = 0; at < body.len; at += piece)
			dkim_body_canon_feed(&c, slice_sub(body, at, piece));
		dkim_body_canon_end(&c);
	} else if (dkim_header_parse(header, &a, &h, &e) != 0) {
		fail(&e);
	} else {
		for (size_t i = 0; i < h.mime.count; i++)
			(void)dkim_canon_field(c.how, h.mime.fields[i].whole, &out);
		print(buf_slice(&out));
	}
	buf_done(&out);
	buf_done(&message);
	arena_done(&a);
	return 0;
}

static int
new_key(const char *kind)
{
	struct secret text;
	struct pem_secret *k;
	struct error e;

	if (pem_secret_generate(strcmp(kind, "rsa") == 0 ? PEM_PUBLIC_RSA : PEM_PUBLIC_ED25519, 2048, &k, &e) != 0 ||
	    pem_secret_write(k, &text, &e) != 0)
		fail(&e);
	print(secret_slice(&text));
	secret_done(&text);
	pem_secret_free(k);
	return 0;
}

static int
record(const char *path)
{
	struct pem_secret *k = load(path);
	struct buf public, out;
	struct error e;

	buf_init(&public, 4096);
	buf_init(&out, 8192);
	if (pem_secret_public(k, &public, &e) != 0)
		fail(&e);
	(void)dkim_key_write(pem_secret_kind(k) != PEM_PUBLIC_RSA, buf_slice(&public), &out);
	print(buf_slice(&out));
	buf_done(&public);
	buf_done(&out);
	pem_secret_free(k);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "verify") == 0 && argc == 5)
		return verify(argv + 2);
	if (strcmp(what, "sign") == 0 && argc >= 6)
		return sign(argc - 2, argv + 2);
	if ((strcmp(what, "header") == 0 || strcmp(what, "body") == 0) && argc == 4)
		return canon(what, argv + 2);
	if (strcmp(what, "new") == 0 && argc == 3)
		return new_key(argv[2]);
	if (strcmp(what, "record") == 0 && argc == 3)
		return record(argv[2]);
	(void)fprintf(stderr, "usage: dkim_tool verify|sign|header|body|new|record ...\n");
	return 2;
}
