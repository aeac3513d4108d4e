/* SPDX-License-Identifier: ISC */
#include "mailauth/arc/signed.h"

/* ---- seals: what they say (RFC 8617 section 4.1.3) ---- */

static bool
chain_of(struct slice cv, enum arc_result *out)
{
	for (int r = ARC_NONE; r <= ARC_FAIL; r++)
		if (slice_eq_str(cv, arc_result_name((enum arc_result)r))) {
			*out = (enum arc_result)r;
			return true;
		}
	return false;
}

int
arc_signed_seal(struct arc_signed *s, struct error *e)
{
	const struct mailauth_tags *t = &s->seal;
	const struct slice *made;

	if (mailauth_tags_parse(s->fields->seal->value, &s->seal, e) != 0)
		return e->code;
	if (mailauth_tags_find(t, "h") != NULL)
		return error_set(e, ERR_SYNTAX, "it has h=, which must not be there");
	if (!chain_of(mailauth_tags_value(t, "cv"), &s->told.chain))
		return error_set(e, ERR_SYNTAX, "its cv= is none of none, pass and fail");
	if (!dkim_algorithm_of(mailauth_tags_value(t, "a"), &s->seal_algorithm) || s->seal_algorithm == DKIM_RSA_SHA1)
		return error_set(e, ERR_SYNTAX, "its a= is no algorithm that proves anything");
	if (!dkim_domain_valid(mailauth_tags_value(t, "d"), 2) || !dkim_domain_valid(mailauth_tags_value(t, "s"), 1))
		return error_set(e, ERR_SYNTAX, "its d= or s= is no name");
	made = mailauth_tags_find(t, "t");
	if (made != NULL && !slice_to_u64(*made, UINT64_MAX - 1, &s->told.made))
		return error_set(e, ERR_SYNTAX, "its t= is no number");
	s->told.seal_domain = mailauth_tags_value(t, "d");
	s->told.seal_selector = mailauth_tags_value(t, "s");
	buf_init(&s->seal_signature, MAILAUTH_TAG_LIST_MAX);
	if (mailauth_tags_value(t, "b").len == 0)
		return error_set(e, ERR_SYNTAX, "it has no signature");
	return mailauth_tags_base64(mailauth_tags_value(t, "b"), &s->seal_signature, e);
}

/* ---- message signatures: what they say (section 4.1.2) ---- */

/* Of From, all that there are: otherwise anyone could add one. Seals must not be among them. */
static int
check_names(const struct dkim_header *h, const struct arc_signed *s, struct error *e)
{
	struct slice rest = s->message.names, name;
	struct dkim_choice choice;

	dkim_choice_init(&choice, h);
	while (mailauth_tags_item(&rest, ':', &name)) {
		if (slice_ieq_str(name, ARC_SEAL))
			return error_set(e, ERR_POLICY, "it covers a seal");
		if (slice_ieq_str(name, "From"))
			(void)dkim_choice_take(&choice, name);
	}
	return dkim_choice_left(&choice, SLICE("From")) == 0
	    ? 0
	    : error_set(e, ERR_POLICY, "there is a From that it does not cover");
}

static int
check_message(const struct dkim_header *h, uint64_t now, const struct arc_signed *s, struct error *e)
{
	const struct dkim_parsed *p = &s->message;
	const struct slice *canon = mailauth_tags_find(&p->tags, "c");

	if (canon != NULL && canon->len == 0)
		return error_set(e, ERR_SYNTAX, "its c= is empty");
	if (p->algorithm == DKIM_RSA_SHA1)
		return error_set(e, ERR_POLICY, "it is made with SHA-1, which proves nothing any more");
	if (p->body_hash.len != DKIM_BODY_HASH_SIZE)
		return error_set(e, ERR_SYNTAX, "its bh= is no SHA-256 hash");
	if (p->expiring && p->expires < now)
		return error_set(e, ERR_POLICY, "it has expired");
	return check_names(h, s, e);
}

void
arc_signed_message(struct arc_signed *s, const struct dkim_header *h, uint64_t now)
{
	static const struct dkim_parse_rules rules = { .version = NULL, .identity = false };
	int rc = dkim_parse(s->fields->message->whole, &rules, &s->message, &s->message_fault);

	s->message_parsed = true;
	s->message_fault.code = rc;
	s->told.message_domain = s->message.domain;
	s->told.message_selector = s->message.selector;
	if (rc == 0)
		s->message_fault.code = check_message(h, now, s, &s->message_fault);
}

void
arc_signed_done(struct arc_signed *s)
{
	if (s->message_parsed)
		dkim_parsed_done(&s->message);
	buf_done(&s->seal_signature);
}
