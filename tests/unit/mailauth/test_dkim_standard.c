/* SPDX-License-Identifier: ISC */
/*
 * DKIM by the words of RFC 6376, 8301, 8463 and 8616, clause by clause, without our own signer or canonical forms: with
 * simple/simple the signed octets are the message's, so that each row says all of what it signs. And the messages that
 * the RFCs print, read from their text in LETTERLOCK_TESTDATA.
 */
#include <stdio.h>

#include "base/base64.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "mailauth/dkim/verify.h"
#include "unit.h"

#define NOW 1700000000u
#define FROM "From: Alice <alice@example.org>\r\n"
#define SUBJECT "Subject: hello\r\n"
#define BODY "Hello\r\n"
#define GOOD "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;"

static struct secret secret_key;
static char public_text[64];

static int
make_key(void **state)
{
	BUF_OWNED struct buf text = { .max = sizeof public_text - 1 };
	uint8_t public[32];

	(void)state;
	assert_ok(sign_generate(SIGN_ED25519, &secret_key, public, &unit_error));
	assert_ok(base64_write(&text, slice_of(public, sizeof public)));
	(void)snprintf(public_text, sizeof public_text, "%.*s", (int)text.len, (const char *)text.data);
	return 0;
}

static int
end_key(void **state)
{
	(void)state;
	secret_done(&secret_key);
	return 0;
}

/* Appends text, with from replaced wherever it is. */
static void
put_replaced(struct buf *out, const char *text, char from, struct slice with)
{
	for (; *text != 0; text++)
		(void)(*text == from ? buf_put_slice(out, with) : buf_put_u8(out, (uint8_t)*text));
}

static void
put_hash64(struct buf *out, struct slice in)
{
	uint8_t digest[32];

	assert_ok(hash_once(HASH_SHA256, in, digest, &unit_error));
	assert_ok(base64_write(out, slice_of(digest, sizeof digest)));
}

/* "DKIM-Signature: TAGS b=..." over fields and itself; '@' in tags is the body's hash. */
static void
put_signature(struct buf *out, const char *tags, const char *fields, struct slice body)
{
	BUF_OWNED struct buf octets = { .max = 4096 }, field = { .max = 4096 }, hash = { .max = 100 };
	uint8_t digest[32], signature[64];

	put_hash64(&hash, body);
	(void)buf_put_str(&field, "DKIM-Signature: ");
	put_replaced(&field, tags, '@', buf_slice(&hash));
	(void)buf_put_str(&field, " b=");
	(void)buf_put_str(&octets, fields);
	(void)buf_put_slice(&octets, buf_slice(&field));
	assert_ok(hash_once(HASH_SHA256, buf_slice(&octets), digest, &unit_error));
	assert_ok(sign_make(SIGN_ED25519, secret_slice(&secret_key), slice_of(digest, 32), signature, &unit_error));
	(void)buf_put_slice(out, buf_slice(&field));
	(void)base64_write(out, slice_of(signature, sizeof signature));
	assert_ok(buf_put_str(out, "\r\n"));
}

static struct dkim_verify *
verify(struct slice header, struct slice body, size_t piece, const struct slice *records, size_t count, char *asked)
{
	struct dkim_verify_config config = { .now = NOW };
	struct mailauth_answer answer = {
		.found = count > 0 ? MAILAUTH_FOUND : MAILAUTH_NO_NAME, .records = records, .record_count = count
	};
	struct mailauth_question q;
	struct dkim_verify *v = NULL;

	assert_ok(dkim_verify_new(&config, header, &v, &unit_error));
	for (size_t at = 0; at < body.len; at += piece)
		dkim_verify_body(v, slice_sub(body, at, piece));
	while (dkim_verify_next(v, &q) == DKIM_VERIFY_LOOKUP) {
		assert_int_equal(q.type, MAILAUTH_TXT);
		if (asked != NULL)
			(void)snprintf(asked, 300, "%.*s", (int)q.name.len, (const char *)q.name.data);
		dkim_verify_answer(v, &answer);
	}
	return v;
}

/* What comes of a message with this signature, whose key is this record ('@': the key's base64). */
static enum dkim_result
outcome_of(const char *tags, const char *signed_fields, const char *shown_fields, const char *record, char *asked)
{
	BUF_OWNED struct buf block = { .max = 16384 }, key = { .max = 4096 };
	struct slice text;
	struct dkim_verify *v;
	enum dkim_result r;

	put_replaced(&key, record, '@', slice_str(public_text));
	put_signature(&block, tags, signed_fields, SLICE(BODY));
	(void)buf_put_str(&block, shown_fields);
	assert_ok(buf_put_str(&block, "\r\n"));
	text = buf_slice(&key);
	v = verify(buf_slice(&block), SLICE(BODY), 3, &text, 1, asked);
	assert_int_equal(dkim_verify_count(v), 1);
	r = dkim_verify_result(v, 0)->result;
	assert_int_equal(r, dkim_verify_best(v));
	assert_true(dkim_verify_result(v, 0)->reason[0] != 0);
	dkim_verify_free(v);
	return r;
}

struct row {
	const char *tags;
	bool holds;
};

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum dkim_result r =
		    outcome_of(rows[i].tags, FROM SUBJECT, FROM SUBJECT, "v=DKIM1; k=ed25519; p=@", NULL);

		if ((r == DKIM_PASS) != rows[i].holds || r == DKIM_TEMPERROR || r == DKIM_NONE)
			fail_msg("%s: %s", rows[i].tags, dkim_result_name(r));
	}
}

/* RFC 6376 section 3.5, tag by tag. */
static void
tags_of_a_signature(void **state)
{
	static const struct row rows[] = {
		{ GOOD, true },
		/* order is free, unknown tags are passed over, white space is where 3.2 has it */
		{ "bh=@; h=from:subject; s=k; d=example.org; c=simple/simple; a=ed25519-sha256; v=1;", true },
		{ GOOD " zz=unknown; z=From:x|To:y; q=dns/txt;", true },
		{ "v = 1 ;a\t=\ted25519-sha256;c=simple/simple;d=example.org;s=k; h = from : subject ;bh=@;", true },
		{ "v=1;\r\n a=ed25519-sha256; c=simple/simple;\r\n\td=example.org; s=k; h=from:\r\n subject; bh=@;",
		    true },
		{ "v=1; a=ed25519-sha256; c=simple; d=example.org; s=k; h=from:subject; bh=@;", true },
		{ "v=1; a=ed25519-sha256; d=example.org; s=k; h=from:subject; bh=@;",
		    true }, /* simple/simple is the default */
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=From:SUBJECT; bh=@;", true },
		/* what must be there */
		{ "a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=from:subject;", false },
		{ "v=2; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1.0; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		/* what may be there once, and what may not be there */
		{ GOOD " d=example.org;", false },
		{ GOOD " x=1700000001; x=1700000001;", false },
		{ GOOD " =x;", false },
		{ GOOD " x y=z;", false },
		{ GOOD " noequals;", false },
		/* values */
		{ "v=1; a=ed25519-sha512; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=rsa-sha1; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=rsa-sha256; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=nowsp/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple/simple; d=example.org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=-.example..org; s=k; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k..l; h=from:subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=subject; bh=@;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=from:subject; bh=;", false },
		{ "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=from:subject; bh=@@;", false },
		{ GOOD " q=dns/other;", false },
		{ GOOD " q=dns/other:dns/txt;", true },
		/* i= is of d= or below it */
		{ GOOD " i=alice@"
		       "example.org;",
		    false }, /* '@' is the hash here: no address */
		{ GOOD " i=example.org;", false },
		/* times */
		{ GOOD " t=1600000000; x=1700000600;", true },
		{ GOOD " x=1600000000;", false },
		{ GOOD " t=1700000500; x=1700000400;", false },
		{ GOOD " t=yesterday;", false },
		{ GOOD " x=-1;", false },
		{ GOOD " t=999999999999;",
		    false }, /* far in the future: may be passed over (3.5), and cannot be right */
		/* l= : less than the body proves less than there is */
		{ GOOD " l=7;", true },
		{ GOOD " l=8;", false },
		{ GOOD " l=5;", false },
		{ GOOD " l=0;", false },
		{ GOOD " l=;", false },
		{ GOOD " l=-7;", false },
		{ GOOD " l=7x;", false },
		{ GOOD " l=99999999999999999999999999999999999999999999999999999999999999999999999999999;", false },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

/* Section 3.6.1. */
static void
tags_of_a_key(void **state)
{
	static const struct row rows[] = {
		{ "v=DKIM1; k=ed25519; p=@", true },
		{ "k=ed25519; p=@", true },
		{ "v=DKIM1; k=ed25519; p=@;", true },
		{ " v = DKIM1 ; k = ed25519 ; p = @ ", true },
		{ "v=DKIM1; k=ed25519; h=sha256; s=email; t=s; n=a note; zz=unknown; p=@", true },
		{ "v=DKIM1; k=ed25519; h=sha1:sha256; s=*; p=@", true },
		{ "v=DKIM1; k=ed25519; h=other : sha256; s=other : email; p=@", true },
		{ "v=DKIM1; k=ed25519; g=; p=@", true }, /* of RFC 4871: now unknown */
		{ "v=DKIM2; k=ed25519; p=@", false },
		{ "k=ed25519; v=DKIM1; p=@", false }, /* v= must be first */
		{ "v=DKIM1; k=ed25519", false },
		{ "v=DKIM1; k=ed25519; p=", false },
		{ "v=DKIM1; k=ed25519; p=AAAA", false },
		{ "v=DKIM1; k=ed25519; p=@AAAA", false },
		{ "v=DKIM1; k=ed25519; p=!!!!", false },
		{ "v=DKIM1; p=@", false }, /* rsa is the default */
		{ "v=DKIM1; k=rsa; p=@", false },
		{ "v=DKIM1; k=x25519; p=@", false },
		{ "v=DKIM1; k=ed25519; h=sha1; p=@", false },
		{ "v=DKIM1; k=ed25519; s=tlsrpt; p=@", false },
		{ "v=DKIM1; k=ed25519; p=@; p=@", false },
		{ "", false },
		{ "any text", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum dkim_result r = outcome_of(GOOD, FROM SUBJECT, FROM SUBJECT, rows[i].tags, NULL);

		if ((r == DKIM_PASS) != rows[i].holds || r == DKIM_TEMPERROR || r == DKIM_NONE)
			fail_msg("%s: %s", rows[i].tags, dkim_result_name(r));
	}
}

/* i= and the key's t=s. The hash is written out here, as '@' is needed. */
static void
identities(void **state)
{
	static const struct {
		const char *identity, *record;
		bool holds;
	} rows[] = {
		{ "alice@example.org", "k=ed25519; p=@", true },
		{ "@example.org", "k=ed25519; p=@", true },
		{ "@EXAMPLE.ORG", "k=ed25519; t=s; p=@", true },
		{ "alice@sub.example.org", "k=ed25519; p=@", true },
		{ "alice@sub.example.org", "k=ed25519; t=s; p=@", false },
		{ "alice@sub.example.org", "k=ed25519; t=y:s; p=@", false },
		{ "alice@badexample.org", "k=ed25519; p=@", false },
		{ "alice@org", "k=ed25519; p=@", false },
		{ "alice@example.org.evil.example", "k=ed25519; p=@", false },
		{ "a=20b=40c@example.org", "k=ed25519; p=@", true },
		{ "@example.org@evil.example", "k=ed25519; p=@", false },
		{ "", "k=ed25519; p=@", false },
	};
	BUF_OWNED struct buf hash = { .max = 100 };

	(void)state;
	put_hash64(&hash, SLICE(BODY));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		BUF_OWNED struct buf block = { .max = 4096 }, key = { .max = 1024 }, octets = { .max = 4096 };
		char field[700];
		uint8_t digest[32], signature[64];
		struct slice text;
		struct dkim_verify *v;

		(void)snprintf(field, sizeof field,
		    "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; i=%s; h=from:subject; "
		    "bh=%.*s; b=",
		    rows[i].identity, (int)hash.len, (const char *)hash.data);
		(void)buf_put_str(&octets, FROM SUBJECT);
		(void)buf_put_str(&octets, field);
		assert_ok(hash_once(HASH_SHA256, buf_slice(&octets), digest, &unit_error));
		assert_ok(
		    sign_make(SIGN_ED25519, secret_slice(&secret_key), slice_of(digest, 32), signature, &unit_error));
		(void)buf_put_str(&block, field);
		(void)base64_write(&block, slice_of(signature, 64));
		assert_ok(buf_put_str(&block, "\r\n" FROM SUBJECT "\r\n"));
		put_replaced(&key, rows[i].record, '@', slice_str(public_text));
		text = buf_slice(&key);
		v = verify(buf_slice(&block), SLICE(BODY), 100, &text, 1, NULL);
		if ((dkim_verify_best(v) == DKIM_PASS) != rows[i].holds)
			fail_msg("%s, %s: %s", rows[i].identity, rows[i].record, dkim_verify_result(v, 0)->reason);
		dkim_verify_free(v);
	}
}

/* Section 5.4.2: from the bottom, and names that are not there count as nothing. */
static void
fields_that_are_signed(void **state)
{
	static const struct {
		const char *names, *signed_fields, *shown;
		bool holds;
	} rows[] = {
		{ "from:subject", FROM SUBJECT, SUBJECT FROM, true },
		{ "subject:from", SUBJECT FROM, FROM SUBJECT, true },
		{ "from:subject:from:subject:cc", FROM SUBJECT, FROM SUBJECT, true },
		{ "from:x:x",
		    FROM "X: 2\r\n"
			 "X: 1\r\n",
		    "X: 1\r\n" FROM "X: 2\r\n", true },
		{ "from:x:x",
		    FROM "X: 1\r\n"
			 "X: 2\r\n",
		    "X: 1\r\n" FROM "X: 2\r\n", false },
		{ "from:x", FROM "X: 2\r\n", "X: 1\r\n" FROM "X: 2\r\n", true },
		{ "from:x", FROM "X: 1\r\n", "X: 1\r\n" FROM "X: 2\r\n", false },
		/* added after signing, though its absence was signed */
		{ "from:x:x", FROM "X: 2\r\n", "X: 1\r\n" FROM "X: 2\r\n", false },
		{ "from:cc", FROM, "Cc: x\r\n" FROM, false },
		/* simple: each octet counts */
		{ "from:x", FROM "X:  a\r\n", FROM "X: a\r\n", false },
		{ "from:x", FROM "X: a\r\n", FROM "x: a\r\n", false },
		{ "from:x", FROM "X: a\r\n b\r\n", FROM "X: a\r\n b\r\n", true },
		{ "from:x", FROM "X: a\r\n b\r\n", FROM "X: a\r\n  b\r\n", false },
		{ "from:x", FROM "X: a \r\n", FROM "X: a\r\n", false },
		{ "from : x", FROM "X: a\r\n", FROM "X: a\r\n", true },
		/* two From, one of them signed (section 8.15) */
		{ "from", FROM, "From: evil@evil.example\r\n" FROM, false },
		{ "from", FROM, FROM "From: evil@evil.example\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char tags[200];
		enum dkim_result r;

		(void)snprintf(tags, sizeof tags,
		    "v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=k; h=%s; bh=@;", rows[i].names);
		r = outcome_of(tags, rows[i].signed_fields, rows[i].shown, "k=ed25519; p=@", NULL);
		if ((r == DKIM_PASS) != rows[i].holds)
			fail_msg("h=%s of %s: %s", rows[i].names, rows[i].shown, dkim_result_name(r));
	}
}

/* Section 3.4.3 and 3.4.4: the hashes of no body at all, and of the examples in 3.4.5. */
static void
bodies(void **state)
{
	static const struct {
		const char *body, *simple, *relaxed;
	} rows[] = {
		{ "", "\r\n", "" },
		{ "\r\n", "\r\n", "" },
		{ "\r\n\r\n\r\n", "\r\n", "" },
		{ " \r\n\t\r\n", " \r\n\t\r\n", "" },
		{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
		{ "no end", "no end\r\n", "no end\r\n" },
		{ "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n" },
		{ "a\r\n \r\n", "a\r\n \r\n", "a\r\n" },
		{ " \t a", " \t a\r\n", " a\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int relaxed = 0; relaxed < 2; relaxed++)
			for (size_t piece = 1; piece < 4; piece++) {
				BUF_OWNED struct buf block = { .max = 4096 }, key = { .max = 1024 };
				char tags[200];
				struct slice text;
				struct dkim_verify *v;

				(void)snprintf(tags, sizeof tags,
				    "v=1; a=ed25519-sha256; c=simple/%s; d=example.org; s=k; h=from; bh=@;",
				    relaxed ? "relaxed" : "simple");
				put_signature(
				    &block, tags, FROM, slice_str(relaxed ? rows[i].relaxed : rows[i].simple));
				assert_ok(buf_put_str(&block, FROM "\r\n"));
				put_replaced(&key, "k=ed25519; p=@", '@', slice_str(public_text));
				text = buf_slice(&key);
				v = verify(buf_slice(&block), slice_str(rows[i].body), piece, &text, 1, NULL);
				if (dkim_verify_best(v) != DKIM_PASS)
					fail_msg(
					    "\"%s\" %d: %s", rows[i].body, relaxed, dkim_verify_result(v, 0)->reason);
				dkim_verify_free(v);
			}
}

/* RFC 8616 section 5, and where the key is (section 3.6.2.1). */
static void
where_the_key_is(void **state)
{
	char asked[300];

	(void)state;
	assert_int_equal(
	    outcome_of("v=1; a=ed25519-sha256; c=simple/simple; d=Example.org; s=a.b; h=from:subject; bh=@;",
		FROM SUBJECT, FROM SUBJECT, "k=ed25519; p=@", asked),
	    DKIM_PASS);
	assert_true(slice_ieq_str(slice_str(asked), "a.b._domainkey.example.org"));
	assert_int_equal(outcome_of("v=1; a=ed25519-sha256; c=simple/simple; d=b\xc3\xbc"
				    "cher.example; s=k; h=from:subject; bh=@;",
			     FROM SUBJECT, FROM SUBJECT, "k=ed25519; p=@", asked),
	    DKIM_PASS);
	assert_true(slice_ieq_str(slice_str(asked), "k._domainkey.xn--bcher-kva.example"));
}

/* ---- what the RFCs print ---- */

/* The lines of standards/NAME between two that begin so; without page breaks and three columns of margin. NULL: no data. */
static char *
printed(const char *name, const char *begin, const char *end, char *out, size_t size)
{
	const char *folder = getenv("LETTERLOCK_TESTDATA");
	char path[500], line[300];
	bool inside = false;
	size_t len = 0;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/standards/%s", folder == NULL ? "" : folder, name);
	if (folder == NULL || (f = fopen(path, "r")) == NULL) {
		print_message("# skipped: LETTERLOCK_TESTDATA has no standards/%s\n", name);
		return NULL;
	}
	while (fgets(line, sizeof line, f) != NULL) {
		size_t chars = strcspn(line, "\r\n\f");

		line[chars] = 0;
		inside = inside || strncmp(line, begin, strlen(begin)) == 0;
		if (inside && strncmp(line, end, strlen(end)) == 0)
			break;
		if (inside && len + chars + 3 < size)
			len += (size_t)snprintf(
			    out + len, size - len, "%s\r\n", strncmp(line, "   ", 3) == 0 ? line + 3 : line);
	}
	(void)fclose(f);
	assert_true(len > 0);
	return out;
}

/* RFC 8463 appendix A: both signatures of the message hold, and neither does when an octet is another. */
static void
the_message_of_rfc_8463(void **state)
{
	static char text[8192], records[2][1024];
	struct slice header, body, all, keys[2];
	struct mailauth_question q;
	const char *names[] = { "brisbane._domainkey", "test._domainkey" };

	(void)state;
	if (printed("rfc8463.txt", "brisbane._domainkey.", "A.3.", text, sizeof text) == NULL)
		return;
	for (size_t i = 0; i < 2; i++) {
		char *at = strstr(text, names[i]), *end = strchr(at, ')');
		size_t len = 0;
		bool quoted = false;

		for (; at < end; at++)
			if (*at == '"')
				quoted = !quoted;
			else if (quoted)
				records[i][len++] = *at;
		keys[i] = slice_of(records[i], len);
	}
	(void)printed("rfc8463.txt", "   DKIM-Signature: v=1; a=ed25519", "Author's Address", text, sizeof text);
	all = slice_str(text);
	header = slice_sub(all, 0, slice_search(all, SLICE("\r\n\r\n")) + 4);
	body = slice_from(all, header.len);
	for (size_t flip = 0; flip < 2; flip++) {
		struct dkim_verify_config config = { .now = NOW };
		struct dkim_verify *v;

		if (flip == 1)
			text[header.len] ^= 1;
		assert_ok(dkim_verify_new(&config, header, &v, &unit_error));
		dkim_verify_body(v, body);
		while (dkim_verify_next(v, &q) == DKIM_VERIFY_LOOKUP) {
			size_t which = slice_istarts(q.name, SLICE("brisbane.")) ? 0 : 1;

			dkim_verify_answer(v,
			    &(struct mailauth_answer){
				.found = MAILAUTH_FOUND, .records = &keys[which], .record_count = 1 });
		}
		assert_int_equal(dkim_verify_count(v), 2);
		for (size_t i = 0; i < 2; i++)
			if (dkim_verify_result(v, i)->result != (flip == 1 ? DKIM_FAIL : DKIM_PASS))
				fail_msg("%zu: %s", i, dkim_verify_result(v, i)->reason);
		dkim_verify_free(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(tags_of_a_signature), UNIT_TEST(tags_of_a_key),
		UNIT_TEST(identities), UNIT_TEST(fields_that_are_signed), UNIT_TEST(bodies),
		UNIT_TEST(where_the_key_is), UNIT_TEST(the_message_of_rfc_8463) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_key, end_key);
}
