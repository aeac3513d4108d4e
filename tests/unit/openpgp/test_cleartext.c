/* SPDX-License-Identifier: ISC */
/* The cleartext framework (RFC 9580 section 7): round trips, what comes out, and the tricks that are known. */
#include "unit.h"

#include "base/mem.h"
#include "openpgp/sig/inline.h"
#include "openpgp_helpers.h"

#define NOW 1700000000u

/* A text that comes in pieces of a size, and may begin again. */
struct pieces {
	struct slice all, left;
	size_t size;
};

static int
pieces_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	*piece_out = slice_sub(p->left, 0, p->size);
	p->left = slice_from(p->left, piece_out->len);
	return 0;
}

static int
pieces_again(void *ctx, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	p->left = p->all;
	return 0;
}

static struct pgp_reread
reread(struct pieces *p, struct slice all, size_t size, bool twice)
{
	*p = (struct pieces){ all, all, size };
	return (struct pgp_reread){ { pieces_next, p }, twice ? pieces_again : NULL, p };
}

static void
sign_text(const struct fixture *f, size_t signers, struct slice text, size_t step, struct buf *out)
{
	struct pgp_signer signer[3];
	struct pgp_maker_spec spec = {
		.signers = signer, .signer_count = signers, .type = PGP_SIG_TEXT, .created = NOW
	};
	struct pgp_cleartext_writer *w;
	struct pgp_maker *m;

	for (size_t i = 0; i < signers; i++)
		signer[i] = (struct pgp_signer){ fixture_signer(&f[i]), pgp_memory_keys_ops(f[i].memory) };
	buf_init(out, 64 << 20);
	assert_ok(pgp_maker_new(&m, &spec, &unit_error));
	assert_ok(pgp_cleartext_writer_new(m, pgp_sink_buf(out), &w, &unit_error));
	for (size_t at = 0; at < text.len; at += step)
		assert_ok(pgp_cleartext_writer_put(w, slice_sub(text, at, step), &unit_error));
	assert_ok(pgp_cleartext_writer_end(w, &unit_error));
	pgp_cleartext_writer_free(w);
	pgp_maker_free(m);
}

struct outcome {
	int rc;
	struct buf text;
	struct pgp_inline_result result;
	size_t good, count;
	struct error error;
};

static void
verify_text(const struct pgp_certs *certs, struct slice message, size_t step, bool twice, struct outcome *o)
{
	struct pgp_policy policy = pgp_policy_default(NOW + 1);
	struct pgp_verifier *v;
	struct pieces p;

	*o = (struct outcome){ .rc = 0 };
	buf_init(&o->text, 64 << 20);
	assert_ok(pgp_verifier_new(&v, certs, &policy, &unit_error));
	o->rc = pgp_inline_verify(reread(&p, message, step, twice), v, pgp_plain_buf(&o->text), &o->result, &o->error);
	o->count = pgp_verifier_count(v);
	o->good = pgp_verifier_good(v);
	pgp_verifier_free(v);
}

/* ---- round trips ---- */

static void
check_round(const struct fixture *f, struct slice text, struct slice signed_text)
{
	static const size_t steps[] = { 1, 3, 7, 255, 256, 257, 1 << 20 };
	struct outcome o;
	struct buf message;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		sign_text(f, 1, text, steps[i], &message);
		for (size_t k = 0; k < 2; k++) {
			verify_text(&f->certs, buf_slice(&message), steps[i], k == 0, &o);
			if (o.rc != 0)
				fail_msg("step %zu: %s\n%.*s", steps[i], o.error.text, (int)message.len,
				    (const char *)message.data);
			assert_int_equal(o.good, 1);
			assert_true(o.result.cleartext);
			assert_false(o.result.framework.before || o.result.framework.after);
			assert_int_equal(o.result.framework.unescaped, 0);
			assert_slices(buf_slice(&o.text), signed_text);
			assert_int_equal(o.result.length, signed_text.len);
			buf_done(&o.text);
		}
		buf_done(&message);
	}
}

static void
round_trips(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: the same */
	} rows[] = {
		{ "", NULL }, { "\n", NULL }, { "\n\n\n", NULL }, { "one line", NULL }, { "one line\n", NULL },
		{ "one line\r\n", NULL }, { "mixed\r\nline\nends\r\n\n\r\n", NULL },
		{ "- a dash\n-\n--\n-- \n---\n -\n", "- a dash\n-\n--\n--\n---\n -\n" },
		{ "-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n", NULL },
		{ "- -----BEGIN PGP SIGNATURE-----\n", NULL }, { "From here\nFrom\nFromage\n>From me\n", NULL },
		{ "Fro", NULL },
		{ "blanks \nand tabs\t\t\nboth \t \r\nand none  ", "blanks\nand tabs\nboth\r\nand none" },
		{ " \n\t\n \t \r\n", "\n\n\r\n" }, { "  in front\n\tstays\n", NULL },
		{ "form\ffeed\f\n\fat the front\n\v\n", NULL },
		{ "\xc3\xa4\xe2\x80\xa8\xc2\xa0\n\xc2\xa0", NULL }, /* other blanks are text */
	};
	struct fixture v4, v6;

	(void)state;
	fixture_new(&v4, 4, NOW, true);
	fixture_new(&v6, 6, NOW, false);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice in = slice_str(rows[i].in), out = slice_str(rows[i].out);

		check_round(&v4, in, rows[i].out == NULL ? in : out);
		check_round(&v6, in, rows[i].out == NULL ? in : out);
	}
	fixture_done(&v4);
	fixture_done(&v6);
}

/* Lines of any length pass in constant memory: GnuPG cut what it hashed at 20,000 octets. */
static void
long_lines(void **state)
{
	static const char tail[] = "\nand a second\f\n";
	struct fixture f;
	struct outcome o;
	struct buf text, message;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	buf_init(&text, 8 << 20);
	for (size_t i = 0; i < 3000000; i++)
		(void)buf_put_u8(&text, i % 20000 == 19999 ? '\f' : (uint8_t)('a' + i % 26));
	(void)buf_put_str(&text, tail);
	sign_text(&f, 1, buf_slice(&text), 4096, &message);
	verify_text(&f.certs, buf_slice(&message), 65536, true, &o);
	assert_int_equal(o.rc, 0);
	assert_slices(buf_slice(&o.text), buf_slice(&text));
	buf_done(&o.text);
	/* Any octet of the long line matters. */
	for (size_t at = 100; at < text.len; at += 311111) {
		message.data[at] ^= 1;
		verify_text(&f.certs, buf_slice(&message), 65536, true, &o);
		assert_int_equal(o.rc, ERR_SIGNATURE);
		assert_int_equal(o.text.len, 0);
		buf_done(&o.text);
		message.data[at] ^= 1;
	}
	buf_done(&message);
	buf_done(&text);
	fixture_done(&f);
}

static void
headers_by_version(void **state)
{
	struct fixture f[2];
	struct outcome o;
	struct pgp_certs both = { 0 };
	struct buf message;

	(void)state;
	fixture_new(&f[0], 4, NOW, true);
	fixture_new(&f[1], 6, NOW, false);
	sign_text(&f[0], 1, SLICE("x\n"), 9, &message);
	assert_true(
	    slice_starts(buf_slice(&message), SLICE("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nx\n\n")));
	/* The checksum is there for old readers of version 4, and only there. */
	assert_true(slice_search(buf_slice(&message), SLICE("\n=")) != SIZE_MAX);
	buf_done(&message);
	sign_text(&f[1], 1, SLICE("x\n"), 9, &message);
	assert_true(slice_starts(buf_slice(&message), SLICE("-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n\n")));
	assert_true(slice_search(buf_slice(&message), SLICE("\n=")) == SIZE_MAX);
	buf_done(&message);
	/* Two signers of both versions: each signature is good under its certificate. */
	sign_text(f, 2, SLICE("x\n"), 9, &message);
	for (size_t i = 0; i < 2; i++) {
		verify_text(&f[i].certs, buf_slice(&message), 9, true, &o);
		assert_int_equal(o.rc, 0);
		assert_int_equal(o.count, 2);
		assert_int_equal(o.good, 1);
		buf_done(&o.text);
	}
	verify_text(&both, buf_slice(&message), 9, true, &o);
	assert_int_equal(o.rc, ERR_SIGNATURE);
	assert_int_equal(o.text.len, 0);
	buf_done(&o.text);
	buf_done(&message);
	fixture_done(&f[0]);
	fixture_done(&f[1]);
}

static void
what_is_not_signed_so(void **state)
{
	static const char *const lone[] = { "a\rb\n", "a\r", "\r", "a \r \n", "a\r\r\n" };
	struct fixture f;
	struct pgp_signer signer;
	struct pgp_maker_spec spec = { .signers = &signer, .signer_count = 1, .type = PGP_SIG_TEXT, .created = NOW };
	struct pgp_cleartext_writer *w;
	struct pgp_maker *m;
	struct buf out;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	signer = (struct pgp_signer){ fixture_signer(&f), pgp_memory_keys_ops(f.memory) };
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof lone / sizeof lone[0]; i++) {
		int rc;

		assert_ok(pgp_maker_new(&m, &spec, &unit_error));
		assert_ok(pgp_cleartext_writer_new(m, pgp_sink_buf(&out), &w, &unit_error));
		rc = pgp_cleartext_writer_put(w, slice_str(lone[i]), NULL);
		assert_int_equal(rc != 0 ? rc : pgp_cleartext_writer_end(w, NULL), ERR_USAGE);
		pgp_cleartext_writer_free(w);
		pgp_maker_free(m);
	}
	spec.type = PGP_SIG_BINARY;
	assert_ok(pgp_maker_new(&m, &spec, &unit_error));
	assert_int_equal(pgp_cleartext_writer_new(m, pgp_sink_buf(&out), &w, NULL), ERR_USAGE);
	pgp_maker_free(m);
	buf_done(&out);
	fixture_done(&f);
}

/* ---- tricks ---- */

static void
replace(struct slice in, const char *from, const char *to, struct buf *out)
{
	size_t at = slice_search(in, slice_str(from));

	buf_init(out, 1 << 20);
	assert_true(at != SIZE_MAX);
	(void)buf_put_slice(out, slice_sub(in, 0, at));
	(void)buf_put_str(out, to);
	(void)buf_put_slice(out, slice_from(in, at + slice_str(from).len));
}

#define TOP "-----BEGIN PGP SIGNED MESSAGE-----\n"
#define HASH "Hash: SHA512\n"
#define SIG "\n-----BEGIN PGP SIGNATURE-----"
#define END "-----END PGP SIGNATURE-----\n"

static void
tricks(void **state)
{
	static const struct {
		const char *name, *from, *to;
		int rc;
	} rows[] = {
		{ "as it is", "pay", "pay", 0 },
		{ "changed text", "pay 1", "pay 9", ERR_SIGNATURE },
		{ "another line", SIG, "\nand more" SIG, ERR_SIGNATURE },
		{ "another empty line", SIG, "\n" SIG, ERR_SIGNATURE },
		{ "CR LF line ends", "pay 1\n", "pay 1\r\n", 0 },
		{ "blanks at a line's end", "pay 1\n", "pay 1 \t \n", 0 },
		{ "a form feed at a line's end", "pay 1\n", "pay 1\f\n", ERR_SIGNATURE },
		{ "a vertical tab at a line's end", "pay 1\n", "pay 1\v\n", ERR_SIGNATURE },
		{ "a form feed line", "pay 1\n", "\f\npay 1\n", ERR_SIGNATURE },
		{ "a NUL at a line's end", "pay 1\n", "pay 1\x01\n", ERR_SIGNATURE },
		{ "a no-break space", "pay 1\n", "pay 1\xc2\xa0\n", ERR_SIGNATURE },
		{ "a lone CR", "pay 1\n", "pay 1\rpay 9\n", ERR_SIGNATURE },
		{ "a lone CR for a line end", "pay 1\n", "pay 1\r", ERR_SIGNATURE },
		{ "an escape taken away", "\n- -Bob", "\n-Bob", 0 },
		{ "an escape added", "\npay", "\n- pay", 0 },
		{ "two escapes", "\npay", "\n- - pay", ERR_SIGNATURE },
		/* Hash headers (section 6.2.2.3): well formed they are ignored, otherwise everything is refused. */
		{ "no Hash header", HASH, "", 0 },
		{ "the wrong hash", HASH, "Hash: SHA1\n", 0 },
		{ "several hashes", HASH, "Hash: SHA256, SHA512,SHA3-256\nHash: MD5\n", 0 },
		{ "an unknown hash", HASH, "Hash: SHA999\n", ERR_SYNTAX },
		{ "text in the Hash header", HASH, "Hash: SHA512, pay 9 to Eve\n", ERR_SYNTAX },
		{ "an empty name", HASH, "Hash: SHA512,\n", ERR_SYNTAX },
		{ "nothing in it", HASH, "Hash:\n", ERR_SYNTAX },
		{ "lower case", HASH, "hash: SHA512\n", ERR_SYNTAX },
		{ "a form feed in it", HASH, "Hash: SHA512\f\n", ERR_SYNTAX },
		{ "a CR in it", HASH, "Hash: SHA512\r\rpay 9\n", ERR_SYNTAX },
		{ "NotDashEscaped", HASH, HASH "NotDashEscaped: You need GnuPG to verify this message\n", ERR_SYNTAX },
		{ "Comment", HASH, HASH "Comment: pay 9\n", ERR_SYNTAX },
		{ "Charset", HASH, HASH "Charset: utf-8\n", ERR_SYNTAX },
		{ "Version", HASH, "Version: 1\n" HASH, ERR_SYNTAX },
		{ "text without a colon", HASH, HASH "pay 9\n", ERR_SYNTAX },
		{ "no empty line", HASH "\n", HASH, ERR_SYNTAX },
		{ "a form feed for the empty line", HASH "\n", HASH "\f\n", ERR_SYNTAX },
		{ "a no-break space for it", HASH "\n", HASH "\xc2\xa0\n", ERR_SYNTAX },
		{ "blanks for it", HASH "\n", HASH " \t\r\n", 0 },
		{ "the empty line twice", HASH "\n", HASH "\n\n", ERR_SIGNATURE },
		/* Borders */
		{ "blanks behind the first", TOP, "-----BEGIN PGP SIGNED MESSAGE----- \t\r\n", 0 },
		{ "text behind the first", TOP, "-----BEGIN PGP SIGNED MESSAGE-----x\n", ERR_SYNTAX },
		{ "blanks before the first", TOP, " " TOP, ERR_SYNTAX },
		{ "text behind the second", SIG, SIG "x", ERR_SYNTAX },
		{ "a form feed behind the second", SIG, SIG "\f", ERR_SYNTAX },
		{ "a signed text in the text", "pay 1\n", "pay 1\n" TOP, ERR_SYNTAX },
		{ "a message in the text", "pay 1\n", "-----BEGIN PGP MESSAGE-----\npay 1\n", ERR_SYNTAX },
		{ "an end in the text", "pay 1\n", "pay 1\n" END, ERR_SYNTAX },
		{ "other armor for the signature", SIG, "\n-----BEGIN PGP MESSAGE-----", ERR_SYNTAX },
		/* Text around: never part of what comes out. */
		{ "text in front", TOP, "Dear Bob, pay 9.\n" TOP, 0 },
		{ "text behind", END, END "P.S. pay 9.\n", 0 },
		{ "a second text behind", END, END TOP "\npay 9\n" SIG "\n", ERR_SYNTAX },
		{ "a key behind", END, END "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", ERR_SYNTAX },
		{ "a message in front", TOP, "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n" TOP,
		    ERR_SYNTAX },
		/* Cut */
		{ "no end of the signature", END, "", ERR_TRUNCATED },
	};
	static const char text[] = "Alice\npay 1\n-Bob";
	struct fixture f;
	struct buf message, changed;
	struct outcome o;

	(void)state;
	fixture_new(&f, 4, NOW, true);
	sign_text(&f, 1, slice_str(text), 99, &message);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		replace(buf_slice(&message), rows[i].from, rows[i].to, &changed);
		for (size_t twice = 0; twice < 2; twice++) {
			verify_text(&f.certs, buf_slice(&changed), twice ? 5 : 4096, twice == 1, &o);
			if (o.rc != rows[i].rc)
				fail_msg("%s: %d, %s", rows[i].name, o.rc, o.error.text);
			/* What comes out is the signed text, or nothing. */
			if (o.rc != 0)
				assert_int_equal(o.text.len, 0);
			else if (slice_find(buf_slice(&o.text), '\r') == SIZE_MAX)
				assert_slice(buf_slice(&o.text), text);
			assert_int_equal(o.result.framework.before, strcmp(rows[i].name, "text in front") == 0);
			assert_int_equal(o.result.framework.after, strcmp(rows[i].name, "text behind") == 0);
			buf_done(&o.text);
		}
		buf_done(&changed);
	}
	buf_done(&message);
	fixture_done(&f);
}

/* Cut at every octet: never anything that verifies, never text. */
static void
cut_anywhere(void **state)
{
	struct fixture f;
	struct buf message;
	struct outcome o;
	size_t whole;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	sign_text(&f, 1, SLICE("Alice\n- pay 1\n"), 99, &message);
	whole = message.len - 1; /* the last line end is no loss */
	for (size_t len = 0; len < whole; len++) {
		verify_text(&f.certs, slice_sub(buf_slice(&message), 0, len), 4096, true, &o);
		if (o.rc == 0 || o.text.len != 0)
			fail_msg("cut at %zu of %zu", len, message.len);
		buf_done(&o.text);
	}
	buf_done(&message);
	fixture_done(&f);
}

/* More blanks in a row than anybody writes. */
static void
endless_blanks(void **state)
{
	struct fixture f;
	struct buf message, changed;
	struct outcome o;
	char *blanks = test_malloc(PGP_CLEARTEXT_BLANKS_MAX + 5002);

	(void)state;
	memset(blanks, ' ', PGP_CLEARTEXT_BLANKS_MAX + 5000);
	memcpy(blanks + PGP_CLEARTEXT_BLANKS_MAX + 5000, "x", 2);
	fixture_new(&f, 4, NOW, true);
	sign_text(&f, 1, SLICE("pay 1\n"), 99, &message);
	replace(buf_slice(&message), "pay", blanks, &changed);
	verify_text(&f.certs, buf_slice(&changed), 4096, true, &o);
	assert_int_equal(o.rc, ERR_LIMIT);
	buf_done(&o.text);
	buf_done(&changed);
	buf_done(&message);
	fixture_done(&f);
	test_free(blanks);
}

/* ---- taken apart ---- */

static void
detached(void **state)
{
	struct fixture f[2];
	struct pgp_inline_result result;
	struct buf message, text, sigs;
	struct pieces p;

	(void)state;
	fixture_new(&f[0], 4, NOW, true);
	fixture_new(&f[1], 6, NOW, false);
	sign_text(f, 2, SLICE("-pay \t\n1\n"), 99, &message);
	buf_init(&text, 1 << 20);
	buf_init(&sigs, 1 << 20);
	assert_ok(pgp_inline_detach(
	    reread(&p, buf_slice(&message), 7, true), pgp_plain_buf(&text), &sigs, &result, &unit_error));
	assert_slice(buf_slice(&text), "-pay\n1\n");
	assert_int_equal(result.signature_count, 2);
	assert_int_equal(fixture_verify(&f[0], buf_slice(&sigs), buf_slice(&text), NOW + 1), PGP_VERDICT_GOOD);
	assert_int_equal(fixture_verify(&f[0], buf_slice(&sigs), SLICE("-pay\n1"), NOW + 1), PGP_VERDICT_BAD);
	buf_done(&message);
	buf_done(&text);
	buf_done(&sigs);
	fixture_done(&f[0]);
	fixture_done(&f[1]);
}

/* ---- no memory ---- */

/* Signs and takes apart; the first error. */
static int
sign_and_detach(const struct fixture *f, struct buf *text)
{
	struct pgp_signer signer = { fixture_signer(f), pgp_memory_keys_ops(f->memory) };
	struct pgp_maker_spec spec = { .signers = &signer, .signer_count = 1, .type = PGP_SIG_TEXT, .created = NOW };
	struct buf message BUF_OWNED = { 0 }, sigs BUF_OWNED = { 0 };
	struct pgp_cleartext_writer *w = NULL;
	struct pgp_inline_result result;
	struct pgp_maker *m = NULL;
	struct pieces p;
	int rc = pgp_maker_new(&m, &spec, NULL);

	buf_init(&message, 1 << 20);
	buf_init(&sigs, 1 << 20);
	if (rc == 0)
		rc = pgp_cleartext_writer_new(m, pgp_sink_buf(&message), &w, NULL);
	if (rc == 0)
		rc = pgp_cleartext_writer_put(w, SLICE("-one \ntwo\n"), NULL);
	if (rc == 0)
		rc = pgp_cleartext_writer_end(w, NULL);
	pgp_cleartext_writer_free(w);
	pgp_maker_free(m);
	if (rc != 0)
		return rc;
	rc = pgp_inline_detach(reread(&p, buf_slice(&message), 11, false), pgp_plain_buf(text), &sigs, &result, NULL);
	if (rc != 0)
		assert_int_equal(text->len, 0);
	return rc;
}

static void
no_memory(void **state)
{
	struct fixture f;
	long n = 0;
	int rc;

	(void)state;
	fixture_new(&f, 6, NOW, false);
	do {
		struct buf text BUF_OWNED = { 0 };

		buf_init(&text, 1 << 10);
		mem_fail_after(n++);
		rc = sign_and_detach(&f, &text);
		mem_fail_after(-1);
		if (rc != 0 && rc != ERR_NOMEM)
			fail_msg("allocation %ld: %d", n - 1, rc);
		if (rc == 0)
			assert_slice(buf_slice(&text), "-one\ntwo\n");
	} while (rc != 0);
	assert_true(n > 10);
	fixture_done(&f);
}

UNIT_MAIN(UNIT_TEST(round_trips), UNIT_TEST(long_lines), UNIT_TEST(headers_by_version),
    UNIT_TEST(what_is_not_signed_so), UNIT_TEST(tricks), UNIT_TEST(cut_anywhere), UNIT_TEST(endless_blanks),
    UNIT_TEST(detached), UNIT_TEST(no_memory))
