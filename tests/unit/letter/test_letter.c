/* SPDX-License-Identifier: ISC */
#include "letter_kit.h"
#include "mime/decode.h"

static struct person ann, bob, eve;
static struct people people;

/* v4 keys that read SEIPDv2, v4 keys that do not, v6 keys. */
static const struct {
	uint8_t version;
	bool old_reader;
} kinds[] = { { 4, true }, { 4, false }, { 6, false } };

static void
everybody_new(size_t kind)
{
	person_new(&ann, "ann", "Ann <ann@a.test>", kinds[kind].version, kinds[kind].old_reader);
	person_new(&bob, "bob", "Bob <bob@a.test>", kinds[kind].version, kinds[kind].old_reader);
	person_new(&eve, "eve", "Eve <eve@a.test>", kinds[kind].version, kinds[kind].old_reader);
	people = (struct people){ .known = { &ann, &bob, &eve }, .count = 3 };
}

static void
everybody_done(void)
{
	person_done(&ann);
	person_done(&bob);
	person_done(&eve);
}

static void
sealed_letters_open(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
		struct mime_letter l;
		struct letter_opened *o;
		struct buf mail;

		everybody_new(kind);
		l = letter_from(&ann, &bob, "A secret", "Hello Bob,\ntrailing \nFrom me.\n");
		buf_init(&mail, 1 << 20);
		seal_for(&l, &ann, &bob, &mail);
		assert_true(slice_search(buf_slice(&mail), SLICE("secret")) == SIZE_MAX);
		assert_true(slice_search(buf_slice(&mail), SLICE("Subject: [...]\r\n")) != SIZE_MAX);
		o = open_as(&bob, &people, buf_slice(&mail));
		assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
		assert_text(o, "Hello Bob,\ntrailing \nFrom me.\n");
		assert_field(o, "Subject", "A secret", LETTER_FIELD_BOTH);
		assert_field(o, "From", "ann@a.test", LETTER_FIELD_SIGNED);
		assert_true(letter_opened_verdict(o)->subject_hidden);
		assert_true(letter_opened_verdict(o)->headers_protected);
		assert_int_equal(letter_opened_verdict(o)->note_count, 0);
		assert_int_equal(letter_opened_verdict(o)->signed_at, NOW);
		assert_true(pgp_fingerprint_eq(&letter_opened_verdict(o)->signer, &ann.cert->primary->fingerprint));
		letter_opened_free(o);
		/* The sender reads it too; a stranger does not. */
		o = open_as(&ann, &people, buf_slice(&mail));
		assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
		letter_opened_free(o);
		o = open_as(&eve, &people, buf_slice(&mail));
		assert_status(o, LETTER_CLOSED, LETTER_SIGNATURE_NONE, __LINE__);
		assert_null(letter_opened_root(o));
		assert_int_equal(letter_opened_verdict(o)->closed_reason, ERR_NO_KEY);
		letter_opened_free(o);
		o = open_as(NULL, NULL, buf_slice(&mail));
		assert_status(o, LETTER_CLOSED, LETTER_SIGNATURE_NONE, __LINE__);
		letter_opened_free(o);
		/* Without the sender's certificate it is encrypted, and nobody vouches. */
		o = open_as(&bob, NULL, buf_slice(&mail));
		assert_status(o, LETTER_ENCRYPTED, LETTER_SIGNATURE_UNKNOWN, __LINE__);
		assert_field(o, "Subject", "A secret", LETTER_FIELD_ENCRYPTED);
		assert_field(o, "From", "ann@a.test", LETTER_FIELD_UNPROTECTED);
		letter_opened_free(o);
		buf_done(&mail);
		everybody_done();
	}
}

/* The payload as RFC 9788 wants it, and as older readers do. */
static void
headers_are_protected(void **state)
{
	static const char *const wanted[] = { "\r\nSubject: A secret\r\n", "\r\nHP-Outer: Subject: [...]\r\n",
		"\r\nHP-Outer: From: ann@a.test\r\n",
		"\r\nHP-Outer: Date: ", "\r\nHP-Outer: Message-ID: <one@a.test>\r\n",
		"hp=\"cipher\"; protected-headers=\"v1\"" };
	struct mime_extra keywords = { "Keywords", { (const uint8_t *)"hush", 4 } };
	struct mime_letter l;
	struct letter_opened *o;
	struct slice payload;
	struct buf mail;

	(void)state;
	everybody_new(0);
	l = letter_from(&ann, &bob, "A secret", "Hello\n");
	l.extra = &keywords;
	l.extra_count = 1;
	buf_init(&mail, 1 << 20);
	seal_for(&l, &ann, &bob, &mail);
	o = open_as(&bob, &people, buf_slice(&mail));
	payload = letter_opened_source(o);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_true(slice_search(payload, slice_str(wanted[i])) != SIZE_MAX);
	assert_field(o, "Keywords", "hush", LETTER_FIELD_BOTH);
	assert_true(slice_search(payload, SLICE("HP-Outer: Keywords")) == SIZE_MAX);
	assert_int_equal(letter_opened_outer_field(o, "Keywords").len, 0);
	assert_slice(letter_opened_outer_field(o, "Subject"), "[...]");
	letter_opened_free(o);
	buf_done(&mail);
	everybody_done();
}

static void
signed_letters_verify(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
		struct mime_letter l;
		struct letter_opened *o;
		struct buf mail, lf;

		everybody_new(kind);
		l = letter_from(&ann, &bob, "Open", "Everybody may read this.\n");
		buf_init(&mail, 1 << 20);
		buf_init(&lf, 1 << 20);
		sign_as(&l, &ann, &mail);
		assert_true(slice_search(buf_slice(&mail), SLICE("hp=\"clear\"")) != SIZE_MAX);
		assert_true(slice_search(buf_slice(&mail), SLICE("HP-Outer")) == SIZE_MAX);
		o = open_as(&bob, &people, buf_slice(&mail));
		assert_status(o, LETTER_SIGNED, LETTER_SIGNATURE_GOOD, __LINE__);
		assert_field(o, "Subject", "Open", LETTER_FIELD_SIGNED);
		assert_text(o, "Everybody may read this.\n");
		assert_false(letter_opened_verdict(o)->subject_hidden);
		letter_opened_free(o);
		/* A mailbox that keeps LF only (RFC 3156 section 5). */
		for (size_t i = 0; i < mail.len; i++) {
			if (mail.data[i] != '\r')
				(void)buf_put_u8(&lf, mail.data[i]);
		}
		o = open_as(&bob, &people, buf_slice(&lf));
		assert_status(o, LETTER_SIGNED, LETTER_SIGNATURE_GOOD, __LINE__);
		letter_opened_free(o);
		o = open_as(&bob, NULL, buf_slice(&mail));
		assert_status(o, LETTER_PLAIN, LETTER_SIGNATURE_UNKNOWN, __LINE__);
		assert_false(letter_opened_verdict(o)->headers_protected);
		letter_opened_free(o);
		buf_done(&mail);
		buf_done(&lf);
		everybody_done();
	}
}

static void
plain_mail_is_plain(void **state)
{
	static const char *const mails[] = { "From: a@b\r\nSubject: x\r\n\r\ntext\r\n", "text only", "",
		"From: a@b\nContent-Type: text/plain; hp=\"cipher\"; protected-headers=\"v1\"\n\nx\n" };

	(void)state;
	for (size_t i = 0; i < sizeof mails / sizeof mails[0]; i++) {
		struct letter_opened *o = open_as(NULL, NULL, slice_str(mails[i]));

		assert_status(o, LETTER_PLAIN, LETTER_SIGNATURE_NONE, __LINE__);
		assert_false(letter_opened_verdict(o)->headers_protected);
		assert_int_equal(letter_opened_verdict(o)->note_count, 0);
		assert_non_null(letter_opened_root(o));
		letter_opened_free(o);
	}
}

static int
read_zeros(void *ctx, uint8_t *to, size_t room, size_t *got, struct error *e)
{
	size_t *left = ctx, n = size_min(*left, room);

	(void)e;
	memset(to, 'z', n);
	*left -= n;
	*got = n;
	return 0;
}

struct meter {
	struct buf *all;
	size_t piece_max;
};

static int
measure(void *ctx, struct slice piece, struct error *e)
{
	struct meter *m = ctx;

	if (piece.len > m->piece_max)
		m->piece_max = piece.len;
	return mime_sink_buf(m->all).write(m->all, piece, e);
}

static void
large_attachments_pass_in_pieces(void **state)
{
	size_t left = 20 << 20;
	struct mime_attachment file = { .name = slice_str("big.bin"), .read = read_zeros, .ctx = &left };
	const struct pgp_cert *recipients[] = { NULL };
	struct pgp_policy policy = pgp_policy_default(NOW);
	struct letter_seal_spec spec = { .recipients = recipients, .recipient_count = 1, .policy = &policy };
	struct buf mail, data, name;
	struct meter m = { .all = &mail };
	struct mime_letter l;
	struct letter_opened *o;

	(void)state;
	everybody_new(1);
	l = letter_from(&ann, &bob, "Big", "See the file.\n");
	l.attachments = &file;
	l.attachment_count = 1;
	spec.letter = &l;
	spec.sender = ann.cert;
	spec.keys = pgp_memory_keys_ops(ann.keys);
	recipients[0] = bob.cert;
	buf_init(&mail, 64 << 20);
	buf_init(&data, 32 << 20);
	buf_init(&name, 300);
	assert_ok(letter_seal(&spec, (struct mime_sink){ measure, &m }, &unit_error));
	assert_true(m.piece_max < 4 << 20);
	o = open_as(&bob, &people, buf_slice(&mail));
	assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
	assert_text(o, "See the file.\n");
	assert_non_null(letter_opened_attachment(o, 0));
	assert_null(letter_opened_attachment(o, 1));
	assert_int_equal(mime_part_decode(letter_opened_source(o), letter_opened_attachment(o, 0), &data), 0);
	assert_int_equal(data.len, 20 << 20);
	assert_int_equal(data.data[data.len - 1], 'z');
	assert_int_equal(mime_part_filename(letter_opened_attachment(o, 0), &name), 0);
	assert_slice(buf_slice(&name), "big.bin");
	letter_opened_free(o);
	buf_done(&mail);
	buf_done(&data);
	buf_done(&name);
	everybody_done();
}

static void
sealing_refuses_what_it_must(void **state)
{
	struct pgp_policy policy = pgp_policy_default(NOW);
	const struct pgp_cert *recipients[1];
	struct letter_seal_spec spec = { .recipients = recipients, .policy = &policy };
	struct mime_letter l;
	struct error e = { 0 };
	struct buf mail;

	(void)state;
	everybody_new(0);
	l = letter_from(&ann, &bob, "x", "y\n");
	recipients[0] = bob.cert;
	spec.letter = &l;
	spec.sender = ann.cert;
	spec.keys = pgp_memory_keys_ops(ann.keys);
	buf_init(&mail, 1 << 20);
	assert_int_equal(letter_seal(&spec, mime_sink_buf(&mail), NULL), ERR_USAGE);
	spec.recipient_count = 1;
	/* Somebody else's secrets. */
	spec.keys = pgp_memory_keys_ops(bob.keys);
	assert_int_equal(letter_seal(&spec, mime_sink_buf(&mail), &e), ERR_NO_KEY);
	assert_true(slice_search(slice_str(e.text), SLICE("Ann")) != SIZE_MAX);
	spec.keys = pgp_memory_keys_ops(ann.keys);
	l.subject = slice_str("x\r\nBcc: y");
	assert_int_equal(letter_seal(&spec, mime_sink_buf(&mail), NULL), ERR_USAGE);
	l.subject = slice_str("x");
	l.date = -5;
	assert_int_equal(letter_seal(&spec, mime_sink_buf(&mail), NULL), ERR_USAGE);
	l.date = NOW;
	/* Before the keys were made. */
	policy = pgp_policy_default(NOW - 100000);
	assert_int_equal(letter_seal(&spec, mime_sink_buf(&mail), NULL), ERR_NO_KEY);
	buf_done(&mail);
	everybody_done();
}

/* RFC 9788 section 4.5.3: the lines for older readers are not shown again. */
static void
legacy_display_is_not_shown(void **state)
{
	struct letter_opened *o;
	struct buf mail;

	(void)state;
	everybody_new(0);
	buf_init(&mail, 1 << 20);
	wrap_encrypted("From: ann@a.test\r\nSubject: [...]\r\n",
	    SLICE("From: ann@a.test\r\nSubject: x\r\nHP-Outer: Subject: [...]\r\nHP-Outer: From: ann@a.test\r\n"
		  "Content-Type: text/plain; hp=\"cipher\"; hp-legacy-display=\"1\"\r\n\r\nSubject: x\r\n\r\nThe "
		  "text.\r\n"),
	    &ann, &bob, &mail);
	o = open_as(&bob, &people, buf_slice(&mail));
	assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
	assert_text(o, "The text.\n");
	letter_opened_free(o);
	buf_done(&mail);
	everybody_done();
}

/* Other programs' forms: signed inside as a part of its own (RFC 3156 6.1), and without header protection. */
static void
other_forms_open(void **state)
{
	struct letter_opened *o;
	struct buf mail, inner;

	(void)state;
	everybody_new(0);
	buf_init(&mail, 1 << 20);
	buf_init(&inner, 1 << 20);
	wrap_signed("", SLICE("Content-Type: text/plain\r\n\r\nnested\r\n"), &ann, &inner);
	wrap_encrypted("From: Ann <ANN@A.test>\r\nSubject: open\r\n", buf_slice(&inner), NULL, &bob, &mail);
	o = open_as(&bob, &people, buf_slice(&mail));
	assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
	assert_text(o, "nested\n");
	assert_field(o, "Subject", "open", LETTER_FIELD_UNPROTECTED);
	assert_false(letter_opened_verdict(o)->headers_protected);
	assert_true(noted(o, "not the subject"));
	letter_opened_free(o);
	/* Only the old marker, only the subject inside. */
	buf_clear(&mail);
	wrap_encrypted("From: ann@a.test\r\nSubject: ...\r\n",
	    SLICE("Subject: true\r\nContent-Type: text/plain; protected-headers=\"v1\"\r\n\r\nold\r\n"), &ann, &bob,
	    &mail);
	o = open_as(&bob, &people, buf_slice(&mail));
	assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
	assert_field(o, "Subject", "true", LETTER_FIELD_BOTH);
	assert_field(o, "From", "ann@a.test", LETTER_FIELD_UNPROTECTED);
	letter_opened_free(o);
	/* Encrypted only. */
	buf_clear(&mail);
	wrap_encrypted("From: ann@a.test\r\n", SLICE("\r\nunsigned\r\n"), NULL, &bob, &mail);
	o = open_as(&bob, &people, buf_slice(&mail));
	assert_status(o, LETTER_ENCRYPTED, LETTER_SIGNATURE_NONE, __LINE__);
	assert_text(o, "unsigned\n");
	letter_opened_free(o);
	buf_done(&mail);
	buf_done(&inner);
	everybody_done();
}

UNIT_MAIN(UNIT_TEST(other_forms_open), UNIT_TEST(sealed_letters_open), UNIT_TEST(headers_are_protected),
    UNIT_TEST(signed_letters_verify), UNIT_TEST(plain_mail_is_plain), UNIT_TEST(large_attachments_pass_in_pieces),
    UNIT_TEST(sealing_refuses_what_it_must), UNIT_TEST(legacy_display_is_not_shown))
