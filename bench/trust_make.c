/* SPDX-License-Identifier: ISC */
/*
 * Makes a web of trust to measure with: COUNT certificates, each certified ten times, one behind the other in FILE.
 *
 *   bench_trust_make FILE COUNT
 *
 * The first is the root. It trusts 20 introducers (depth 3), these trust 400 others (depth 1; each has two of them), and
 * everybody else was certified by three of the 400, each worth 40 of 120, and by seven people who are nobody's
 * introducers. The fingerprints of the root, of the last (whose certifications make it full) and of one whom nobody
 * near the root knows go to standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openpgp/cert/certify.h"
#include "openpgp/cert/generate.h"
#include "crypto/secret.h"

#define CREATED 1700000000u
#define EACH 10u
#define FIRST 20u   /* introducers that the root trusts */
#define SECOND 400u /* and those that they trust */
#define STRANGERS 2u

struct person {
	struct pgp_cert *cert; /* with its secret */
	struct pgp_memory_keys *keys;
	char user[64];
};

static struct person *people;
static unsigned count;
static uint64_t state = 2026;

static void
must(int rc, const struct error *e)
{
	if (rc == 0)
		return;
	(void)fprintf(stderr, "bench_trust_make: %s\n", e->text);
	exit(1);
}

/* The same numbers at each run (splitmix64). */
static unsigned
below(unsigned n)
{
	uint64_t z = state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return (unsigned)((z ^ z >> 31) % n);
}

static void
make_person(unsigned n)
{
	struct person *p = &people[n];
	BUF_OWNED struct buf out = { .max = 1 << 16 };
	struct error e = { 0 };
	struct secret secret;
	struct slice user;

	(void)snprintf(p->user, sizeof p->user, "Person %u <person%u@trust.test>", n, n);
	user = slice_str(p->user);
	must(pgp_generate(
		 &(struct pgp_generate_spec){ .version = 4, .user_ids = &user, .user_id_count = 1, .created = CREATED },
		 &out, &e),
	    &e);
	must(pgp_cert_parse(buf_slice(&out), &p->cert, NULL, &e), &e);
	must(pgp_memory_keys_new(&p->keys, &e), &e);
	must(pgp_key_unlock(p->cert->primary, SLICE_EMPTY, &secret, &e), &e);
	must(pgp_memory_keys_add(p->keys, p->cert->primary, secret_slice(&secret), &e), &e);
	secret_done(&secret);
}

static void
certify(struct pgp_cert **target, unsigned who, unsigned by, uint8_t depth, uint8_t amount)
{
	const struct pgp_certify_spec spec = {
		.created = CREATED + 86400 + below(1000000), .depth = depth, .amount = amount
	};
	BUF_OWNED struct buf out = { .max = 1 << 20 };
	struct error e = { 0 };

	must(pgp_certify_user(&spec, *target, slice_str(people[who].user), people[by].cert,
		 pgp_memory_keys_ops(people[by].keys), &out, &e),
	    &e);
	pgp_cert_free(*target);
	must(pgp_cert_parse(buf_slice(&out), target, NULL, &e), &e);
}

/* The n-th of the ten that certify a person. */
static void
certify_nth(struct pgp_cert **target, unsigned who, unsigned n)
{
	unsigned plain = 1 + FIRST + SECOND;

	if (who > 0 && who <= FIRST && n == 0)
		certify(target, who, 0, 3, 120);
	else if (who > FIRST && who < plain && n < 2)
		certify(target, who, 1 + (who * 7 + n * 5) % FIRST, 1, 120);
	else if (who >= plain && who < count - STRANGERS && n < 3)
		certify(target, who, 1 + FIRST + (who * 3 + n * 131) % SECOND, 1, 40);
	else
		certify(target, who, (who + 1 + plain + below(count - 2 * plain)) % count, 0, 0);
}

static void
print_name(const struct pgp_cert *c)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(&c->primary->fingerprint, &hex);
	(void)printf("%.*s\n", (int)hex.len, (const char *)hex.data);
}

static void
write_person(FILE *f, unsigned who)
{
	BUF_OWNED struct buf public = { .max = 1 << 20 };
	struct error e = { 0 };
	struct pgp_cert *target;

	if (pgp_cert_write_public(people[who].cert, &public) != 0)
		must(error_nomem(&e), &e);
	must(pgp_cert_parse(buf_slice(&public), &target, NULL, &e), &e);
	for (unsigned n = 0; n < EACH; n++)
		certify_nth(&target, who, n);
	if (fwrite(target->raw.data, 1, target->raw.len, f) != target->raw.len)
		must(error_set(&e, ERR_IO, "the file cannot be written"), &e);
	pgp_cert_free(target);
}

int
main(int argc, char **argv)
{
	FILE *f = argc == 3 ? fopen(argv[1], "wb") : NULL;

	count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	people = mem_array(count + 1, sizeof *people);
	if (f == NULL || people == NULL || count < 3 * (1 + FIRST + SECOND)) {
		(void)fprintf(stderr, "usage: bench_trust_make FILE COUNT (at least %u)\n", 3 * (1 + FIRST + SECOND));
		return 1;
	}
	for (unsigned n = 0; n < count; n++)
		make_person(n);
	for (unsigned n = 0; n < count; n++)
		write_person(f, n);
	print_name(people[0].cert);
	print_name(people[count - 1 - STRANGERS].cert);
	print_name(people[count - 1].cert);
	for (unsigned n = 0; n < count; n++) {
		pgp_memory_keys_free(people[n].keys);
		pgp_cert_free(people[n].cert);
	}
	mem_free(people);
	return fclose(f) == 0 ? 0 : 1;
}
