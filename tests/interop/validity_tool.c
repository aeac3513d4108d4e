/* SPDX-License-Identifier: ISC */
/*
 * Certificates in their hard cases as files, for test_validity.py to show to
 * other programs.
 *
 *   validity_tool FOLDER   writes NAME.cert and NAME.sig (over "data") for each
 *                          case, and says on a line each: NAME good|bad REASON
 *   validity_tool flood N  judges a certificate with N forged third-party
 *                          signatures and N in its own name; says the seconds
 */
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"

#include "../unit/openpgp/validity_kit.h"

#define USER_SIG .what = MAKE, .sig.type = PGP_SIG_CERT_POSITIVE
#define SUB_SIG .what = MAKE, .sig.type = PGP_SIG_SUBKEY_BINDING
#define DIRECT_SIG .what = MAKE, .sig.type = PGP_SIG_DIRECT_KEY
#define SIGNS .flags = GIVEN(PGP_FLAG_CERTIFY | PGP_FLAG_SIGN)
#define SUB_BINDING SUB_SIG, .flags = GIVEN(PGP_FLAG_SIGN), .with_back = true
#define KEY_REVOKED(when, why) \
	{ \
		.what = MAKE, .sig = { .type = PGP_SIG_KEY_REVOCATION, .at = when }, .reason = why \
	}
#define P \
	{ \
		.what = PUT_PRIMARY \
	}
#define U \
	{ \
		.what = PUT_USER \
	}
#define UB \
	{ \
		USER_SIG, .flags = GIVEN(PGP_FLAG_CERTIFY) \
	}
#define S \
	{ \
		.what = PUT_SUBKEY \
	}

struct one {
	const char *name;
	bool subkey; /* signs */
	int32_t at[5];
	struct step steps[10];
};

static const struct one cases[] = {
	{ "base", false, { DAY }, { P, U, { USER_SIG, SIGNS } } },
	{ "base-subkey", true, { DAY }, { P, U, UB, S, { SUB_BINDING } } },
	{ "no-reason", false, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, KEY_REVOKED(MONTH, 0), U, { USER_SIG, SIGNS }, { USER_SIG, SIGNS, .sig.at = 2 * MONTH } } },
	{ "compromised", false, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, KEY_REVOKED(MONTH, GIVEN(2)), U, { USER_SIG, SIGNS }, { USER_SIG, SIGNS, .sig.at = 2 * MONTH } } },
	{ "superseded", false, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, KEY_REVOKED(MONTH, GIVEN(1)), U, { USER_SIG, SIGNS }, { USER_SIG, SIGNS, .sig.at = 2 * MONTH } } },
	{ "retired", false, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, KEY_REVOKED(MONTH, GIVEN(3)), U, { USER_SIG, SIGNS }, { USER_SIG, SIGNS, .sig.at = 2 * MONTH } } },
	{ "unknown-reason", false, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, KEY_REVOKED(MONTH, GIVEN(77)), U, { USER_SIG, SIGNS }, { USER_SIG, SIGNS, .sig.at = 2 * MONTH } } },
	{ "subkey-revoked-hard", true, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, U, UB, S, { .what = MAKE, .sig = { .type = PGP_SIG_SUBKEY_REVOCATION, .at = MONTH } }, { SUB_BINDING },
		{ SUB_BINDING, .sig.at = 2 * MONTH, .back.at = 2 * MONTH } } },
	{ "subkey-revoked-soft", true, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, U, UB, S,
		{ .what = MAKE, .sig = { .type = PGP_SIG_SUBKEY_REVOCATION, .at = MONTH }, .reason = GIVEN(3) },
		{ SUB_BINDING }, { SUB_BINDING, .sig.at = 2 * MONTH, .back.at = 2 * MONTH } } },
	{ "bound-later", true, { DAY, 3 * DAY },
	    { P, U, UB, S, { SUB_BINDING, .sig.at = 2 * DAY, .back.at = 2 * DAY } } },
	{ "binding-expired", false, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P, U, { USER_SIG, SIGNS, .sig.expires = MONTH }, { USER_SIG, SIGNS, .sig.at = 2 * MONTH } } },
	{ "revocation-expired", false, { DAY, MONTH + DAY, 2 * MONTH + DAY },
	    { P,
		{ .what = MAKE,
		    .sig = { .type = PGP_SIG_KEY_REVOCATION, .at = MONTH, .expires = MONTH },
		    .reason = GIVEN(3) },
		U, { USER_SIG, SIGNS } } },
	{ "before-key", false, { -DAY }, { P, U, { USER_SIG, SIGNS } } },
	{ "key-expired", false, { DAY, 40 * DAY }, { P, U, { USER_SIG, SIGNS, .key_expires = KEY_DAYS(30) } } },
	{ "subkey-expired", true, { DAY, 40 * DAY }, { P, U, UB, S, { SUB_BINDING, .key_expires = KEY_DAYS(30) } } },
	{ "extended", false, { DAY },
	    { P, U, { USER_SIG, SIGNS, .sig.at = 2 * MONTH, .key_expires = KEY_DAYS(9000) } } },
	{ "extended-subkey", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.at = 2 * MONTH, .back.at = DAY } } },
	{ "no-back", true, { DAY }, { P, U, UB, S, { SUB_SIG, .flags = GIVEN(PGP_FLAG_SIGN) } } },
	{ "back-hashed", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .back_hashed = true } } },
	{ "back-expired", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .back.expires = 60 } } },
	{ "back-by-primary", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .back.by_other = true } } },
	{ "back-fake-first", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .fake_back_first = true } } },
	{ "back-fake-last", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .fake_back_last = true } } },
	{ "skb-critical", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.odd = ODD_CRITICAL } } },
	{ "skb-unknown", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.odd = ODD_UNKNOWN } } },
	{ "skb-critical-notation", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.odd = ODD_CRITICAL_NOTATION } } },
	{ "skb-critical-unhashed", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.odd_unhashed = ODD_CRITICAL } } },
	{ "skb-fake-issuer-first", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.issuer = ISSUER_FAKE_THEN_ID } } },
	{ "skb-v6-issuer", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.issuer = ISSUER_ID_FAKE_V6 } } },
	{ "skb-no-issuer", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .sig.issuer = ISSUER_NONE } } },
	{ "pkb-critical", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .back.odd = ODD_CRITICAL } } },
	{ "pkb-critical-notation", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .back.odd = ODD_CRITICAL_NOTATION } } },
	{ "pkb-fake-issuer-first", true, { DAY },
	    { P, U, UB, S, { SUB_BINDING, .back.issuer = ISSUER_FAKE_THEN_ID } } },
	{ "pkb-no-issuer", true, { DAY }, { P, U, UB, S, { SUB_BINDING, .back.issuer = ISSUER_NONE } } },
	{ "no-flags", true, { DAY }, { P, U, { USER_SIG, SIGNS }, S, { SUB_SIG, .with_back = true } } },
	{ "flags-encrypt", true, { DAY },
	    { P, U, UB, S, { SUB_SIG, .flags = GIVEN(PGP_FLAG_ENCRYPT), .with_back = true } } },
	{ "flags-last", true, { DAY },
	    { P, U, UB, S, { SUB_SIG, .flags = GIVEN(0), .flags2 = GIVEN(PGP_FLAG_SIGN), .with_back = true } } },
	{ "flags-direct", true, { DAY }, { P, { DIRECT_SIG, SIGNS }, U, UB, S, { SUB_SIG, .with_back = true } } },
	{ "primary-cannot-sign", false, { DAY }, { P, U, UB } },
	{ "no-user-id", false, { DAY }, { P, { DIRECT_SIG, SIGNS } } },
	{ "double-subkey", true, { DAY }, { P, U, UB, S, S, { SUB_BINDING } } },
	{ "double-user", true, { DAY }, { P, U, U, UB, S, { SUB_BINDING } } },
	{ "unbound-user", true, { DAY }, { P, U, UB, { .what = PUT_USER2 }, S, { SUB_BINDING } } },
	{ "unknown-packet", true, { DAY }, { P, U, UB, S, { SUB_BINDING }, { .what = PUT_UNKNOWN } } },
	{ "marker", true, { DAY }, { P, U, UB, S, { .what = PUT_MARKER }, { SUB_BINDING } } },
	{ "revocation-at-the-end", true, { DAY },
	    { P, U, UB, S, { SUB_BINDING }, { .what = MAKE, .sig = { .type = PGP_SIG_KEY_REVOCATION, .at = DAY } } } },
	{ "forged-newer", false, { 2 * DAY },
	    { P, U, { USER_SIG, SIGNS }, { USER_SIG, .sig.at = DAY, .sig.bad = true } } },
};

static void
write_file(const char *folder, const char *name, const char *suffix, struct slice content)
{
	char path[500];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s.%s", folder, name, suffix);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(content.data, 1, content.len, f) != content.len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void
write_case(const char *folder, struct kit *k, const struct one *c, size_t n)
{
	const struct pgp_key *key = c->subkey ? k->signer : k->primary;
	struct pgp_policy policy = pgp_policy_default((uint64_t)time(NULL));
	const struct own_sig sig = { .at = c->at[n] };
	struct pgp_verdict v = kit_verdict_among(k, key, &sig, SLICE_EMPTY, &policy);
	struct buf body, packet;
	char name[100];

	(void)snprintf(name, sizeof name, "%s-%zu", c->name, n);
	buf_init(&body, 1 << 16);
	buf_init(&packet, 1 << 16);
	kit_sign(&sig, NULL, SLICE("data"), key, kit_keys(k), SLICE_EMPTY, SLICE_EMPTY, &body);
	(void)pgp_packet_write(&packet, PGP_SIGNATURE, buf_slice(&body));
	write_file(folder, name, "cert", buf_slice(&k->out));
	write_file(folder, name, "sig", buf_slice(&packet));
	(void)printf("%s %s %s\n", name, v.kind == PGP_VERDICT_GOOD ? "good" : "bad", v.reason);
	buf_done(&body);
	buf_done(&packet);
}

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Each forgery is another: none can be thrown away as a copy. */
static void
put_forgeries(struct kit *k, struct slice one, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)buf_put_slice(&k->out, one);
		for (size_t b = 0; b < 4; b++)
			k->out.data[k->out.len - 1 - b] ^= (uint8_t)(i >> 8 * b);
	}
}

static int
flood(size_t n)
{
	struct pgp_policy policy = pgp_policy_default(T1 + 10 * MONTH);
	const struct step user = { USER_SIG, SIGNS };
	const struct step forged = { USER_SIG, SIGNS, .sig.bad = true };
	struct pgp_cert_judgement j;
	struct kit k, mallory;
	struct pgp_cert *c;
	struct rusage usage;
	struct buf one;
	double begin, parsed;
	size_t from;

	kit_new(&k, 4);
	kit_new(&mallory, 4);
	buf_init(&one, 1 << 16);
	kit_step(&k, &(struct step){ .what = PUT_PRIMARY });
	kit_step(&k, &(struct step){ .what = PUT_USER });
	kit_step(&k, &user);
	from = k.out.len;
	kit_step(&k, &forged);
	(void)buf_put_slice(&one, slice_from(buf_slice(&k.out), from));
	put_forgeries(&k, buf_slice(&one), n);
	buf_clear(&one);
	mallory.target = k.target;
	kit_step(&mallory, &user);
	(void)buf_put_slice(&one, buf_slice(&mallory.out));
	put_forgeries(&k, buf_slice(&one), n);
	begin = seconds();
	assert_ok(pgp_cert_parse(buf_slice(&k.out), &c, NULL, &unit_error));
	parsed = seconds();
	assert_ok(pgp_cert_judge(c, &policy, policy.now, &j, &unit_error));
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf("%zu octets, %s: parsed in %.3f s, judged in %.3f s, %ld KiB at most\n", k.out.len,
	    pgp_standing_name(j.standing), parsed - begin, seconds() - parsed, usage.ru_maxrss);
	pgp_cert_judgement_done(&j);
	pgp_cert_free(c);
	buf_done(&one);
	kit_done(&mallory);
	kit_done(&k);
	return 0;
}

int
main(int argc, char **argv)
{
	struct kit k;

	if (argc == 3 && strcmp(argv[1], "flood") == 0)
		return flood((size_t)strtoul(argv[2], NULL, 10));
	if (argc != 2) {
		(void)fprintf(stderr, "usage: validity_tool FOLDER | flood N\n");
		return 1;
	}
	kit_new(&k, 4);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kit_steps(&k, cases[i].steps);
		for (size_t n = 0; n < 5 && cases[i].at[n] != 0; n++)
			write_case(argv[1], &k, &cases[i], n);
	}
	kit_done(&k);
	return 0;
}
