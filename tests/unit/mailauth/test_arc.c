/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/pem_secret.h"
#include "mailauth/arc/seal.h"
#include "mailauth/arc/verify.h"
#include "unit.h"

#define NOW 1700000000u
#define HEADER "From: a@example.com\r\nTo: b@example.org\r\nSubject: x\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
#define BODY "\r\nHello.\r\n"
/* Somebody's, of 1024 bits: records of several keys have the right one last. */
#define OTHER_KEY \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD7AO5PYUGuK8oUZxnCsHEy/DwrF5iCMNR6KvGPUivRDTpdJcWZLL" \
	"CkCz5Z7Z/3rMoeljGOWl80CntxoQnJBFU+DEmYqY6lDwtmH9DG21U5D7KpS1qcnuZEZoRDg+x/BYKDtKEGLZ9dooKp" \
	"08Ub6mxE+meycoo2lR8KAOfxU7bEwQIDAQAB"

static struct pem_secret *key;
static struct buf record; /* of all names */

static void
make_key(void)
{
	struct buf public;

	if (key != NULL)
		return;
	buf_init(&public, 4096);
	buf_init(&record, 4096);
	assert_ok(pem_secret_generate(PEM_PUBLIC_ED25519, 0, &key, &unit_error));
	assert_ok(pem_secret_public(key, &public, &unit_error));
	(void)dkim_key_write(true, buf_slice(&public), &record);
	buf_done(&public);
}

/* ---- both sides ---- */

static struct slice
body_of(struct slice message, struct slice *header)
{
	size_t end = mime_header_length(message);

	*header = slice_sub(message, 0, end);
	return slice_from(message, end);
}

static struct arc_verify *
verify_by(struct slice message, enum mailauth_found found, size_t *questions)
{
	struct arc_verify_config config = { .now = NOW };
	struct slice header, body = body_of(message, &header);
	struct slice texts[] = { SLICE("v=DKIM1; k=rsa; p=" OTHER_KEY), SLICE("v=spf1"), SLICE("v=DKIM1; p="),
		buf_slice(&record) };
	struct mailauth_answer answer = { .found = found, .records = texts, .record_count = MAILAUTH_DKIM_KEYS_MAX };
	struct mailauth_question question;
	struct arc_verify *v;

	*questions = 0;
	assert_ok(arc_verify_new(&config, header, &v, &unit_error));
	for (size_t i = 0; i < body.len; i++)
		arc_verify_body(v, slice_sub(body, i, 1));
	while (arc_verify_next(v, &question) == ARC_VERIFY_LOOKUP) {
		assert_int_equal(question.type, MAILAUTH_TXT);
		(*questions)++;
		arc_verify_answer(v, &answer);
	}
	assert_true(arc_verify_verdict(v)->reason[0] != '\0');
	return v;
}

static struct arc_verdict
verdict_of(struct slice message)
{
	size_t questions;
	struct arc_verify *v = verify_by(message, MAILAUTH_FOUND, &questions);
	struct arc_verdict verdict = *arc_verify_verdict(v);

	arc_verify_free(v);
	return verdict;
}

static void
sign(struct arc_seal *s, bool seal, unsigned instance)
{
	struct arc_seal_claim claim;
	uint8_t digest[32];
	struct buf signature;

	buf_init(&signature, 1024);
	assert_ok(arc_seal_claim(arc_seal_octets(s), &claim, &unit_error));
	assert_int_equal(claim.seal, seal);
	assert_int_equal(claim.instance, instance);
	assert_int_equal(claim.algorithm, DKIM_ED25519_SHA256);
	assert_int_equal(claim.made, NOW);
	assert_ok(hash_once(HASH_SHA256, arc_seal_octets(s), digest, &unit_error));
	assert_ok(pem_secret_sign(key, slice_of(digest, sizeof(digest)), &signature, &unit_error));
	assert_ok(arc_seal_signature(s, buf_slice(&signature), &unit_error));
	buf_done(&signature);
}

static int
begin_seal(struct slice message, const struct arc_verdict *chain, const char *domain, struct arc_seal **out)
{
	static const struct auth_result result = { .method = { (const uint8_t *)"spf", 3 },
		.result = { (const uint8_t *)"pass", 4 } };
	const struct auth_results results = { .server = SLICE("mx.example.org"), .results = &result, .count = 1 };
	struct arc_seal_params params = { .algorithm = DKIM_ED25519_SHA256,
		.domain = slice_str(domain),
		.selector = SLICE("k1"),
		.now = NOW,
		.chain = chain,
		.results = &results };
	struct slice header, body = body_of(message, &header);
	struct dkim_body *b;
	int rc;

	assert_ok(dkim_body_new(DKIM_RELAXED, &b, &unit_error));
	dkim_body_put(b, body);
	assert_ok(dkim_body_end(b, &unit_error));
	rc = arc_seal_new(&params, header, dkim_body_hash(b, DKIM_BODY_WHOLE), out, &unit_error);
	dkim_body_free(b);
	return rc;
}

/* Puts a set in front of the message, whose chain is so. */
static void
seal_on(struct buf *message, const char *domain, const struct arc_verdict *chain)
{
	struct arc_seal *s;
	struct buf sealed;

	buf_init(&sealed, 1 << 20);
	assert_ok(begin_seal(buf_slice(message), chain, domain, &s));
	assert_int_equal(arc_seal_fields(s).len, 0);
	sign(s, false, (unsigned)chain->count + 1);
	sign(s, true, (unsigned)chain->count + 1);
	assert_int_equal(arc_seal_octets(s).len, 0);
	assert_int_equal(arc_seal_signature(s, SLICE("x"), NULL), ERR_ORDER);
	(void)buf_put_slice(&sealed, arc_seal_fields(s));
	(void)buf_put_slice(&sealed, buf_slice(message));
	arc_seal_free(s);
	buf_done(message);
	*message = sealed;
}

static void
seal(struct buf *message, const char *domain)
{
	struct arc_verdict chain = verdict_of(buf_slice(message));

	seal_on(message, domain, &chain);
}

static void
start(struct buf *message, size_t sets)
{
	char domain[64];

	make_key();
	buf_init(message, 1 << 20);
	(void)buf_put_str(message, HEADER BODY);
	for (size_t i = 1; i <= sets; i++) {
		(void)snprintf(domain, sizeof(domain), "d%zu.example", i);
		seal(message, domain);
	}
}

/* Exchanges the first occurrence of one text for another one. */
static void
exchange(struct buf *message, const char *from, const char *to)
{
	struct slice all = buf_slice(message);
	size_t at = slice_search(all, slice_str(from));
	struct buf changed;

	assert_true(at != SIZE_MAX);
	buf_init(&changed, 1 << 20);
	(void)buf_put_slice(&changed, slice_sub(all, 0, at));
	(void)buf_put_str(&changed, to);
	(void)buf_put_slice(&changed, slice_from(all, at + slice_str(from).len));
	buf_done(message);
	*message = changed;
}

/* ---- tests ---- */

static void
without_a_chain_there_is_none(void **state)
{
	struct arc_verdict v;

	(void)state;
	make_key();
	v = verdict_of(SLICE(HEADER BODY));
	assert_int_equal(v.result, ARC_NONE);
	assert_true(v.may_be_sealed);
	assert_int_equal(verdict_of(SLICE("")).result, ARC_NONE);
}

static void
a_chain_of_three_holds(void **state)
{
	struct buf message;
	struct arc_verify *v;
	const struct arc_verdict *verdict;
	size_t questions;

	(void)state;
	start(&message, 3);
	v = verify_by(buf_slice(&message), MAILAUTH_FOUND, &questions);
	verdict = arc_verify_verdict(v);
	if (verdict->result != ARC_PASS)
		fail_msg("%s", verdict->reason);
	assert_int_equal(verdict->count, 3);
	assert_int_equal(verdict->oldest_pass, 0);
	assert_int_equal(questions, 3); /* each key once */
	for (size_t i = 1; i <= 3; i++) {
		const struct arc_set *s = arc_verify_set(v, i);
		struct auth_results r = { 0 };
		char domain[64];
		struct arena a;

		(void)snprintf(domain, sizeof(domain), "d%zu.example", i);
		arena_init(&a, 1 << 20);
		assert_slice(s->seal_domain, domain);
		assert_slice(s->message_domain, domain);
		assert_slice(s->seal_selector, "k1");
		assert_int_equal(s->chain, i == 1 ? ARC_NONE : ARC_PASS);
		assert_int_equal(s->made, NOW);
		assert_true(s->message_holds);
		assert_ok(auth_results_parse(s->results, true, &a, &r, &unit_error));
		assert_int_equal(r.instance, i);
		assert_slice(r.results[0].result, "pass");
		arena_done(&a);
	}
	assert_null(arc_verify_set(v, 0));
	assert_null(arc_verify_set(v, 4));
	arc_verify_free(v);
	buf_done(&message);
}

static void
who_changed_the_message_is_told(void **state)
{
	struct buf message;
	struct arc_verdict v;

	(void)state;
	start(&message, 2);
	exchange(&message, "Subject: x", "Subject: [list] x");
	v = verdict_of(buf_slice(&message));
	assert_int_equal(v.result, ARC_FAIL);
	assert_int_equal(v.failed, 2);
	buf_done(&message);

	start(&message, 2);
	exchange(&message, "Hello.", "Hello, list.");
	seal(&message, "d3.example"); /* a broken chain: sealed as such */
	v = verdict_of(buf_slice(&message));
	assert_int_equal(v.result, ARC_FAIL);
	assert_false(v.may_be_sealed);
	buf_done(&message);
}

/* Changed and then sealed by the list: the chain holds, and the oldest signature that does is the list's. */
static void
a_list_changes_and_seals(void **state)
{
	struct buf message;
	struct arc_verdict chain, v;
	struct arc_seal *s;

	(void)state;
	start(&message, 2);
	chain = verdict_of(buf_slice(&message));
	exchange(&message, "Subject: x", "Subject: [list] x");
	assert_ok(begin_seal(buf_slice(&message), &chain, "list.example", &s));
	sign(s, false, 3);
	sign(s, true, 3);
	{
		struct buf sealed;

		buf_init(&sealed, 1 << 20);
		(void)buf_put_slice(&sealed, arc_seal_fields(s));
		(void)buf_put_slice(&sealed, buf_slice(&message));
		v = verdict_of(buf_slice(&sealed));
		buf_done(&sealed);
	}
	assert_int_equal(v.result, ARC_PASS);
	assert_int_equal(v.oldest_pass, 3);
	arc_seal_free(s);
	buf_done(&message);
}

static const struct {
	const char *from, *to;
	size_t failed;
} changes[] = {
	/* what seals cover */
	{ "i=1; mx.example.org", "i=1; mx.example.net", 2 },
	{ "i=2; mx.example.org", "i=2; mx.example.net", 2 },
	{ "spf=pass", "spf=fail", 2 },
	{ "cv=pass", "cv=none", 2 },
	{ "cv=none", "cv=pass", 1 },
	{ "cv=pass", "cv=PASS", 2 },
	{ "cv=pass", "cv=", 2 },
	{ "cv=pass; ", "", 2 },
	{ "a=ed25519-sha256; cv=pass", "a=rsa-sha256; cv=pass", 2 },
	{ "a=ed25519-sha256; cv=pass", "a=rsa-sha1; cv=pass", 2 },
	{ "cv=pass;", "cv=pass; h=from;", 2 },
	{ "cv=pass;", "cv=pass; x=1;", 2 },
	/* the order */
	{ "ARC-Seal: i=2", "ARC-Seal: i=3", 0 },
	{ "ARC-Seal: i=2", "ARC-Seal: i=0", 0 },
	{ "ARC-Seal: i=2", "ARC-Seal: i=51", 0 },
	{ "ARC-Seal: i=2", "ARC-Seal: i=1", 0 },
	{ "ARC-Seal: i=2;", "ARC-Seal:", 0 },
	{ "ARC-Seal: i=1", "X-Seal: i=1", 0 },
	{ "ARC-Message-Signature: i=1", "X: i=1", 0 },
	{ "ARC-Authentication-Results: i=1", "X: i=1", 0 },
	{ "ARC-Authentication-Results: i=1;", "ARC-Authentication-Results: i=1", 0 },
	{ "ARC-Authentication-Results: i=1;", "ARC-Authentication-Results:", 0 },
	/* the message signature */
	{ "To: b@", "To: c@", 2 },
	{ "Hello", "Hallo", 2 },
	{ "From: a@", "From: x@evil.example\r\nFrom: a@", 2 },
	{ "c=relaxed/relaxed", "c=", 2 },
	{ "c=relaxed/relaxed", "c=relaxed/relaxed; x=1", 2 },
	{ "c=relaxed/relaxed", "c=relaxed/relaxed; l=3", 2 },
	{ "ARC-Message-Signature: i=2", "ARC-Message-Signature: v=1; i=2", 2 },
};

static void
nothing_can_be_changed(void **state)
{
	struct buf whole;

	(void)state;
	start(&whole, 2);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct arc_verdict v;
		struct buf message;

		buf_init(&message, 1 << 20);
		(void)buf_put_slice(&message, buf_slice(&whole));
		exchange(&message, changes[i].from, changes[i].to);
		v = verdict_of(buf_slice(&message));
		if (v.result != ARC_FAIL || v.failed != changes[i].failed)
			fail_msg("%s, %s: %s, %zu, %s", changes[i].from, changes[i].to, arc_result_name(v.result),
			    v.failed, v.reason);
		buf_done(&message);
	}
	buf_done(&whole);
}

/* Space and case where relaxed canonicalization permits it; what is not covered. */
static void
what_does_not_count_may_change(void **state)
{
	static const struct {
		const char *from, *to;
	} harmless[] = {
		{ "ARC-Seal:", "arc-seal :" },
		{ "Subject: x", "SUBJECT:   x  " },
		{ "; cv=pass", ";\r\n   cv=pass" },
		{ "From: a@", "Received: x\r\nFrom: a@" },
		{ "Hello.\r\n", "Hello.  \r\n\r\n\r\n" },
	};
	struct buf message;

	(void)state;
	start(&message, 2);
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		struct arc_verdict v;

		exchange(&message, harmless[i].from, harmless[i].to);
		v = verdict_of(buf_slice(&message));
		if (v.result != ARC_PASS)
			fail_msg("%s: %s", harmless[i].to, v.reason);
	}
	buf_done(&message);
}

static void
a_chain_has_fifty_sets_at_most(void **state)
{
	struct buf message;
	struct arc_verdict v;
	struct arc_seal *s;

	(void)state;
	start(&message, MAILAUTH_ARC_SETS_MAX);
	v = verdict_of(buf_slice(&message));
	assert_int_equal(v.result, ARC_PASS);
	assert_int_equal(v.count, MAILAUTH_ARC_SETS_MAX);
	assert_false(v.may_be_sealed);
	assert_int_equal(begin_seal(buf_slice(&message), &v, "d.example", &s), ERR_POLICY);
	v.may_be_sealed = true; /* whoever says so */
	assert_int_equal(begin_seal(buf_slice(&message), &v, "d.example", &s), ERR_POLICY);
	buf_done(&message);
}

/*
 * All that a header has room for is signed by all of them, and each key is the last of several. With a sanitizer it takes
 * some 0.2 s of a processor.
 */
static void
a_long_chain_over_much_costs_little(void **state)
{
	struct arc_verdict chain = { .result = ARC_NONE, .may_be_sealed = true }, v;
	struct timespec begun, over;
	struct buf message;

	(void)state;
	make_key();
	buf_init(&message, 1 << 20);
	(void)buf_put_str(&message, "From: a@example.com\r\nSubject:");
	while (message.len < 180000)
		(void)buf_put_str(&message, " \t a");
	(void)buf_put_str(&message, "\r\n" BODY);
	for (; chain.count < MAILAUTH_ARC_SETS_MAX; chain.count++) {
		char domain[64];

		(void)snprintf(domain, sizeof domain, "d%zu.example", chain.count);
		seal_on(&message, domain, &chain);
		chain.result = ARC_PASS;
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	v = verdict_of(buf_slice(&message));
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &over);
	assert_true(v.result == ARC_PASS && v.count == MAILAUTH_ARC_SETS_MAX);
	assert_true(over.tv_sec - begun.tv_sec < 3);
	buf_done(&message);
}

/* A broken chain is sealed once, as broken, over its own set only (sections 5.1 and 5.1.2). */
static void
a_broken_chain_is_sealed_once(void **state)
{
	struct buf message;
	struct arc_verdict v;
	struct arc_seal *s;

	(void)state;
	start(&message, 2);
	exchange(&message, "spf=pass", "spf=none");
	v = verdict_of(buf_slice(&message));
	assert_int_equal(v.result, ARC_FAIL);
	assert_true(v.may_be_sealed);
	assert_ok(begin_seal(buf_slice(&message), &v, "d3.example", &s));
	sign(s, false, 3);
	assert_true(slice_starts(arc_seal_octets(s), SLICE("arc-authentication-results:i=3;")));
	sign(s, true, 3);
	assert_true(slice_search(arc_seal_fields(s), SLICE("cv=fail")) != SIZE_MAX);
	{
		struct buf sealed;

		buf_init(&sealed, 1 << 20);
		(void)buf_put_slice(&sealed, arc_seal_fields(s));
		(void)buf_put_slice(&sealed, buf_slice(&message));
		v = verdict_of(buf_slice(&sealed));
		assert_int_equal(v.result, ARC_FAIL);
		assert_int_equal(v.failed, 3);
		assert_false(v.may_be_sealed);
		buf_done(&sealed);
	}
	arc_seal_free(s);
	buf_done(&message);
}

static void
another_chain_is_not_sealed(void **state)
{
	struct buf message;
	struct arc_verdict none, pass;
	struct arc_seal *s;

	(void)state;
	start(&message, 1);
	none = verdict_of(SLICE(HEADER BODY));
	pass = verdict_of(buf_slice(&message));
	assert_int_equal(begin_seal(buf_slice(&message), &none, "d.example", &s), ERR_USAGE);
	assert_int_equal(begin_seal(SLICE(HEADER BODY), &pass, "d.example", &s), ERR_USAGE);
	assert_int_equal(begin_seal(SLICE(HEADER BODY), &none, "..", &s), ERR_SYNTAX);
	assert_int_equal(begin_seal(SLICE("To: x\r\n\r\n"), &none, "d.example", &s), ERR_SYNTAX);
	buf_done(&message);
}

/* Section 5.2.1: no answer is a failure too; it is told apart, for logs. */
static void
no_answer_is_a_failure(void **state)
{
	static const enum mailauth_found found[] = { MAILAUTH_FAILED, MAILAUTH_NO_NAME, MAILAUTH_NONE };
	struct buf message;

	(void)state;
	start(&message, 1);
	for (size_t i = 0; i < 3; i++) {
		size_t questions;
		struct arc_verify *v = verify_by(buf_slice(&message), found[i], &questions);

		assert_int_equal(arc_verify_verdict(v)->result, ARC_FAIL);
		assert_int_equal(arc_verify_verdict(v)->temporary, i == 0);
		assert_int_equal(questions, 1);
		arc_verify_free(v);
	}
	buf_done(&message);
}

/* ---- what a key signs ---- */

static void
only_signatures_of_arc_are_claimed(void **state)
{
	static const char *const bad[] = {
		"",
		"arc-seal:i=1; a=ed25519-sha256; cv=none; d=d.example; s=k1; t=1; b=",
		"From: x\r\narc-seal:i=1; a=ed25519-sha256; cv=none; d=d.example; s=k1; t=1; b=",
		"arc-authentication-results:i=1; x\r\narc-message-signature:i=1; x=y\r\n"
		"arc-seal:i=2; a=ed25519-sha256; cv=pass; d=d.example; s=k1; t=1; b=",
		"arc-authentication-results:i=1; x\r\narc-message-signature:i=2; x=y\r\n"
		"arc-seal:i=1; a=ed25519-sha256; cv=none; d=d.example; s=k1; t=1; b=",
		"arc-authentication-results:i=1; x\r\narc-message-signature:i=1; x=y\r\nfrom:x\r\n"
		"arc-seal:i=1; a=ed25519-sha256; cv=none; d=d.example; s=k1; t=1; b=",
		"arc-authentication-results:i=1; x\r\narc-message-signature:i=1; x=y\r\n"
		"arc-seal:i=1; a=ed25519-sha256; cv=none; d=d.example; s=k1; t=1; h=x; b=",
		"arc-authentication-results:i=1; x\r\narc-message-signature:i=1; x=y\r\n"
		"arc-seal:i=1; a=ed25519-sha256; cv=none; d=d.example; s=k1; t=1; b=x",
		"arc-authentication-results:i=1; x\r\narc-message-signature:i=1; x=y\r\n"
		"dkim-signature:v=1; a=ed25519-sha256; d=d.example; s=k1; t=1; b=",
		"to:x\r\narc-message-signature:i=1; a=ed25519-sha256; c=relaxed/relaxed; d=d.example; s=k1; t=1; h=to; "
		"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=",
		"from:x\r\narc-message-signature:i=1; a=ed25519-sha256; c=relaxed/relaxed; d=d.example; s=k1; t=1; "
		"h=From; "
		"bh=AAAA; b=",
	};
	static const char good_seal[] = "arc-authentication-results:i=1; x\r\narc-message-signature:i=1; x=y\r\n"
					"arc-seal:i=1; a=ed25519-sha256; cv=none; d=d.example; s=k1; t=1; b=";
	static const char others[] =
	    "arc-authentication-results:i = 1 (x) ; y\r\narc-message-signature:i=1; x=y\r\narc-seal:a=b; i=1\r\n"
	    "arc-authentication-results:i=2; x\r\narc-message-signature:i=2; x=y\r\n"
	    "arc-seal:i=2; a=ed25519-sha256; cv=pass; d=d.example; s=k1; t=1; b=";
	static const char good_message[] =
	    "from:x\r\narc-message-signature:i=1; a=ed25519-sha256; c=relaxed/relaxed; d=d.example; s=k1; t=1; h=From; "
	    "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=";
	struct arc_seal_claim claim;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (arc_seal_claim(slice_str(bad[i]), &claim, &unit_error) != ERR_SYNTAX)
			fail_msg("%s", bad[i]);
	assert_ok(arc_seal_claim(slice_str(good_seal), &claim, &unit_error));
	assert_true(claim.seal);
	assert_ok(arc_seal_claim(slice_str(others), &claim, &unit_error));
	assert_int_equal(claim.instance, 2);
	assert_ok(arc_seal_claim(slice_str(good_message), &claim, &unit_error));
	assert_false(claim.seal);
	assert_slice(claim.domain, "d.example");
}

static void
without_memory_it_says_so(void **state)
{
	struct slice header, body;
	struct buf message;
	int rc = ERR_NOMEM;

	(void)state;
	start(&message, 2);
	body = body_of(buf_slice(&message), &header);
	for (long n = 0; n < 1000; n++) {
		struct arc_verify_config config = { .now = NOW };
		struct slice text = buf_slice(&record);
		struct mailauth_answer answer = { .found = MAILAUTH_FOUND, .records = &text, .record_count = 1 };
		struct mailauth_question question;
		struct arc_verify *v;
		enum arc_result result = ARC_FAIL;

		mem_fail_after(n);
		rc = arc_verify_new(&config, header, &v, &unit_error);
		if (rc == 0) {
			arc_verify_body(v, body);
			while (arc_verify_next(v, &question) == ARC_VERIFY_LOOKUP)
				arc_verify_answer(v, &answer);
			result = arc_verify_verdict(v)->result;
			arc_verify_free(v);
		}
		mem_fail_after(-1);
		assert_true(rc == 0 || rc == ERR_NOMEM || rc == ERR_CRYPTO);
		if (result == ARC_PASS)
			break;
	}
	assert_int_equal(rc, 0);
	buf_done(&message);
}

static void
keys_are_given_back(void **state)
{
	(void)state;
	pem_secret_free(key);
	buf_done(&record);
	key = NULL;
}

UNIT_MAIN(UNIT_TEST(without_a_chain_there_is_none), UNIT_TEST(a_chain_of_three_holds),
    UNIT_TEST(who_changed_the_message_is_told), UNIT_TEST(a_list_changes_and_seals), UNIT_TEST(nothing_can_be_changed),
    UNIT_TEST(what_does_not_count_may_change), UNIT_TEST(a_chain_has_fifty_sets_at_most),
    UNIT_TEST(a_long_chain_over_much_costs_little), UNIT_TEST(a_broken_chain_is_sealed_once),
    UNIT_TEST(another_chain_is_not_sealed), UNIT_TEST(no_answer_is_a_failure),
    UNIT_TEST(only_signatures_of_arc_are_claimed), UNIT_TEST(without_memory_it_says_so), UNIT_TEST(keys_are_given_back))
