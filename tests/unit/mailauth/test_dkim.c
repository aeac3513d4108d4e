/* SPDX-License-Identifier: ISC */
/* Signatures made and verified: what holds, what does not, and what holds and is not worth anything. */
#include <stdio.h>

#include "base/base64.h"
#include "crypto/pem_secret.h"
#include "mailauth/dkim/sign.h"
#include "mailauth/dkim/verify.h"
#include "mailauth/name.h"
#include "unit.h"

#define NOW 1700000000u

static struct pem_secret *rsa, *ed25519;
static char record_rsa[1024], record_ed25519[256];

#define HEADER \
	"From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: a\r\n folded  one\r\nDate: now\r\n" \
	"Received: x\r\n\r\n"
#define TEXT "Hello  there \r\n\r\nend\r\n\r\n"
static const struct slice header = { (const uint8_t *)HEADER, sizeof HEADER - 1 };
static const struct slice text = { (const uint8_t *)TEXT, sizeof TEXT - 1 };

static void
record(const struct pem_secret *k, bool is_ed25519, char *out, size_t size)
{
	BUF_OWNED struct buf public = { 0 }, line = { 0 };

	buf_init(&public, 1024);
	buf_init(&line, size - 1);
	assert_ok(pem_secret_public(k, &public, &unit_error));
	assert_ok(dkim_key_write(is_ed25519, buf_slice(&public), &line));
	(void)snprintf(out, size, "%.*s", (int)line.len, (const char *)line.data);
}

static int
make_keys(void **state)
{
	(void)state;
	assert_ok(pem_secret_generate(PEM_PUBLIC_RSA, 2048, &rsa, &unit_error));
	assert_ok(pem_secret_generate(PEM_PUBLIC_ED25519, 0, &ed25519, &unit_error));
	record(rsa, false, record_rsa, sizeof record_rsa);
	record(ed25519, true, record_ed25519, sizeof record_ed25519);
	return 0;
}

static int
end_keys(void **state)
{
	(void)state;
	pem_secret_free(rsa);
	pem_secret_free(ed25519);
	return 0;
}

/* ---- signing ---- */

static void
sign_octets(const struct pem_secret *k, struct slice octets, struct buf *out)
{
	uint8_t digest[32];

	assert_ok(hash_once(HASH_SHA256, octets, digest, &unit_error));
	assert_ok(pem_secret_sign(k, slice_of(digest, sizeof digest), out, &unit_error));
}

static void
body_hash(enum dkim_canon how, struct slice in, uint64_t length, uint8_t out[32])
{
	struct dkim_body *b;

	assert_ok(dkim_body_new(how, &b, &unit_error));
	if (length != DKIM_BODY_WHOLE)
		assert_ok(dkim_body_mark(b, length, &unit_error));
	dkim_body_put(b, in);
	assert_ok(dkim_body_end(b, &unit_error));
	memcpy(out, dkim_body_hash(b, length), 32);
	dkim_body_free(b);
}

/* The field that we write. */
static void
put_signature(
    const struct dkim_sign *s, const struct pem_secret *k, struct slice block, struct slice body, struct buf *out)
{
	BUF_OWNED struct buf octets = { 0 }, signature = { 0 };
	uint8_t hash[32];

	buf_init(&octets, 1 << 20);
	buf_init(&signature, 1024);
	body_hash(DKIM_RELAXED, body, DKIM_BODY_WHOLE, hash);
	assert_ok(dkim_sign_octets(s, block, hash, &octets, &unit_error));
	sign_octets(k, buf_slice(&octets), &signature);
	assert_ok(dkim_sign_field(buf_slice(&octets), buf_slice(&signature), out, &unit_error));
}

/*
 * A field of other people's making: tags is all but b=, "%s" in it is the
 * body's hash; names are the fields of block that are signed, in this order.
 */
static void
put_other(const char *tags, const char *const *fields, enum dkim_canon how, const uint8_t hash[32],
    const struct pem_secret *k, struct buf *out)
{
	BUF_OWNED struct buf octets = { 0 }, signature = { 0 }, base64 = { 0 }, field = { 0 };

	buf_init(&octets, 1 << 20);
	buf_init(&signature, 1024);
	buf_init(&base64, 1024);
	buf_init(&field, 1 << 16);
	(void)base64_write(&base64, slice_of(hash, 32));
	(void)buf_putf(&field, "DKIM-Signature: %s bh=%.*s; b=", tags, (int)base64.len, (const char *)base64.data);
	for (size_t i = 0; fields[i] != NULL; i++)
		assert_ok(dkim_canon_field(how, slice_str(fields[i]), &octets));
	assert_ok(dkim_canon_signature(how, buf_slice(&field), &octets));
	sign_octets(k, buf_slice(&octets), &signature);
	(void)base64_write(&field, buf_slice(&signature));
	(void)buf_put_str(&field, "\r\n");
	(void)buf_put_slice(out, buf_slice(&field));
}

/* ---- verifying ---- */

struct dns {
	const char *rsa, *ed25519; /* records of "r" and "e"; NULL: there is none */
	enum mailauth_found found; /* of others, and of these without a record */
	unsigned asked;
};

static void
run(struct dkim_verify *v, struct dns *dns)
{
	struct mailauth_question q;

	while (dkim_verify_next(v, &q) == DKIM_VERIFY_LOOKUP) {
		struct mailauth_answer a = { .found = dns->found };
		struct slice found;
		const char *text_of = slice_starts(q.name, SLICE("r.")) ? dns->rsa
		    : slice_starts(q.name, SLICE("e."))                 ? dns->ed25519
									: NULL;

		assert_int_equal(q.type, MAILAUTH_TXT);
		dns->asked++;
		if (text_of != NULL) {
			found = slice_str(text_of);
			a = (struct mailauth_answer){ .found = MAILAUTH_FOUND, .records = &found, .record_count = 1 };
		}
		dkim_verify_answer(v, &a);
	}
}

static struct dkim_verify *
verify(struct slice block, struct slice body, size_t piece, struct dns *dns)
{
	const struct dkim_verify_config config = { .now = NOW };
	struct dkim_verify *v;

	assert_ok(dkim_verify_new(&config, block, &v, &unit_error));
	for (size_t at = 0; at < body.len; at += piece)
		dkim_verify_body(v, slice_sub(body, at, piece));
	run(v, dns);
	return v;
}

static struct dns
all(void)
{
	return (struct dns){ .rsa = record_rsa, .ed25519 = record_ed25519, .found = MAILAUTH_NO_NAME };
}

/* Our two signatures in front of a header. */
static void
signed_header(struct buf *out)
{
	struct dkim_sign s = { .domain = SLICE("example.org"), .selector = SLICE("r"), .now = NOW };

	buf_init(out, 1 << 20);
	put_signature(&s, rsa, header, text, out);
	s.selector = SLICE("e");
	s.algorithm = DKIM_ED25519_SHA256;
	s.expires = NOW + 10;
	put_signature(&s, ed25519, header, text, out);
	(void)buf_put_slice(out, header);
}

static void
both_hold(void **state)
{
	BUF_OWNED struct buf block = { 0 };
	const struct dkim_signature *r;
	struct dns dns = all();
	struct dkim_verify *v;

	(void)state;
	signed_header(&block);
	for (size_t piece = 1; piece <= text.len; piece++) {
		v = verify(buf_slice(&block), text, piece, &dns);
		assert_int_equal(dkim_verify_count(v), 2);
		assert_int_equal(dkim_verify_seen(v), 2);
		assert_int_equal(dkim_verify_best(v), DKIM_PASS);
		r = dkim_verify_result(v, 0);
		assert_int_equal(r->result, DKIM_PASS);
		assert_slice(r->domain, "example.org");
		assert_slice(r->selector, "r");
		assert_slice(r->identity, "@example.org");
		assert_slice(r->algorithm, "rsa-sha256");
		assert_int_equal(r->key_bits, 2048);
		assert_int_equal(r->signature.len, 344);
		assert_false(r->testing);
		r = dkim_verify_result(v, 1);
		assert_int_equal(r->result, DKIM_PASS);
		assert_slice(r->algorithm, "ed25519-sha256");
		assert_int_equal(r->key_bits, 256);
		assert_int_equal(r->expires, NOW + 10);
		dkim_verify_free(v);
	}
}

/* Every bit of the header and the body that is signed; white space and case of names may change. */
static void
flipped_bits(void **state)
{
	BUF_OWNED struct buf block = { 0 }, body = { 0 };
	struct dns dns = all();

	(void)state;
	signed_header(&block);
	buf_init(&body, 1024);
	(void)buf_put_slice(&body, text);
	for (size_t i = 0; i < text.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct dkim_verify *v;

			body.data[i] ^= (uint8_t)(1u << bit);
			v = verify(buf_slice(&block), buf_slice(&body), 5, &dns);
			if (dkim_verify_best(v) == DKIM_PASS && body.data[i] > ' ' && text.data[i] > ' ')
				fail_msg("octet %zu bit %u of the body", i, bit);
			dkim_verify_free(v);
			body.data[i] ^= (uint8_t)(1u << bit);
		}
	}
	for (size_t i = 0; i < block.len; i += 3) {
		struct dkim_verify *v;
		uint8_t old = block.data[i];

		block.data[i] = (uint8_t)(old ^ 1);
		v = verify(buf_slice(&block), text, 100, &dns);
		/* In the first signature's field the second one still holds, and the other way round. */
		for (size_t k = 0; k < dkim_verify_count(v); k++)
			if (i >= block.len - header.len && i < block.len - sizeof "Received: x\r\n\r\n" &&
			    dkim_verify_result(v, k)->result == DKIM_PASS && old > ' ' && block.data[i] > ' ')
				fail_msg("octet %zu of the header: %c", i, old);
		dkim_verify_free(v);
		block.data[i] = old;
	}
}

static void
cut_anywhere(void **state)
{
	BUF_OWNED struct buf block = { 0 };
	struct dns dns = all();

	(void)state;
	signed_header(&block);
	for (size_t len = 0; len < block.len - header.len + 60; len++) {
		struct dkim_verify *v = verify(slice_sub(buf_slice(&block), 0, len), text, 100, &dns);

		for (size_t k = 0; k < dkim_verify_count(v); k++)
			assert_int_not_equal(dkim_verify_result(v, k)->result, DKIM_PASS);
		dkim_verify_free(v);
	}
	for (size_t len = 0; len < 20; len++) {
		struct dkim_verify *v = verify(buf_slice(&block), slice_sub(text, 0, len), 100, &dns);

		assert_int_equal(dkim_verify_best(v), DKIM_FAIL);
		dkim_verify_free(v);
	}
}

static void
added_fields(void **state)
{
	static const struct {
		const char *field;
		enum dkim_result result;
	} rows[] = {
		{ "From: eve@example.net\r\n", DKIM_FAIL }, /* that there is no second one is signed */
		{ "from : eve@example.net\r\n", DKIM_FAIL },
		{ "Subject: other\r\n", DKIM_FAIL },
		{ "To: eve@example.net\r\n", DKIM_FAIL },
		{ "Cc: eve@example.net\r\n", DKIM_FAIL }, /* there was none, and that is signed */
		{ "Date: then\r\n", DKIM_FAIL },
		{ "Received: y\r\n", DKIM_PASS },
		{ "X-Whatever: y\r\n", DKIM_PASS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf block = { 0 }, more = { 0 };
		struct dns dns = all();

		signed_header(&block);
		buf_init(&more, 1 << 20);
		(void)buf_put_str(&more, rows[i].field);
		(void)buf_put_slice(&more, buf_slice(&block));
		for (int below = 0; below < 2; below++) {
			struct dkim_verify *v;

			if (below == 1) {
				buf_clear(&more);
				(void)buf_put_slice(&more, slice_sub(buf_slice(&block), 0, block.len - 2));
				(void)buf_put_str(&more, rows[i].field);
				(void)buf_put_str(&more, "\r\n");
			}
			v = verify(buf_slice(&more), text, 100, &dns);
			if (below == 0 || rows[i].result == DKIM_PASS)
				assert_int_equal(dkim_verify_best(v), rows[i].result);
			else
				assert_int_not_equal(dkim_verify_best(v), DKIM_PASS);
			dkim_verify_free(v);
		}
	}
}

/* ---- what others' signatures may say ---- */

static const char *const signed_from[] = { "From: Alice <alice@example.org>\r\n", NULL };
static const char *const signed_nothing[] = { NULL };

static const struct other {
	const char *name, *tags;
	enum dkim_result result;
	uint64_t length; /* 0: whole */
	const char *key; /* NULL: record_rsa; %: behind it */
} others[] = {
	{ "plain", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PASS, 0, NULL },
	{ "unknown tag", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; zz=1;", DKIM_PASS, 0, NULL },
	{ "folded", "v=1;\r\n\ta=rsa-sha256;\r\n d=example.org; s=r; h=from\r\n\t: x-none;", DKIM_PASS, 0, NULL },
	{ "i= below d=", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; i=a=3Bb@sub.example.org;", DKIM_PASS, 0,
	    NULL },
	{ "i= elsewhere", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; i=@badexample.org;", DKIM_PERMERROR, 0,
	    NULL },
	{ "i= above", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; i=@org;", DKIM_NEUTRAL, 0, NULL },
	{ "i= with t=s", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; i=@sub.example.org;", DKIM_PERMERROR, 0,
	    "; t=s" },
	{ "t=s", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PASS, 0, "; t=y:s" },
	{ "version", "v=2; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_NEUTRAL, 0, NULL },
	{ "no version", "a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_NEUTRAL, 0, NULL },
	{ "no h=", "v=1; a=rsa-sha256; d=example.org; s=r;", DKIM_NEUTRAL, 0, NULL },
	{ "algorithm", "v=1; a=rsa-sha512; d=example.org; s=r; h=from;", DKIM_NEUTRAL, 0, NULL },
	{ "SHA-1", "v=1; a=rsa-sha1; d=example.org; s=r; h=from;", DKIM_POLICY, 0, NULL },
	{ "other kind of key", "v=1; a=ed25519-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, NULL },
	{ "canonical form", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; c=nofws;", DKIM_NEUTRAL, 0, NULL },
	{ "query", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; q=http;", DKIM_NEUTRAL, 0, NULL },
	{ "queries", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; q=http : dns/txt;", DKIM_PASS, 0, NULL },
	{ "From not signed", "v=1; a=rsa-sha256; d=example.org; s=r; h=to;", DKIM_PERMERROR, 0, NULL },
	{ "domain", "v=1; a=rsa-sha256; d=org; s=r; h=from;", DKIM_NEUTRAL, 0, NULL },
	{ "bad domain", "v=1; a=rsa-sha256; d=exa mple.org; s=r; h=from;", DKIM_NEUTRAL, 0, NULL },
	{ "selector", "v=1; a=rsa-sha256; d=example.org; s=r..x; h=from;", DKIM_NEUTRAL, 0, NULL },
	{ "tag twice", "v=1; a=rsa-sha256; d=example.org; d=example.org; s=r; h=from;", DKIM_NEUTRAL, 0, NULL },
	{ "expired", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; x=1699999000;", DKIM_PERMERROR, 0, NULL },
	{ "just expired", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; x=1699999900;", DKIM_PASS, 0, NULL },
	{ "expires before made", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; t=1699999990; x=1699999980;",
	    DKIM_NEUTRAL, 0, NULL },
	{ "future", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; t=1700001000;", DKIM_PERMERROR, 0, NULL },
	{ "clock", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; t=1700000100;", DKIM_PASS, 0, NULL },
	{ "t= is no number", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; t=1x;", DKIM_NEUTRAL, 0, NULL },
	{ "t= of 76 digits",
	    "v=1; a=rsa-sha256; d=example.org; s=r; h=from; "
	    "t=1111111111111111111111111111111111111111111111111111111111111111111111111111;",
	    DKIM_NEUTRAL, 0, NULL },
	{ "part of the body", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; l=5;", DKIM_POLICY, 5, NULL },
	{ "all of the body by l=", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; l=22;", DKIM_PASS, 22, NULL },
	{ "more than the body", "v=1; a=rsa-sha256; d=example.org; s=r; h=from; l=23;", DKIM_PERMERROR, 0, NULL },
	{ "no key", "v=1; a=rsa-sha256; d=example.org; s=none; h=from;", DKIM_PERMERROR, 0, NULL },
	{ "revoked", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "=v=DKIM1; p=" },
	{ "no p=", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "=v=DKIM1; k=rsa" },
	{ "wildcard", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "=v=spf1 -all" },
	{ "no key in it", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "=p=AAAA" },
	{ "kind of key", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "=k=dsa; p=AAAA" },
	{ "for SHA-1", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "; h=sha1" },
	{ "for both", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PASS, 0, "; h=sha1 : sha256" },
	{ "not for mail", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "; s=tlsrpt" },
	{ "for mail too", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PASS, 0, "; s=tlsrpt:email" },
	{ "tag twice in the key", "v=1; a=rsa-sha256; d=example.org; s=r; h=from;", DKIM_PERMERROR, 0, "; s=*; s=*" },
};

static void
others_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		const struct other *o = &others[i];
		struct dns dns = all();
		BUF_OWNED struct buf block = { 0 };
		struct dkim_verify *v;
		uint8_t hash[32];
		char key[2048];

		buf_init(&block, 1 << 16);
		(void)snprintf(key, sizeof key, "%s%s", o->key != NULL && o->key[0] == '=' ? "" : record_rsa,
		    o->key == NULL         ? ""
			: o->key[0] == '=' ? o->key + 1
					   : o->key);
		dns.rsa = key;
		body_hash(DKIM_SIMPLE, text, o->length == 0 ? DKIM_BODY_WHOLE : o->length, hash);
		put_other(o->tags, strstr(o->tags, "h=to") != NULL ? signed_nothing : signed_from, DKIM_SIMPLE, hash,
		    rsa, &block);
		(void)buf_put_slice(&block, header);
		v = verify(buf_slice(&block), text, 100, &dns);
		if (dkim_verify_best(v) != o->result)
			fail_msg("%s: %s, %s", o->name, dkim_result_name(dkim_verify_best(v)),
			    dkim_verify_result(v, 0)->reason);
		assert_true(dkim_verify_result(v, 0)->reason[0] != '\0');
		assert_int_equal(dkim_verify_result(v, 0)->testing, o->key != NULL && strcmp(o->key, "; t=y:s") == 0);
		dkim_verify_free(v);
	}
}

/* Who signs From once signs the lowest one; what is read is perhaps another one (RFC 6376 section 8.15). */
static void
a_second_from(void **state)
{
	BUF_OWNED struct buf field = { 0 }, block = { 0 };
	struct dns dns = all();
	uint8_t hash[32];

	(void)state;
	buf_init(&field, 1 << 16);
	buf_init(&block, 1 << 16);
	body_hash(DKIM_SIMPLE, text, DKIM_BODY_WHOLE, hash);
	put_other("v=1; a=rsa-sha256; d=example.org; s=r; h=from;", signed_from, DKIM_SIMPLE, hash, rsa, &field);
	for (int twice = 0; twice < 2; twice++) {
		struct dkim_verify *v;

		buf_clear(&block);
		(void)buf_put_slice(&block, buf_slice(&field));
		(void)buf_put_str(&block, twice == 1 ? "fRom :eve@example.net\r\n" : "");
		(void)buf_put_slice(&block, header);
		v = verify(buf_slice(&block), text, 100, &dns);
		assert_int_equal(dkim_verify_best(v), twice == 1 ? DKIM_POLICY : DKIM_PASS);
		dkim_verify_free(v);
	}
	assert_int_equal(dns.asked, 1);
}

static void
dns_that_does_not_answer(void **state)
{
	BUF_OWNED struct buf block = { 0 };
	struct dns dns = { .found = MAILAUTH_FAILED };
	struct dkim_verify *v;

	(void)state;
	signed_header(&block);
	v = verify(buf_slice(&block), text, 100, &dns);
	assert_int_equal(dkim_verify_best(v), DKIM_TEMPERROR);
	assert_int_equal(dns.asked, 2);
	dkim_verify_free(v);
	dns = (struct dns){ .rsa = record_rsa, .found = MAILAUTH_FAILED };
	v = verify(buf_slice(&block), text, 100, &dns); /* one is enough */
	assert_int_equal(dkim_verify_best(v), DKIM_PASS);
	dkim_verify_free(v);
}

/* Several records under one name: the one that fits counts, wherever it stands. */
static void
several_records(void **state)
{
	const struct dkim_verify_config config = { .now = NOW };
	struct slice records[] = { SLICE("v=spf1 -all"), SLICE("v=DKIM1; p="), slice_str(record_ed25519),
		slice_str(record_rsa), SLICE("x") };
	struct mailauth_answer a = { .found = MAILAUTH_FOUND, .records = records, .record_count = 5 };
	BUF_OWNED struct buf block = { 0 };
	struct mailauth_question q;
	struct dkim_verify *v;

	(void)state;
	signed_header(&block);
	for (int turn = 0; turn < 2; turn++) {
		assert_ok(dkim_verify_new(&config, buf_slice(&block), &v, &unit_error));
		dkim_verify_body(v, text);
		while (dkim_verify_next(v, &q) == DKIM_VERIFY_LOOKUP)
			dkim_verify_answer(v, &a);
		assert_int_equal(dkim_verify_result(v, 0)->result, turn == 0 ? DKIM_PASS : DKIM_PERMERROR);
		dkim_verify_free(v);
		records[3] = SLICE("v=DKIM1; p="); /* no key is left */
	}
}

/* ---- bounds ---- */

static void
a_thousand_signatures(void **state)
{
	BUF_OWNED struct buf block = { 0 };
	struct dns dns = all();
	struct dkim_verify *v;

	(void)state;
	buf_init(&block, 1 << 20);
	for (unsigned i = 0; i < 1000; i++)
		(void)buf_putf(&block,
		    "DKIM-Signature: v=1; a=rsa-sha256; d=d%u.example.org; s=s%u; l=%u; h=from;\r\n"
		    "\tbh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AAAA\r\n",
		    i, i, i % 20);
	(void)buf_put_slice(&block, header);
	v = verify(buf_slice(&block), text, 1, &dns);
	assert_int_equal(dkim_verify_seen(v), 1000);
	assert_int_equal(dkim_verify_count(v), MAILAUTH_DKIM_SIGNATURES_MAX);
	assert_int_equal(dkim_verify_best(v), DKIM_FAIL);
	assert_true(dns.asked <= MAILAUTH_DKIM_SIGNATURES_MAX);
	dkim_verify_free(v);
}

/* The same key is asked for once. */
static void
one_question_for_one_key(void **state)
{
	BUF_OWNED struct buf block = { 0 };
	struct dkim_sign s = { .domain = SLICE("example.org"), .selector = SLICE("r"), .now = NOW };
	struct dns dns = all();
	struct dkim_verify *v;

	(void)state;
	buf_init(&block, 1 << 20);
	for (int i = 0; i < 3; i++, s.now--)
		put_signature(&s, rsa, header, text, &block);
	(void)buf_put_slice(&block, header);
	v = verify(buf_slice(&block), text, 100, &dns);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(dkim_verify_result(v, i)->result, DKIM_PASS);
	assert_int_equal(dns.asked, 1);
	dkim_verify_free(v);
}

static void
headers_that_cannot_be_read(void **state)
{
	BUF_OWNED struct buf block = { 0 }, more = { 0 };
	struct dns dns = all();
	struct dkim_verify *v;

	(void)state;
	signed_header(&block);
	buf_init(&more, 4 << 20);
	(void)buf_put_slice(&more, slice_sub(buf_slice(&block), 0, block.len - 2));
	(void)buf_put_str(&more, "this is no field\r\nFrom: eve@example.net\r\n\r\n");
	v = verify(buf_slice(&more), text, 100, &dns);
	assert_int_equal(dkim_verify_best(v), DKIM_PERMERROR);
	dkim_verify_free(v);
	buf_clear(&more);
	(void)buf_put_slice(&more, slice_sub(buf_slice(&block), 0, block.len - 2));
	while (more.len < 3u << 20)
		(void)buf_put_str(&more, "X-Filler: a line of some length that says nothing at all\r\n");
	(void)buf_put_str(&more, "\r\n");
	v = verify(buf_slice(&more), text, 100, &dns);
	assert_int_equal(dkim_verify_best(v), DKIM_PERMERROR);
	dkim_verify_free(v);
	assert_int_equal(dns.asked, 0);
	v = verify(header, text, 100, &dns);
	assert_int_equal(dkim_verify_best(v), DKIM_NONE);
	dkim_verify_free(v);
}

/* RFC 8616: U-labels in d= are asked for as A-labels. */
static void
names_in_other_scripts(void **state)
{
	const struct dkim_verify_config config = { .now = NOW };
	BUF_OWNED struct buf block = { 0 };
	struct mailauth_question q;
	struct dkim_verify *v;
	uint8_t hash[32];

	(void)state;
	buf_init(&block, 1 << 16);
	body_hash(DKIM_SIMPLE, text, DKIM_BODY_WHOLE, hash);
	put_other("v=1; a=rsa-sha256; d=b\xc3\xbc"
		  "cher.example; s=r; h=from;",
	    signed_from, DKIM_SIMPLE, hash, rsa, &block);
	(void)buf_put_slice(&block, header);
	assert_ok(dkim_verify_new(&config, buf_slice(&block), &v, &unit_error));
	dkim_verify_body(v, text);
	assert_int_equal(dkim_verify_next(v, &q), DKIM_VERIFY_LOOKUP);
	assert_slice(q.name, "r._domainkey.xn--bcher-kva.example");
	dkim_verify_free(v);
}

/* ---- what is shown to the key ---- */

static void
octets_of(struct buf *out)
{
	const struct dkim_sign s = { .domain = SLICE("example.org"), .selector = SLICE("r"), .now = NOW };
	uint8_t hash[32] = { 1 };

	buf_init(out, 1 << 16);
	assert_ok(dkim_sign_octets(&s, header, hash, out, &unit_error));
}

static void
claims(void **state)
{
	BUF_OWNED struct buf octets = { 0 }, other = { 0 };
	struct dkim_sign_claim claim;
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "from:", "evil:" },
		{ "subject:", "x-subject:" },
		{ "v=1; ", "v=2; " },
		{ "a=rsa-sha256", "a=rsa-sha1" },
		{ "c=relaxed/relaxed", "c=simple/simple" },
		{ "dkim-signature:", "dkim-signature2:" },
		{ "; b=", "; b=AA" },
		{ "; b=", "; z=; b=" },
		{ "; t=17", "; l=0; t=17" },
		{ "; bh=AQ", "; bh=" },
		{ "d=example.org", "d=org" },
		{ "\r\n", "\n" },
		{ "date:now\r\n", "date:now\r\nsubject:other\r\n" },
	};

	(void)state;
	octets_of(&octets);
	assert_ok(dkim_sign_claim(buf_slice(&octets), &claim, &unit_error));
	assert_slice(claim.domain, "example.org");
	assert_slice(claim.selector, "r");
	assert_int_equal(claim.made, NOW);
	assert_int_equal(claim.algorithm, DKIM_RSA_SHA256);
	buf_init(&other, 1 << 16);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		size_t at = slice_search(buf_slice(&octets), slice_str(changes[i].from));

		assert_true(at != SIZE_MAX);
		buf_clear(&other);
		(void)buf_put_slice(&other, slice_sub(buf_slice(&octets), 0, at));
		(void)buf_put_str(&other, changes[i].to);
		(void)buf_put_slice(&other, slice_from(buf_slice(&octets), at + strlen(changes[i].from)));
		if (dkim_sign_claim(buf_slice(&other), &claim, &unit_error) == 0)
			fail_msg("%s became %s, and would be signed", changes[i].from, changes[i].to);
	}
	for (size_t len = 0; len < octets.len; len++)
		assert_int_not_equal(dkim_sign_claim(slice_sub(buf_slice(&octets), 0, len), &claim, &unit_error), 0);
	assert_int_not_equal(dkim_sign_claim(SLICE("0123456789abcdef0123456789abcdef"), &claim, &unit_error), 0);
}

static void
what_is_signed(void **state)
{
	const struct slice block = SLICE_EMPTY;
	BUF_OWNED struct buf octets = { 0 };
	const struct dkim_sign s = { .domain = SLICE("example.org"), .selector = SLICE("r"), .now = NOW };
	struct dkim_sign bad = s;
	uint8_t hash[32] = { 0 };

	(void)state;
	octets_of(&octets);
	assert_true(slice_starts(buf_slice(&octets),
	    SLICE("from:Alice <alice@example.org>\r\nsubject:a folded one\r\ndate:now\r\nto:bob@example.net\r\n"
		  "dkim-signature:v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=r; t=1700000000; "
		  "h=From:From:Subject:Subject:Date:Date:To:To:Cc; bh=")));
	assert_int_equal(slice_search(buf_slice(&octets), SLICE("received")), SIZE_MAX);
	assert_int_equal(dkim_sign_octets(&s, block, hash, &octets, &unit_error), ERR_SYNTAX);
	assert_int_equal(dkim_sign_octets(&s, SLICE("To: a\r\n\r\n"), hash, &octets, &unit_error), ERR_SYNTAX);
	assert_int_equal(dkim_sign_octets(&s, SLICE("From: a\r\nx\r\n\r\n"), hash, &octets, &unit_error), ERR_SYNTAX);
	bad.domain = SLICE("example");
	assert_int_equal(dkim_sign_octets(&bad, header, hash, &octets, &unit_error), ERR_SYNTAX);
	bad = s;
	bad.selector = SLICE("a;b");
	assert_int_equal(dkim_sign_octets(&bad, header, hash, &octets, &unit_error), ERR_SYNTAX);
	bad = s;
	bad.algorithm = DKIM_RSA_SHA1;
	assert_int_equal(dkim_sign_octets(&bad, header, hash, &octets, &unit_error), ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNIT_TEST(both_hold), UNIT_TEST(flipped_bits), UNIT_TEST(cut_anywhere),
		UNIT_TEST(added_fields), UNIT_TEST(others_signatures), UNIT_TEST(a_second_from),
		UNIT_TEST(dns_that_does_not_answer), UNIT_TEST(several_records), UNIT_TEST(a_thousand_signatures),
		UNIT_TEST(one_question_for_one_key), UNIT_TEST(headers_that_cannot_be_read),
		UNIT_TEST(names_in_other_scripts), UNIT_TEST(claims), UNIT_TEST(what_is_signed) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, end_keys);
}
