/* SPDX-License-Identifier: ISC */
#include "mailauth/srs.h"
#include "unit.h"

#define DAY 86400u
#define NOW (1700000000u)

static const struct slice keys[] = { { (const uint8_t *)"0123456789abcdef", 16 },
	{ (const uint8_t *)"fedcba9876543210", 16 } };

static struct buf out;

static struct srs_config
config(void)
{
	return (struct srs_config){ .keys = keys, .key_count = 1, .domain = SLICE("ours.example"), .now = NOW };
}

static int
forward(const struct srs_config *c, const char *sender)
{
	buf_done(&out);
	buf_init(&out, 1000);
	return srs_forward(c, slice_str(sender), &out, &unit_error);
}

/* The local part of what forward() made, in a buffer that may be changed. */
static struct slice
local(char *copy)
{
	size_t at = slice_find_last(buf_slice(&out), '@');

	memcpy(copy, out.data, at);
	return slice_of(copy, at);
}

static int
reverse(const struct srs_config *c, struct slice part)
{
	buf_done(&out);
	buf_init(&out, 1000);
	return srs_reverse(c, part, &out, &unit_error);
}

static void
there_and_back(void **state)
{
	static const char *const senders[] = { "a@b.example", "Someone+tag@Example.net", "x=y=z@example.net",
		"a.b!#$%@e.f", "SRS0x@example.net", "SRS2=x=y@example.net", "srs0@e.f", "SRS1=x=y@example.net",
		"SRS1=HHHH=c.example=.b=c@e.f" };
	struct srs_config c = config();
	char copy[100];

	(void)state;
	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		assert_ok(forward(&c, senders[i]));
		assert_true(slice_ends(buf_slice(&out), SLICE("@ours.example")));
		assert_true(slice_starts(buf_slice(&out), SLICE("SRS0=")));
		assert_ok(reverse(&c, local(copy)));
		assert_true(slice_eq_str(buf_slice(&out), senders[i]));
	}
	buf_done(&out);
}

/* Others' rewritten addresses come back to them, whatever they look like, with what is between their pieces. */
static void
forwarded_twice(void **state)
{
	static const struct {
		const char *sender, *made_end, *back;
	} rows[] = {
		{ "SRS0=Hh/+=TT=a.example=b@x.example", "=x.example==Hh/+=TT=a.example=b@ours.example", NULL },
		{ "srs0+HHHH=TT=a.example=b@x.example", "=x.example=+HHHH=TT=a.example=b@ours.example",
		    "SRS0+HHHH=TT=a.example=b@x.example" },
		{ "SRS1=QQQQ=x.example==HH=TT=a.example=b@y.example", "=x.example==HH=TT=a.example=b@ours.example",
		    "SRS0=HH=TT=a.example=b@x.example" },
	};
	struct srs_config c = config();
	char copy[100];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_ok(forward(&c, rows[i].sender));
		assert_true(slice_starts(buf_slice(&out), SLICE("SRS1=")));
		assert_true(slice_ends(buf_slice(&out), slice_str(rows[i].made_end)));
		assert_ok(reverse(&c, local(copy)));
		assert_true(slice_eq_str(buf_slice(&out), rows[i].back == NULL ? rows[i].sender : rows[i].back));
	}
	buf_done(&out);
}

static void
case_may_be_lost(void **state)
{
	struct srs_config c = config();
	char copy[100];
	struct slice part;

	(void)state;
	assert_ok(forward(&c, "someone@example.net"));
	part = local(copy);
	for (size_t i = 0; i < part.len; i++)
		copy[i] = (char)ascii_lower((uint8_t)copy[i]);
	assert_true(srs_is_rewritten(part));
	assert_ok(reverse(&c, part));
	assert_true(slice_eq_str(buf_slice(&out), "someone@example.net"));
	buf_done(&out);
}

/* Each bit of each octet, but for the case of letters, and each length. */
static void
changes_are_seen(void **state)
{
	struct srs_config c = config();
	char copy[100];
	struct slice part;

	(void)state;
	assert_ok(forward(&c, "someone@example.net"));
	part = local(copy);
	for (size_t i = 0; i < part.len * 8; i++) {
		uint8_t was = (uint8_t)copy[i / 8], flipped = was ^ (uint8_t)(1u << (i % 8));
		int rc;

		copy[i / 8] = (char)flipped;
		rc = reverse(&c, part);
		copy[i / 8] = (char)was;
		/* What is behind "SRS0" may be one of three signs, and is not hashed. */
		if (ascii_lower(was) == ascii_lower(flipped) || (i / 8 == 4 && memchr("+-", flipped, 2) != NULL))
			assert_int_equal(rc, 0);
		else
			assert_true(rc == ERR_INTEGRITY || rc == ERR_SYNTAX);
	}
	for (size_t len = 0; len < part.len; len++)
		assert_true(reverse(&c, slice_sub(part, 0, len)) < 0);
	buf_done(&out);
}

/* An SRS0 as an SRS1 and the other way round, or the border between domain and local part. */
static void
pieces_cannot_be_shifted(void **state)
{
	struct srs_config c = config();
	char copy[100];
	struct slice part;

	(void)state;
	assert_ok(forward(&c, "SRS0=HH=TT=a.example=b@cd"));
	part = local(copy);
	assert_ok(reverse(&c, part));
	copy[3] = '0'; /* "cd" would be the day, and there is no domain */
	assert_int_equal(reverse(&c, part), ERR_SYNTAX);
	assert_ok(forward(&c, "ab=cd@e.example"));
	part = local(copy);
	copy[3] = '1';
	assert_int_equal(reverse(&c, part), ERR_SYNTAX);
	copy[3] = '0';
	assert_ok(reverse(&c, part));
	assert_true(slice_eq_str(buf_slice(&out), "ab=cd@e.example"));
	buf_done(&out);
}

static void
addresses_expire(void **state)
{
	struct srs_config c = config();
	char copy[100];
	struct slice part;

	(void)state;
	assert_ok(forward(&c, "someone@example.net"));
	part = local(copy);
	c.now = NOW + SRS_DAYS * DAY;
	assert_ok(reverse(&c, part));
	c.now += DAY;
	assert_int_equal(reverse(&c, part), ERR_TIMEOUT);
	c.now = NOW + 500 * DAY;
	assert_int_equal(reverse(&c, part), ERR_TIMEOUT);
	c.now = NOW - DAY; /* the other server's clock is ahead */
	assert_ok(reverse(&c, part));
	c.now -= DAY;
	assert_int_equal(reverse(&c, part), ERR_TIMEOUT);
	c.now = NOW + 3 * DAY;
	c.days = 2;
	assert_int_equal(reverse(&c, part), ERR_TIMEOUT);
	buf_done(&out);
}

static void
keys_roll_over(void **state)
{
	const struct slice turned[] = { keys[1], keys[0] }, weak[] = { SLICE("0123456789abcde") };
	struct srs_config c = config();
	char copy[100];
	struct slice part;

	(void)state;
	assert_ok(forward(&c, "someone@example.net"));
	part = local(copy);
	c.keys = turned;
	c.key_count = 2;
	assert_ok(reverse(&c, part));
	c.key_count = 1;
	assert_int_equal(reverse(&c, part), ERR_INTEGRITY);
	c.key_count = 0;
	assert_int_equal(forward(&c, "someone@example.net"), ERR_USAGE);
	c.keys = weak;
	c.key_count = 1;
	assert_int_equal(forward(&c, "someone@example.net"), ERR_USAGE);
	buf_done(&out);
}

static void
what_cannot_be_rewritten_is_said(void **state)
{
	static const struct {
		const char *sender;
		int rc;
	} rows[] = {
		{ "\"a b\"@example.net", ERR_UNSUPPORTED },
		{ "j\xc3\xbcrgen@example.net", ERR_UNSUPPORTED },
		{ "a@[192.0.2.1]", ERR_UNSUPPORTED },
		{ "a@b\xc3\xbc"
		  "cher.example",
		    ERR_UNSUPPORTED },
		{ "a..b@example.net", ERR_UNSUPPORTED },
		{ "a@b.example\r\nX: y", ERR_UNSUPPORTED },
		{ "a", ERR_SYNTAX },
		{ "@example.net", ERR_SYNTAX },
		{ "a@", ERR_SYNTAX },
		{ "", ERR_SYNTAX },
		{ "a@Ours.example", 0 },
	};
	struct srs_config c = config();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (forward(&c, rows[i].sender) != rows[i].rc)
			fail_msg("%s", rows[i].sender);
	assert_true(slice_eq_str(buf_slice(&out), "a@Ours.example"));
	buf_done(&out);
}

/* 64 octets of local part and not one more. */
static void
the_limit_is_exact(void **state)
{
	char sender[100], copy[100];
	struct srs_config c = config();
	size_t fixed = sizeof("SRS0=HHHHH=TT=e.example=") - 1;

	(void)state;
	for (size_t len = 60 - fixed; len < 70 - fixed; len++) {
		int rc;

		memset(sender, 'x', len);
		memcpy(sender + len, "@e.example", 11);
		rc = forward(&c, sender);
		assert_int_equal(rc, fixed + len <= 64 ? 0 : ERR_LIMIT);
		if (rc == 0)
			assert_ok(reverse(&c, local(copy)));
	}
	buf_done(&out);
}

UNIT_MAIN(UNIT_TEST(there_and_back), UNIT_TEST(forwarded_twice), UNIT_TEST(case_may_be_lost),
    UNIT_TEST(changes_are_seen), UNIT_TEST(pieces_cannot_be_shifted), UNIT_TEST(addresses_expire),
    UNIT_TEST(keys_roll_over), UNIT_TEST(what_cannot_be_rewritten_is_said), UNIT_TEST(the_limit_is_exact))
