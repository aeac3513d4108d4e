/* SPDX-License-Identifier: ISC */
/*
 * Signatures with everything that they can say, for tests against other
 * programs only: secrets are unprotected files. Arguments are NAME=VALUE; some
 * may come several times.
 *
 *	sig_tool sign key=FILE... form=detached|inline|clear text=1 hash=N expires=N policy=URI user=USER-ID
 *	              notation=[!]NAME=VALUE recipient=CERT created=UNIX
 *	sig_tool verify cert=FILE sig=FILE know=NAME policy=OVERRIDES now=UNIX
 *
 * Data stands on standard input. verify prints one line for each signature and
 * one for each thing that it says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/secret.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/message/encrypt.h"

#define INPUT_MAX (64u << 20)
#define LIST_MAX 16u

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

static uint32_t
number(const char *name, uint32_t otherwise)
{
	const char *v = value(name, 0);

	return v == NULL ? otherwise : (uint32_t)strtoul(v, NULL, 10);
}

static int
complain(const struct error *e)
{
	(void)fprintf(stderr, "error: %s %s\n", error_name(e->code), e->text);
	return 1;
}

static int
read_file(const char *path, struct buf *out)
{
	FILE *f = path == NULL ? stdin : fopen(path, "rb");
	uint8_t piece[65536];
	size_t n;

	buf_init(out, INPUT_MAX);
	if (f == NULL)
		return ERR_IO;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		(void)buf_put(out, piece, n);
	if (path != NULL)
		(void)fclose(f);
	return out->err;
}

static int
load(const char *name, struct pgp_certs *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && value(name, i) != NULL; i++) {
		struct buf b BUF_OWNED = { 0 };

		rc = read_file(value(name, i), &b) != 0 ? error_set(e, ERR_IO, "cannot read") : 0;
		if (rc == 0)
			rc = pgp_certs_parse(buf_slice(&b), out, e);
	}
	return rc;
}

/* ---- sign ---- */

/* Takes the secrets out; the key that signs, NULL with e. */
static const struct pgp_key *
unlock(const struct pgp_cert *c, struct pgp_memory_keys *memory, struct error *e)
{
	const struct pgp_policy policy = pgp_policy_default((uint64_t)time(NULL));
	const struct pgp_key *k, *chosen = NULL;
	struct pgp_cert_judgement j;

	for (size_t i = 0; (k = pgp_cert_key(c, i)) != NULL; i++) {
		struct secret s = SECRET_EMPTY;
		int rc = pgp_key_unlock(k, SLICE_EMPTY, &s, e);

		if (rc == 0)
			rc = pgp_memory_keys_add(memory, k, secret_slice(&s), e);
		secret_done(&s);
		if (rc != 0)
			return NULL;
	}
	if (pgp_cert_judge(c, &policy, policy.now, &j, e) != 0)
		return NULL;
	(void)pgp_judged_keys_for(&j, &policy, PGP_FLAG_SIGN, &chosen, 1, e);
	pgp_cert_judgement_done(&j);
	return chosen;
}

static size_t
notations_of(struct pgp_notation *out)
{
	size_t n = 0;

	for (; n < LIST_MAX && value("notation", n) != NULL; n++) {
		struct slice text = slice_str(value("notation", n)), rest;

		out[n].critical = text.len > 0 && text.data[0] == '!';
		out[n].name = slice_split(slice_from(text, out[n].critical), '=', &rest);
		out[n].value = rest;
		out[n].readable = true;
	}
	return n;
}

static int
write_form(struct pgp_maker *m, struct slice data, struct buf *out, struct error *e)
{
	struct pgp_encrypt_spec message = {
		.container = PGP_CONTAINER_NONE, .armor = true, .text = pgp_maker_type(m) == PGP_SIG_TEXT, .maker = m
	};
	const char *form = value("form", 0);
	struct pgp_cleartext_writer *w;
	int rc;

	if (form != NULL && strcmp(form, "inline") == 0)
		return pgp_encrypt(&message, data, out, e);
	if (form == NULL || strcmp(form, "clear") != 0) {
		rc = pgp_maker_feed(m, data, e);
		return rc != 0 ? rc : pgp_maker_finish(m, false, out, e);
	}
	rc = pgp_cleartext_writer_new(m, pgp_sink_buf(out), &w, e);
	if (rc == 0) {
		rc = pgp_cleartext_writer_put(w, data, e);
		if (rc == 0)
			rc = pgp_cleartext_writer_end(w, e);
		pgp_cleartext_writer_free(w);
	}
	return rc;
}

static int
sign(void)
{
	struct pgp_notation notations[LIST_MAX];
	struct pgp_fingerprint recipients[LIST_MAX];
	struct pgp_signer signers[LIST_MAX];
	struct pgp_maker_spec spec = { .signers = signers,
		.type = value("text", 0) != NULL ? PGP_SIG_TEXT : PGP_SIG_BINARY,
		.hash = (uint8_t)number("hash", 0),
		.created = number("created", (uint32_t)time(NULL)),
		.expires = number("expires", 0),
		.notations = notations,
		.notation_count = notations_of(notations),
		.policy_uri = slice_str(value("policy", 0)),
		.signer_user_id = slice_str(value("user", 0)),
		.recipients = recipients };
	struct pgp_certs keys = { 0 }, others = { 0 };
	struct buf data BUF_OWNED = { 0 }, out BUF_OWNED = { 0 };
	struct pgp_memory_keys *memory = NULL;
	struct pgp_maker *m = NULL;
	struct error e = { 0 };
	int rc = load("key", &keys, &e);

	if (rc == 0)
		rc = load("recipient", &others, &e);
	for (size_t i = 0; i < others.count && i < LIST_MAX; i++)
		recipients[spec.recipient_count++] = others.items[i]->primary->fingerprint;
	if (rc == 0)
		rc = pgp_memory_keys_new(&memory, &e);
	for (size_t i = 0; rc == 0 && i < keys.count && i < LIST_MAX; i++) {
		signers[spec.signer_count++] =
		    (struct pgp_signer){ unlock(keys.items[i], memory, &e), pgp_memory_keys_ops(memory) };
		rc = signers[i].key == NULL ? e.code : 0;
	}
	if (rc == 0)
		rc = pgp_maker_new(&m, &spec, &e);
	buf_init(&out, INPUT_MAX);
	if (rc == 0)
		rc = read_file(NULL, &data);
	if (rc == 0)
		rc = write_form(m, buf_slice(&data), &out, &e);
	if (rc == 0)
		(void)fwrite(out.data, 1, out.len, stdout);
	pgp_maker_free(m);
	pgp_memory_keys_free(memory);
	pgp_certs_done(&keys);
	pgp_certs_done(&others);
	return rc == 0 ? 0 : complain(&e);
}

/* ---- verify ---- */

static void
print(const char *what, struct slice s)
{
	if (s.len > 0)
		(void)printf("%s %.*s\n", what, (int)s.len, (const char *)s.data);
}

static void
say(const struct pgp_verifier *v, size_t n)
{
	static const char *const kinds[] = { "good", "bad", "no-key", "invalid" };
	const struct pgp_verdict *verdict = pgp_verifier_verdict(v, n);
	const struct pgp_sig *s = pgp_verifier_sig(v, n);
	struct pgp_notation note;

	(void)printf("%s %s\n", kinds[verdict->kind], verdict->reason);
	if (s == NULL)
		return;
	(void)printf("version %u type %u hash %u expires %u recipients %zu\n", s->version, s->type, s->hash, s->expires,
	    s->recipient_count);
	for (size_t i = 0; pgp_sig_notation(s, i, &note); i++) {
		print(note.critical ? "critical" : "notation", note.name);
		print(note.readable ? "text" : "octets", note.value);
	}
	print("policy", s->policy_uri);
	print("keyserver", s->preferred_keyserver);
	print("claims", s->signer_user_id);
	print("user", verdict->signer_user_id);
}

static int
verify(void)
{
	struct pgp_policy policy = pgp_policy_default(number("now", (uint32_t)time(NULL)));
	struct buf data BUF_OWNED = { 0 }, sig BUF_OWNED = { 0 };
	struct slice known[LIST_MAX];
	struct pgp_certs certs = { 0 };
	struct pgp_verifier *v = NULL;
	struct error e = { 0 };
	size_t count = 0;
	int rc = load("cert", &certs, &e);

	for (; count < LIST_MAX && value("know", count) != NULL; count++)
		known[count] = slice_str(value("know", count));
	if (rc == 0 && value("policy", 0) != NULL)
		rc = pgp_policy_override(&policy, slice_str(value("policy", 0)), &e);
	if (rc == 0)
		rc = pgp_verifier_new(&v, &certs, &policy, &e);
	if (rc == 0)
		rc = read_file(value("sig", 0), &sig) != 0 || read_file(NULL, &data) != 0
		    ? error_set(&e, ERR_IO, "cannot read")
		    : 0;
	if (rc == 0) {
		pgp_verifier_know(v, known, count);
		rc = pgp_verifier_expect_all(v, buf_slice(&sig), &e);
	}
	if (rc == 0)
		rc = pgp_verifier_feed(v, buf_slice(&data), &e);
	if (rc == 0)
		rc = pgp_verifier_finish(v, &e);
	for (size_t i = 0; rc == 0 && i < pgp_verifier_count(v); i++)
		say(v, i);
	pgp_verifier_free(v);
	pgp_certs_done(&certs);
	return rc == 0 ? 0 : complain(&e);
}

int
main(int argc, char **argv)
{
	argument_count = argc;
	arguments = argv;
	if (argc > 1 && strcmp(argv[1], "sign") == 0)
		return sign();
	if (argc > 1 && strcmp(argv[1], "verify") == 0)
		return verify();
	(void)fprintf(stderr, "usage: sig_tool sign|verify NAME=VALUE...\n");
	return 2;
}
