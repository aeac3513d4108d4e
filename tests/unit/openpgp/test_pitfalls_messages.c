/* SPDX-License-Identifier: ISC */
/*
 * What has gone wrong elsewhere with encrypted messages: one test for each
 * known case (doc/pitfalls.md), each with the same thing done rightly beside
 * it, so that nothing is refused for another reason.
 */
#include "unit.h"

#include <sys/resource.h>
#include <time.h>

#include "base/inflate.h"
#include "base/mem.h"
#include "openpgp_message.h"

#define MIB (1u << 20)
#define PART (1u << 15)

/* ---- decompression bombs ---- */

/* A sink that keeps nothing: what a bomb gives is counted only. */
struct count {
	uint64_t octets;
	bool committed;
};

static int
count_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	(void)ctx, (void)literal, (void)e;
	return 0;
}

static int
count_write(void *ctx, struct slice data, struct error *e)
{
	(void)e;
	((struct count *)ctx)->octets += data.len;
	return 0;
}

static int
count_commit(void *ctx, struct error *e)
{
	(void)e;
	((struct count *)ctx)->committed = true;
	return 0;
}

static void
count_abort(void *ctx)
{
	(void)ctx;
}

static const struct pgp_plain_ops count_ops = { count_begin, count_write, count_commit, count_abort };

static void
deflate(struct deflater *z, struct slice in, bool last, struct buf *out)
{
	int rc = 0;

	while (in.len > 0 || (last && rc == 0)) {
		uint8_t piece[4096];
		size_t n;

		rc = deflater_step(z, &in, last, piece, sizeof piece, &n, &unit_error);
		assert_true(rc >= 0);
		(void)buf_put(out, piece, n);
	}
}

/* A literal packet of zeros in partial lengths, compressed, as a packet of this algorithm. */
static void
put_bomb(uint8_t algorithm, size_t octets, struct buf *out)
{
	static const enum inflate_format formats[] = {
		[PGP_ZIP] = INFLATE_RAW, [PGP_ZLIB] = INFLATE_ZLIB, [PGP_BZIP2] = INFLATE_BZIP2
	};
	static const uint8_t head[] = { 0xc0 | PGP_LITERAL }, length[] = { 0xe0 | 15 }, end[] = { 0 };
	static const uint8_t fields[] = { 'b', 0, 0, 0, 0, 0 };
	static const uint8_t zeros[PART];
	struct deflater *z;
	struct buf body;

	buf_init(&body, 64 * MIB);
	(void)buf_put_u8(&body, algorithm);
	assert_ok(deflater_new(formats[algorithm], 9, &z, &unit_error));
	deflate(z, slice_of(head, 1), false, &body);
	for (size_t i = 0; i < octets / PART; i++) {
		deflate(z, slice_of(length, 1), false, &body);
		if (i == 0)
			deflate(z, slice_of(fields, 6), false, &body);
		deflate(z, slice_of(zeros, i == 0 ? PART - 6 : PART), false, &body);
	}
	deflate(z, slice_of(end, 1), true, &body);
	deflater_free(z);
	assert_int_equal(pgp_packet_write(out, PGP_COMPRESSED, buf_slice(&body)), 0);
	buf_done(&body);
}

static int
read_bomb(struct slice message, uint64_t output_max, struct count *c)
{
	struct pgp_decrypt_spec spec = { .unencrypted = true, .output_max = output_max };
	struct pgp_decrypt_result result;
	struct pieces p = { message, 4096 };
	int rc;

	*c = (struct count){ 0 };
	rc = pgp_decrypt(
	    (struct pgp_source){ pieces_next, &p }, &spec, (struct pgp_plain){ &count_ops, c }, &result, &unit_error);
	pgp_session_done(&result.session);
	assert_int_equal(rc == 0, c->committed);
	return rc;
}

static void
pitfall_8_decompression_bombs(void **state)
{
	static const struct {
		const char *name;
		uint8_t algorithm;
		size_t octets;
		uint64_t output_max;
		int want;
	} rows[] = {
		{ "ZIP, no more than DEFLATE can", PGP_ZIP, 64 * MIB, 0, 0 },
		{ "ZIP, as much as is asked for", PGP_ZIP, 8 * MIB, 8 * MIB, 0 },
		{ "ZIP, more than is asked for", PGP_ZIP, 64 * MIB, 8 * MIB, ERR_LIMIT },
		{ "ZLIB, more than is asked for", PGP_ZLIB, 64 * MIB, 8 * MIB, ERR_LIMIT },
		{ "BZip2, a small text", PGP_BZIP2, 512 * 1024, 0, 0 },
		{ "BZip2, a million times its size", PGP_BZIP2, 64 * MIB, 0, ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf message BUF_OWNED = { 0 };
		struct count c;
		int rc;

		buf_init(&message, 16 * MIB);
		put_bomb(rows[i].algorithm, rows[i].octets, &message);
		rc = read_bomb(buf_slice(&message), rows[i].output_max, &c);
		if (rc != rows[i].want)
			fail_msg(
			    "%s: %d (%s), %zu octets came out", rows[i].name, rc, unit_error.text, (size_t)c.octets);
		if (rc == 0)
			assert_int_equal(c.octets, rows[i].octets - 6);
		else /* it ends where the bound is, not at the end of the bomb */
			assert_true(c.octets <= (rows[i].output_max != 0 ? rows[i].output_max : 4 * MIB));
	}
}

static void
pitfall_8_nested_compression(void **state)
{
	(void)state;
	for (unsigned depth = 1; depth <= 40; depth++) {
		struct buf message BUF_OWNED = { 0 }, inner BUF_OWNED = { 0 };
		struct count c;

		buf_init(&message, MIB);
		buf_init(&inner, MIB);
		put_bomb(PGP_ZLIB, MIB, &message);
		for (unsigned i = 1; i < depth; i++) {
			/* In each other, uncompressed: what counts is the depth. */
			buf_clear(&inner);
			(void)buf_put_u8(&inner, PGP_UNCOMPRESSED);
			(void)buf_put_slice(&inner, buf_slice(&message));
			buf_clear(&message);
			assert_int_equal(pgp_packet_write(&message, PGP_COMPRESSED, buf_slice(&inner)), 0);
		}
		assert_int_equal(read_bomb(buf_slice(&message), 0, &c), depth <= PGP_NESTING_MAX ? 0 : ERR_LIMIT);
		assert_int_equal(c.octets, depth <= PGP_NESTING_MAX ? MIB - 6 : 0);
	}
}

/* ---- S2K bombs ---- */

/* A version 4 passphrase packet whose S2K's key is the session key itself, in front of an empty message. */
static void
put_s2k_message(const struct pgp_s2k *s2k, struct slice pass, struct buf *out)
{
	struct pgp_session session = { PGP_AES128, SECRET_EMPTY };
	struct pgp_seipd_writer *w;
	struct buf body BUF_OWNED = { 0 };

	buf_init(&body, 1000);
	(void)buf_put_u8(&body, 4);
	(void)buf_put_u8(&body, PGP_AES128);
	(void)pgp_s2k_write(s2k, &body);
	assert_int_equal(pgp_packet_write(out, PGP_SKESK, buf_slice(&body)), 0);
	if (pgp_s2k_derive(s2k, pass, 16, &session.key, NULL) != 0)
		assert_ok(secret_copy(&session.key, SLICE("0123456789abcdef"), &unit_error));
	assert_ok(pgp_seipd_writer_new(&session, 0, 0, (struct pgp_hasher){ 0 }, pgp_sink_buf(out), &w, &unit_error));
	assert_ok(pgp_seipd_writer_put(w,
	    SLICE("\xcb\x06"
		  "b\0\0\0\0\0"),
	    &unit_error));
	assert_ok(pgp_seipd_writer_end(w, &unit_error));
	pgp_seipd_writer_free(w);
	pgp_session_done(&session);
}

static long
memory_kib(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

static double
cpu(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
pitfall_8_s2k_bombs(void **state)
{
	static const struct {
		const char *name;
		uint8_t passes, lanes, memory_code;
		int want;
	} rows[] = {
		{ "32 KiB", 1, 4, 5, 0 },
		{ "2 TiB", 1, 4, 31, ERR_LIMIT },
		{ "4 GiB", 1, 4, 22, ERR_LIMIT },
		{ "1 GiB, 255 times", 255, 4, 20, ERR_LIMIT },
		{ "4 MiB, 255 times", 255, 1, 12, ERR_LIMIT },
		{ "255 lanes", 1, 255, 16, ERR_LIMIT },
	};
	long before = memory_kib();
	double began = cpu();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_s2k s2k = { .type = PGP_S2K_ARGON2,
			.salt = { 1, 2, 3 },
			.passes = rows[i].passes,
			.lanes = rows[i].lanes,
			.memory_code = rows[i].memory_code };
		struct buf message BUF_OWNED = { 0 };
		struct reader_of r;
		struct taker t;
		int rc;

		buf_init(&message, 1 << 16);
		put_s2k_message(&s2k, password, &message);
		reader_for(&r, NULL);
		rc = read_message(&r.spec, buf_slice(&message), 100, &t, &unit_error);
		if (rc != rows[i].want)
			fail_msg("%s: %d %s", rows[i].name, rc, unit_error.text);
		taker_done(&t);
	}
	/* No work was begun: neither memory nor time. */
	assert_true(memory_kib() - before < 64 * 1024);
	assert_true(cpu() - began < 5);
}

/* Each packet is within its bounds, all of them with all passphrases would take an hour: none is begun. */
static void
pitfall_8_many_s2ks_are_bounded_together(void **state)
{
	static const struct {
		uint8_t passes, memory_code;
		size_t packets, passphrases;
		int want;
	} rows[] = {
		{ 1, 5, 1, 1, 0 },
		{ 1, 5, PGP_SKESK_MAX, 16, 0 },
		{ 4, 21, PGP_SKESK_MAX, 1, ERR_LIMIT },
		{ 4, 21, 1, 256, ERR_LIMIT },
		{ 4, 21, PGP_SKESK_MAX, SIZE_MAX / 2, ERR_LIMIT },
		{ 255, 15, PGP_SKESK_MAX, 1, ERR_LIMIT },
	};
	double began = cpu();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_s2k s2k = { .type = PGP_S2K_ARGON2,
			.salt = { 1, 2, 3 },
			.passes = rows[i].passes,
			.lanes = 4,
			.memory_code = rows[i].memory_code };
		struct slice passphrases[256];
		struct buf message BUF_OWNED = { 0 }, body BUF_OWNED = { 0 };
		struct reader_of r;
		struct taker t;
		int rc;

		buf_init(&message, 1 << 16);
		buf_init(&body, 1000);
		(void)buf_put_u8(&body, 4);
		(void)buf_put_u8(&body, PGP_AES128);
		(void)pgp_s2k_write(&s2k, &body);
		for (size_t n = 1; n < rows[i].packets; n++) {
			body.data[body.len - 19] = (uint8_t)n; /* another salt: another key */
			assert_int_equal(pgp_packet_write(&message, PGP_SKESK, buf_slice(&body)), 0);
		}
		if (rows[i].want != 0)
			s2k.memory_code = 5; /* the last one costs little, and would open it */
		put_s2k_message(&s2k, password, &message);
		for (size_t n = 0; n < 256; n++)
			passphrases[n] = n + 1 == rows[i].passphrases || n == 255 ? password : SLICE("not this");
		if (rows[i].packets == 1 && rows[i].want != 0)
			message.data[2 + 2 + 1 + 16 + 2] = rows[i].memory_code;
		reader_for(&r, NULL);
		r.spec.passphrases = passphrases;
		r.spec.passphrase_count = rows[i].passphrases;
		rc = read_message(&r.spec, buf_slice(&message), 100, &t, &unit_error);
		if (rc != rows[i].want)
			fail_msg("row %zu: %d %s", i, rc, unit_error.text);
		taker_done(&t);
	}
	assert_true(cpu() - began < 5);
}

/* The same in front of a locked key. */
static void
pitfall_8_s2k_bombs_in_keys(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	for (int bomb = 0; bomb < 2; bomb++) {
		struct buf body BUF_OWNED = { 0 };
		struct secret got = SECRET_EMPTY, clear = SECRET_EMPTY;
		const struct pgp_key *k = f.cert->primary;
		struct pgp_key locked;

		buf_init(&body, PGP_KEY_BODY_MAX);
		assert_ok(pgp_key_unlock(k, SLICE_EMPTY, &clear, &unit_error));
		assert_ok(pgp_key_write_secret(
		    k, PGP_SECRET_KEY, secret_slice(&clear), PGP_PROTECT_AEAD, password, &body, &unit_error));
		/* Usage, length, cipher, mode, length of the S2K; its type, salt, passes, lanes, memory. */
		assert_int_equal(body.data[k->public_body.len + 5], PGP_S2K_ARGON2);
		if (bomb)
			body.data[k->public_body.len + 5 + 1 + 16 + 2] = 31;
		assert_ok(pgp_key_parse(buf_slice(&body), PGP_SECRET_KEY, &locked, &unit_error));
		assert_int_equal(pgp_key_unlock(&locked, password, &got, NULL), bomb ? ERR_LIMIT : 0);
		secret_done(&got);
		secret_done(&clear);
	}
	fixture_done(&f);
}

/* ---- key IDs ---- */

/* What one key's ID says is another's, too: each is asked, and the right one opens (PKESK version 3 has no more). */
static void
pitfall_6_every_colliding_key_is_tried(void **state)
{
	struct fixture fixtures[3];
	struct pgp_key copies[3];
	const struct pgp_key *keys[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		fixture_new(&fixtures[i], 4, NOW, false);
		copies[i] = *encryption_key(&fixtures[i]);
		copies[i].key_id = 0x1122334455667788;
		keys[i] = &copies[i];
	}
	for (size_t i = 0; i < 3; i++) {
		struct pgp_encrypt_spec spec = {
			.container = PGP_CONTAINER_SEIPD1, .recipients = &keys[i], .recipient_count = 1
		};
		struct pgp_memory_keys *memory;
		struct buf message BUF_OWNED = { 0 };
		struct reader_of r;
		struct taker t;

		buf_init(&message, 1 << 16);
		assert_ok(pgp_encrypt(&spec, letter, &message, &unit_error));
		assert_ok(pgp_memory_keys_new(&memory, &unit_error));
		for (size_t n = 0; n < 3; n++) {
			struct secret s = SECRET_EMPTY;

			assert_ok(pgp_key_unlock(&copies[n], SLICE_EMPTY, &s, &unit_error));
			assert_ok(pgp_memory_keys_add(memory, &copies[n], secret_slice(&s), &unit_error));
			secret_done(&s);
		}
		reader_for(&r, NULL);
		r.spec.keys = keys;
		r.spec.keyring = pgp_memory_keys_ops(memory);
		for (r.spec.key_count = 0; r.spec.key_count <= 3; r.spec.key_count++) {
			int rc = read_message(&r.spec, buf_slice(&message), 100, &t, NULL);

			assert_int_equal(rc == 0, r.spec.key_count > i);
			taker_done(&t);
		}
		pgp_memory_keys_free(memory);
	}
	for (size_t i = 0; i < 3; i++)
		fixture_done(&fixtures[i]);
}

/* ---- chunks ---- */

/* Section 5.13.2: chunks of up to 4 MiB must be read; what says more is refused before any memory. */
static void
pitfall_item_6_chunk_sizes(void **state)
{
	static uint8_t data[5 * MIB];
	struct fixture f;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	for (uint8_t code = PGP_CHUNK_CODE_MAX; code <= PGP_CHUNK_CODE_MAX + 1; code++) {
		const struct pgp_key *key = encryption_key(&f);
		struct pgp_encrypt_spec spec = { .container = PGP_CONTAINER_SEIPD2,
			.chunk_code = PGP_CHUNK_CODE_MAX,
			.recipients = &key,
			.recipient_count = 1 };
		struct buf message BUF_OWNED = { 0 };
		struct pgp_header h;
		struct reader_of r;
		struct taker t;
		size_t at;

		buf_init(&message, 8 * MIB);
		assert_ok(pgp_encrypt(&spec, slice_of(data, sizeof data), &message, &unit_error));
		/* Behind the session key's packet: header, version, cipher, mode, and the size. */
		assert_int_equal(pgp_header_parse(buf_slice(&message), &h, &unit_error), 1);
		at = h.size + h.body;
		assert_int_equal(pgp_header_parse(slice_from(buf_slice(&message), at), &h, &unit_error), 1);
		assert_int_equal(h.type, PGP_SEIPD);
		assert_int_equal(message.data[at + h.size + 3], PGP_CHUNK_CODE_MAX);
		message.data[at + h.size + 3] = code;
		reader_for(&r, &f);
		assert_int_equal(read_message(&r.spec, buf_slice(&message), 65536, &t, NULL),
		    code == PGP_CHUNK_CODE_MAX ? 0 : ERR_UNSUPPORTED);
		assert_int_equal(t.out.len, code == PGP_CHUNK_CODE_MAX ? sizeof data : 0);
		taker_done(&t);
	}
	fixture_done(&f);
}

/* ---- how many ---- */

/* n packets of a kind in front of a message, encrypted for r's key or only signed. */
static int
with_many(const struct fixture *f, uint8_t type, size_t n)
{
	static const uint8_t one_pass[] = { 3, 0, PGP_SHA512, PGP_RSA, 1, 2, 3, 4, 5, 6, 7, 8, 0 };
	static const uint8_t pkesk[] = { 3, 1, 2, 3, 4, 5, 6, 7, 8, PGP_RSA, 0, 1, 1 };
	static const uint8_t sig[] = { 4, 0, PGP_RSA, PGP_SHA512, 0, 0, 0, 0, 1, 2, 0, 1, 1 };
	const struct pgp_key *key = encryption_key(f);
	struct pgp_encrypt_spec spec = { .container = type == PGP_PKESK ? PGP_CONTAINER_SEIPD1 : PGP_CONTAINER_NONE,
		.recipients = &key,
		.recipient_count = type == PGP_PKESK };
	struct buf message BUF_OWNED = { 0 };
	struct reader_of r;
	struct taker t;
	int rc;

	buf_init(&message, MIB);
	for (size_t i = 0; i < n; i++)
		(void)pgp_packet_write(&message, type,
		    type == PGP_PKESK          ? slice_of(pkesk, sizeof pkesk)
			: type == PGP_ONE_PASS ? slice_of(one_pass, sizeof one_pass)
					       : slice_of(sig, sizeof sig));
	assert_ok(pgp_encrypt(&spec, letter, &message, &unit_error));
	for (size_t i = 0; i < n && type == PGP_ONE_PASS; i++)
		(void)pgp_packet_write(&message, PGP_SIGNATURE, slice_of(sig, sizeof sig));
	reader_for(&r, f);
	r.spec.unencrypted = type != PGP_PKESK;
	rc = read_message(&r.spec, buf_slice(&message), 65536, &t, &unit_error);
	if (rc == 0)
		assert_slices(buf_slice(&t.out), letter);
	else
		assert_int_equal(t.out.len, 0);
	taker_done(&t);
	return rc;
}

static void
pitfall_item_7_signatures_and_recipients_are_bounded(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	assert_ok(with_many(&f, PGP_SIGNATURE, PGP_SIGNATURES_MAX));
	assert_int_equal(with_many(&f, PGP_SIGNATURE, PGP_SIGNATURES_MAX + 1), ERR_LIMIT);
	assert_ok(with_many(&f, PGP_ONE_PASS, PGP_SIGNATURES_MAX));
	assert_int_equal(with_many(&f, PGP_ONE_PASS, PGP_SIGNATURES_MAX + 1), ERR_LIMIT);
	assert_ok(with_many(&f, PGP_PKESK, PGP_RECIPIENTS_MAX - 1)); /* and the true one */
	assert_int_equal(with_many(&f, PGP_PKESK, PGP_RECIPIENTS_MAX), ERR_LIMIT);
	fixture_done(&f);
}

/* ---- random numbers ---- */

#define MANY 200

static struct slice
first_body(const struct buf *message, uint8_t type)
{
	struct pgp_packet p;
	size_t at = 0;

	do
		assert_int_equal(pgp_packet_next(buf_slice(message), &at, &p, &unit_error), 1);
	while (p.header.type != type);
	return p.body;
}

/* RNP 0.18.0 made session keys that anybody could tell: nothing that must be random comes twice, or is zero. */
static void
pitfall_item_13_nothing_random_comes_twice(void **state)
{
	static uint8_t seen[3 * MANY][32];
	static const uint8_t zero[32];
	struct fixture f;
	size_t count = 0;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	for (size_t i = 0; i < MANY; i++) {
		const struct pgp_key *key = encryption_key(&f);
		struct pgp_encrypt_spec spec = {
			.container = PGP_CONTAINER_SEIPD2, .recipients = &key, .recipient_count = 1
		};
		struct buf message BUF_OWNED = { 0 }, sig BUF_OWNED = { 0 };
		struct pgp_encryptor *enc;
		struct pgp_sig s;

		buf_init(&message, 1 << 16);
		buf_init(&sig, 1 << 16);
		spec.length = letter.len;
		assert_ok(pgp_encryptor_new(&spec, pgp_sink_buf(&message), &enc, &unit_error));
		assert_int_equal(pgp_encryptor_session(enc)->key.len, 32);
		memcpy(seen[count++], pgp_encryptor_session(enc)->key.data, 32);
		assert_ok(pgp_encryptor_feed(enc, letter, &unit_error));
		assert_ok(pgp_encryptor_finish(enc, &unit_error));
		pgp_encryptor_free(enc);
		memcpy(seen[count++], first_body(&message, PGP_SEIPD).data + 4, 32); /* the container's salt */
		fixture_sign(&f, PGP_SIG_BINARY, letter, NOW, &sig);
		assert_ok(pgp_sig_parse(first_body(&sig, PGP_SIGNATURE), &s, &unit_error));
		assert_int_equal(s.salt.len, 32);
		memcpy(seen[count++], s.salt.data, 32);
	}
	for (size_t i = 0; i < count; i++) {
		assert_memory_not_equal(seen[i], zero, 32);
		for (size_t n = 0; n < i; n++) /* not even in a part of them */
			assert_true(memcmp(seen[i], seen[n], 8) != 0 && memcmp(seen[i] + 24, seen[n] + 24, 8) != 0);
	}
	fixture_done(&f);
}

UNIT_MAIN(UNIT_TEST(pitfall_8_decompression_bombs), UNIT_TEST(pitfall_8_nested_compression),
    UNIT_TEST(pitfall_8_s2k_bombs), UNIT_TEST(pitfall_8_many_s2ks_are_bounded_together),
    UNIT_TEST(pitfall_8_s2k_bombs_in_keys), UNIT_TEST(pitfall_6_every_colliding_key_is_tried),
    UNIT_TEST(pitfall_item_6_chunk_sizes), UNIT_TEST(pitfall_item_7_signatures_and_recipients_are_bounded),
    UNIT_TEST(pitfall_item_13_nothing_random_comes_twice))
