/* SPDX-License-Identifier: ISC */
#include "mailauth/spf/record.h"

#include "mailauth/spf/address.h"
#include "mailauth/spf/macro.h"

#define VERSION SLICE("v=spf1")

enum wants { NOTHING, MAY_SPEC, MUST_SPEC, NETWORK4, NETWORK6 };

static const struct mechanism {
	const char *name;
	enum spf_kind kind;
	enum wants wants;
	bool prefixes, asks;
} mechanisms[] = {
	{ "all", SPF_ALL, NOTHING, false, false },
	{ "include", SPF_INCLUDE, MUST_SPEC, false, true },
	{ "a", SPF_A, MAY_SPEC, true, true },
	{ "mx", SPF_MX, MAY_SPEC, true, true },
	{ "ptr", SPF_PTR, MAY_SPEC, false, true },
	{ "ip4", SPF_IP4, NETWORK4, false, false },
	{ "ip6", SPF_IP6, NETWORK6, false, false },
	{ "exists", SPF_EXISTS, MUST_SPEC, false, true },
};

bool
spf_term_asks(const struct spf_term *term)
{
	return term->kind == SPF_REDIRECT || (term->kind < SPF_REDIRECT && mechanisms[term->kind].asks);
}

static bool
is_alpha(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
all_digits(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.data[i]))
			return false;
	return text.len > 0;
}

/* Octets of a modifier's name with its "="; 0: it is a directive. */
static size_t
modifier_name(struct slice term)
{
	size_t at = 0;

	while (at < term.len &&
	    (is_alpha(term.data[at]) ||
		(at > 0 &&
		    (is_digit(term.data[at]) || term.data[at] == '-' || term.data[at] == '_' || term.data[at] == '.'))))
		at++;
	return at > 0 && at < term.len && term.data[at] == '=' ? at + 1 : 0;
}

static bool
parse_prefix(struct slice digits, unsigned int max, unsigned int *out)
{
	uint64_t value;

	if (digits.len > 3 || !slice_to_u64(digits, max, &value) || (digits.len > 1 && digits.data[0] == '0'))
		return false;
	*out = (unsigned int)value;
	return true;
}

/* Takes "/24", "//64" or both off the end. A '/' that no digits follow belongs to the name. */
static bool
cut_prefixes(struct slice *rest, struct spf_term *out)
{
	size_t slash = slice_find_last(*rest, '/');

	if (slash == SIZE_MAX || !all_digits(slice_from(*rest, slash + 1)))
		return true;
	if (slash > 0 && rest->data[slash - 1] == '/') {
		if (!parse_prefix(slice_from(*rest, slash + 1), 128, &out->prefix6))
			return false;
		*rest = slice_sub(*rest, 0, slash - 1);
		slash = slice_find_last(*rest, '/');
		if (slash == SIZE_MAX || !all_digits(slice_from(*rest, slash + 1)))
			return true;
	}
	if (!parse_prefix(slice_from(*rest, slash + 1), 32, &out->prefix4))
		return false;
	*rest = slice_sub(*rest, 0, slash);
	return true;
}

static int
bad(const struct spf_term *term, const char *what, struct error *e)
{
	return error_set(e, ERR_SYNTAX, "\"%.*s\": %s", (int)size_min(term->text.len, 80), term->text.data, what);
}

static int
parse_spec(struct slice spec, struct spf_term *out, struct error *e)
{
	int rc;

	if (spec.len == 0)
		return bad(out, "There is no domain name where one should be.", e);
	if ((rc = spf_macro_check(spec, SPF_MACRO_DOMAIN, e)) != 0)
		return error_context(e, "\"%.*s\"", (int)size_min(out->text.len, 80), out->text.data);
	out->spec = spec;
	return rc;
}

/* What follows the name of an ip4 or ip6. */
static int
parse_network(struct slice rest, bool six, struct spf_term *out, struct error *e)
{
	size_t slash = slice_find(rest, '/');
	struct slice prefix, address = slice_split(rest, '/', &prefix);

	if (address.len == 0 || address.data[0] != ':')
		return bad(out, "A ':' and an address must follow.", e);
	address = slice_from(address, 1);
	if (six ? !spf_address_parse6(address, out->address) : !spf_address_parse4(address, out->address))
		return bad(out, six ? "This is no IPv6 address." : "This is no IPv4 address.", e);
	if (slash != SIZE_MAX && !parse_prefix(prefix, six ? 128 : 32, six ? &out->prefix6 : &out->prefix4))
		return bad(out, "This is no length of a network's prefix.", e);
	return 0;
}

static const struct mechanism *
mechanism_named(struct slice name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (slice_ieq_str(name, mechanisms[i].name))
			return &mechanisms[i];
	return NULL;
}

/* Takes a qualifier off the front. */
static enum spf_result
cut_qualifier(struct slice *rest)
{
	static const struct {
		uint8_t sign;
		enum spf_result means;
	} qualifiers[] = { { '+', SPF_PASS }, { '-', SPF_FAIL }, { '~', SPF_SOFTFAIL }, { '?', SPF_NEUTRAL } };

	for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++)
		if (rest->len > 0 && rest->data[0] == qualifiers[i].sign) {
			*rest = slice_from(*rest, 1);
			return qualifiers[i].means;
		}
	return SPF_PASS;
}

/* What follows the name. */
static int
parse_arguments(const struct mechanism *m, struct slice rest, struct spf_term *out, struct error *e)
{
	if (m->wants == NETWORK4 || m->wants == NETWORK6)
		return parse_network(rest, m->wants == NETWORK6, out, e);
	if (m->prefixes && !cut_prefixes(&rest, out))
		return bad(out, "This is no length of a network's prefix.", e);
	if (rest.len > 0 && rest.data[0] == ':' && m->wants != NOTHING)
		return parse_spec(slice_from(rest, 1), out, e);
	if (rest.len > 0)
		return bad(out, "Something follows the mechanism that does not belong to it.", e);
	return m->wants == MUST_SPEC ? bad(out, "A ':' and a domain name must follow.", e) : 0;
}

static int
parse_directive(struct spf_term *out, struct error *e)
{
	struct slice rest = out->text;
	const struct mechanism *m;
	size_t len = 0;

	out->qualifier = cut_qualifier(&rest);
	while (len < rest.len && (is_alpha(rest.data[len]) || is_digit(rest.data[len])))
		len++;
	if ((m = mechanism_named(slice_sub(rest, 0, len))) == NULL)
		return bad(out, "There is no such mechanism.", e);
	out->kind = m->kind;
	return parse_arguments(m, slice_from(rest, len), out, e);
}

static int
parse_term(struct slice text, struct spf_term *out, struct error *e)
{
	size_t name = modifier_name(text);
	struct slice value = slice_from(text, name);

	*out = (struct spf_term){ .text = text, .qualifier = SPF_PASS, .prefix4 = 32, .prefix6 = 128 };
	if (name == 0)
		return parse_directive(out, e);
	out->kind = slice_ieq_str(slice_sub(text, 0, name), "redirect=") ? SPF_REDIRECT
	    : slice_ieq_str(slice_sub(text, 0, name), "exp=")            ? SPF_EXPLANATION
									 : SPF_UNKNOWN;
	if (out->kind != SPF_UNKNOWN)
		return parse_spec(value, out, e);
	out->spec = value;
	if (spf_macro_check(value, SPF_MACRO_VALUE, e) != 0)
		return error_context(e, "\"%.*s\"", (int)size_min(text.len, 80), text.data);
	return 0;
}

static struct slice
next_text(struct slice *rest)
{
	struct slice text = SLICE_EMPTY;

	while (rest->len > 0 && text.len == 0)
		text = slice_split(*rest, ' ', rest);
	return text;
}

bool
spf_term_next(struct slice *rest, struct spf_term *out)
{
	struct slice text = next_text(rest);

	return text.len > 0 && parse_term(text, out, NULL) == 0;
}

static bool
is_record(struct slice text)
{
	return slice_istarts(text, VERSION) && (text.len == VERSION.len || text.data[VERSION.len] == ' ');
}

size_t
spf_record_select(const struct slice *texts, size_t count, struct slice *out)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (is_record(texts[i]) && found++ == 0)
			*out = texts[i];
	return found;
}

static int
add_term(struct spf_record *r, const struct spf_term *t, struct error *e)
{
	r->term_count++;
	r->lookups += spf_term_asks(t);
	if ((t->kind == SPF_REDIRECT && r->has_redirect) || (t->kind == SPF_EXPLANATION && r->has_explanation))
		return bad(t, "This modifier may stand there only once.", e);
	if (t->kind == SPF_REDIRECT) {
		r->redirect = *t;
		r->has_redirect = true;
	} else if (t->kind == SPF_EXPLANATION) {
		r->explanation = *t;
		r->has_explanation = true;
	} else if (t->kind == SPF_ALL && !r->has_all) {
		r->all = *t;
		r->has_all = true;
	}
	return 0;
}

int
spf_record_parse(struct slice record, struct spf_record *out, struct error *e)
{
	struct spf_record r = { .terms = slice_from(record, VERSION.len) };
	struct slice rest = r.terms, text;
	struct spf_term term;
	int rc;

	if (record.len > MAILAUTH_SPF_RECORD_MAX)
		return error_set(e, ERR_LIMIT, "The record has more than %u octets.", MAILAUTH_SPF_RECORD_MAX);
	if (!is_record(record))
		return error_set_at(e, ERR_SYNTAX, 0, "An SPF record begins with \"v=spf1\".");
	while ((text = next_text(&rest)).len > 0) {
		if ((rc = parse_term(text, &term, e)) != 0 || (rc = add_term(&r, &term, e)) != 0) {
			if (e != NULL)
				e->offset = (uint64_t)(text.data - record.data);
			return rc;
		}
	}
	*out = r;
	return 0;
}
