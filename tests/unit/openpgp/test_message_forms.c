/* SPDX-License-Identifier: ISC */
/*
 * Small messages of every form, each whole, cut at every length, with bits
 * flipped, and with its packets dropped, doubled and swapped: what is not the
 * message that was written is refused, and nothing is let out that was not
 * proven. Packet types 9 and 20 and SKESK version 5 are never written by the
 * engine: they are put together here, from the standards' text.
 */
#include <stdio.h>

#include "unit.h"

#include "base/mem.h"
#include "crypto/kdf.h"
#include "openpgp/message/seipd_common.h"

#include "openpgp_message.h"

#define PACKETS_MAX 16u
#define ALL_BITS 120u /* octets at a packet's start in which each bit is flipped; behind them one bit an octet */

static const struct slice cheap_pass = { (const uint8_t *)"walnut", 6 };

struct form;

struct world {
	struct fixture f; /* who reads; and signs */
	struct pgp_policy policy;
};

struct form {
	const char *name;
	void (*write)(const struct form *form, const struct world *w, struct buf *out);
	enum pgp_container container;
	uint8_t aead;
	uint8_t compression;
	bool sign, hide, pad, armor, pass;
};

/* ---- forms that the engine writes ---- */

static void
write_with_engine(const struct form *form, const struct world *w, struct buf *out)
{
	const struct pgp_key *keys[2] = { encryption_key(&w->f), encryption_key(&w->f) };
	struct pgp_encrypt_spec spec = { .container = form->container,
		.aead = form->aead,
		.chunk_code = 1,
		.recipients = keys,
		.recipient_count = form->container == PGP_CONTAINER_NONE ? 0 : 1,
		.hide_recipients = form->hide,
		.compression = form->compression,
		.padding = form->pad ? PGP_PAD_PADME : PGP_PAD_NONE,
		.armor = form->armor };
	struct pgp_signer signer = { fixture_signer(&w->f), pgp_memory_keys_ops(w->f.memory) };
	struct pgp_maker_spec m = { .signers = &signer, .signer_count = 1, .created = NOW + 1 };
	struct pgp_maker *maker = NULL;

	if (form->sign)
		assert_ok(pgp_maker_new(&maker, &m, &unit_error));
	spec.maker = maker;
	assert_ok(pgp_encrypt(&spec, letter, out, &unit_error));
	pgp_maker_free(maker);
}

/* ---- forms that are put together here ---- */

static void
put_literal(struct buf *b, struct slice text)
{
	(void)pgp_header_write(b, PGP_LITERAL, (uint32_t)(6 + text.len));
	(void)buf_put(b, "b\0\0\0\0\0", 6);
	(void)buf_put_slice(b, text);
}

/* A passphrase packet whose S2K costs nothing. */
static void
put_cheap_skesk(uint8_t version, uint8_t aead_number, const struct pgp_session *session, struct buf *out)
{
	struct pgp_s2k s2k = { .type = PGP_S2K_ITERATED, .hash = PGP_SHA256, .salt = { 1, 2, 3 }, .count = 0 };
	uint8_t info[] = { 0xc0 | PGP_SKESK, version, PGP_AES256, aead_number };
	uint8_t m[1 + 32], sealed[1 + 32 + AEAD_TAG], nonce[AEAD_NONCE_MAX] = { 9, 8, 7 }, key[32];
	enum aead_id mode = aead_number == PGP_EAX ? AEAD_EAX : AEAD_OCB;
	struct secret kek = SECRET_EMPTY;
	struct aead *aead;
	struct buf body;

	buf_init(&body, 1000);
	assert_ok(pgp_s2k_derive(&s2k, cheap_pass, 32, &kek, &unit_error));
	(void)buf_put_u8(&body, version);
	if (version == 4) {
		m[0] = session->cipher;
		memcpy(m + 1, session->key.data, session->key.len);
		assert_ok(cipher_cfb_once(CIPHER_AES256, CIPHER_ENCRYPT, secret_slice(&kek), SLICE_EMPTY,
		    slice_of(m, 1 + session->key.len), sealed, &unit_error));
		(void)buf_put_u8(&body, PGP_AES256);
		(void)pgp_s2k_write(&s2k, &body);
		(void)buf_put(&body, sealed, 1 + session->key.len);
	} else {
		memcpy(key, kek.data, 32);
		if (version == 6)
			assert_ok(kdf_hkdf(
			    HASH_SHA256, secret_slice(&kek), SLICE_EMPTY, slice_of(info, 4), key, 32, &unit_error));
		assert_ok(aead_new(mode, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(key, 32), &aead, &unit_error));
		assert_ok(aead_seal(aead, slice_of(nonce, aead_nonce_size(mode)), slice_of(info, 4), session->key.data,
		    session->key.len, sealed, sealed + session->key.len, &unit_error));
		aead_free(aead);
		if (version == 6)
			(void)buf_put_u8(&body, (uint8_t)(3 + 11 + aead_nonce_size(mode)));
		(void)buf_put(&body, info + 2, 2);
		if (version == 6)
			(void)buf_put_u8(&body, 11);
		(void)pgp_s2k_write(&s2k, &body);
		(void)buf_put(&body, nonce, aead_nonce_size(mode));
		(void)buf_put(&body, sealed, session->key.len + AEAD_TAG);
	}
	assert_int_equal(pgp_packet_write(out, PGP_SKESK, buf_slice(&body)), 0);
	secret_done(&kek);
	buf_done(&body);
}

/* draft-koch-librepgp section 5.16, with chunks of 64 octets. */
static void
put_libre(const struct pgp_session *session, uint8_t aead, struct slice inner, struct buf *out)
{
	struct pgp_seipd_head head = { .container = PGP_CONTAINER_LIBRE,
		.cipher = session->cipher,
		.aead = aead,
		.salt = { 3, 2, 1, 0, 0, 0, 0, 7 } };
	size_t nonce = aead == PGP_EAX ? 16 : 15;
	uint8_t fields[] = { 1, head.cipher, aead, 0 }, sealed[64 + AEAD_TAG];
	struct chunks c;
	struct buf body;

	buf_init(&body, 1 << 20);
	(void)buf_put(&body, fields, sizeof fields);
	(void)buf_put(&body, head.salt, nonce);
	assert_ok(chunks_init(&c, CIPHER_ENCRYPT, &head, secret_slice(&session->key), &unit_error));
	while (inner.len > 0) {
		struct slice part = slice_sub(inner, 0, 64);

		assert_ok(chunks_seal(&c, part.data, part.len, sealed, &unit_error));
		(void)buf_put(&body, sealed, part.len + AEAD_TAG);
		inner = slice_from(inner, part.len);
	}
	assert_ok(chunks_seal_last(&c, sealed, &unit_error));
	(void)buf_put(&body, sealed, AEAD_TAG);
	chunks_done(&c);
	assert_int_equal(pgp_packet_write(out, PGP_AEAD_LIBRE, buf_slice(&body)), 0);
	buf_done(&body);
}

/* RFC 9580 section 5.7: the prefix, then CFB anew with the last block of its ciphertext. */
static void
put_sed(const struct pgp_session *session, struct slice inner, struct buf *out)
{
	uint8_t prefix[18] = "0123456789abcdefef", text[18], body[512];

	assert_ok(cipher_cfb_once(CIPHER_AES256, CIPHER_ENCRYPT, secret_slice(&session->key), SLICE_EMPTY,
	    slice_of(prefix, 18), text, &unit_error));
	memcpy(body, text, 18);
	assert_ok(cipher_cfb_once(CIPHER_AES256, CIPHER_ENCRYPT, secret_slice(&session->key), slice_of(text + 2, 16),
	    inner, body + 18, &unit_error));
	assert_int_equal(pgp_packet_write(out, PGP_SED, slice_of(body, 18 + inner.len)), 0);
}

static void
put_seipd(uint8_t aead, const struct pgp_session *session, struct slice inner, struct buf *out)
{
	struct pgp_seipd_writer *w;

	assert_ok(pgp_seipd_writer_new(session, aead, 0, (struct pgp_hasher){ 0 }, pgp_sink_buf(out), &w, &unit_error));
	assert_ok(pgp_seipd_writer_put(w, inner, &unit_error));
	assert_ok(pgp_seipd_writer_end(w, &unit_error));
	pgp_seipd_writer_free(w);
}

/* Session keys for the key, for the passphrase and for another passphrase, in front of any container. */
static void
write_by_hand(const struct form *form, const struct world *w, struct buf *out)
{
	bool two = form->container == PGP_CONTAINER_SEIPD2, libre = form->container == PGP_CONTAINER_LIBRE;
	struct pgp_session session = { 0, SECRET_EMPTY };
	struct buf inner;

	buf_init(&inner, 1 << 16);
	put_literal(&inner, letter);
	while (inner.len < 150) /* several chunks */
		(void)pgp_packet_write(&inner, PGP_PADDING, SLICE("\x11\x22\x33\x44\x55\x66\x77\x88"));
	assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
	if (form->pass)
		put_cheap_skesk(two ? 6 : libre ? 5 : 4, form->aead == PGP_EAX ? PGP_EAX : PGP_OCB, &session, out);
	else
		assert_ok(pgp_pkesk_write(two ? 6 : 3, encryption_key(&w->f), &session, out, &unit_error));
	if (libre)
		put_libre(&session, form->aead, buf_slice(&inner), out);
	else if (form->container == PGP_CONTAINER_SED)
		put_sed(&session, buf_slice(&inner), out);
	else
		put_seipd(two ? form->aead : 0, &session, buf_slice(&inner), out);
	pgp_session_done(&session);
	buf_done(&inner);
}

static const struct form forms[] = {
	{ "v1", write_with_engine, .container = PGP_CONTAINER_SEIPD1 },
	{ "v1 signed", write_with_engine, .container = PGP_CONTAINER_SEIPD1, .sign = true },
	{ "v1 hidden, ZIP", write_with_engine, .container = PGP_CONTAINER_SEIPD1, .hide = true,
	    .compression = PGP_ZIP },
	{ "v1 ZLIB signed armored", write_with_engine, .container = PGP_CONTAINER_SEIPD1, .sign = true,
	    .compression = PGP_ZLIB, .armor = true },
	{ "v1 BZip2", write_with_engine, .container = PGP_CONTAINER_SEIPD1, .compression = PGP_BZIP2 },
	{ "v2 OCB", write_with_engine, .container = PGP_CONTAINER_SEIPD2, .aead = PGP_OCB },
	{ "v2 GCM signed", write_with_engine, .container = PGP_CONTAINER_SEIPD2, .aead = PGP_GCM, .sign = true },
	{ "v2 EAX hidden padded", write_with_engine, .container = PGP_CONTAINER_SEIPD2, .aead = PGP_EAX, .hide = true,
	    .pad = true },
	{ "v2 OCB signed ZIP padded", write_with_engine, .container = PGP_CONTAINER_SEIPD2, .aead = PGP_OCB,
	    .sign = true, .compression = PGP_ZIP, .pad = true },
	{ "v1 by hand", write_by_hand, .container = PGP_CONTAINER_SEIPD1 },
	{ "v1 passphrase", write_by_hand, .container = PGP_CONTAINER_SEIPD1, .pass = true },
	{ "v2 passphrase", write_by_hand, .container = PGP_CONTAINER_SEIPD2, .aead = PGP_OCB, .pass = true },
	{ "v2 EAX passphrase", write_by_hand, .container = PGP_CONTAINER_SEIPD2, .aead = PGP_EAX, .pass = true },
	{ "20 OCB", write_by_hand, .container = PGP_CONTAINER_LIBRE, .aead = PGP_OCB },
	{ "20 EAX", write_by_hand, .container = PGP_CONTAINER_LIBRE, .aead = PGP_EAX },
	{ "20 OCB passphrase", write_by_hand, .container = PGP_CONTAINER_LIBRE, .aead = PGP_OCB, .pass = true },
	{ "20 EAX passphrase", write_by_hand, .container = PGP_CONTAINER_LIBRE, .aead = PGP_EAX, .pass = true },
	{ "9", write_by_hand, .container = PGP_CONTAINER_SED },
	{ "9 passphrase", write_by_hand, .container = PGP_CONTAINER_SED, .pass = true },
	{ "signed", write_with_engine, .sign = true },
	{ "signed ZLIB", write_with_engine, .sign = true, .compression = PGP_ZLIB },
};
#define FORMS (sizeof forms / sizeof forms[0])

/* ---- reading them ---- */

static bool
proves_itself(const struct form *form)
{
	return form->container != PGP_CONTAINER_NONE && form->container != PGP_CONTAINER_SED;
}

/* What comes of it; and what must hold whatever comes. */
static int
read_form(const struct form *form, const struct world *w, struct slice message)
{
	struct reader_of r;
	struct taker t;
	int rc;

	reader_for(&r, &w->f);
	r.spec.passphrases = &cheap_pass;
	r.spec.accept_unauthenticated_old_packet = form->container == PGP_CONTAINER_SED;
	r.spec.unencrypted = form->container == PGP_CONTAINER_NONE;
	assert_ok(pgp_verifier_new(&r.spec.verifier, &w->f.certs, &w->policy, &unit_error));
	rc = read_message(&r.spec, message, 50, &t, &unit_error);
	(void)pgp_verifier_finish(r.spec.verifier, NULL);
	if (rc != 0) {
		/* Chunks that were proven may be out; of what is held nothing. */
		assert_true(slice_starts(letter, buf_slice(&t.out)));
		if (form->container != PGP_CONTAINER_SEIPD2 && form->container != PGP_CONTAINER_LIBRE)
			assert_int_equal(t.out.len, 0);
	} else if (proves_itself(form)) {
		assert_slices(buf_slice(&t.out), letter);
		assert_int_equal(pgp_verifier_good(r.spec.verifier), form->sign);
	} else if (pgp_verifier_good(r.spec.verifier) > 0) {
		assert_slices(buf_slice(&t.out), letter);
	}
	pgp_verifier_free(r.spec.verifier);
	taker_done(&t);
	return rc;
}

static void
world_new(struct world *w, uint8_t version)
{
	fixture_new(&w->f, version, NOW, false);
	w->policy = pgp_policy_default(NOW + 2);
}

static void
each_opens(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * FORMS; i++) {
		const struct form *form = &forms[i / 2];
		struct world w;
		struct buf message;

		world_new(&w, i % 2 == 0 ? 4 : 6);
		buf_init(&message, 1 << 16);
		form->write(form, &w, &message);
		if (read_form(form, &w, buf_slice(&message)) != 0)
			fail_msg("%s: %s", form->name, unit_error.text);
		buf_done(&message);
		fixture_done(&w.f);
	}
}

static void
each_cut_at_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct world w;
		struct buf message;

		world_new(&w, i % 2 == 0 ? 4 : 6);
		buf_init(&message, 1 << 16);
		forms[i].write(&forms[i], &w, &message);
		for (size_t n = 0; n + (forms[i].armor ? 1 : 0) < message.len; n++) {
			uint8_t *copy = mem_alloc(n);

			if (n > 0)
				memcpy(copy, message.data, n);
			if (read_form(&forms[i], &w, slice_of(copy, n)) == 0)
				fail_msg("%s: cut to %zu of %zu octets it was taken", forms[i].name, n, message.len);
			mem_free(copy);
		}
		buf_done(&message);
		fixture_done(&w.f);
	}
}

static void
each_with_bits_flipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct world w;
		struct buf message;

		world_new(&w, i % 2 == 0 ? 4 : 6);
		buf_init(&message, 1 << 16);
		forms[i].write(&forms[i], &w, &message);
		for (size_t bit = 0; bit < message.len * 8; bit++) {
			if (bit / 8 > ALL_BITS && bit % 8 != bit / 8 % 8)
				continue;
			message.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			(void)read_form(&forms[i], &w, buf_slice(&message));
			message.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		buf_done(&message);
		fixture_done(&w.f);
	}
}

/* ---- packets ---- */

static size_t
split(struct slice message, struct slice parts[PACKETS_MAX])
{
	struct pgp_packet p;
	size_t at = 0, n = 0;

	while (pgp_packet_next(message, &at, &p, &unit_error) == 1) {
		assert_true(n < PACKETS_MAX);
		parts[n++] = p.raw;
	}
	assert_int_equal(at, message.len);
	return n;
}

static void
must_be_refused(
    const struct form *form, const struct world *w, const struct slice *parts, size_t count, const char *what)
{
	struct buf message;

	buf_init(&message, 1 << 16);
	for (size_t i = 0; i < count; i++)
		(void)buf_put_slice(&message, parts[i]);
	if (read_form(form, w, buf_slice(&message)) == 0)
		fail_msg("%s: %s, and yet it was taken", form->name, what);
	buf_done(&message);
}

static uint8_t
type_of(struct slice packet)
{
	struct pgp_packet p;
	size_t at = 0;

	return pgp_packet_next(packet, &at, &p, NULL) == 1 ? p.header.type : 0;
}

static bool
is_session_key(struct slice packet)
{
	return type_of(packet) == PGP_PKESK || type_of(packet) == PGP_SKESK;
}

/* Dropped, doubled, swapped with its neighbour. A session key twice is no harm. */
static void
disorder(const struct form *form, const struct world *w, const struct slice *parts, size_t n)
{
	struct slice other[PACKETS_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		memcpy(other, parts, i * sizeof *parts);
		memcpy(other + i, parts + i + 1, (n - i - 1) * sizeof *parts);
		must_be_refused(form, w, other, n - 1, "a packet was dropped");
		memcpy(other, parts, n * sizeof *parts);
		memcpy(other + i + 1, parts + i, (n - i) * sizeof *parts);
		if (!is_session_key(parts[i]))
			must_be_refused(form, w, other, n + 1, "a packet was doubled");
		if (i + 1 == n)
			continue;
		memcpy(other, parts, n * sizeof *parts);
		other[i] = parts[i + 1];
		other[i + 1] = parts[i];
		if (!is_session_key(parts[i]) || !is_session_key(parts[i + 1]))
			must_be_refused(form, w, other, n, "two packets were swapped");
	}
}

static void
each_in_disorder(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct slice parts[PACKETS_MAX];
		struct world w;
		struct buf message;

		if (forms[i].armor || (forms[i].container == PGP_CONTAINER_NONE && forms[i].compression != 0))
			continue;
		world_new(&w, 4);
		buf_init(&message, 1 << 16);
		forms[i].write(&forms[i], &w, &message);
		disorder(&forms[i], &w, parts, split(buf_slice(&message), parts));
		buf_done(&message);
		fixture_done(&w.f);
	}
}

/* The packets inside the container in disorder: it is proven, and yet no message. */
static void
disorder_inside(void **state)
{
	const struct form form = { "inside", NULL, .container = PGP_CONTAINER_NONE, .sign = true };
	struct world w;
	struct buf inner;

	(void)state;
	world_new(&w, 4);
	buf_init(&inner, 1 << 16);
	write_with_engine(&form, &w, &inner);
	for (int two = 0; two < 2; two++) {
		struct slice parts[PACKETS_MAX], other[PACKETS_MAX + 1];
		size_t n = split(buf_slice(&inner), parts);

		assert_int_equal(n, 3);
		for (int what = 0; what < 9; what++) {
			struct form read = { "inside", .container = two ? PGP_CONTAINER_SEIPD2 : PGP_CONTAINER_SEIPD1 };
			struct pgp_session session = { 0, SECRET_EMPTY };
			size_t i = (size_t)what % 3, count = n;
			struct buf plain, message;

			memcpy(other, parts, sizeof parts);
			if (what < 3) { /* dropped */
				memmove(other + i, other + i + 1, (n - i) * sizeof *other);
				count = n - 1;
			} else if (what < 6) { /* doubled */
				memmove(other + i + 1, parts + i, (n - i) * sizeof *other);
				count = n + 1;
			} else { /* swapped */
				other[i] = parts[(i + 1) % 3];
				other[(i + 1) % 3] = parts[i];
			}
			buf_init(&plain, 1 << 16);
			buf_init(&message, 1 << 16);
			for (size_t k = 0; k < count; k++)
				(void)buf_put_slice(&plain, other[k]);
			assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
			assert_ok(pgp_pkesk_write(two ? 6 : 3, encryption_key(&w.f), &session, &message, &unit_error));
			put_seipd(two ? PGP_OCB : 0, &session, buf_slice(&plain), &message);
			/* Without a one-pass packet the signature behind has nothing that announced it, and so on. */
			if (read_form(&read, &w, buf_slice(&message)) == 0)
				fail_msg("SEIPDv%d, disorder %d was taken", two + 1, what);
			pgp_session_done(&session);
			buf_done(&plain);
			buf_done(&message);
		}
	}
	buf_done(&inner);
	fixture_done(&w.f);
}

/* ---- single things ---- */

static void
the_old_packet_only_when_asked_for(void **state)
{
	const struct form sed = { "9", .container = PGP_CONTAINER_SED },
			  strict = { "9", .container = PGP_CONTAINER_SEIPD1 };
	struct world w;
	struct buf message;

	(void)state;
	world_new(&w, 4);
	buf_init(&message, 1 << 16);
	write_by_hand(&sed, &w, &message);
	assert_ok(read_form(&sed, &w, buf_slice(&message)));
	assert_int_equal(read_form(&strict, &w, buf_slice(&message)), ERR_POLICY);
	buf_done(&message);
	fixture_done(&w.f);
}

/* SEIPDv1 is turned into packet type 9 by its header alone, and type 20 into SEIPD: neither opens. */
static void
no_downgrade(void **state)
{
	static const struct {
		enum pgp_container from, to;
		uint8_t to_type;
		size_t drop; /* octets in front of the body that the other form does not have */
	} rows[] = {
		{ PGP_CONTAINER_SEIPD1, PGP_CONTAINER_SEIPD1, PGP_SED, 1 },
		{ PGP_CONTAINER_SEIPD2, PGP_CONTAINER_SEIPD1, PGP_SED, 36 },
		{ PGP_CONTAINER_SEIPD2, PGP_CONTAINER_LIBRE, PGP_AEAD_LIBRE, 0 },
		{ PGP_CONTAINER_LIBRE, PGP_CONTAINER_SEIPD2, PGP_SEIPD, 0 },
		{ PGP_CONTAINER_LIBRE, PGP_CONTAINER_SEIPD1, PGP_SED, 19 },
		{ PGP_CONTAINER_SED, PGP_CONTAINER_SEIPD1, PGP_SEIPD, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct form from = { "from", .container = rows[i].from, .aead = PGP_OCB };
		const struct form to = { "to", .container = rows[i].to };
		struct slice parts[PACKETS_MAX];
		struct pgp_packet p;
		struct world w;
		struct buf message, other;
		size_t at = 0;

		world_new(&w, 4);
		buf_init(&message, 1 << 16);
		buf_init(&other, 1 << 16);
		write_by_hand(&from, &w, &message);
		assert_int_equal(split(buf_slice(&message), parts), 2);
		assert_int_equal(pgp_packet_next(parts[1], &at, &p, &unit_error), 1);
		(void)buf_put_slice(&other, parts[0]);
		assert_int_equal(pgp_packet_write(&other, rows[i].to_type, slice_from(p.body, rows[i].drop)), 0);
		assert_true(read_form(&to, &w, buf_slice(&other)) < 0);
		buf_done(&message);
		buf_done(&other);
		fixture_done(&w.f);
	}
}

/* The padded lengths are Padme's: few, near, and never less. */
static void
padding_hides_the_length(void **state)
{
	size_t seen[200] = { 0 }, count = 0;

	(void)state;
	for (size_t n = 1; n < 4000; n += 7) {
		const struct pgp_encrypt_spec spec = { .container = PGP_CONTAINER_SEIPD2,
			.passphrases = &password,
			.passphrase_count = 0,
			.padding = PGP_PAD_PADME };
		struct pgp_encrypt_spec padded = spec;
		static uint8_t data[4000];
		static struct fixture f;
		const struct pgp_key *key;
		struct buf out;
		bool known = false;

		if (f.cert == NULL)
			fixture_new(&f, 6, NOW, false);
		key = encryption_key(&f);
		padded.recipients = &key;
		padded.recipient_count = 1;
		buf_init(&out, 1 << 16);
		assert_ok(pgp_encrypt(&padded, slice_of(data, n), &out, &unit_error));
		for (size_t i = 0; i < count; i++)
			known = known || seen[i] == out.len;
		if (!known)
			seen[count++] = out.len;
		assert_true(out.len < n + n / 8 + 400);
		buf_done(&out);
		if (n + 7 >= 4000)
			fixture_done(&f);
	}
	assert_true(count > 5 && count < 90);
}

/* Who reads one with many recipients and passphrases, hidden or not; and what a bound ends. */
static void
many_readers(void **state)
{
	static const struct slice passes[] = { { (const uint8_t *)"one", 3 }, { (const uint8_t *)"two", 3 },
		{ (const uint8_t *)"three", 5 } };
	struct fixture f[3];
	const struct pgp_key *keys[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		fixture_new(&f[i], i == 1 ? 6 : 4, NOW, false);
		keys[i] = encryption_key(&f[i]);
	}
	for (int c = PGP_CONTAINER_SEIPD1; c <= PGP_CONTAINER_SEIPD2; c++) {
		struct pgp_encrypt_spec spec = { .container = (enum pgp_container)c,
			.recipients = keys,
			.recipient_count = 3,
			.hide_recipients = c == PGP_CONTAINER_SEIPD2,
			.passphrases = passes,
			.passphrase_count = 2 };
		struct buf out;
		struct taker t;

		buf_init(&out, 1 << 20);
		assert_ok(pgp_encrypt(&spec, letter, &out, &unit_error));
		for (int i = 0; i < 5; i++) {
			struct reader_of r;

			reader_for(&r, i < 3 ? &f[i] : NULL);
			r.spec.passphrases = i < 3 ? NULL : i == 3 ? &passes[1] : &passes[2];
			r.spec.passphrase_count = i < 3 ? 0 : 1;
			assert_int_equal(
			    read_message(&r.spec, buf_slice(&out), 1000, &t, NULL), i < 4 ? 0 : ERR_PASSWORD);
			taker_done(&t);
		}
		buf_done(&out);
	}
	for (int i = 0; i < 3; i++)
		fixture_done(&f[i]);
}

static void
tries_are_bounded(void **state)
{
	struct pgp_session session = { 0, SECRET_EMPTY };
	struct fixture a, b;

	(void)state;
	fixture_new(&a, 4, NOW, false);
	fixture_new(&b, 4, NOW, false);
	assert_ok(pgp_session_new(PGP_AES256, &session, &unit_error));
	for (int hidden = 0; hidden < 2; hidden++) {
		struct reader_of r;
		struct taker t;
		struct buf out, one;
		size_t head;

		buf_init(&out, 1 << 20);
		buf_init(&one, 1 << 16);
		assert_ok((hidden ? pgp_pkesk_write_hidden : pgp_pkesk_write)(
		    3, encryption_key(&b), &session, &one, &unit_error));
		head = one.len;
		for (int i = 0; i < 300; i++) {
			uint64_t id = encryption_key(&a)->key_id;

			for (int k = 0; k < 8 && !hidden; k++) /* says that it is for a */
				one.data[3 + k] = (uint8_t)(id >> (56 - 8 * k));
			(void)buf_put(&out, one.data, head);
		}
		put_seipd(0, &session,
		    SLICE("\xcb\x06"
			  "b\0\0\0\0"),
		    &out);
		reader_for(&r, &a);
		assert_int_equal(read_message(&r.spec, buf_slice(&out), 1000, &t, NULL), ERR_LIMIT);
		taker_done(&t);
		buf_done(&out);
		buf_done(&one);
	}
	pgp_session_done(&session);
	fixture_done(&a);
	fixture_done(&b);
}

static void
an_error_says_where(void **state)
{
	const struct form form = { "v1", .container = PGP_CONTAINER_SEIPD1 };
	struct world w;
	struct buf message;
	struct pgp_packet p;
	char want[80];
	size_t at = 0;

	(void)state;
	world_new(&w, 4);
	buf_init(&message, 1 << 16);
	write_by_hand(&form, &w, &message);
	message.data[message.len - 1] ^= 1;
	assert_int_equal(read_form(&form, &w, buf_slice(&message)), ERR_INTEGRITY);
	assert_int_equal(pgp_packet_next(buf_slice(&message), &at, &p, NULL), 1);
	(void)snprintf(want, sizeof want, "packet of type 18 at octet %zu: ", at);
	assert_true(slice_starts(slice_str(unit_error.text), slice_str(want)));
	assert_int_equal(unit_error.offset, at);
	buf_done(&message);
	fixture_done(&w.f);
}

static void
unproven_only_when_asked_for(void **state)
{
	const struct form form = { "v1", .container = PGP_CONTAINER_SEIPD1 };
	struct world w;
	struct buf message;

	(void)state;
	world_new(&w, 4);
	buf_init(&message, 1 << 16);
	write_by_hand(&form, &w, &message);
	message.data[message.len - 1] ^= 1;
	for (int release = 0; release < 2; release++) {
		struct reader_of r;
		struct taker t;

		reader_for(&r, &w.f);
		r.spec.release_unproven = release;
		assert_int_equal(read_message(&r.spec, buf_slice(&message), 50, &t, NULL), ERR_INTEGRITY);
		assert_int_equal(t.out.len, release ? letter.len : 0);
		taker_done(&t);
	}
	buf_done(&message);
	fixture_done(&w.f);
}

static void
each_allocation_of_writing_fails(void **state)
{
	struct fixture f;
	const struct pgp_key *key;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	key = encryption_key(&f);
	for (int z = PGP_UNCOMPRESSED; z <= PGP_BZIP2; z++) {
		struct pgp_encrypt_spec spec = { .container = PGP_CONTAINER_SEIPD2,
			.recipients = &key,
			.recipient_count = 1,
			.hide_recipients = true,
			.compression = (uint8_t)z,
			.padding = PGP_PAD_PADME,
			.armor = true };
		bool whole = false;

		for (long n = 0; !whole && n < 1000; n++) {
			struct buf out;

			buf_init(&out, 1 << 20);
			mem_fail_after(n);
			whole = pgp_encrypt(&spec, letter, &out, NULL) == 0;
			mem_fail_after(-1);
			buf_done(&out);
		}
		assert_true(whole);
	}
	fixture_done(&f);
}

static void
each_allocation_of_reading_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		bool whole = false;
		struct world w;
		struct buf message;

		world_new(&w, 4);
		buf_init(&message, 1 << 16);
		forms[i].write(&forms[i], &w, &message);
		for (long n = 0; !whole && n < 1000; n++) {
			struct reader_of r;
			struct taker t;
			int rc;

			reader_for(&r, &w.f);
			r.spec.passphrases = &cheap_pass;
			r.spec.accept_unauthenticated_old_packet = true;
			r.spec.unencrypted = true;
			mem_fail_after(n);
			rc = read_message(&r.spec, buf_slice(&message), 1000, &t, NULL);
			mem_fail_after(-1);
			whole = rc == 0;
			if (!whole && rc != ERR_NOMEM)
				fail_msg("%s, allocation %ld: %d", forms[i].name, n, rc);
			assert_true(slice_starts(letter, buf_slice(&t.out)));
			taker_done(&t);
		}
		assert_true(whole);
		buf_done(&message);
		fixture_done(&w.f);
	}
}

UNIT_MAIN(UNIT_TEST(each_opens), UNIT_TEST(each_cut_at_every_length), UNIT_TEST(each_with_bits_flipped),
    UNIT_TEST(each_in_disorder), UNIT_TEST(disorder_inside), UNIT_TEST(the_old_packet_only_when_asked_for),
    UNIT_TEST(no_downgrade), UNIT_TEST(padding_hides_the_length), UNIT_TEST(many_readers), UNIT_TEST(tries_are_bounded),
    UNIT_TEST(an_error_says_where), UNIT_TEST(unproven_only_when_asked_for),
    UNIT_TEST(each_allocation_of_writing_fails), UNIT_TEST(each_allocation_of_reading_fails))
