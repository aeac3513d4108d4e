/* SPDX-License-Identifier: ISC */
/* From what the machines found to what is written and done. */
#include <stdio.h>
#include <string.h>

#include "service/judge/internal.h"
#include "service/resolve.h"

#define RESULTS_ROOM (MAILAUTH_DKIM_SIGNATURES_MAX + 6u)
#define PROPERTIES_ROOM 6u

/* ---- the field ---- */

struct writing {
	struct judge *j;
	struct auth_result results[RESULTS_ROOM];
	size_t count;
	struct auth_property *properties; /* of the last result */
};

static struct auth_result *
add(struct writing *w, const char *method, struct slice result, struct slice reason)
{
	struct auth_result *r = &w->results[w->count++];

	w->properties = arena_array(&w->j->arena, PROPERTIES_ROOM, sizeof *w->properties);
	*r = (struct auth_result){ .method = slice_str(method), .result = result, .reason = reason };
	r->properties = w->properties;
	return r;
}

static void
property(struct writing *w, const char *type, const char *name, struct slice value)
{
	struct auth_result *r = &w->results[w->count - 1];

	if (w->properties == NULL || value.len == 0 || r->property_count == PROPERTIES_ROOM)
		return;
	w->properties[r->property_count++] =
	    (struct auth_property){ .type = slice_str(type), .name = slice_str(name), .value = value };
}

/* What is right needs no reason. */
static struct slice
reason_unless(bool right, const char *reason)
{
	return right ? SLICE_EMPTY : slice_str(reason);
}

/* RFC 8601 section 2.7.3; not known yet, or a client without an address: left out. */
static void
add_reverse(struct writing *w)
{
	const char *word = resolve_name_word(w->j->name);
	struct slice name = resolve_name_get(w->j->name);

	if (word == NULL)
		return;
	add(w, "iprev", slice_str(word), SLICE_EMPTY)->comment = name;
	property(w, "policy", "iprev", w->j->address);
}

static void
add_sender(struct writing *w, enum lane_kind which)
{
	struct sender_found f = sender_found(judge_sender(w->j, which));
	bool named = w->j->from.len > 0;

	/* HELO alone says something only when there is a record. */
	if (which == LANE_HELO && named && (strcmp(f.word, "none") == 0 || f.domain.len == 0))
		return;
	add(w, "spf", slice_str(f.word), f.pass ? SLICE_EMPTY : f.reason);
	/* The domain alone: nobody vouches for the local part (RFC 8601 section 2.7.2). */
	if (which == LANE_FROM)
		property(w, "smtp", "mailfrom", f.domain);
	else
		property(w, "smtp", "helo", f.domain);
}

static void
add_signatures(struct writing *w)
{
	const struct dkim_verify *v = w->j->lanes[LANE_DKIM].machine;
	size_t n = v == NULL ? 0 : dkim_verify_count(v);

	if (n == 0)
		add(w, "dkim", SLICE("none"), SLICE_EMPTY);
	for (size_t i = 0; i < n; i++) {
		const struct dkim_signature *s = dkim_verify_result(v, i);
		bool plain = s->identity.len == s->domain.len + 1 && s->identity.data[0] == '@';

		add(w, "dkim", slice_str(dkim_result_name(s->result)),
		    reason_unless(s->result == DKIM_PASS, s->reason));
		property(w, "header", "d", s->domain);
		property(w, "header", "i", plain ? SLICE_EMPTY : s->identity);
		property(w, "header", "s", s->selector);
		property(w, "header", "a", s->algorithm);
		property(w, "header", "b", slice_sub(s->signature, 0, 8));
	}
	if (v != NULL && dkim_verify_seen(v) > n)
		w->results[w->count - 1].comment =
		    arena_printf(&w->j->arena, "%zu signatures in all", dkim_verify_seen(v));
}

static void
add_chain(struct writing *w)
{
	const struct arc_verdict *c = w->j->verdict.arc;

	if (c == NULL || c->result == ARC_NONE)
		return;
	add(w, "arc", slice_str(arc_result_name(c->result)), reason_unless(c->result == ARC_PASS, c->reason));
	if (c->result == ARC_PASS)
		property(w, "header", "oldest-pass", arena_printf(&w->j->arena, "%zu", c->oldest_pass));
	property(w, "smtp", "remote-ip", w->j->address);
}

static void
add_policy(struct writing *w)
{
	const struct dmarc *m = w->j->lanes[LANE_DMARC].machine;
	const struct dmarc_verdict *v = m == NULL ? NULL : dmarc_verdict(m);

	if (v == NULL)
		return;
	add(w, "dmarc", slice_str(dmarc_result_name(v->result)), reason_unless(v->result == DMARC_PASS, v->reason));
	property(w, "header", "from", v->author);
	if (v->record != NULL)
		/* RFC 9989 section 9.1: what is to be applied, with t=y heeded */
		property(w, "policy", "dmarc",
		    slice_str(dmarc_policy_name(v->result == DMARC_FAIL ? v->policy : v->published)));
}

/* Who sends much to be written has less of it: first the reasons go, then all but what is about the author. */
static void
write_field(struct writing *w)
{
	struct judge *j = w->j;
	struct auth_results *all = &j->verdict.results;
	struct auth_result *results = arena_array(&j->arena, w->count, sizeof *results);
	struct buf out BUF_OWNED = { 0 };

	buf_init(&out, JUDGE_FIELD_MAX);
	if (results == NULL)
		return;
	memcpy(results, w->results, w->count * sizeof *results);
	*all = (struct auth_results){ .server = j->hostname, .results = results, .count = w->count };
	if (auth_results_write(all, &out, NULL) != 0) {
		buf_clear(&out);
		for (size_t i = 0; i < w->count; i++)
			results[i].reason = SLICE_EMPTY;
	}
	if (out.len == 0 && auth_results_write(all, &out, NULL) != 0) {
		buf_clear(&out);
		for (size_t i = 0; i < w->count; i++)
			results[i].property_count = 0;
		(void)auth_results_write(all, &out, NULL);
	}
	j->verdict.field = arena_copy(&j->arena, buf_slice(&out));
}

/* ---- what is done ---- */

static bool
is_listed(const struct slice *list, size_t count, struct slice what)
{
	for (size_t i = 0; i < count; i++)
		if (slice_ieq(list[i], what))
			return true;
	return false;
}

/* Whether one of the chain's trusted seals, with trusted ones alone behind it, says that the author was right then. */
static bool
chain_vouches(const struct judge *j, const struct dmarc_verdict *v)
{
	const struct arc_verify *c = j->lanes[LANE_ARC].machine;
	struct arena a ARENA_OWNED = { 0 };

	if (j->verdict.arc == NULL || j->verdict.arc->result != ARC_PASS)
		return false;
	arena_init(&a, 1u << 20);
	for (size_t i = j->verdict.arc->count; i > 0; i--) {
		const struct arc_set *set = arc_verify_set(c, i);
		const struct auth_result *said;
		struct auth_results results;

		if (set == NULL || !is_listed(j->policy->sealers, j->policy->sealer_count, set->seal_domain) ||
		    auth_results_parse(set->results, true, &a, &results, NULL) != 0)
			return false;
		said = auth_results_find(&results, "dmarc");
		if (said != NULL && slice_ieq_str(said->result, "pass") &&
		    slice_ieq(auth_result_property(said, "header", "from"), v->author))
			return true;
	}
	return false;
}

/* It says that it is of a list, and somebody who is not the author vouches for having sent it. */
static bool
is_from_list(const struct judge *j)
{
	const struct dkim_verify *signatures = j->lanes[LANE_DKIM].machine;
	bool vouched = judge_from(j).pass || (signatures != NULL && dkim_verify_best(signatures) == DKIM_PASS);

	return vouched && j->listed;
}

static enum judge_action
act_on_reject(struct judge *j, const struct dmarc_verdict *v)
{
	struct judge_verdict *out = &j->verdict;

	if (chain_vouches(j, v)) {
		out->why = "a trusted seal says that it was right before";
		return JUDGE_ACCEPT;
	}
	if (j->policy->dmarc_reject == JUDGE_DMARC_IGNORE) {
		out->why = "dmarc_reject is ignore";
		return JUDGE_ACCEPT;
	}
	if (j->policy->dmarc_reject == JUDGE_DMARC_QUARANTINE) {
		out->why = "dmarc_reject is quarantine";
		return JUDGE_JUNK;
	}
	if (is_from_list(j)) {
		out->why = "it is from a mailing list";
		return JUDGE_JUNK;
	}
	return JUDGE_REFUSE;
}

/*
 * No author, or so many that not all can be judged, or several of whom one's servers did not answer while another's were
 * waited for: nobody's policy says what is to be done, and a forger makes it so on purpose (RFC 9989 section 11.5). It is
 * not shown beside what was judged.
 */
static enum judge_action
act_on_nobody(struct judge *j)
{
	if (j->policy->dmarc_reject == JUDGE_DMARC_IGNORE)
		return JUDGE_ACCEPT;
	j->verdict.why = "whom it is from cannot be judged";
	return JUDGE_JUNK;
}

static enum judge_action
act_on_dmarc(struct judge *j, const struct dmarc_verdict *v)
{
	if (v != NULL && (v->result == DMARC_PERMERROR || (v->result == DMARC_TEMPERROR && j->authors.count > 1)))
		return act_on_nobody(j);
	if (v != NULL && v->result == DMARC_TEMPERROR && j->lanes[LANE_DMARC].cut &&
	    j->policy->dmarc_reject != JUDGE_DMARC_IGNORE)
		return JUDGE_LATER;
	if (v == NULL || v->result != DMARC_FAIL || v->policy == DMARC_POLICY_NONE)
		return JUDGE_ACCEPT;
	if (v->policy == DMARC_POLICY_REJECT)
		return act_on_reject(j, v);
	if (chain_vouches(j, v)) {
		j->verdict.why = "a trusted seal says that it was right before";
		return JUDGE_ACCEPT;
	}
	return j->policy->dmarc_reject == JUDGE_DMARC_IGNORE ? JUDGE_ACCEPT : JUDGE_JUNK;
}

static void
act(struct judge *j)
{
	const struct dmarc *m = j->lanes[LANE_DMARC].machine;
	const struct dmarc_verdict *v = m == NULL ? NULL : dmarc_verdict(m);
	struct judge_verdict *out = &j->verdict;

	if (is_listed(j->policy->forwarders, j->policy->forwarder_count, j->address)) {
		out->why = "it comes by a trusted forwarder";
		return;
	}
	out->author = v == NULL ? SLICE_EMPTY : v->author;
	out->action = act_on_dmarc(j, v);
	if (out->action < JUDGE_REFUSE && judge_from(j).fail && j->policy->spf_fail != JUDGE_SPF_IGNORE) {
		out->refused_for_spf = j->policy->spf_fail == JUDGE_SPF_REJECT;
		out->action = out->refused_for_spf ? JUDGE_REFUSE : JUDGE_JUNK;
		out->author = judge_from(j).domain;
	}
}

void
judge_conclude(struct judge *j)
{
	const struct dkim_verify *signatures = j->lanes[LANE_DKIM].machine;
	const struct arc_verify *chain = j->lanes[LANE_ARC].machine;
	const struct dmarc *m = j->lanes[LANE_DMARC].machine;
	struct judge_verdict *out = &j->verdict;
	struct writing w = { .j = j };

	out->arc = chain == NULL ? NULL : arc_verify_verdict(chain);
	out->spf = judge_from(j).word;
	out->dkim = signatures == NULL ? "none" : dkim_result_name(dkim_verify_best(signatures));
	out->arc_word = out->arc == NULL ? "none" : arc_result_name(out->arc->result);
	out->dmarc = m == NULL ? "none" : dmarc_result_name(dmarc_verdict(m)->result);
	act(j);
	add_reverse(&w);
	if (j->from.len > 0)
		add_sender(&w, LANE_FROM);
	add_sender(&w, LANE_HELO);
	add_signatures(&w);
	add_chain(&w);
	add_policy(&w);
	write_field(&w);
}
