/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/mem.h"

#include "openpgp_message.h"

#define BIG (3u * 1024 * 1024 + 777)

/* A message to a key (and a passphrase when pass), signed when sign. */
static void
write_message(const struct fixture *f, enum pgp_container container, bool pass, bool sign, bool armor, uint64_t length,
    struct slice data, struct buf *out)
{
	const struct pgp_key *key = f == NULL ? NULL : encryption_key(f);
	struct pgp_encrypt_spec spec = { .container = container,
		.recipients = &key,
		.recipient_count = key != NULL,
		.passphrases = &password,
		.passphrase_count = pass,
		.armor = armor,
		.length = length };
	struct pgp_maker *maker = NULL;
	struct pgp_encryptor *enc;

	if (sign) {
		struct pgp_signer signer = { fixture_signer(f), pgp_memory_keys_ops(f->memory) };
		struct pgp_maker_spec m = { .signers = &signer, .signer_count = 1, .created = NOW + 1 };

		assert_ok(pgp_maker_new(&maker, &m, &unit_error));
		spec.maker = maker;
	}
	assert_ok(pgp_encryptor_new(&spec, pgp_sink_buf(out), &enc, &unit_error));
	for (size_t at = 0, n = 1; at < data.len; at += n, n = n * 3 + 1)
		assert_ok(pgp_encryptor_feed(enc, slice_sub(data, at, n), &unit_error));
	assert_ok(pgp_encryptor_finish(enc, &unit_error));
	pgp_encryptor_free(enc);
	pgp_maker_free(maker);
}

static void
round_trips(void **state)
{
	static const size_t sizes[] = { 0, 1, 505, 506, 507, 65535, 65536, 65537, BIG };
	static uint8_t data[BIG];

	(void)state;
	assert_ok(random_bytes(data, sizeof data, &unit_error));
	for (int i = 0; i < 2 * 2 * 2 * 2; i++) {
		bool sign = i & 1, armor = i & 2, known = i & 4;
		struct fixture f;
		struct reader_of r;

		fixture_new(&f, i & 8 ? 6 : 4, NOW, false);
		reader_for(&r, &f);
		for (int c = PGP_CONTAINER_SEIPD1; c <= PGP_CONTAINER_SEIPD2; c++) {
			for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
				struct slice in = slice_of(data, sizes[s]);
				struct taker t;
				struct buf out;

				if (sizes[s] == BIG && i % 5 != 0)
					continue;
				buf_init(&out, 16u << 20);
				write_message(&f, (enum pgp_container)c, false, sign, armor,
				    known ? in.len : PGP_LENGTH_UNKNOWN, in, &out);
				assert_ok(read_message(&r.spec, buf_slice(&out), 100000, &t, &unit_error));
				assert_int_equal(t.is_held, c == PGP_CONTAINER_SEIPD1);
				assert_true(slice_eq(buf_slice(&t.out), in));
				taker_done(&t);
				buf_done(&out);
			}
		}
		fixture_done(&f);
	}
}

static void
passphrases_open_and_wrong_ones_do_not(void **state)
{
	static const struct slice wrong = { (const uint8_t *)"correct house", 13 };

	(void)state;
	for (int c = PGP_CONTAINER_SEIPD1; c <= PGP_CONTAINER_SEIPD2; c++) {
		struct reader_of r;
		struct taker t;
		struct buf out;

		reader_for(&r, NULL);
		buf_init(&out, 1 << 20);
		write_message(
		    NULL, (enum pgp_container)c, true, false, c == PGP_CONTAINER_SEIPD2, letter.len, letter, &out);
		assert_ok(read_message(&r.spec, buf_slice(&out), 7, &t, &unit_error));
		assert_slices(buf_slice(&t.out), letter);
		taker_done(&t);
		r.spec.passphrases = &wrong;
		assert_int_equal(read_message(&r.spec, buf_slice(&out), 7, &t, NULL), ERR_PASSWORD);
		taker_done(&t);
		r.spec.passphrase_count = 0;
		assert_int_equal(read_message(&r.spec, buf_slice(&out), 7, &t, NULL), ERR_NO_KEY);
		taker_done(&t);
		buf_done(&out);
	}
}

static void
inline_signatures_verify(void **state)
{
	(void)state;
	for (int c = PGP_CONTAINER_NONE; c <= PGP_CONTAINER_SEIPD2; c++) {
		struct pgp_policy policy = pgp_policy_default(NOW + 2);
		struct fixture f;
		struct reader_of r;
		struct taker t;
		struct buf out;

		fixture_new(&f, c == PGP_CONTAINER_SEIPD2 ? 6 : 4, NOW, true);
		reader_for(&r, &f);
		r.spec.unencrypted = c == PGP_CONTAINER_NONE;
		buf_init(&out, 1 << 20);
		write_message(&f, (enum pgp_container)c, false, true, false, PGP_LENGTH_UNKNOWN, letter, &out);
		assert_ok(pgp_verifier_new(&r.spec.verifier, &f.certs, &policy, &unit_error));
		assert_ok(read_message(&r.spec, buf_slice(&out), 11, &t, &unit_error));
		assert_ok(pgp_verifier_finish(r.spec.verifier, &unit_error));
		assert_int_equal(pgp_verifier_count(r.spec.verifier), 1);
		assert_int_equal(pgp_verifier_good(r.spec.verifier), 1);
		assert_slices(buf_slice(&t.out), letter);
		pgp_verifier_free(r.spec.verifier);
		taker_done(&t);
		buf_done(&out);
		fixture_done(&f);
	}
}

/* What comes out of a damaged message: nothing that was not proven. A prefix of the true text is possible with SEIPDv2. */
static void
damaged(const struct pgp_decrypt_spec *spec, struct slice message)
{
	struct taker t;
	int rc = read_message(spec, message, 50, &t, NULL);

	if (rc == 0) /* the damage was in what says nothing: the key ID of another recipient, the padding */
		assert_slices(buf_slice(&t.out), letter);
	assert_true(slice_starts(letter, buf_slice(&t.out)));
	taker_done(&t);
}

/* Truncated at every length, and each bit flipped. EFAIL: a gadget is no more than flipped bits. */
static void
efail_cut_and_flipped(void **state)
{
	(void)state;
	for (int c = PGP_CONTAINER_SEIPD1; c <= PGP_CONTAINER_SEIPD2; c++) {
		struct fixture f;
		struct reader_of r;
		struct taker t;
		struct buf out;

		fixture_new(&f, c == PGP_CONTAINER_SEIPD1 ? 4 : 6, NOW, false);
		reader_for(&r, &f);
		buf_init(&out, 1 << 20);
		write_message(&f, (enum pgp_container)c, false, false, false, letter.len, letter, &out);
		for (size_t n = 0; n < out.len; n++) {
			uint8_t *copy = mem_alloc(n);

			if (n > 0)
				memcpy(copy, out.data, n);
			assert_true(read_message(&r.spec, slice_of(copy, n), 50, &t, NULL) < 0);
			taker_done(&t);
			mem_free(copy);
		}
		for (size_t bit = 0; bit < out.len * 8; bit++) {
			out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			damaged(&r.spec, buf_slice(&out));
			out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		buf_done(&out);
		fixture_done(&f);
	}
}

static void
dropped_swapped_and_doubled_chunks(void **state)
{
	static uint8_t data[3 * 64];
	struct pgp_session session = { 0, SECRET_EMPTY };
	struct reader_of r;
	struct taker t;
	struct buf out;
	struct pgp_seipd_writer *w;
	struct pgp_packet p;
	size_t at = 0;

	(void)state;
	/* Chunks of 64 octets by hand, so that there are several in a small message. */
	assert_ok(pgp_session_new(PGP_AES128, &session, &unit_error));
	buf_init(&out, 1 << 20);
	assert_ok(
	    pgp_seipd_writer_new(&session, PGP_OCB, 0, (struct pgp_hasher){ 0 }, pgp_sink_buf(&out), &w, &unit_error));
	{
		struct buf inner;

		memset(data, 'x', sizeof data);
		buf_init(&inner, 1000);
		(void)pgp_header_write(&inner, PGP_LITERAL, 6 + sizeof data);
		(void)buf_put(&inner, "b\0\0\0\0\0", 6);
		(void)buf_put(&inner, data, sizeof data);
		assert_ok(pgp_seipd_writer_put(w, buf_slice(&inner), &unit_error));
		buf_done(&inner);
	}
	assert_ok(pgp_seipd_writer_end(w, &unit_error));
	pgp_seipd_writer_free(w);
	reader_for(&r, NULL);
	r.spec.sessions = &session;
	r.spec.session_count = 1;
	assert_ok(read_message(&r.spec, buf_slice(&out), 33, &t, &unit_error));
	assert_true(slice_eq(buf_slice(&t.out), slice_of(data, sizeof data)));
	taker_done(&t);
	assert_int_equal(pgp_packet_next(buf_slice(&out), &at, &p, &unit_error), 1);
	for (int what = 0; what < 4; what++) {
		struct slice head = slice_sub(p.body, 0, 36), rest = slice_from(p.body, 36);
		struct slice one = slice_sub(rest, 0, 80), two = slice_sub(rest, 80, 80), tail = slice_from(rest, 160);
		struct slice parts[5] = { head, one, two, tail, SLICE_EMPTY };
		struct buf body, message;

		if (what == 0) { /* swapped */
			parts[1] = two;
			parts[2] = one;
		} else if (what == 1) { /* the second dropped */
			parts[2] = SLICE_EMPTY;
		} else if (what == 2) { /* doubled */
			parts[2] = one;
			parts[3] = two;
			parts[4] = tail;
		} else { /* the last chunk dropped, the last tag kept */
			parts[3] = slice_from(tail, tail.len - 16);
		}
		buf_init(&body, 4096);
		buf_init(&message, 4096);
		for (int i = 0; i < 5; i++)
			(void)buf_put_slice(&body, parts[i]);
		assert_int_equal(pgp_packet_write(&message, PGP_SEIPD, buf_slice(&body)), 0);
		assert_int_equal(read_message(&r.spec, buf_slice(&message), 33, &t, NULL), ERR_INTEGRITY);
		for (size_t i = 0; i < t.out.len; i++) /* only octets whose chunk was proven in its place */
			assert_int_equal(t.out.data[i], 'x');
		taker_done(&t);
		buf_done(&body);
		buf_done(&message);
	}
	buf_done(&out);
	pgp_session_done(&session);
}

/* ---- grammar: packets inside a container that is itself right ---- */

static void
put_literal(struct buf *b, const char *text)
{
	(void)pgp_header_write(b, PGP_LITERAL, (uint32_t)(6 + strlen(text)));
	(void)buf_put(b, "b\0\0\0\0\0", 6);
	(void)buf_put_str(b, text);
}

static void
put_compressed(struct buf *b, const struct buf *inner)
{
	(void)pgp_header_write(b, PGP_COMPRESSED, (uint32_t)(1 + inner->len));
	(void)buf_put_u8(b, PGP_UNCOMPRESSED);
	(void)buf_put_slice(b, buf_slice(inner));
}

static void
build_one(struct buf *b)
{
	put_literal(b, "one");
}

static void
build_marker_and_padding(struct buf *b)
{
	(void)pgp_packet_write(b, PGP_MARKER, SLICE("PGP"));
	put_literal(b, "one");
	(void)pgp_packet_write(b, PGP_PADDING, SLICE("\x12\x34"));
	(void)pgp_packet_write(b, 60, SLICE("unknown and not critical"));
}

static void
build_two(struct buf *b)
{
	put_literal(b, "one");
	put_literal(b, "two");
}

static void
build_critical(struct buf *b)
{
	(void)pgp_packet_write(b, 38, SLICE("unknown and critical"));
	put_literal(b, "one");
}

static void
build_nothing(struct buf *b)
{
	(void)pgp_packet_write(b, PGP_PADDING, SLICE("only padding"));
}

static void
build_nested(struct buf *b, int depth)
{
	struct buf inner;

	if (depth == 0) {
		put_literal(b, "one");
		return;
	}
	buf_init(&inner, 4096);
	build_nested(&inner, depth - 1);
	put_compressed(b, &inner);
	buf_done(&inner);
}

static void
build_nested_once(struct buf *b)
{
	build_nested(b, 1);
}

static void
build_nested_deep(struct buf *b)
{
	build_nested(b, 5);
}

static void
build_two_in_compressed(struct buf *b)
{
	struct buf inner;

	buf_init(&inner, 4096);
	build_two(&inner);
	put_compressed(b, &inner);
	buf_done(&inner);
}

static void
build_signature_behind(struct buf *b)
{
	put_literal(b, "one");
	(void)pgp_packet_write(b, PGP_SIGNATURE, SLICE("\4\0\33\12"));
}

static void
build_one_pass_alone(struct buf *b)
{
	(void)pgp_packet_write(b, PGP_ONE_PASS, SLICE("\3\0\12\33\0\0\0\0\0\0\0\1\1"));
	put_literal(b, "one");
}

static void
build_key(struct buf *b)
{
	(void)pgp_packet_write(b, PGP_PUBLIC_KEY, SLICE("\4"));
	put_literal(b, "one");
}

static void
build_sed(struct buf *b)
{
	(void)pgp_packet_write(b, PGP_SED, SLICE("0123456789012345678901234567890"));
}

static void
build_seipd(struct buf *b)
{
	(void)pgp_packet_write(
	    b, PGP_SEIPD, SLICE("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"));
}

static void
build_garbage(struct buf *b)
{
	put_literal(b, "one");
	(void)buf_put_str(b, "trailing");
}

static void
grammar(void **state)
{
	static const struct {
		const char *name;
		void (*build)(struct buf *b);
		int want;
	} rows[] = {
		{ "one literal", build_one, 0 },
		{ "marker, padding and unknown packets", build_marker_and_padding, 0 },
		{ "compressed", build_nested_once, 0 },
		{ "two literals", build_two, ERR_SYNTAX },
		{ "two literals, compressed", build_two_in_compressed, ERR_SYNTAX },
		{ "unknown critical packet", build_critical, ERR_SYNTAX },
		{ "nothing", build_nothing, ERR_SYNTAX },
		{ "nested too deep", build_nested_deep, ERR_LIMIT },
		{ "a signature that nothing announced", build_signature_behind, ERR_SYNTAX },
		{ "a one-pass packet without its signature", build_one_pass_alone, ERR_TRUNCATED },
		{ "a key in a message", build_key, ERR_SYNTAX },
		{ "tag 9", build_sed, ERR_POLICY },
		{ "a container in a container", build_seipd, ERR_SYNTAX },
		{ "trailing octets", build_garbage, ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int two = 0; two < 2; two++) {
			struct pgp_session session = { 0, SECRET_EMPTY };
			struct pgp_seipd_writer *w;
			struct buf inner, message;
			struct reader_of r;
			struct taker t;
			int rc;

			buf_init(&inner, 8192);
			buf_init(&message, 8192);
			rows[i].build(&inner);
			assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
			assert_ok(pgp_seipd_writer_new(&session, two ? PGP_GCM : 0, 2, (struct pgp_hasher){ 0 },
			    pgp_sink_buf(&message), &w, &unit_error));
			assert_ok(pgp_seipd_writer_put(w, buf_slice(&inner), &unit_error));
			assert_ok(pgp_seipd_writer_end(w, &unit_error));
			pgp_seipd_writer_free(w);
			reader_for(&r, NULL);
			r.spec.sessions = &session;
			r.spec.session_count = 1;
			rc = read_message(&r.spec, buf_slice(&message), 9, &t, &unit_error);
			if (rc != rows[i].want)
				fail_msg("%s, SEIPDv%d: %d instead of %d (%s)", rows[i].name, two + 1, rc, rows[i].want,
				    unit_error.text);
			taker_done(&t);
			/* The same, damaged at its end: integrity is told first, whatever the grammar. */
			if (!two) {
				message.data[message.len - 1] ^= 1;
				assert_int_equal(
				    read_message(&r.spec, buf_slice(&message), 9, &t, NULL), ERR_INTEGRITY);
				assert_int_equal(t.out.len, 0);
				taker_done(&t);
			}
			buf_done(&inner);
			buf_done(&message);
			pgp_session_done(&session);
		}
	}
}

/* Session key packets of the other version are passed over: there is no key then. No downgrade either way. */
static void
versions_must_go_together(void **state)
{
	struct fixture f;
	struct reader_of r;
	struct taker t;
	struct buf one, two, mixed;
	struct pgp_packet p;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	reader_for(&r, &f);
	buf_init(&one, 1 << 20);
	buf_init(&two, 1 << 20);
	write_message(&f, PGP_CONTAINER_SEIPD1, false, false, false, letter.len, letter, &one);
	write_message(&f, PGP_CONTAINER_SEIPD2, false, false, false, letter.len, letter, &two);
	for (int swap = 0; swap < 2; swap++) {
		size_t at = 0;

		buf_init(&mixed, 1 << 20);
		assert_int_equal(pgp_packet_next(buf_slice(swap ? &one : &two), &at, &p, &unit_error), 1);
		(void)buf_put_slice(&mixed, p.raw);
		at = 0;
		assert_int_equal(pgp_packet_next(buf_slice(swap ? &two : &one), &at, &p, &unit_error), 1);
		(void)buf_put_slice(&mixed, slice_from(buf_slice(swap ? &two : &one), at));
		assert_int_equal(read_message(&r.spec, buf_slice(&mixed), 100, &t, NULL), ERR_NO_KEY);
		taker_done(&t);
		buf_done(&mixed);
	}
	buf_done(&one);
	buf_done(&two);
	fixture_done(&f);
}

static void
plain_messages_only_on_request(void **state)
{
	struct reader_of r;
	struct taker t;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	put_literal(&b, "clear");
	reader_for(&r, NULL);
	assert_int_equal(read_message(&r.spec, buf_slice(&b), 100, &t, NULL), ERR_POLICY);
	taker_done(&t);
	r.spec.unencrypted = true;
	assert_ok(read_message(&r.spec, buf_slice(&b), 100, &t, &unit_error));
	assert_true(t.is_held);
	taker_done(&t);
	r.spec.output_max = 4;
	assert_int_equal(read_message(&r.spec, buf_slice(&b), 100, &t, NULL), ERR_LIMIT);
	taker_done(&t);
	buf_done(&b);
}

/* Every allocation of a decryption fails once: an error each time, and nothing let out that was not proven. */
static void
every_allocation_fails(void **state)
{
	struct fixture f;
	struct reader_of r;
	struct taker t;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	reader_for(&r, &f);
	for (int c = PGP_CONTAINER_SEIPD1; c <= PGP_CONTAINER_SEIPD2; c++) {
		bool whole = false;
		struct buf out;

		buf_init(&out, 1 << 20);
		write_message(&f, (enum pgp_container)c, false, false, true, letter.len, letter, &out);
		for (long n = 0; !whole && n < 1000; n++) {
			mem_fail_after(n);
			whole = read_message(&r.spec, buf_slice(&out), 64, &t, NULL) == 0;
			mem_fail_after(-1);
			assert_true(whole || t.out.len == 0 || c == PGP_CONTAINER_SEIPD2);
			taker_done(&t);
		}
		assert_true(whole);
		buf_done(&out);
	}
	fixture_done(&f);
}

/* ---- after an error ---- */

static int
full(void *ctx, struct slice data, struct error *e)
{
	(void)data;
	return ++*(unsigned *)ctx > 1 ? error_set(e, ERR_IO, "the disk is full") : 0;
}

/* Who goes on after an error gets it again: with chunks of four mebioctets nothing may gather behind the buffer's end. */
static void
an_error_stays(void **state)
{
	static uint8_t data[4 << 20];
	const struct slice passphrase = SLICE("walnut");

	(void)state;
	for (int container = PGP_CONTAINER_SEIPD1; container <= PGP_CONTAINER_SEIPD2; container++) {
		const struct pgp_encrypt_spec spec = { .container = (enum pgp_container)container,
			.passphrases = &passphrase,
			.passphrase_count = 1,
			.chunk_code = 16,
			.length = PGP_LENGTH_UNKNOWN };
		struct pgp_encryptor *enc;
		unsigned calls = 0;

		assert_ok(pgp_encryptor_new(&spec, (struct pgp_sink){ full, &calls }, &enc, &unit_error));
		for (int i = 0; i < 5; i++)
			assert_int_equal(pgp_encryptor_feed(enc, slice_of(data, sizeof data), &unit_error), ERR_IO);
		assert_int_equal(pgp_encryptor_finish(enc, &unit_error), ERR_IO);
		assert_int_equal(calls, 2);
		pgp_encryptor_free(enc);
	}
}

UNIT_MAIN(UNIT_TEST(an_error_stays), UNIT_TEST(round_trips), UNIT_TEST(passphrases_open_and_wrong_ones_do_not),
    UNIT_TEST(inline_signatures_verify), UNIT_TEST(efail_cut_and_flipped),
    UNIT_TEST(dropped_swapped_and_doubled_chunks), UNIT_TEST(grammar), UNIT_TEST(versions_must_go_together),
    UNIT_TEST(plain_messages_only_on_request), UNIT_TEST(every_allocation_fails))
