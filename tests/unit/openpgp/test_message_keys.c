/* SPDX-License-Identifier: ISC */
/* Which key opens a message, when there are several answers; and which cipher is refused. */
#include "unit.h"

#include "openpgp/key/key_make.h"

#include "openpgp_message.h"

static const struct slice text_of_test = { (const uint8_t *)"one", 3 };

static void
put_container(uint8_t aead, const struct pgp_session *session, struct buf *out)
{
	struct pgp_seipd_writer *w;

	assert_ok(pgp_seipd_writer_new(session, aead, 1, (struct pgp_hasher){ 0 }, pgp_sink_buf(out), &w, &unit_error));
	assert_ok(pgp_seipd_writer_put(w,
	    SLICE("\xcb\x09"
		  "b\0\0\0\0\0one"),
	    &unit_error));
	assert_ok(pgp_seipd_writer_end(w, &unit_error));
	pgp_seipd_writer_free(w);
}

/* ---- RSA: every key answers every packet ---- */

struct rsa_pair {
	struct pgp_fresh_key fresh[2];
	struct pgp_memory_keys *memory;
	const struct pgp_key *keys[2];
};

static void
rsa_pair_new(struct rsa_pair *p)
{
	const struct pgp_key_spec spec = { .version = 4, .algorithm = PGP_RSA, .subkey = true, .created = NOW };

	assert_ok(pgp_memory_keys_new(&p->memory, &unit_error));
	for (int i = 0; i < 2; i++) {
		assert_ok(pgp_key_make(&spec, &p->fresh[i], &unit_error));
		p->keys[i] = &p->fresh[i].key;
		assert_ok(pgp_memory_keys_add(p->memory, p->keys[i], secret_slice(&p->fresh[i].secret), &unit_error));
	}
}

static void
rsa_pair_done(struct rsa_pair *p)
{
	pgp_memory_keys_free(p->memory);
	for (int i = 0; i < 2; i++)
		pgp_fresh_key_done(&p->fresh[i]);
}

/* Opens the message and says which of the keys it was. */
static const struct pgp_key *
open_with(const struct rsa_pair *p, struct slice message)
{
	const struct pgp_decrypt_spec spec = {
		.keys = p->keys, .key_count = 2, .keyring = pgp_memory_keys_ops(p->memory)
	};
	struct pgp_decrypt_result result;
	struct buf plain;

	buf_init(&plain, 1000);
	assert_ok(pgp_decrypt(pgp_source_slice(&message), &spec, pgp_plain_buf(&plain), &result, &unit_error));
	assert_slices(buf_slice(&plain), text_of_test);
	pgp_session_done(&result.session);
	buf_done(&plain);
	return result.key;
}

static void
hidden_recipients_with_rsa(void **state)
{
	struct rsa_pair pair;

	(void)state;
	rsa_pair_new(&pair);
	for (int two = 0; two < 2; two++) {
		for (int who = 0; who < 2; who++) {
			struct pgp_session session = { 0, SECRET_EMPTY };
			struct buf message;

			buf_init(&message, 1 << 16);
			assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
			assert_ok(pgp_pkesk_write_hidden(two ? 6 : 3, pair.keys[who], &session, &message, &unit_error));
			put_container(two ? PGP_OCB : 0, &session, &message);
			assert_ptr_equal(open_with(&pair, buf_slice(&message)), pair.keys[who]);
			pgp_session_done(&session);
			buf_done(&message);
		}
	}
	rsa_pair_done(&pair);
}

/* Packets with other session keys for the same key stand in front of the right one. */
static void
planted_session_keys(void **state)
{
	struct rsa_pair pair;

	(void)state;
	rsa_pair_new(&pair);
	for (int two = 0; two < 2; two++) {
		struct pgp_session session = { 0, SECRET_EMPTY };
		struct buf message;

		buf_init(&message, 1 << 16);
		for (int i = 0; i < 4; i++) {
			pgp_session_done(&session);
			assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
			assert_ok(pgp_pkesk_write(two ? 6 : 3, pair.keys[0], &session, &message, &unit_error));
		}
		put_container(two ? PGP_EAX : 0, &session, &message);
		assert_ptr_equal(open_with(&pair, buf_slice(&message)), pair.keys[0]);
		pgp_session_done(&session);
		buf_done(&message);
	}
	rsa_pair_done(&pair);
}

/* ---- session keys in and out ---- */

static void
session_keys_in_and_out(void **state)
{
	struct fixture f;
	const struct pgp_key *key;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	key = encryption_key(&f);
	for (int c = PGP_CONTAINER_SEIPD1; c <= PGP_CONTAINER_SEIPD2; c++) {
		struct pgp_encrypt_spec spec = {
			.container = (enum pgp_container)c, .recipients = &key, .recipient_count = 1
		};
		struct pgp_session sessions[4] = { 0 };
		struct pgp_decrypt_result result;
		struct slice message;
		struct reader_of r;
		struct buf out, plain;
		struct taker t;

		buf_init(&out, 1 << 16);
		buf_init(&plain, 1 << 16);
		assert_ok(pgp_encrypt(&spec, letter, &out, &unit_error));
		reader_for(&r, &f);
		message = buf_slice(&out);
		assert_ok(
		    pgp_decrypt(pgp_source_slice(&message), &r.spec, pgp_plain_buf(&plain), &result, &unit_error));
		/* The right one stands behind others that fit as well. */
		for (int i = 0; i < 3; i++)
			assert_ok(pgp_session_new(PGP_AES256, &sessions[i], &unit_error));
		sessions[3] = result.session;
		reader_for(&r, NULL);
		r.spec.sessions = sessions;
		for (size_t n = 1; n <= 4; n++) {
			r.spec.session_count = n;
			assert_int_equal(
			    read_message(&r.spec, buf_slice(&out), 100, &t, NULL), n == 4 ? 0 : ERR_INTEGRITY);
			if (n == 4)
				assert_slices(buf_slice(&t.out), letter);
			taker_done(&t);
		}
		for (int i = 0; i < 4; i++)
			pgp_session_done(&sessions[i]);
		buf_done(&out);
		buf_done(&plain);
	}
	fixture_done(&f);
}

/* ---- ciphers ---- */

static void
old_ciphers_only_when_policy_permits(void **state)
{
	static const struct {
		uint8_t cipher;
		const char *name, *rule;
	} rows[] = {
		{ PGP_TRIPLEDES, "3DES", "3des:decrypt" },
		{ PGP_CAST5, "CAST5", "cast5:decrypt" },
		{ PGP_BLOWFISH, "Blowfish", "blowfish:decrypt" },
		{ PGP_CAMELLIA128, NULL, NULL },
		{ PGP_CAMELLIA192, NULL, NULL },
		{ PGP_CAMELLIA256, NULL, NULL },
		{ PGP_AES128, NULL, NULL },
		{ PGP_AES192, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_policy policy = pgp_policy_default(NOW);
		struct pgp_session session = { 0, SECRET_EMPTY };
		struct reader_of r;
		struct buf message;
		struct taker t;

		buf_init(&message, 1 << 16);
		assert_ok(pgp_session_new(rows[i].cipher, &session, &unit_error));
		put_container(0, &session, &message);
		reader_for(&r, NULL);
		r.spec.sessions = &session;
		r.spec.session_count = 1;
		if (rows[i].name != NULL) {
			assert_int_equal(read_message(&r.spec, buf_slice(&message), 10, &t, &unit_error), ERR_POLICY);
			assert_int_not_equal(
			    slice_search(slice_str(unit_error.text), slice_str(rows[i].name)), SIZE_MAX);
			taker_done(&t);
			assert_ok(pgp_policy_override(&policy, slice_str(rows[i].rule), &unit_error));
		}
		r.spec.policy = &policy;
		assert_ok(read_message(&r.spec, buf_slice(&message), 10, &t, &unit_error));
		assert_slices(buf_slice(&t.out), text_of_test);
		taker_done(&t);
		for (size_t n = 0; n < message.len; n++) {
			assert_true(read_message(&r.spec, slice_sub(buf_slice(&message), 0, n), 10, &t, NULL) < 0);
			taker_done(&t);
		}
		pgp_session_done(&session);
		buf_done(&message);
	}
}

/* IDEA and Twofish: a passphrase message in them is refused by their names. */
static void
unknown_ciphers_by_name(void **state)
{
	static const struct {
		uint8_t cipher;
		const char *name;
	} rows[] = { { PGP_IDEA, "IDEA" }, { PGP_TWOFISH, "Twofish" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t skesk[] = { 4, rows[i].cipher, 3, PGP_SHA256, 1, 2, 3, 4, 5, 6, 7, 8, 0 };
		struct pgp_session session = { 0, SECRET_EMPTY };
		struct reader_of r;
		struct buf message;
		struct taker t;

		buf_init(&message, 1 << 16);
		assert_int_equal(pgp_packet_write(&message, PGP_SKESK, slice_of(skesk, sizeof skesk)), 0);
		assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
		put_container(0, &session, &message);
		reader_for(&r, NULL);
		assert_int_equal(read_message(&r.spec, buf_slice(&message), 10, &t, &unit_error), ERR_UNSUPPORTED);
		assert_int_not_equal(slice_search(slice_str(unit_error.text), slice_str(rows[i].name)), SIZE_MAX);
		taker_done(&t);
		pgp_session_done(&session);
		buf_done(&message);
	}
}

static void
containers_by_policy(void **state)
{
	static const char *const rules[] = { "", "seipd1:decrypt=never", "seipd2:decrypt=never" };

	(void)state;
	for (int rule = 0; rule < 3; rule++) {
		for (int two = 0; two < 2; two++) {
			struct pgp_policy policy = pgp_policy_default(NOW);
			struct pgp_session session = { 0, SECRET_EMPTY };
			struct reader_of r;
			struct buf message;
			struct taker t;

			if (rule > 0)
				assert_ok(pgp_policy_override(&policy, slice_str(rules[rule]), &unit_error));
			buf_init(&message, 1 << 16);
			assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
			put_container(two ? PGP_GCM : 0, &session, &message);
			reader_for(&r, NULL);
			r.spec.sessions = &session;
			r.spec.session_count = 1;
			r.spec.policy = &policy;
			assert_int_equal(
			    read_message(&r.spec, buf_slice(&message), 10, &t, NULL), rule == two + 1 ? ERR_POLICY : 0);
			taker_done(&t);
			pgp_session_done(&session);
			buf_done(&message);
		}
	}
}

static void
what_is_not_written(void **state)
{
	static const struct {
		const char *name;
		struct pgp_encrypt_spec spec;
		int want;
	} rows[] = {
		{ "3DES", { .container = PGP_CONTAINER_SEIPD1, .cipher = PGP_TRIPLEDES }, ERR_UNSUPPORTED },
		{ "IDEA", { .container = PGP_CONTAINER_SEIPD1, .cipher = PGP_IDEA }, ERR_UNSUPPORTED },
		{ "a cipher of nobody", { .container = PGP_CONTAINER_SEIPD2, .cipher = 99 }, ERR_UNSUPPORTED },
		{ "a mode of nobody", { .container = PGP_CONTAINER_SEIPD2, .aead = 9 }, ERR_UNSUPPORTED },
		{ "chunks of 8 MiB", { .container = PGP_CONTAINER_SEIPD2, .chunk_code = 17 }, ERR_UNSUPPORTED },
		{ "a compression of nobody", { .container = PGP_CONTAINER_SEIPD1, .compression = 4 }, ERR_UNSUPPORTED },
		{ "padding in SEIPDv1", { .container = PGP_CONTAINER_SEIPD1, .padding = PGP_PAD_PADME }, ERR_USAGE },
		{ "packet type 9", { .container = PGP_CONTAINER_SED }, ERR_USAGE },
		{ "packet type 20", { .container = PGP_CONTAINER_LIBRE }, ERR_USAGE },
	};
	struct fixture f;
	const struct pgp_key *key;

	(void)state;
	fixture_new(&f, 4, NOW, false);
	key = encryption_key(&f);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_encrypt_spec spec = rows[i].spec;
		struct buf out;
		int rc;

		spec.recipients = &key;
		spec.recipient_count = 1;
		buf_init(&out, 1 << 16);
		rc = pgp_encrypt(&spec, letter, &out, &unit_error);
		if (rc != rows[i].want)
			fail_msg("%s: %d instead of %d", rows[i].name, rc, rows[i].want);
		buf_done(&out);
	}
	fixture_done(&f);
}

/* gpg needs the checksum where version 4 is the message; nothing else gets one. */
static void
checksums_where_gpg_needs_them(void **state)
{
	static const struct {
		enum pgp_container container;
		uint8_t version;
		bool want;
	} rows[] = {
		{ PGP_CONTAINER_NONE, 4, true },
		{ PGP_CONTAINER_NONE, 6, false },
		{ PGP_CONTAINER_SEIPD1, 4, true },
		{ PGP_CONTAINER_SEIPD2, 4, false },
		{ PGP_CONTAINER_SEIPD2, 6, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_maker_spec m = { .signer_count = 1, .created = NOW + 1 };
		struct pgp_encrypt_spec spec = { .container = rows[i].container, .armor = true };
		struct pgp_signer signer;
		const struct pgp_key *key;
		struct slice text, line = SLICE_EMPTY;
		struct fixture f;
		struct buf out;

		fixture_new(&f, rows[i].version, NOW, false);
		key = encryption_key(&f);
		signer = (struct pgp_signer){ fixture_signer(&f), pgp_memory_keys_ops(f.memory) };
		m.signers = &signer;
		assert_ok(pgp_maker_new(&spec.maker, &m, &unit_error));
		spec.recipients = &key;
		spec.recipient_count = spec.container == PGP_CONTAINER_NONE ? 0 : 1;
		buf_init(&out, 1 << 16);
		assert_ok(pgp_encrypt(&spec, letter, &out, &unit_error));
		text = slice_sub(buf_slice(&out), 0, slice_search(buf_slice(&out), SLICE("\n-----END")));
		while (text.len > 0)
			line = slice_split(text, '\n', &text);
		assert_int_equal(slice_starts(line, SLICE("=")), rows[i].want);
		pgp_maker_free(spec.maker);
		buf_done(&out);
		fixture_done(&f);
	}
}

UNIT_MAIN(UNIT_TEST(what_is_not_written), UNIT_TEST(checksums_where_gpg_needs_them),
    UNIT_TEST(hidden_recipients_with_rsa), UNIT_TEST(planted_session_keys), UNIT_TEST(session_keys_in_and_out),
    UNIT_TEST(old_ciphers_only_when_policy_permits), UNIT_TEST(unknown_ciphers_by_name),
    UNIT_TEST(containers_by_policy))
