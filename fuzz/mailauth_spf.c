/* SPDX-License-Identifier: ISC */
/*
 * A check with DNS out of the input: "RECORD\nANSWER\nANSWER...", an answer being a letter and its records between
 * commas (N none, X no such name, F failed, all else found). There are never more questions than may be, all are for
 * names that a resolver can ask for, an end comes, and what is said is fit for a line. Records that can be read have as
 * many terms as are gone through, and those that cannot have a problem.
 */
#include <stdlib.h>
#include <string.h>

#include "mailauth/spf/record.h"
#include "mailauth/spf/spf.h"
#include "mailauth/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool good)
{
	if (!good)
		abort();
}

static void
printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		require(text.data[i] >= ' ' && text.data[i] <= '~');
}

static void
look(struct slice record)
{
	static struct spf_look l;
	struct spf_record r;
	struct spf_term t;
	struct slice rest, found = SLICE_EMPTY;
	size_t count = 0;

	spf_record_look(&record, 1, &l);
	require(l.problem_count <= MAILAUTH_SPF_PROBLEMS_MAX);
	if (spf_record_parse(record, &r, NULL) != 0) {
		require(spf_record_select(&record, 1, &found) == 0 || (!l.parsed && l.problem_count > 0));
		return;
	}
	require(l.parsed);
	rest = r.terms;
	while (spf_term_next(&rest, &t))
		count++;
	require(count == r.term_count && rest.len == 0);
}

static size_t
split_records(struct slice text, enum mailauth_rr type, struct slice *records)
{
	static const uint8_t addresses[] = "\xc0\x00\x02\x03\xc6\x33\x64\x01";
	size_t count = 0;

	while (text.len > 0 && count < MAILAUTH_RECORDS_MAX) {
		struct slice one = type == MAILAUTH_TXT ? text : slice_split(text, ',', &text);

		if (type == MAILAUTH_TXT)
			text = SLICE_EMPTY;
		records[count++] = type == MAILAUTH_A ? slice_of(addresses + (one.len % 2) * 4, 4) : one;
	}
	return count;
}

static void
answer(struct spf *s, const struct mailauth_question *q, struct slice text)
{
	static struct slice records[MAILAUTH_RECORDS_MAX];
	struct mailauth_answer a = { .found = MAILAUTH_NO_NAME, .records = records };

	if (text.len > 0) {
		a.found = text.data[0] == 'N' ? MAILAUTH_NONE
		    : text.data[0] == 'X'     ? MAILAUTH_NO_NAME
		    : text.data[0] == 'F'     ? MAILAUTH_FAILED
					      : MAILAUTH_FOUND;
		a.record_count = a.found == MAILAUTH_FOUND ? split_records(slice_from(text, 1), q->type, records) : 0;
		if (a.found == MAILAUTH_FOUND && a.record_count == 0)
			a.found = MAILAUTH_NONE;
	}
	spf_answer(s, &a);
}

static void
check_question(const struct mailauth_question *q)
{
	struct slice rest = q->name;

	require(q->name.len > 0 && q->name.len <= MAILAUTH_NAME_MAX);
	printable(q->name);
	while (rest.len > 0) {
		struct slice label = slice_split(rest, '.', &rest);

		require(label.len > 0 && label.len <= 63);
	}
}

static void
check(const struct spf_config *c, struct slice text)
{
	struct mailauth_question q;
	const struct spf_outcome *o;
	size_t questions = 0;
	struct spf *s;

	require(spf_new(c, &s, NULL) == 0);
	while (spf_next(s, &q) == SPF_LOOKUP) {
		struct slice line = slice_split(text, '\n', &text);

		check_question(&q);
		require(++questions <= MAILAUTH_SPF_QUESTIONS_MAX);
		answer(s, &q, line);
	}
	o = spf_outcome(s);
	require(o->result < SPF_RESULT_COUNT && o->reason[0] != 0 && o->lookups <= MAILAUTH_SPF_LOOKUPS_MAX);
	require(memchr(o->reason, '\n', sizeof o->reason) == NULL);
	require(
	    o->explanation.len <= MAILAUTH_SPF_EXPLANATION_MAX && (o->explanation.len == 0 || o->result == SPF_FAIL));
	printable(o->explanation);
	spf_free(s);
}

/* What is rewritten comes back. */
static void
rewrite(struct slice sender)
{
	static const struct slice key = { (const uint8_t *)"0123456789abcdef", 16 };
	struct srs_config c = { .keys = &key, .key_count = 1, .domain = SLICE("o.example"), .now = 1700000000 };
	BUF_OWNED struct buf there = { .max = 1024 }, back = { .max = 1024 };
	struct slice local;

	(void)srs_reverse(&c, sender, &back, NULL);
	require(back.len == 0);
	if (srs_forward(&c, sender, &there, NULL) != 0 || slice_eq(buf_slice(&there), sender))
		return;
	local = slice_sub(buf_slice(&there), 0, slice_find_last(buf_slice(&there), '@'));
	require(local.len <= MAILAUTH_LOCAL_MAX && srs_is_rewritten(local));
	require(srs_reverse(&c, local, &back, NULL) == 0);
	require(srs_is_rewritten(sender) || slice_eq(buf_slice(&back), sender));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest, sender = slice_split(slice_of(data, size), '\n', &rest), line = rest;
	struct spf_config c = { .ip = SLICE("\xc0\x00\x02\x03"),
		.helo = SLICE("mail.example.org"),
		.mail_from = sender,
		.receiver = SLICE("mx.example"),
		.now = 1700000000 };

	line = slice_split(line, '\n', &(struct slice){ NULL, 0 });
	look(slice_from(line, 1));
	check(&c, rest);
	c.ip = SLICE("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\xcb\x01");
	c.identity = SPF_HELO;
	c.helo = sender;
	check(&c, rest);
	rewrite(sender);
	return 0;
}
