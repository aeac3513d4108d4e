/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/base64.h"
#include "base/base64_kernel.h"
#include "base/hex.h"

#define LONGEST 400u

static void
samples_of_the_rfc(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_init(&b, 100);
		assert_int_equal(base64_write(&b, slice_str(rows[i][0])), 0);
		assert_slice(buf_slice(&b), rows[i][1]);
		buf_clear(&b);
		assert_ok(base64_parse(slice_str(rows[i][1]), &b, &unit_error));
		assert_slice(buf_slice(&b), rows[i][0]);
		buf_done(&b);
	}
}

static void
strict_refuses_what_could_be_read_twice(void **state)
{
	static const char *const rows[] = { "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=",
		"====", "Z===", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm\t9v", "Zm9v-", "Zm9_", "Z", "Zm9vZ", "Zg==\n" };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_init(&b, 100);
		(void)buf_put_u8(&b, 'x');
		if (base64_parse(slice_str(rows[i]), &b, NULL) == 0)
			fail_msg("taken: %s", rows[i]);
		assert_slice(buf_slice(&b), "x");
		buf_done(&b);
	}
	buf_init(&b, 100);
	assert_int_not_equal(base64_parse(slice_of("Zm\0v", 4), &b, &unit_error), 0);
	assert_int_equal(unit_error.offset, 2);
	buf_done(&b);
}

static void
fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* Every length, every line length, in pieces of every size: the same text, and back again. */
static void
pieces_make_no_difference(void **state)
{
	static const uint32_t lines[] = { 0, 4, 64, 76 };
	uint8_t data[LONGEST];
	struct buf whole, text, back;

	(void)state;
	fill(data, sizeof data, 7);
	for (size_t n = 0; n <= LONGEST; n += n < 80 ? 1 : 37) {
		for (size_t l = 0; l < 4; l++) {
			for (size_t piece = 1; piece <= n + 1; piece += piece < 5 ? 1 : 60) {
				struct base64_encoder c;
				struct base64_decoder d;

				buf_init(&whole, 4000);
				buf_init(&text, 4000);
				buf_init(&back, 4000);
				base64_encoder_init(&c, lines[l], "\r\n");
				(void)base64_encoder_put(&c, slice_of(data, n), &whole);
				assert_int_equal(base64_encoder_end(&c, &whole), 0);
				for (size_t at = 0; at < n; at += piece)
					(void)base64_encoder_put(&c, slice_sub(slice_of(data, n), at, piece), &text);
				assert_int_equal(base64_encoder_end(&c, &text), 0);
				assert_slices(buf_slice(&text), buf_slice(&whole));
				base64_decoder_init(&d, BASE64_LINES);
				for (size_t at = 0; at < text.len; at += piece) {
					struct slice in = slice_sub(buf_slice(&text), at, piece);

					assert_int_equal(base64_decoder_feed(&d, in, &back), in.len);
				}
				assert_ok(base64_decoder_end(&d, &back, &unit_error));
				assert_slices(buf_slice(&back), slice_of(data, n));
				buf_done(&whole);
				buf_done(&text);
				buf_done(&back);
			}
		}
	}
}

static void
lines_have_their_length(void **state)
{
	uint8_t data[100] = { 0 };
	struct base64_encoder c;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	base64_encoder_init(&c, BASE64_LINE_ARMOR, "\n");
	(void)base64_encoder_put(&c, slice_of(data, 48), &b);
	assert_int_equal(base64_encoder_end(&c, &b), 0);
	assert_int_equal(b.len, 65);
	assert_int_equal(base64_encoder_end(&c, &b), 0);
	assert_int_equal(b.len, 65);
	buf_clear(&b);
	(void)base64_encoder_put(&c, slice_of(data, 49), &b);
	assert_int_equal(base64_encoder_end(&c, &b), 0);
	assert_int_equal(b.len, 70);
	assert_slice(slice_from(buf_slice(&b), 64), "\nAA==\n");
	buf_done(&b);
}

static void
maximum_is_exact(void **state)
{
	uint8_t data[48] = { 0 };
	struct base64_encoder c;
	struct base64_decoder d;
	struct buf b, back;

	(void)state;
	buf_init(&b, 65);
	base64_encoder_init(&c, 64, "\n");
	(void)base64_encoder_put(&c, slice_of(data, 48), &b);
	assert_int_equal(base64_encoder_end(&c, &b), 0);
	buf_init(&back, 48);
	base64_decoder_init(&d, BASE64_LINES);
	assert_int_equal(base64_decoder_feed(&d, buf_slice(&b), &back), 65);
	assert_int_equal(base64_decoder_end(&d, &back, NULL), 0);
	buf_done(&back);
	buf_init(&back, 47);
	base64_decoder_init(&d, BASE64_LINES);
	(void)base64_decoder_feed(&d, buf_slice(&b), &back);
	assert_int_equal(base64_decoder_end(&d, &back, NULL), ERR_LIMIT);
	buf_done(&back);
	buf_done(&b);
	buf_init(&b, 64);
	(void)base64_encoder_put(&c, slice_of(data, 48), &b);
	assert_int_equal(base64_encoder_end(&c, &b), ERR_LIMIT);
	buf_done(&b);
}

static void
armor_stops_before_its_checksum(void **state)
{
	static const struct {
		const char *text;
		size_t taken;
		const char *octets;
	} rows[] = {
		{ "Zm9v\n=abcd\n-----END", 5, "foo" },
		{ "Zm8=\n=abcd\n-----END", 5, "fo" },
		{ "Zg==\r\n=abcd\r\n", 6, "f" },
		{ "Zg=\n=\n-----", 6, "f" },
		{ "Zm9v\n-----END", 5, "foo" },
		{ "Zm9vZm9vZm9vZm9vZm9vZm9vZm9vZm9vZm9v\n=", 37, "foofoofoofoofoofoofoofoofoo" },
	};
	struct base64_decoder d;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_init(&b, 100);
		base64_decoder_init(&d, BASE64_LINES);
		assert_int_equal(base64_decoder_feed(&d, slice_str(rows[i].text), &b), rows[i].taken);
		assert_ok(base64_decoder_end(&d, &b, &unit_error));
		assert_slice(buf_slice(&b), rows[i].octets);
		buf_done(&b);
	}
}

static void
tolerant_takes_everything(void **state)
{
	static const struct {
		const char *text, *octets;
		uint64_t faults;
	} rows[] = {
		{ "Zm9v", "foo", 0 },
		{ "Z m\n9v\r\n", "foo", 0 },
		{ "Zg==Zm9v", "ffoo", 0 }, /* two encodings pasted together */
		{ "Zg=Zm9v", "ffoo", 1 },
		{ "Zm9v*!Zm9v", "foofoo", 2 },
		{ "Zg", "f", 1 },
		{ "=Zm9v", "foo", 1 },
		{ "Zm9v\xff\x80", "foo", 2 },
	};
	struct base64_decoder d;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_init(&b, 100);
		base64_decoder_init(&d, BASE64_TOLERANT);
		assert_int_equal(base64_decoder_feed(&d, slice_str(rows[i].text), &b), strlen(rows[i].text));
		assert_ok(base64_decoder_end(&d, &b, &unit_error));
		assert_slice(buf_slice(&b), rows[i].octets);
		assert_int_equal(d.faults, rows[i].faults);
		buf_done(&b);
	}
}

/* One wrong octet at every place of a long text: both kernels stop in the same group. */
static void
table_and_vector_agree(void **state)
{
	uint8_t data[192], text[256], a[256 + BASE64_SLACK], b[256 + BASE64_SLACK];
	uint8_t coded[256];

	(void)state;
	fill(data, sizeof data, 3);
	base64_kernel()->encode(data, sizeof data, sizeof data, coded, 0);
	base64_kernel_table.encode(data, sizeof data, sizeof data, text, 0);
	assert_memory_equal(coded, text, sizeof text);
	for (unsigned octet = 0; octet < 256; octet++) {
		for (size_t at = 0; at < sizeof text; at += 1 + octet % 7) {
			size_t n;

			memcpy(coded, text, sizeof text);
			coded[at] = (uint8_t)octet;
			n = base64_kernel()->decode(coded, sizeof coded, a);
			assert_int_equal(n, base64_kernel_table.decode(coded, sizeof coded, b));
			assert_memory_equal(a, b, n / 4 * 3);
		}
	}
}

static void
hexadecimal(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(hex_write(&b, slice_of("\x00\xab\xff", 3)), 0);
	(void)hex_write_upper(&b, slice_of("\xab", 1));
	assert_slice(buf_slice(&b), "00abffAB");
	buf_clear(&b);
	assert_ok(hex_parse(SLICE("4a4B"), &b, &unit_error));
	assert_slice(buf_slice(&b), "JK");
	assert_int_equal(hex_parse(SLICE("4a4"), &b, NULL), ERR_SYNTAX);
	assert_int_equal(hex_parse(SLICE("4a 4"), &b, &unit_error), ERR_SYNTAX);
	assert_int_equal(unit_error.offset, 2);
	assert_slice(buf_slice(&b), "JK");
	assert_ok(hex_parse_loose(SLICE("0x4a:4B 4c"), &b, &unit_error));
	assert_slice(buf_slice(&b), "JKJKL");
	buf_done(&b);
	buf_init(&b, 1);
	assert_int_equal(hex_parse(SLICE("4a4b"), &b, NULL), ERR_LIMIT);
	buf_done(&b);
}

UNIT_MAIN(UNIT_TEST(samples_of_the_rfc), UNIT_TEST(strict_refuses_what_could_be_read_twice),
    UNIT_TEST(pieces_make_no_difference), UNIT_TEST(lines_have_their_length), UNIT_TEST(maximum_is_exact),
    UNIT_TEST(armor_stops_before_its_checksum), UNIT_TEST(tolerant_takes_everything), UNIT_TEST(table_and_vector_agree),
    UNIT_TEST(hexadecimal))
