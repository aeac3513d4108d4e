/* SPDX-License-Identifier: ISC */
/* check_host() (RFC 7208 sections 4 and 5): term after term, record after record. */
#include "mailauth/spf/address.h"
#include "mailauth/spf/machine.h"

/* For sentences. */
#define TEXT_ARG(s) (int)size_min((s).len, 80), (const char *)((s).len == 0 ? (const uint8_t *)"" : (s).data)

bool
spf_void(struct spf *s)
{
	struct frame *f = spf_top(s);

	if (f->void_counted)
		return true;
	f->void_counted = true;
	if (++s->outcome.voids <= MAILAUTH_SPF_VOIDS_MAX)
		return true;
	spf_fail_with(s, SPF_PERMERROR, "More than %u terms of the record ask DNS for what is not there.",
	    MAILAUTH_SPF_VOIDS_MAX);
	return false;
}

/* One of the ten look-ups. False: the eleventh, and the machine has finished. */
static bool
count_lookup(struct spf *s)
{
	if (s->outcome.lookups < MAILAUTH_SPF_LOOKUPS_MAX) {
		s->outcome.lookups++;
		return true;
	}
	spf_fail_with(s, SPF_PERMERROR, "The record and those that it includes have more than %u terms that ask DNS.",
	    MAILAUTH_SPF_LOOKUPS_MAX);
	return false;
}

static void
pop(struct spf *s)
{
	buf_clear(&spf_top(s)->text);
	s->depth--;
}

/* Done with its term. */
static void
go_on(struct frame *f)
{
	f->has_term = f->counted = f->void_counted = false;
}

static void
ask_record(struct spf *s)
{
	struct frame *f = spf_top(s);

	buf_clear(&f->text);
	go_on(f);
	s->asked = f->domain;
	spf_question(s, SPF_ASK_RECORD, MAILAUTH_TXT);
}

/* A record has come to r, which is no error: that of an include is a match of it or none. */
static void
record_result(struct spf *s, enum spf_result r)
{
	struct frame *f = spf_top(s);

	if (s->depth == 1) {
		s->outcome.record_domain = name_slice(&f->domain);
		s->outcome.mechanism = f->has_term ? f->term.text : SLICE_EMPTY;
		spf_finish(s, r);
		return;
	}
	pop(s);
	f = spf_top(s);
	if (r == SPF_PASS)
		record_result(s, f->term.qualifier);
	else
		go_on(f);
}

static void
match_or_go_on(struct spf *s, bool matches)
{
	if (matches)
		record_result(s, spf_top(s)->term.qualifier);
	else
		go_on(spf_top(s));
	if (s->state != SPF_EXPLAIN && s->state != SPF_FINISHED)
		s->state = SPF_STEP;
}

static void
include(struct spf *s, const struct name *target)
{
	struct frame *f;

	if (s->depth == FRAMES_MAX) { /* does not happen: the look-ups are fewer */
		spf_fail_with(s, SPF_PERMERROR, "The records include one another too deeply.");
		return;
	}
	f = &s->frames[s->depth++];
	f->domain = *target;
	f->redirected = false;
	ask_record(s);
}

static void
evaluate_target(struct spf *s, struct frame *f)
{
	struct name target;

	if (!spf_name_expand(s, f, f->term.spec, &target)) {
		if (f->term.kind == SPF_INCLUDE)
			spf_fail_with(s, SPF_PERMERROR, "\"%.*s\" names no domain.", TEXT_ARG(f->term.text));
		else
			match_or_go_on(s, false);
		return;
	}
	if (f->term.kind == SPF_PTR) {
		match_or_go_on(s, spf_ptr_matches(s, name_slice(&target)));
		return;
	}
	if (f->term.kind == SPF_INCLUDE) {
		include(s, &target);
		return;
	}
	s->asked = target;
	if (f->term.kind == SPF_MX)
		spf_question(s, SPF_ASK_MX, MAILAUTH_MX);
	else if (f->term.kind == SPF_EXISTS)
		spf_question(s, SPF_ASK_EXISTS, MAILAUTH_A);
	else
		spf_question(s, SPF_ASK_ADDRESS, spf_address_rr(s));
}

static bool
needs_names(const struct spf_term *t)
{
	return t->kind == SPF_PTR || spf_macro_uses(t->spec, "p");
}

static bool
network_matches(const struct spf *s, const struct spf_term *t)
{
	bool four = t->kind == SPF_IP4;

	return four == (s->ip_len == 4) && spf_address_within(spf_ip(s), t->address, four ? t->prefix4 : t->prefix6);
}

/* A term that asks DNS. It comes here again when the client's names have been asked for. */
static void
evaluate_asking(struct spf *s, struct frame *f)
{
	const struct spf_term *t = &f->term;
	bool names = needs_names(t) && !s->validated_known;

	if (!f->counted && !count_lookup(s))
		return;
	f->counted = true;
	/* What macro p asks for is counted as well (section 4.6.4); "ptr" is counted as itself. */
	if (names && t->kind != SPF_PTR && !count_lookup(s))
		return;
	if (names)
		spf_ptr_begin(s, SPF_STEP);
	else if (!s->ptr_void || !needs_names(t) || spf_void(s))
		evaluate_target(s, f);
}

static void
evaluate(struct spf *s, struct frame *f)
{
	const struct spf_term *t = &f->term;

	if (t->kind == SPF_ALL)
		match_or_go_on(s, true);
	else if (t->kind == SPF_IP4 || t->kind == SPF_IP6)
		match_or_go_on(s, network_matches(s, t));
	else
		evaluate_asking(s, f);
}

/* After the last term: redirect=, or the default. */
static void
end_record(struct spf *s, struct frame *f)
{
	const struct spf_term *t = &f->record.redirect;
	struct name target;

	if (!f->record.has_redirect) {
		record_result(s, SPF_NEUTRAL);
		return;
	}
	if (!f->counted && !count_lookup(s))
		return;
	f->counted = true;
	if (spf_name_needs_ptr(s, t->spec)) {
		if (count_lookup(s))
			spf_ptr_begin(s, SPF_STEP);
		return;
	}
	if (!spf_name_expand(s, f, t->spec, &target)) {
		spf_fail_with(s, SPF_PERMERROR, "\"%.*s\" names no domain.", TEXT_ARG(t->text));
		return;
	}
	f->domain = target;
	f->redirected = true;
	ask_record(s);
}

void
spf_step(struct spf *s)
{
	struct frame *f = spf_top(s);

	while (!f->has_term) {
		if (!spf_term_next(&f->rest, &f->term)) {
			end_record(s, f);
			return;
		}
		f->has_term = f->term.kind < SPF_REDIRECT;
	}
	evaluate(s, f);
}

static void
ask_mx_host(struct spf *s)
{
	if (s->name_at == s->name_count) {
		match_or_go_on(s, false);
		return;
	}
	s->asked = s->names[s->name_at++];
	spf_question(s, SPF_ASK_MX_ADDRESS, spf_address_rr(s));
}

static void
mx_answer(struct spf *s, const struct mailauth_answer *answer)
{
	if (answer->record_count > MAILAUTH_SPF_NAMES_MAX) {
		spf_fail_with(s, SPF_PERMERROR, "\"%.*s\" leads to more than %u mail servers.",
		    TEXT_ARG(spf_top(s)->term.text), MAILAUTH_SPF_NAMES_MAX);
		return;
	}
	spf_names_take(s, answer);
	ask_mx_host(s);
}

static void
address_answer(struct spf *s, const struct mailauth_answer *answer, bool of_mx)
{
	const struct spf_term *t = &spf_top(s)->term;
	unsigned int bits = s->ip_len == 4 ? t->prefix4 : t->prefix6;

	if (spf_answer_has_client(s, answer, bits))
		match_or_go_on(s, true);
	else if (of_mx)
		ask_mx_host(s);
	else
		match_or_go_on(s, false);
}

void
spf_term_answer(struct spf *s, const struct mailauth_answer *answer)
{
	if (answer->found == MAILAUTH_FAILED) {
		spf_fail_with(
		    s, SPF_TEMPERROR, "DNS did not answer what \"%.*s\" asks.", TEXT_ARG(spf_top(s)->term.text));
		return;
	}
	if (answer->found != MAILAUTH_FOUND && !spf_void(s))
		return;
	if (s->state == SPF_ASK_MX && answer->found == MAILAUTH_FOUND)
		mx_answer(s, answer);
	else if (s->state == SPF_ASK_EXISTS)
		match_or_go_on(s, answer->found == MAILAUTH_FOUND);
	else
		address_answer(s, answer, s->state == SPF_ASK_MX_ADDRESS);
}

static void
no_record(struct spf *s, struct frame *f)
{
	struct slice domain = name_slice(&f->domain);

	if (s->depth > 1 || f->redirected)
		spf_fail_with(s, SPF_PERMERROR, "The record leads to %.*s, which has no SPF record.", TEXT_ARG(domain));
	else
		spf_fail_with(s, SPF_NONE, "%.*s has no SPF record.", TEXT_ARG(domain));
}

void
spf_record_answer(struct spf *s, const struct mailauth_answer *answer)
{
	struct frame *f = spf_top(s);
	struct slice domain = name_slice(&f->domain), text = SLICE_EMPTY;
	struct error why;
	size_t count;

	if (answer->found == MAILAUTH_FAILED) {
		spf_fail_with(s, SPF_TEMPERROR, "DNS did not tell whether %.*s has an SPF record.", TEXT_ARG(domain));
		return;
	}
	count = answer->found == MAILAUTH_FOUND ? spf_record_select(answer->records, answer->record_count, &text) : 0;
	if (count == 0)
		no_record(s, f);
	else if (count > 1)
		spf_fail_with(s, SPF_PERMERROR, "%.*s has %zu SPF records; there may be one.", TEXT_ARG(domain), count);
	else if (text.len > MAILAUTH_SPF_RECORD_MAX || buf_put_slice(&f->text, text) != 0)
		spf_fail_with(s, SPF_PERMERROR, "The SPF record of %.*s has more than %u octets.", TEXT_ARG(domain),
		    MAILAUTH_SPF_RECORD_MAX);
	else if (spf_record_parse(buf_slice(&f->text), &f->record, &why) != 0)
		spf_fail_with(
		    s, SPF_PERMERROR, "The SPF record of %.*s cannot be read: %s", TEXT_ARG(domain), why.text);
	else {
		f->rest = f->record.terms;
		s->state = SPF_STEP;
	}
}
