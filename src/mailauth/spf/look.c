/* SPDX-License-Identifier: ISC */
/* What an owner should know of a record. */
#include <string.h>

#include "mailauth/spf/macro.h"
#include "mailauth/spf/record.h"

#define WIDE4 8u         /* bits: a network of more addresses than anybody's own mail servers have */
#define WIDE6 19u        /* the same: the largest that registries have given to one */
#define COMFORTABLE 450u /* octets that still fit an answer of 512 (RFC 7208 section 3.4) */

/* The gravest are first; when there is no room the lightest of all goes. */
static void
say(struct spf_look *l, enum spf_gravity gravity, struct slice term, const struct error *what)
{
	size_t at = l->problem_count;

	while (at > 0 && l->problems[at - 1].gravity < gravity)
		at--;
	if (at == MAILAUTH_SPF_PROBLEMS_MAX)
		return;
	if (l->problem_count < MAILAUTH_SPF_PROBLEMS_MAX)
		l->problem_count++;
	memmove(&l->problems[at + 1], &l->problems[at], (l->problem_count - 1 - at) * sizeof *l->problems);
	l->problems[at] = (struct spf_problem){ .gravity = gravity, .term = term };
	memcpy(l->problems[at].text, what->text, sizeof l->problems[at].text);
}

static void
say_text(struct spf_look *l, enum spf_gravity gravity, struct slice term, const char *text)
{
	struct error what;

	(void)error_set(&what, ERR_POLICY, "%s", text);
	say(l, gravity, term, &what);
}

static void
look_all(struct spf_look *l, const struct spf_term *t, bool more)
{
	if (t->qualifier == SPF_PASS)
		say_text(l, SPF_UNSAFE, t->text, "This permits everybody to send in the name of the domain.");
	else if (t->qualifier == SPF_NEUTRAL)
		say_text(l, SPF_UNSAFE, t->text,
		    "This says nothing of servers that are not listed, so the record protects nothing.");
	if (more)
		say_text(l, SPF_ADVICE, t->text, "What follows is never looked at, apart from exp=.");
}

static void
look_modifier(struct spf_look *l, const struct spf_term *t)
{
	static const char *const mechanisms[] = { "all=", "include=", "a=", "mx=", "ptr=", "ip4=", "ip6=", "exists=" };

	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (slice_istarts(t->text, slice_str(mechanisms[i]))) {
			say_text(l, SPF_UNSAFE, t->text,
			    "With '=' for ':' this is no mechanism, and everybody passes it over.");
			return;
		}
	say_text(l, SPF_ADVICE, t->text, "This modifier is not known and is passed over.");
}

static void
look_term(struct spf_look *l, const struct spf_term *t, bool more)
{
	bool hosts = t->kind == SPF_A || t->kind == SPF_MX;

	if (t->kind == SPF_ALL)
		look_all(l, t, more);
	if (t->kind == SPF_UNKNOWN)
		look_modifier(l, t);
	if (t->kind == SPF_PTR)
		say_text(l, SPF_ADVICE, t->text,
		    "ptr should not be used: it is slow, and many receivers pass it over (RFC 7208 section 5.5).");
	if (spf_macro_uses(t->spec, "p"))
		say_text(
		    l, SPF_ADVICE, t->text, "The macro p should not be used, for it is slow (RFC 7208 section 7.2).");
	if (((hosts || t->kind == SPF_IP4) && t->prefix4 < WIDE4) ||
	    ((hosts || t->kind == SPF_IP6) && t->prefix6 < WIDE6))
		if (t->qualifier == SPF_PASS)
			say_text(l, SPF_UNSAFE, t->text, "This permits a network that is larger than anybody's own.");
}

static void
look_whole(struct spf_look *l)
{
	const struct spf_record *r = &l->record;
	struct error what;

	if (r->lookups > MAILAUTH_SPF_LOOKUPS_MAX) {
		(void)error_set(&what, ERR_LIMIT,
		    "The record has %zu terms that ask DNS, and more than %u make it invalid as soon as one gets that "
		    "far.",
		    r->lookups, MAILAUTH_SPF_LOOKUPS_MAX);
		say(l, SPF_BROKEN, SLICE_EMPTY, &what);
	}
	if (!r->has_all && !r->has_redirect)
		say_text(l, SPF_UNSAFE, SLICE_EMPTY,
		    "The record has no \"all\" at its end: of servers that are not listed it says nothing.");
	if (r->has_all && r->has_redirect)
		say_text(l, SPF_ADVICE, r->redirect.text, "Beside \"all\" this is passed over.");
	if (l->text.len > COMFORTABLE)
		say_text(l, SPF_ADVICE, SLICE_EMPTY,
		    "The record is long: its answer may not fit one packet, and some receivers then do not get it.");
}

static void
look_parsed(struct spf_look *l)
{
	struct slice rest = l->record.terms;
	struct spf_term t;
	size_t left = l->record.term_count - l->record.has_redirect - l->record.has_explanation;

	while (spf_term_next(&rest, &t)) {
		left -= t.kind != SPF_REDIRECT && t.kind != SPF_EXPLANATION;
		look_term(l, &t, left > 0);
		if (t.kind == SPF_ALL)
			break;
	}
	look_whole(l);
}

/* "v=spf1;mx" or " v=spf1 mx": it was meant, and nobody sees it. */
static bool
looks_meant(struct slice text)
{
	struct slice trimmed = slice_trim(text), none;

	return spf_record_select(&text, 1, &none) == 0 &&
	    (slice_istarts(trimmed, SLICE("v=spf")) || slice_istarts(trimmed, SLICE("\"v=spf")) ||
		slice_istarts(trimmed, SLICE("spf1 ")) || slice_istarts(trimmed, SLICE("v:spf")));
}

void
spf_record_look(const struct slice *texts, size_t count, struct spf_look *out)
{
	struct error what;

	*out = (struct spf_look){ .record_count = 0 };
	out->record_count = spf_record_select(texts, count, &out->text);
	for (size_t i = 0; i < count; i++)
		if (looks_meant(texts[i]))
			say_text(out, SPF_UNSAFE, texts[i],
			    "This text seems to be meant as an SPF record, but such a one begins with \"v=spf1 \".");
	if (out->record_count > 1) {
		(void)error_set(&what, ERR_SYNTAX, "There are %zu SPF records; with more than one all are invalid.",
		    out->record_count);
		say(out, SPF_BROKEN, SLICE_EMPTY, &what);
	}
	if (out->record_count == 0)
		return;
	out->parsed = spf_record_parse(out->text, &out->record, &what) == 0;
	if (!out->parsed)
		say(out, SPF_BROKEN, SLICE_EMPTY, &what);
	else
		look_parsed(out);
}
