/* SPDX-License-Identifier: ISC */
/*
 * SPF checks and rewritten senders for tests beside other people's programs. Lines on standard input and output; words
 * are of hex, "-" for empty ones:
 *
 *   check IDENTITY IP HELO MAIL_FROM RECEIVER NOW   IDENTITY is "helo" or "from", NOW decimal. Asks "? TYPE NAME", TYPE
 *                                                   decimal, and reads "found RECORD...", "none", "no-name" or "failed";
 *                                                   at the end "= RESULT MECHANISM EXPLANATION LOOKUPS VOIDS REASON"
 *   look RECORD...                                  "= COUNT PROBLEMS", and that many lines "GRAVITY TERM SENTENCE"
 *   forward KEY DOMAIN NOW SENDER                   "= ADDRESS" or "no WORD"
 *   reverse KEY DOMAIN NOW LOCAL                    the same
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "mailauth/spf/record.h"
#include "mailauth/spf/spf.h"
#include "mailauth/srs.h"

#define WORDS_MAX (MAILAUTH_RECORDS_MAX + 2u)
#define OCTETS_MAX (1u << 20)

static char line[1u << 21];
static struct buf octets; /* what the words of a line stand for */

struct words {
	struct slice texts[WORDS_MAX]; /* of hex, apart from the first */
	size_t count;
};

/* A line's words; what they stand for goes into store, which must live as long. */
static bool
read_words(struct words *w, struct buf *store)
{
	struct slice rest, word;

	w->count = 0;
	buf_clear(store);
	(void)buf_reserve(store, OCTETS_MAX / 2); /* so that slices of it stay */
	if (fgets(line, sizeof line, stdin) == NULL)
		return false;
	rest = slice_trim(slice_str(line));
	while (rest.len > 0 && w->count < WORDS_MAX) {
		size_t from = store->len;

		word = slice_split(rest, ' ', &rest);
		if (w->count == 0 || hex_parse(word, store, NULL) != 0) {
			buf_truncate(store, from);
			if (!slice_eq_str(word, "-"))
				(void)buf_put_slice(store, word);
		}
		w->texts[w->count++] = slice_from(buf_slice(store), from);
	}
	return w->count > 0;
}

static void
say_hex(struct slice text)
{
	(void)fputs(text.len == 0 ? " -" : " ", stdout);
	for (size_t i = 0; i < text.len; i++)
		(void)printf("%02x", text.data[i]);
}

static void
say_end(void)
{
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

static bool
ask(struct spf *s, const struct mailauth_question *q, struct buf *store)
{
	struct mailauth_answer answer = { .found = MAILAUTH_FAILED };
	struct words w;

	(void)printf("? %d", (int)q->type);
	say_hex(q->name);
	say_end();
	if (!read_words(&w, store))
		return false;
	if (slice_eq_str(w.texts[0], "found"))
		answer.found = MAILAUTH_FOUND;
	else if (slice_eq_str(w.texts[0], "none"))
		answer.found = MAILAUTH_NONE;
	else if (slice_eq_str(w.texts[0], "no-name"))
		answer.found = MAILAUTH_NO_NAME;
	answer.records = w.texts + 1;
	answer.record_count = w.count - 1;
	spf_answer(s, &answer);
	return true;
}

static bool
check(const struct words *w)
{
	struct spf_config c = { .identity = slice_eq_str(w->texts[1], "helo") ? SPF_HELO : SPF_MAIL_FROM,
		.ip = w->texts[2],
		.helo = w->texts[3],
		.mail_from = w->texts[4],
		.receiver = w->texts[5] };
	struct mailauth_question q;
	const struct spf_outcome *o;
	BUF_OWNED struct buf store = { .max = OCTETS_MAX };
	struct spf *s;

	if (!slice_to_u64(w->texts[6], UINT64_MAX, &c.now) || spf_new(&c, &s, NULL) != 0)
		return false;
	while (spf_next(s, &q) == SPF_LOOKUP)
		if (!ask(s, &q, &store))
			return false;
	o = spf_outcome(s);
	(void)printf("= %s", spf_result_name(o->result));
	say_hex(o->mechanism);
	say_hex(o->explanation);
	(void)printf(" %u %u", o->lookups, o->voids);
	say_hex(slice_str(o->reason));
	say_end();
	spf_free(s);
	return true;
}

static void
look(const struct words *w)
{
	static const char *const gravities[] = {
		[SPF_ADVICE] = "advice", [SPF_UNSAFE] = "unsafe", [SPF_BROKEN] = "broken"
	};
	static struct spf_look l;

	spf_record_look(w->texts + 1, w->count - 1, &l);
	(void)printf("= %zu %zu\n", l.record_count, l.problem_count);
	for (size_t i = 0; i < l.problem_count; i++) {
		(void)fputs(gravities[l.problems[i].gravity], stdout);
		say_hex(l.problems[i].term);
		say_hex(slice_str(l.problems[i].text));
		if (i + 1 < l.problem_count)
			(void)fputc('\n', stdout);
	}
	if (l.problem_count > 0)
		say_end();
	(void)fflush(stdout);
}

static bool
rewrite(const struct words *w)
{
	struct srs_config c = { .keys = &w->texts[1], .key_count = 1, .domain = w->texts[2] };
	BUF_OWNED struct buf out = { .max = 1024 };
	int rc;

	if (!slice_to_u64(w->texts[3], UINT64_MAX, &c.now))
		return false;
	rc = slice_eq_str(w->texts[0], "forward") ? srs_forward(&c, w->texts[4], &out, NULL)
						  : srs_reverse(&c, w->texts[4], &out, NULL);
	if (rc != 0) {
		(void)printf("no %s", error_name(rc));
	} else {
		(void)fputc('=', stdout);
		say_hex(buf_slice(&out));
	}
	say_end();
	return true;
}

int
main(void)
{
	static struct words w;
	bool good = true;

	buf_init(&octets, OCTETS_MAX);
	while (good && read_words(&w, &octets)) {
		if (slice_eq_str(w.texts[0], "check") && w.count == 7)
			good = check(&w);
		else if (slice_eq_str(w.texts[0], "look"))
			look(&w);
		else
			good = w.count == 5 && rewrite(&w);
	}
	buf_done(&octets);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
