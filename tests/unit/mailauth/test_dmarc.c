/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/mem.h"
#include "mailauth/dmarc/destination.h"
#include "mailauth/dmarc/dmarc.h"
#include "mailauth/name.h"
#include "unit.h"

/* What DNS has, one name a line: "NAME TEXT". "!NAME": nobody answers. Of other names: NXDOMAIN, but for those above. */
struct zone {
	const char *text;
	struct buf asked; /* names, a space behind each */
	size_t count;
};

static struct slice
line_of(const struct zone *z, struct slice name, bool *exists)
{
	struct slice rest = slice_str(z->text), found = SLICE_EMPTY;

	while (rest.len > 0) {
		struct slice text, line = slice_split(rest, '\n', &rest), owner = slice_split(line, ' ', &text);

		if (mailauth_name_below(owner, name))
			*exists = true;
		if (mailauth_name_is(owner, name) ||
		    (owner.len > 0 && owner.data[0] == '!' && slice_ieq(slice_from(owner, 1), name)))
			found = line;
	}
	return found;
}

static void
look_up(struct zone *z, const struct mailauth_question *question, struct mailauth_answer *answer, struct slice *text)
{
	bool exists = false;
	struct slice line = line_of(z, question->name, &exists);

	z->count++;
	(void)buf_put_slice(&z->asked, question->name);
	(void)buf_put_u8(&z->asked, ' ');
	*answer = (struct mailauth_answer){ .found = exists ? MAILAUTH_NONE : MAILAUTH_NO_NAME };
	(void)slice_split(line, ' ', text);
	if (line.len > 0 && line.data[0] == '!')
		answer->found = MAILAUTH_FAILED;
	else if (line.len > 0 && question->type == MAILAUTH_TXT)
		*answer = (struct mailauth_answer){
			.found = MAILAUTH_FOUND, .records = text, .record_count = 1, .secure = true
		};
}

static struct dmarc *
run(struct zone *z, const struct dmarc_config *config)
{
	struct mailauth_question question;
	struct mailauth_answer answer;
	struct slice text;
	struct dmarc *m;

	buf_init(&z->asked, 1 << 16);
	assert_ok(dmarc_new(config, &m, &unit_error));
	while (dmarc_next(m, &question) == DMARC_LOOKUP) {
		assert_true(z->count < MAILAUTH_DMARC_QUESTIONS_MAX);
		look_up(z, &question, &answer, &text);
		dmarc_answer(m, &answer);
	}
	return m;
}

/* ---- RFC 9989's examples and the tree walk ---- */

#define P "v=DMARC1; p=reject"

static const struct {
	const char *name, *zone, *author, *spf, *dkim; /* empty: did not pass */
	enum dmarc_result result;
	const char *policy, *tag, *domain;
	const char *asked; /* NULL: is not looked at */
} rows[] = {
	/* section 4.10 */
	{ "eight questions", "", "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "", DMARC_NONE, "none", NULL, "",
	    "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com _dmarc.g.h.i.j.mail.example.com _dmarc.h.i.j.mail.example.com "
	    "_dmarc.i.j.mail.example.com _dmarc.j.mail.example.com _dmarc.mail.example.com _dmarc.example.com "
	    "_dmarc.com " },
	{ "eight labels", "", "a.b.c.d.e.f.example.com", "", "", DMARC_NONE, "none", NULL, "",
	    "_dmarc.a.b.c.d.e.f.example.com _dmarc.b.c.d.e.f.example.com _dmarc.c.d.e.f.example.com "
	    "_dmarc.d.e.f.example.com _dmarc.e.f.example.com _dmarc.f.example.com _dmarc.example.com _dmarc.com " },
	{ "a zone cut too deep (5.1.8)",
	    "_dmarc.example.com " P "\n_dmarc.b.c.d.e.f.g.example.com v=DMARC1; p=none; psd=n",
	    "mail.a.b.c.d.e.f.g.example.com", "", "", DMARC_FAIL, "reject", "p", "example.com",
	    "_dmarc.mail.a.b.c.d.e.f.g.example.com _dmarc.c.d.e.f.g.example.com _dmarc.d.e.f.g.example.com "
	    "_dmarc.e.f.g.example.com _dmarc.f.g.example.com _dmarc.g.example.com _dmarc.example.com _dmarc.com " },
	/* 4.10.2 */
	{ "fewest labels", "_dmarc.mail.example.com v=DMARC1; p=none\n_dmarc.example.com " P, "a.mail.example.com", "",
	    "other.example.com", DMARC_PASS, "none", "p", "example.com", NULL },
	{ "psd=n stops", "_dmarc.mail.example.com v=DMARC1; p=quarantine; psd=n\n_dmarc.example.com " P,
	    "a.mail.example.com", "", "other.example.com", DMARC_FAIL, "quarantine", "p", "mail.example.com",
	    "_dmarc.a.mail.example.com _dmarc.mail.example.com " },
	{ "psd=y above", "_dmarc.com v=DMARC1; p=reject; psd=y", "a.mail.example.com", "", "b.example.com", DMARC_PASS,
	    "none", "p", "com", NULL },
	{ "psd=y above, another's", "_dmarc.com v=DMARC1; p=reject; psd=y", "a.mail.example.com", "", "example2.com",
	    DMARC_FAIL, "reject", "p", "com", NULL },
	/* appendix B.1 */
	{ "B.1.1 example 1", "_dmarc.example.com " P, "example.com", "example.com", "", DMARC_PASS, "none", "p",
	    "example.com", "_dmarc.example.com " },
	{ "B.1.1 example 2", "_dmarc.example.com " P, "example.com", "child.example.com", "", DMARC_PASS, "none", "p",
	    "example.com", NULL },
	{ "B.1.1 example 3", "_dmarc.example.com " P, "child.example.com", "example.net", "", DMARC_FAIL, "reject", "p",
	    "example.com", NULL },
	{ "B.1.2 example 2", "_dmarc.example.com " P, "child.example.com", "", "example.com", DMARC_PASS, "none", "p",
	    "example.com", NULL },
	{ "B.1.2 example 3", "_dmarc.example.com " P, "child.example.com", "", "example.net", DMARC_FAIL, "reject", "p",
	    "example.com", NULL },
	/* appendix B.4 */
	{ "B.4.1", "_dmarc.example.com " P "\n_dmarc.signing.example.com " P, "example.com", "", "signing.example.com",
	    DMARC_PASS, "none", "p", "example.com", "_dmarc.example.com _dmarc.com _dmarc.signing.example.com " },
	{ "B.4.2", "_dmarc.example.com " P "\n_dmarc.signing.example.com " P, "a.b.c.d.e.f.g.h.i.j.k.example.com", "",
	    "signing.example.com", DMARC_PASS, "none", "p", "example.com",
	    "_dmarc.a.b.c.d.e.f.g.h.i.j.k.example.com _dmarc.g.h.i.j.k.example.com _dmarc.h.i.j.k.example.com "
	    "_dmarc.i.j.k.example.com _dmarc.j.k.example.com _dmarc.k.example.com _dmarc.example.com _dmarc.com "
	    "_dmarc.signing.example.com " },
	{ "B.4.3 SPF",
	    "_dmarc.bank.example v=DMARC1; p=reject; psd=y\n_dmarc.giant.bank.example v=DMARC1; p=quarantine",
	    "giant.bank.example", "mail.giant.bank.example", "", DMARC_PASS, "none", "p", "giant.bank.example", NULL },
	{ "B.4.3 DKIM",
	    "_dmarc.bank.example v=DMARC1; p=reject; psd=y\n_dmarc.giant.bank.example v=DMARC1; p=quarantine",
	    "giant.bank.example", "", "mail.mega.bank.example", DMARC_FAIL, "quarantine", "p", "giant.bank.example",
	    NULL },
	/* policies of names below */
	{ "sp", "_dmarc.example.com v=DMARC1; p=none; sp=quarantine; np=reject\na.example.com x", "a.example.com", "",
	    "", DMARC_FAIL, "quarantine", "sp", "example.com", NULL },
	{ "np", "_dmarc.example.com v=DMARC1; p=none; sp=quarantine; np=reject", "a.example.com", "", "", DMARC_FAIL,
	    "reject", "np", "example.com", "_dmarc.a.example.com _dmarc.example.com _dmarc.com a.example.com " },
	{ "np, and a name below exists",
	    "_dmarc.example.com v=DMARC1; p=none; sp=quarantine; np=reject\nx.a.example.com x", "a.example.com", "", "",
	    DMARC_FAIL, "quarantine", "sp", "example.com", NULL },
	{ "np, and _dmarc exists", "_dmarc.example.com v=DMARC1; p=none; np=reject\n_dmarc.a.example.com x",
	    "a.example.com", "", "", DMARC_FAIL, "none", "p", "example.com",
	    "_dmarc.a.example.com _dmarc.example.com _dmarc.com " },
	{ "np without sp", "_dmarc.example.com v=DMARC1; p=reject; np=none", "a.example.com", "", "", DMARC_FAIL,
	    "none", "np", "example.com", NULL },
	{ "np of the domain itself is not heeded", "_dmarc.example.com v=DMARC1; p=none; np=reject", "example.com", "",
	    "", DMARC_FAIL, "none", "p", "example.com", NULL },
	{ "np, DNS does not tell", "_dmarc.example.com v=DMARC1; p=none; np=reject\n!a.example.com", "a.example.com",
	    "", "", DMARC_TEMPERROR, "none", "p", "example.com", NULL },
	{ "np of a public suffix", "_dmarc.com v=DMARC1; p=none; np=reject; psd=y", "nobody.com", "", "", DMARC_FAIL,
	    "reject", "np", "com", NULL },
	/* t=y: one below */
	{ "testing reject", "_dmarc.example.com v=DMARC1; p=reject; t=y", "example.com", "", "", DMARC_FAIL,
	    "quarantine", "p", "example.com", NULL },
	{ "testing quarantine", "_dmarc.example.com v=DMARC1; p=quarantine; t=y", "example.com", "", "", DMARC_FAIL,
	    "none", "p", "example.com", NULL },
	/* alignment */
	{ "strict", "_dmarc.example.com v=DMARC1; p=reject; adkim=s", "example.com", "", "a.example.com", DMARC_FAIL,
	    "reject", "p", "example.com", "_dmarc.example.com " },
	{ "strict SPF only", "_dmarc.example.com v=DMARC1; p=reject; aspf=s", "example.com", "a.example.com",
	    "a.example.com", DMARC_PASS, "none", "p", "example.com", NULL },
	{ "any case and a dot", "_dmarc.example.com v=DMARC1; p=reject; adkim=s", "Example.COM", "", "EXAMPLE.com.",
	    DMARC_PASS, "none", "p", "example.com", NULL },
	{ "not at a dot", "_dmarc.example.com " P, "example.com", "badexample.com", "", DMARC_FAIL, "reject", "p",
	    "example.com", "_dmarc.example.com _dmarc.com " },
	{ "another top-level domain is not asked about", "_dmarc.example.com " P, "example.com", "example.net",
	    "example.org", DMARC_FAIL, "reject", "p", "example.com", "_dmarc.example.com " },
	{ "no domain at all", "_dmarc.example.com " P, "example.com", "", "..", DMARC_FAIL, "reject", "p",
	    "example.com", "_dmarc.example.com " },
	{ "a public suffix vouches for nobody", "_dmarc.com v=DMARC1; p=none; psd=y\n_dmarc.example.com " P,
	    "example.com", "com", "", DMARC_FAIL, "reject", "p", "example.com", NULL },
	{ "nor an author that is one for those below", "_dmarc.com v=DMARC1; p=reject; psd=y", "com", "example.com", "",
	    DMARC_FAIL, "reject", "p", "com", NULL },
	{ "U-labels", "_dmarc.xn--mller-kva.example " P, "xn--mller-kva.example", "", "m\xc3\xbcller.example",
	    DMARC_PASS, "none", "p", "xn--mller-kva.example", NULL },
	/* records that are none */
	{ "no policy, no reports", "_dmarc.example.com v=DMARC1; p=rject", "example.com", "", "", DMARC_NONE, "none",
	    NULL, "", NULL },
	{ "no policy, but reports", "_dmarc.example.com v=DMARC1; p=rject; rua=mailto:a@b.example", "example.com", "",
	    "", DMARC_FAIL, "none", "p", "example.com", NULL },
	{ "something else there", "_dmarc.example.com v=spf1 -all\n_dmarc.com v=DMARC1; p=reject; psd=y", "example.com",
	    "", "", DMARC_FAIL, "reject", "p", "com", NULL },
	/* nobody answers */
	{ "the policy", "!_dmarc.example.com", "example.com", "example.com", "", DMARC_TEMPERROR, "none", NULL, "",
	    NULL },
	{ "in the walk for the policy", "!_dmarc.com", "example.com", "", "", DMARC_TEMPERROR, "none", NULL, "", NULL },
	{ "in the walk for alignment", "_dmarc.example.com " P "\n!_dmarc.a.example.com", "example.com",
	    "a.example.com", "", DMARC_TEMPERROR, "none", "p", "example.com", NULL },
	{ "where it makes no difference", "_dmarc.example.com " P "\n!_dmarc.a.example.com", "example.com",
	    "a.example.com", "example.com", DMARC_PASS, "none", "p", "example.com", NULL },
};

static void
judgements(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct zone z = { .text = rows[i].zone };
		struct dmarc_authors authors = { .count = 1, .fields = 1 };
		struct dmarc_identifier dkim[2] = { { .domain = SLICE("other.invalid"), .pass = true } };
		struct dmarc_config config = { .authors = &authors, .dkim = dkim, .dkim_count = 2 };
		const struct dmarc_verdict *v;
		struct dmarc *m;

		authors.domains[0] = slice_str(rows[i].author);
		config.spf =
		    (struct dmarc_identifier){ .domain = slice_str(rows[i].spf), .pass = rows[i].spf[0] != '\0' };
		dkim[1] =
		    (struct dmarc_identifier){ .domain = slice_str(rows[i].dkim), .pass = rows[i].dkim[0] != '\0' };
		m = run(&z, &config);
		v = dmarc_verdict(m);
		if (v->result != rows[i].result || strcmp(dmarc_policy_name(v->policy), rows[i].policy) != 0 ||
		    !slice_eq_str(v->domain, rows[i].domain) || (v->tag == NULL) != (rows[i].tag == NULL) ||
		    (v->tag != NULL && strcmp(v->tag, rows[i].tag) != 0))
			fail_msg("%s: %s %s %s at %.*s: %s", rows[i].name, dmarc_result_name(v->result),
			    dmarc_policy_name(v->policy), v->tag == NULL ? "-" : v->tag, (int)v->domain.len,
			    (const char *)v->domain.data, v->reason);
		if (rows[i].asked != NULL)
			assert_slice(buf_slice(&z.asked), rows[i].asked);
		if (v->dkim_aligned)
			assert_int_equal(v->dkim, 1);
		assert_true(v->reason[0] != '\0');
		dmarc_free(m);
		buf_done(&z.asked);
	}
}

static void
several_records_are_none(void **state)
{
	const struct slice records[] = { SLICE("v=DMARC1; p=reject"), SLICE("v=spf1 -all"), SLICE("v=DMARC1; p=none") };
	struct mailauth_answer two = { .found = MAILAUTH_FOUND, .records = records, .record_count = 3 };
	struct mailauth_answer one = { .found = MAILAUTH_FOUND, .records = records, .record_count = 2 };
	struct mailauth_answer none = { .found = MAILAUTH_NO_NAME };
	struct dmarc_authors authors = { .count = 1, .fields = 1, .domains = { SLICE("example.com") } };
	struct dmarc_config config = { .authors = &authors };
	struct mailauth_question question;
	struct dmarc *m;

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_ok(dmarc_new(&config, &m, &unit_error));
		assert_int_equal(dmarc_next(m, &question), DMARC_LOOKUP);
		dmarc_answer(m, round == 0 ? &two : &one);
		while (dmarc_next(m, &question) == DMARC_LOOKUP)
			dmarc_answer(m, &none);
		assert_int_equal(dmarc_verdict(m)->result, round == 0 ? DMARC_NONE : DMARC_FAIL);
		dmarc_free(m);
	}
}

/* A signature or SPF for which DNS did not answer: the message has neither passed nor failed (section 5.3.6). */
static void
what_is_not_known_is_no_failure(void **state)
{
	static const struct {
		const char *domain;
		bool spf;
		enum dmarc_result result;
	} unknown[] = {
		{ "example.com", false, DMARC_TEMPERROR },
		{ "example.com", true, DMARC_TEMPERROR },
		{ "a.example.com", false, DMARC_TEMPERROR },
		{ "example.net", false, DMARC_FAIL },
		{ "example.net", true, DMARC_FAIL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct zone z = { .text = "_dmarc.example.com v=DMARC1; p=reject" };
		struct dmarc_authors authors = { .count = 1, .fields = 1, .domains = { SLICE("example.com") } };
		struct dmarc_identifier id = { .domain = slice_str(unknown[i].domain), .temporary = true };
		struct dmarc_config config = { .authors = &authors, .dkim = &id, .dkim_count = !unknown[i].spf };
		struct dmarc *m;

		if (unknown[i].spf)
			config.spf = id;
		m = run(&z, &config);
		assert_int_equal(dmarc_verdict(m)->result, unknown[i].result);
		dmarc_free(m);
		buf_done(&z.asked);
	}
}

/* ---- authors ---- */

static const struct {
	const char *header;
	const char *domains; /* with spaces between */
	size_t fields;
	bool broken, one;
} headers[] = {
	{ "From: a@example.com\r\n\r\n", "example.com", 1, false, true },
	{ "From: \"x@bank.example\" <a@Example.COM>\r\n\r\n", "example.com", 1, false, true },
	{ "fRoM : a@example.com\r\n\r\n", "example.com", 1, false, true },
	{ "From: a@example.com,\r\n b@example.com\r\n\r\n", "example.com", 1, false, true },
	{ "From: a@example.com, b@example.org\r\n\r\n", "example.com example.org", 1, false, false },
	{ "From: a@example.com\r\nTo: x@y.example\r\nFROM: b@example.org\r\n\r\n", "example.com example.org", 2, false,
	    false },
	{ "From: a@example.com\r\nFrom: b@example.com\r\n\r\n", "example.com", 2, false, false },
	{ "From: Team: a@example.com, b@example.com;\r\n\r\n", "example.com", 1, false, true },
	{ "From: Nobody:;\r\n\r\n", "", 1, false, false },
	{ "From: a@m\xc3\xbcller.example\r\n\r\n", "xn--mller-kva.example", 1, false, true },
	{ "From: a@\xef\xbd\x85xample.com\r\n\r\n", "example.com", 1, false, true },
	{ "From: a@[192.0.2.1]\r\n\r\n", "", 1, true, false },
	{ "From: a\r\n\r\n", "", 1, true, false },
	{ "From:\r\n\r\n", "", 1, false, false },
	{ "To: a@example.com\r\n\r\n", "", 0, false, false },
	{ "From: a@example.com, <b@\r\n\r\n", "example.com", 1, true, false },
	{ "From: a@a.example, a@b.example, a@c.example, a@d.example, a@e.example\r\n\r\n",
	    "a.example b.example c.example d.example", 1, false, false },
	/* What slipped between readers of mail: no name that one of them could show is left out. */
	{ "From: <a@bank.example> <b@evil.example>\r\n\r\n", "bank.example evil.example", 1, true, false },
	{ "From: a@bank.example <b@evil.example>\r\n\r\n", "evil.example bank.example", 1, true, false },
	{ "From: a@example.com <a@example.com>\r\n\r\n", "example.com", 1, true, false },
	{ "From: a@bank.example@evil.example\r\n\r\n", "bank.example evil.example", 1, true, false },
	{ "From: <a@bank.example>b@evil.example\r\n\r\n", "bank.example evil.example", 1, true, false },
	{ "From: \"a@bank.example\"@evil.example\r\n\r\n", "evil.example", 1, false, true },
	{ "From: <@bank.example,@x.example:a@evil.example>\r\n\r\n", "evil.example", 1, false, true },
	{ "From: a@evil.example(@bank.example)\r\n\r\n", "evil.example", 1, false, true },
	{ "From: a@evil.example,\r\n\tb@bank.example\r\n\r\n", "evil.example bank.example", 1, false, false },
	{ "From: a@evil.example;b@bank.example\r\n\r\n", "evil.example bank.example", 1, true, false },
	{ "From: =?utf-8?q?a=40bank.example?= <b@evil.example>\r\n\r\n", "evil.example", 1, false, true },
	{ "From: =?utf-8?q?a=40bank.example?=\r\n\r\n", "", 1, true, false },
	{ "From: a@bank.example\rFrom: b@evil.example\r\n\r\n", "bank.example bank.examplefrom evil.example", 1, true,
	    false },
	{ "From: a@bank\1.exam\2ple\r\n\r\n", "bank bank.example", 1, true, false },
	{ "From: a@\1bank.example\r\n\r\n", "bank.example", 1, true, false },
	{ "From: a@bank.example\nFrom: b@evil.example\r\n\r\n", "bank.example evil.example", 2, false, false },
	{ "From: <a@evil.example>\r\nFrom:\r\n\r\n", "evil.example", 2, false, false },
	{ " From: a@bank.example\r\nFrom: b@evil.example\r\n\r\n", "bank.example evil.example", 2, false, false },
	/* Where our own reader of headers ends, others go on. */
	{ "no field\r\nFrom: a@bank.example\r\n\r\n", "bank.example", 1, false, true },
	{ "From: a@evil.example\r\nno field\r\nFrom: a@bank.example\r\n\r\n", "evil.example bank.example", 2, false,
	    false },
	{ "From ceo@x.example Fri Nov 27\r\nFrom: a@bank.example\r\n\r\n", "bank.example", 1, false, true },
	{ "From\r\n : a@bank.example\r\n\r\n", "bank.example", 1, false, true },
	{ "From\x01:a@bank.example\r\n\r\n", "bank.example", 1, false, true },
	{ "\xef\xbb\xbf"
	  "From: a@bank.example\r\n\r\n",
	    "bank.example", 1, false, true },
	{ "\tFrom:\r\n a@bank.example\r\n\r\n", "bank.example", 1, false, true },
	{ "X-From: a@bank.example\r\nFroms: a@b\r\nFro: a@b\r\nSender: a@b\r\n\r\n", "", 0, false, false },
	{ "From: a@bank.example.\r\n\r\n", "bank.example", 1, false, true },
};

static void
authors_of(const char *header, struct arena *a, struct dmarc_authors *out)
{
	assert_ok(dmarc_authors(slice_str(header), a, out, &unit_error));
}

static void
authors_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct dmarc_authors found;
		struct arena a;
		struct buf got;

		arena_init(&a, 1u << 14);
		buf_init(&got, 1000);
		authors_of(headers[i].header, &a, &found);
		for (size_t k = 0; k < found.count; k++) {
			(void)buf_put_str(&got, k > 0 ? " " : "");
			(void)buf_put_slice(&got, found.domains[k]);
		}
		if (!slice_eq_str(buf_slice(&got), headers[i].domains) || found.fields != headers[i].fields ||
		    found.broken != headers[i].broken || dmarc_authors_one(&found) != headers[i].one)
			fail_msg("%s: %.*s %zu %d", headers[i].header, (int)got.len, (char *)got.data, found.fields,
			    found.broken);
		buf_done(&got);
		arena_done(&a);
	}
}

static const struct {
	const char *header;
	enum dmarc_result result;
	const char *author, *policy;
} several[] = {
	/* evil.example signs; bank.example does not. Wherever the bank's name stands, its policy holds. */
	{ "From: a@evil.example, b@bank.example\r\n\r\n", DMARC_FAIL, "bank.example", "reject" },
	{ "From: a@bank.example, b@evil.example\r\n\r\n", DMARC_FAIL, "bank.example", "reject" },
	{ "From: a@evil.example\r\nFrom: b@bank.example\r\n\r\n", DMARC_FAIL, "bank.example", "reject" },
	{ "From: a@bank.example, b@soft.example, c@evil.example\r\n\r\n", DMARC_FAIL, "bank.example", "reject" },
	{ "From: a@soft.example, b@bank.example\r\n\r\n", DMARC_FAIL, "bank.example", "reject" },
	{ "From: a@soft.example, b@evil.example\r\n\r\n", DMARC_FAIL, "soft.example", "quarantine" },
	/* a pass is only for messages with one author that can be read */
	{ "From: a@evil.example\r\n\r\n", DMARC_PASS, "evil.example", "none" },
	{ "From: a@evil.example\r\nFrom: b@evil.example\r\n\r\n", DMARC_PERMERROR, "evil.example", "none" },
	{ "From: a@evil.example <a@evil.example>\r\n\r\n", DMARC_PASS, "evil.example", "none" },
	{ "From: a@bank.example <a@evil.example>\r\n\r\n", DMARC_FAIL, "bank.example", "reject" },
	{ "From: a@bank.example\rFrom: a@evil.example\r\n\r\n", DMARC_FAIL, "bank.example", "reject" },
	{ "From: a@evil.example@a.evil.example\r\n\r\n", DMARC_PERMERROR, "evil.example", "none" },
	{ "From: a@evil.example, b@a.evil.example, c@b.evil.example, d@c.evil.example, e@bank.example\r\n\r\n",
	    DMARC_PERMERROR, "evil.example", "none" },
	{ "From: a@evil.example, b@free.example\r\n\r\n", DMARC_NONE, "free.example", "none" },
	{ "From: Nobody:;\r\n\r\n", DMARC_PERMERROR, "", "none" },
	{ "To: a@bank.example\r\n\r\n", DMARC_PERMERROR, "", "none" },
};

static void
all_authors_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
		struct zone z = { .text =
				      "_dmarc.bank.example v=DMARC1; p=reject\n_dmarc.evil.example v=DMARC1; p=none\n"
				      "_dmarc.soft.example v=DMARC1; p=quarantine" };
		struct dmarc_identifier dkim = { .domain = SLICE("evil.example"), .pass = true };
		struct dmarc_authors authors;
		struct dmarc_config config = { .authors = &authors, .dkim = &dkim, .dkim_count = 1 };
		const struct dmarc_verdict *v;
		struct arena a;
		struct dmarc *m;

		arena_init(&a, 1u << 14);
		authors_of(several[i].header, &a, &authors);
		m = run(&z, &config);
		arena_done(&a); /* the machine has copies */
		v = dmarc_verdict(m);
		if (v->result != several[i].result || strcmp(dmarc_policy_name(v->policy), several[i].policy) != 0)
			fail_msg("%s: %s, %s", several[i].header, dmarc_result_name(v->result), v->reason);
		assert_slice(v->author, several[i].author);
		assert_int_equal(dmarc_verdict_count(m), authors.count);
		assert_null(dmarc_verdict_at(m, authors.count));
		dmarc_free(m);
		buf_done(&z.asked);
	}
}

static void
questions_are_bounded(void **state)
{
	enum { COUNT = MAILAUTH_DKIM_SIGNATURES_MAX + 1 };
	struct dmarc_authors authors = { .fields = 1, .count = MAILAUTH_DMARC_AUTHORS_MAX };
	struct dmarc_identifier dkim[COUNT];
	struct dmarc_config config = { .authors = &authors, .dkim = dkim, .dkim_count = COUNT };
	char names[COUNT][64], others[MAILAUTH_DMARC_AUTHORS_MAX][64];
	struct buf records;
	struct dmarc *m;
	struct zone z = { 0 };

	(void)state;
	buf_init(&records, 4096);
	(void)buf_put_str(&records, "_dmarc.com v=DMARC1; p=reject");
	for (size_t i = 0; i < COUNT; i++) { /* each walk is as long as it can be, and leads to nobody */
		(void)snprintf(
		    names[i], sizeof(names[i]), "z.a.b%zu.c%zu.d%zu.e%zu.f%zu.g%zu.h%zu.com", i, i, i, i, i, i, i);
		dkim[i] = (struct dmarc_identifier){ .domain = slice_str(names[i]), .pass = true };
		(void)buf_putf(&records, "\n_dmarc.h%zu.com v=DMARC1; p=none; psd=n", i);
	}
	for (size_t i = 0; i < MAILAUTH_DMARC_AUTHORS_MAX; i++) {
		(void)snprintf(
		    others[i], sizeof(others[i]), "z.a.b%zu.c%zu.d%zu.e%zu.f%zu.g%zu.x%zu.com", i, i, i, i, i, i, i);
		authors.domains[i] = slice_str(others[i]);
	}
	(void)buf_put_u8(&records, '\0');
	z.text = (const char *)records.data;
	m = run(&z, &config); /* asserts it */
	assert_int_equal(z.count, MAILAUTH_DMARC_AUTHORS_MAX * 7 + 1 + MAILAUTH_DKIM_SIGNATURES_MAX * 7);
	assert_int_equal(dmarc_verdict(m)->result, DMARC_FAIL);
	dmarc_free(m);
	buf_done(&z.asked);
	buf_done(&records);
}

static void
without_memory_nothing_is_decided(void **state)
{
	struct dmarc_authors authors = { .count = 1, .fields = 1, .domains = { SLICE("a.example.com") } };
	struct dmarc_config config = { .authors = &authors, .spf = { .domain = SLICE("example.com") } };
	enum dmarc_result result = DMARC_TEMPERROR;

	(void)state;
	for (long n = 0; result != DMARC_FAIL && n < 100; n++) {
		const struct slice text = SLICE("v=DMARC1; p=reject");
		struct mailauth_answer answer = { .found = MAILAUTH_FOUND, .records = &text, .record_count = 1 };
		struct mailauth_question question;
		struct dmarc *m;

		mem_fail_after(n);
		if (dmarc_new(&config, &m, NULL) == 0) {
			while (dmarc_next(m, &question) == DMARC_LOOKUP)
				dmarc_answer(m, &answer);
			result = dmarc_verdict(m)->result;
			dmarc_free(m);
		}
		mem_fail_after(-1);
		assert_true(result == DMARC_TEMPERROR || result == DMARC_FAIL);
	}
	assert_int_equal(result, DMARC_FAIL);
}

/* ---- where reports go (RFC 9990 section 4) ---- */

static const struct {
	const char *zone, *domain, *rua;
	const char *addresses; /* a space behind each */
	bool temporary;
	const char *asked; /* NULL: is not looked at */
} reports[] = {
	{ "", "example.com", "mailto:a@example.com", "a@example.com ", false, "" },
	{ "_dmarc.example.com v=DMARC1;p=none", "example.com", "mailto:a@mail.example.com", "a@mail.example.com ",
	    false, NULL },
	{ "_dmarc.example.com v=DMARC1;p=none\n_dmarc.blue.example.com v=DMARC1;p=none", "blue.example.com",
	    "mailto:a@example.com", "a@example.com ", false, NULL },
	/* the RFC's example */
	{ "blue.example.com._report._dmarc.red.example.net v=DMARC1", "blue.example.com",
	    "mailto:reports@red.example.net", "reports@red.example.net ", false,
	    "_dmarc.blue.example.com _dmarc.example.com _dmarc.com blue.example.com._report._dmarc.red.example.net " },
	{ "", "blue.example.com", "mailto:reports@red.example.net", "", false, NULL },
	{ "blue.example.com._report._dmarc.red.example.net v=DMARC2", "blue.example.com",
	    "mailto:reports@red.example.net", "", false, NULL },
	{ "blue.example.com._report._dmarc.red.example.net v=spf1", "blue.example.com",
	    "mailto:reports@red.example.net", "", false, NULL },
	{ "!blue.example.com._report._dmarc.red.example.net", "blue.example.com",
	    "mailto:reports@red.example.net,mailto:me@blue.example.com", "me@blue.example.com ", true, NULL },
	/* another address of the same host, and of another one */
	{ "a.example._report._dmarc.b.example v=DMARC1; rua=mailto:new@b.example", "a.example", "mailto:old@b.example",
	    "new@b.example ", false, NULL },
	{ "a.example._report._dmarc.b.example v=DMARC1; rua=mailto:new@c.example", "a.example", "mailto:old@b.example",
	    "", false, NULL },
	{ "a.example._report._dmarc.b.example v=DMARC1; rua=mailto:new@b.example,mailto:x@c.example", "a.example",
	    "mailto:old@b.example", "", false, NULL },
	/* each once, asked once, in their order */
	{ "a.example._report._dmarc.b.example v=DMARC1", "a.example",
	    "mailto:x@b.example,mailto:y@b.example,mailto:x@B.example,mailto:z@a.example",
	    "x@b.example y@b.example z@a.example ", false,
	    "_dmarc.a.example _dmarc.example a.example._report._dmarc.b.example " },
	{ "", "example.com", "https://example.com/x", "", false, "" },
	/* a neighbour under the same suffix, and a name that only ends like ours */
	{ "_dmarc.com v=DMARC1;p=none;psd=y", "example.com", "mailto:a@victim.com", "", false, NULL },
	{ "", "example.com", "mailto:a@badexample.com", "", false, NULL },
};

static void
reports_go_where_they_are_wanted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		struct zone z = { .text = reports[i].zone };
		struct mailauth_question question;
		struct mailauth_answer answer;
		struct dmarc_destination *d;
		struct dmarc_record record;
		struct buf got, text;
		struct slice found;

		buf_init(&got, 1000);
		buf_init(&text, 1000);
		buf_init(&z.asked, 1 << 16);
		(void)buf_putf(&text, "v=DMARC1;p=none;rua=%s", reports[i].rua);
		assert_true(dmarc_record_parse(buf_slice(&text), &record));
		assert_ok(dmarc_destination_new(slice_str(reports[i].domain), &record.rua, &d, &unit_error));
		buf_done(&text); /* the machine has copies */
		while (dmarc_destination_next(d, &question) == DMARC_DESTINATION_LOOKUP) {
			assert_true(z.count < MAILAUTH_DMARC_QUESTIONS_MAX);
			look_up(&z, &question, &answer, &found);
			dmarc_destination_answer(d, &answer);
		}
		for (size_t k = 0; k < dmarc_destination_count(d); k++) {
			(void)buf_put_slice(&got, dmarc_destination_address(d, k));
			(void)buf_put_u8(&got, ' ');
		}
		assert_slice(buf_slice(&got), reports[i].addresses);
		assert_int_equal(dmarc_destination_temporary(d), reports[i].temporary);
		if (reports[i].asked != NULL)
			assert_slice(buf_slice(&z.asked), reports[i].asked);
		dmarc_destination_free(d);
		buf_done(&z.asked);
		buf_done(&got);
	}
}

static void
names_too_long_for_dns_are_no_consent(void **state)
{
	struct buf domain, uri;
	struct mailauth_question question;
	struct mailauth_answer none = { .found = MAILAUTH_NO_NAME };
	struct dmarc_uris uris = { .count = 1, .seen = 1 };
	struct dmarc_destination *d;

	(void)state;
	buf_init(&domain, 1000);
	buf_init(&uri, 1000);
	(void)buf_put_str(&uri, "mailto:a@");
	for (size_t i = 0; i < 20; i++) {
		(void)buf_put_str(&domain, "abcdefghi.");
		(void)buf_put_str(&uri, "jklmnopqr.");
	}
	(void)buf_put_str(&domain, "example");
	(void)buf_put_str(&uri, "example");
	uris.mailto[0] = buf_slice(&uri);
	assert_ok(dmarc_destination_new(buf_slice(&domain), &uris, &d, &unit_error));
	while (dmarc_destination_next(d, &question) == DMARC_DESTINATION_LOOKUP) {
		assert_true(question.name.len <= MAILAUTH_NAME_MAX);
		dmarc_destination_answer(d, &none);
	}
	assert_int_equal(dmarc_destination_count(d), 0);
	dmarc_destination_free(d);
	buf_done(&domain);
	buf_done(&uri);
}

UNIT_MAIN(UNIT_TEST(judgements), UNIT_TEST(several_records_are_none), UNIT_TEST(what_is_not_known_is_no_failure),
    UNIT_TEST(authors_are_found), UNIT_TEST(all_authors_are_judged), UNIT_TEST(questions_are_bounded),
    UNIT_TEST(without_memory_nothing_is_decided), UNIT_TEST(reports_go_where_they_are_wanted),
    UNIT_TEST(names_too_long_for_dns_are_no_consent))
