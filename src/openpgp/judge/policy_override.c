/* SPDX-License-Identifier: ISC */
/* What a person changes about the policy. */
#include "base/date.h"
#include "openpgp/judge/policy.h"

static bool
is(struct slice s, const char *word)
{
	return slice_eq_str(s, word);
}

int
pgp_policy_set(struct pgp_policy *p, struct slice name, unsigned uses, uint64_t until, struct error *e)
{
	const struct pgp_policy_rule *r;
	bool found = false;

	for (size_t i = 0; (r = pgp_policy_rule(i)) != NULL; i++) {
		if (!is(name, r->name))
			continue;
		if (r->missing && until != PGP_NEVER)
			return error_set(
			    e, ERR_UNSUPPORTED, "%s is not built in, so no policy can accept it", r->subject);
		found = true;
		for (unsigned use = 0; use < PGP_USES; use++)
			if ((uses & PGP_USE_BIT(use)) != 0)
				p->until[i][use] = until;
	}
	if (!found)
		return error_set(e, ERR_NOT_FOUND, "no rule of the policy is called %.*s",
		    (int)(name.len < 40 ? name.len : 40), (const char *)name.data);
	return 0;
}

static void
open_archive(struct pgp_policy *p)
{
	const struct pgp_policy_rule *r;

	for (size_t i = 0; (r = pgp_policy_rule(i)) != NULL; i++)
		for (unsigned use = 0; use < PGP_USES; use++)
			if ((r->archive & PGP_USE_BIT(use)) != 0)
				p->until[i][use] = PGP_ALWAYS;
}

struct pgp_policy
pgp_policy_archive(uint64_t now)
{
	struct pgp_policy p = pgp_policy_default(now);

	open_archive(&p);
	return p;
}

/* Cuts s in two before the first octet c; false without it. */
static bool
cut(struct slice *s, uint8_t c, struct slice *rest)
{
	size_t at = 0;

	while (at < s->len && s->data[at] != c)
		at++;
	if (at == s->len)
		return false;
	*rest = slice_from(*s, at + 1);
	*s = slice_sub(*s, 0, at);
	return true;
}

static bool
parse_uses(struct slice word, unsigned *out)
{
	for (unsigned use = 0; use < PGP_USES; use++) {
		if (is(word, pgp_use_name((enum pgp_use)use))) {
			*out = PGP_USE_BIT(use);
			return true;
		}
	}
	return false;
}

static bool
parse_when(struct slice word, uint64_t *out)
{
	int64_t t;

	if (is(word, "always"))
		*out = PGP_ALWAYS;
	else if (is(word, "never"))
		*out = PGP_NEVER;
	else if (date_parse_rfc3339(word, &t, NULL) == 0 && t >= 0)
		*out = (uint64_t)t;
	else
		return false;
	return true;
}

static int
take_item(struct pgp_policy *p, struct slice item, struct error *e)
{
	int shown = (int)(item.len < 60 ? item.len : 60);
	struct slice name = item, word;
	unsigned uses = PGP_USES_ALL;
	uint64_t until = PGP_ALWAYS;

	if (is(item, "archive")) {
		open_archive(p);
		return 0;
	}
	if (cut(&name, '=', &word) && !parse_when(word, &until))
		return error_set(e, ERR_USAGE, "%.*s: behind the = stands a date (2027-01-31), always or never", shown,
		    (const char *)item.data);
	if (cut(&name, ':', &word) && !parse_uses(word, &uses))
		return error_set(e, ERR_USAGE, "%.*s: behind the : stands data, self, revoke, back, encrypt or decrypt",
		    shown, (const char *)item.data);
	return pgp_policy_set(p, name, uses, until, e);
}

int
pgp_policy_override(struct pgp_policy *p, struct slice text, struct error *e)
{
	struct pgp_policy changed = *p;
	struct error why = { 0 };
	size_t from = 0;

	for (size_t at = 0; at <= text.len; at++) {
		if (at < text.len && text.data[at] != ',' && text.data[at] != ' ')
			continue;
		if (at > from && take_item(&changed, slice_sub(text, from, at - from), &why) != 0)
			return error_set(e, ERR_USAGE, "%s", why.text);
		from = at + 1;
	}
	*p = changed;
	return 0;
}
