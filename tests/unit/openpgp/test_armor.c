/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "openpgp/frame/armor.h"
#include "openpgp/frame/packet.h"

#define BLOCK "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cwo=\n"
#define TAIL "-----END PGP MESSAGE-----\n"
#define LETTER \
	"\xcb\x15" \
	"b\0\0\0\0\0Letter from us\n"

static const struct slice letter = { (const uint8_t *)LETTER, sizeof LETTER - 1 };

static int
read_all(struct slice in, struct buf *out)
{
	struct pgp_armor_reader *r;
	struct slice piece;
	int rc;

	assert_ok(pgp_armor_reader_new(pgp_source_slice(&in), &r, &unit_error));
	do {
		rc = pgp_source_next(pgp_armor_reader_source(r), &piece, &unit_error);
		assert_int_equal(buf_put_slice(out, piece), 0);
	} while (rc == 0 && piece.len > 0);
	pgp_armor_reader_free(r);
	return rc;
}

static void
what_is_taken_and_what_is_not(void **state)
{
	static const struct {
		const char *name, *text;
		int want;
	} rows[] = {
		{ "without checksum", BLOCK TAIL, 0 },
		{ "wrong checksum decides nothing", BLOCK "=AAAA\n" TAIL, 0 },
		{ "malformed checksum decides nothing", BLOCK "=?\n" TAIL, 0 },
		{ "text before and behind", "hello\n" BLOCK TAIL "bye\n", 0 },
		{ "headers",
		    "-----BEGIN PGP MESSAGE-----\nVersion: x\nComment: y\n\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cwo=\n" TAIL,
		    0 },
		{ "no blank line", "-----BEGIN PGP MESSAGE-----\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cwo=\n" TAIL, 0 },
		{ "CR LF and spaces",
		    "-----BEGIN PGP MESSAGE-----  \r\n \t\r\nyxViAAAAAABM  \r\n\r\nZXR0ZXIgZnJvbSB1cwo=\r\n-----END "
		    "PGP MESSAGE-----\r\n",
		    0 },
		{ "lines of any length", "-----BEGIN PGP MESSAGE-----\n\nyxViA\nAAAAABMZXR0ZXIg\nZnJvbSB1cwo=\n" TAIL,
		    0 },
		{ "no tail", BLOCK, ERR_TRUNCATED },
		{ "another tail", BLOCK "-----END PGP SIGNATURE-----\n", ERR_SYNTAX },
		{ "binary garbage inside", "-----BEGIN PGP MESSAGE-----\n\nyxViAAAA\001AABMZXR0ZXIgZnJvbSB1cwo=\n" TAIL,
		    ERR_SYNTAX },
		{ "a cut group", "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cw\n" TAIL, ERR_SYNTAX },
		{ "a second block", BLOCK TAIL BLOCK TAIL, ERR_SYNTAX },
		{ "no armor at all", "just text\n", ERR_SYNTAX },
		{ "a part of several",
		    "-----BEGIN PGP MESSAGE, PART 01/02-----\n\nyw==\n-----END PGP MESSAGE, PART 01/02-----\n",
		    ERR_UNSUPPORTED },
		{ "a part without a number", "-----BEGIN PGP MESSAGE, PART 1-----\n\nyw==\n", ERR_UNSUPPORTED },
		{ "an unknown kind", "-----BEGIN PGP NONSENSE-----\n\nyw==\n-----END PGP NONSENSE-----\n", ERR_SYNTAX },
		{ "an unknown kind in front",
		    "-----BEGIN PGP NONSENSE-----\nx\n-----END PGP NONSENSE-----\n" BLOCK TAIL, 0 },
		{ "no line end behind the tail", BLOCK "-----END PGP MESSAGE-----", 0 },
		{ "leading spaces",
		    "  -----BEGIN PGP MESSAGE-----\n  Comment: x\n\n  yxViAAAAAABMZXR0\n\tZXIgZnJvbSB1cwo=\n  =AAAA\n  "
		    "-----END PGP MESSAGE-----\n",
		    0 },
		{ "white space instead of the blank line, and in lines",
		    "-----BEGIN PGP MESSAGE-----\nComment: x\n \t \nyxVi AAAA AABM\tZXR0\nZXIgZnJvbSB1cwo=\n" TAIL, 0 },
		{ "headers and no blank line",
		    "-----BEGIN PGP MESSAGE-----\nVersion: x\nX-Unknown: "
		    "\xc3\xa4\nyxViAAAAAABMZXR0ZXIg\nZnJvbSB1cwo=\n" TAIL,
		    0 },
		{ "blank lines everywhere",
		    "-----BEGIN PGP MESSAGE-----\n\n\nyxViAAAAAABMZXR0\n\nZXIgZnJvbSB1cwo=\n\n=AAAA\n\n" TAIL, 0 },
		{ "a byte order mark", "\xef\xbb\xbf" BLOCK TAIL, 0 },
		{ "a right checksum", BLOCK "=kM+i\n" TAIL, 0 },
		{ "a checksum in the line of the base64",
		    "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cwo==kM+i\n" TAIL, 0 },
		{ "an empty checksum", BLOCK "=\n" TAIL, 0 },
		{ "the tail in the line of the base64",
		    "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cwo=" TAIL, 0 },
		{ "padding too long", "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cwo==\n" TAIL,
		    ERR_SYNTAX },
		{ "padding much too long", "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0ZXIgZnJvbSB1cwo====\n" TAIL,
		    ERR_SYNTAX },
		{ "padding in the middle", "-----BEGIN PGP MESSAGE-----\n\nyxViAA==\nAAAABMZXR0ZXIgZnJvbSB1cwo=\n" TAIL,
		    ERR_SYNTAX },
		{ "padding at a group's start",
		    "-----BEGIN PGP MESSAGE-----\n\nyxVi=AAAA\nAABMZXR0ZXIgZnJvbSB1cwo=\n" TAIL, ERR_SYNTAX },
		{ "text behind the padding", BLOCK "appended\n" TAIL, ERR_SYNTAX },
		{ "text behind the checksum", BLOCK "=AAAA\nappended\n" TAIL, ERR_SYNTAX },
		{ "two checksums", BLOCK "=AAAA\n=AAAA\n" TAIL, ERR_SYNTAX },
		{ "text in the tail line", BLOCK "-----END PGP MESSAGE-----x\n", ERR_SYNTAX },
		{ "dashes missing in the tail line", BLOCK "-----END PGP MESSAGE---\n", ERR_SYNTAX },
		{ "dashes missing in the head line", "---BEGIN PGP MESSAGE-----\n\nyw==\n" TAIL, ERR_SYNTAX },
		{ "a block in the block", "-----BEGIN PGP MESSAGE-----\n\nyxVi\n" BLOCK TAIL TAIL, ERR_SYNTAX },
		{ "a second block of another kind",
		    BLOCK TAIL "-----BEGIN PGP SIGNATURE-----\n\nyw==\n-----END PGP SIGNATURE-----\n", ERR_SYNTAX },
		{ "a second block, indented", BLOCK TAIL "  " BLOCK TAIL, ERR_SYNTAX },
		{ "characters of another alphabet",
		    "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0ZXIgZnJv-SB1c_o=\n" TAIL, ERR_SYNTAX },
		{ "quoted by a reply", "> -----BEGIN PGP MESSAGE-----\n>\n> yw==\n> -----END PGP MESSAGE-----\n",
		    ERR_SYNTAX },
		{ "a control character at a line's end",
		    "-----BEGIN PGP MESSAGE-----\n\nyxViAAAAAABMZXR0\v\nZXIgZnJvbSB1cwo=\n" TAIL, ERR_SYNTAX },
		{ "empty", "-----BEGIN PGP MESSAGE-----\n" TAIL, ERR_SYNTAX },
		{ "only the head line", "-----BEGIN PGP MESSAGE-----\n", ERR_TRUNCATED },
		{ "only headers", "-----BEGIN PGP MESSAGE-----\nComment: x\n", ERR_TRUNCATED },
		{ "nothing", "", ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf out;
		int rc;

		buf_init(&out, 1 << 20);
		rc = read_all(slice_str(rows[i].text), &out);
		if (rc != rows[i].want)
			fail_msg("%s: %d instead of %d (%s)", rows[i].name, rc, rows[i].want, unit_error.text);
		if (rc == 0)
			assert_true(slice_eq(buf_slice(&out), letter));
		buf_done(&out);
	}
}

/* Damage told in its place, and whatever the size of pieces. */
static void
every_octet_replaced(void **state)
{
	static const char text[] = BLOCK "=kM+i\n" TAIL;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		char copy[sizeof text];
		struct buf out;
		int rc;

		memcpy(copy, text, sizeof text);
		copy[i] = '\1';
		buf_init(&out, 1 << 20);
		rc = read_all(slice_of(copy, sizeof text - 1), &out);
		/* Only in the checksum it decides nothing; and what is left of a head line is text in front. */
		if (rc == 0)
			assert_true(slice_eq(buf_slice(&out), letter) && i > sizeof BLOCK - 2);
		buf_done(&out);
	}
}

/* A line of base64 longer than what is kept of a line, right behind the head line: whole or refused, never cut. */
static void
a_long_first_line(void **state)
{
	struct buf text, out;
	struct slice in;

	(void)state;
	for (size_t n = 2000; n < 2100; n += 4) {
		int rc;

		buf_init(&text, 1 << 16);
		buf_init(&out, 1 << 16);
		(void)buf_put_str(&text, "-----BEGIN PGP MESSAGE-----\n");
		for (size_t i = 0; i < n; i++)
			(void)buf_put_u8(&text, 'A');
		(void)buf_put_str(&text, "\n" TAIL);
		in = buf_slice(&text);
		rc = read_all(in, &out);
		assert_int_equal(rc, n <= 2048 ? 0 : ERR_SYNTAX);
		if (rc == 0)
			assert_int_equal(out.len, n / 4 * 3);
		buf_done(&text);
		buf_done(&out);
	}
}

static void
binary_passes_through(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(read_all(letter, &out), 0);
	assert_true(slice_eq(buf_slice(&out), letter));
	buf_clear(&out);
	/* The first octets of a byte order mark are a packet's when they go on otherwise. */
	assert_int_equal(read_all(SLICE("\xef\xbb"), &out), 0);
	assert_slice(buf_slice(&out), "\xef\xbb");
	buf_done(&out);
}

/* gpg 2.2 needs the checksum on old forms; RFC 9580 6.1 forbids it on new ones. */
static void
written_with_and_without_checksum(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_ok(pgp_armor_write(PGP_ARMOR_MESSAGE, false, letter, &out, &unit_error));
	assert_slice(buf_slice(&out), BLOCK TAIL);
	buf_clear(&out);
	assert_ok(pgp_armor_write(PGP_ARMOR_MESSAGE, true, letter, &out, &unit_error));
	assert_int_not_equal(slice_search(buf_slice(&out), SLICE("=\n=")), SIZE_MAX);
	buf_done(&out);
}

static void
kinds(void **state)
{
	(void)state;
	assert_int_equal(pgp_armor_kind_of(letter), PGP_ARMOR_MESSAGE);
	assert_int_equal(pgp_armor_kind_of(SLICE("\xc2\x01\x04")), PGP_ARMOR_SIGNATURE);
	assert_int_equal(pgp_armor_kind_of(SLICE("\xc2\x01\x04\xcb\x01"
						 "b")),
	    PGP_ARMOR_MESSAGE);
	assert_int_equal(pgp_armor_kind_of(SLICE("\xc6\x01\x04")), PGP_ARMOR_PUBLIC_KEY);
	assert_int_equal(pgp_armor_kind_of(SLICE("\xc5\x01\x04")), PGP_ARMOR_PRIVATE_KEY);
}

/* Partial lengths and lengths that are none: PITFALLS, packet confusion. */
static void
lengths(void **state)
{
	static const struct {
		const char *name;
		struct slice in;
		int want;
	} rows[] = {
		{ "a first part below 512 octets", { (const uint8_t *)"\xcb\xe8", 2 }, ERR_SYNTAX },
		{ "a partial length on a signature", { (const uint8_t *)"\xc2\xe9", 2 }, ERR_SYNTAX },
		{ "an indeterminate length on a signature", { (const uint8_t *)"\x8b", 1 }, ERR_SYNTAX },
		{ "an indeterminate length on compressed data", { (const uint8_t *)"\xa3", 1 }, 1 },
		{ "no packet", { (const uint8_t *)"\x12\x34", 2 }, ERR_SYNTAX },
		{ "cut", { (const uint8_t *)"\xcb\xff\x00", 3 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pgp_header h;
		int rc = pgp_header_parse(rows[i].in, &h, NULL);

		if (rc != rows[i].want)
			fail_msg("%s: %d instead of %d", rows[i].name, rc, rows[i].want);
	}
	for (uint32_t n = 0; n < 9000; n++) {
		uint8_t header[PGP_HEADER_MAX];
		size_t size = pgp_header_put(header, PGP_LITERAL, n);
		struct pgp_header h;

		assert_int_equal(pgp_header_parse(slice_of(header, size), &h, NULL), 1);
		assert_int_equal(h.body, n);
		assert_int_equal(h.size, size);
	}
}

UNIT_MAIN(UNIT_TEST(what_is_taken_and_what_is_not), UNIT_TEST(every_octet_replaced), UNIT_TEST(a_long_first_line),
    UNIT_TEST(binary_passes_through), UNIT_TEST(written_with_and_without_checksum), UNIT_TEST(kinds),
    UNIT_TEST(lengths))
