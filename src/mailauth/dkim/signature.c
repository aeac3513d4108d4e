/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/signature.h"

#include "mailauth/name.h"

#define NUMBER_DIGITS_MAX 76u /* of l= (section 3.5) */

static bool
is_label(struct slice label)
{
	if (label.len == 0 || label.len > 63 || label.data[0] == '-' || label.data[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = ascii_lower(label.data[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c >= 0x80))
			return false;
	}
	return true;
}

bool
dkim_domain_valid(struct slice domain, size_t min)
{
	size_t labels = 0;

	if (domain.len == 0 || domain.len > MAILAUTH_NAME_MAX || domain.data[domain.len - 1] == '.')
		return false;
	for (; domain.len > 0; labels++)
		if (!is_label(slice_split(domain, '.', &domain)))
			return false;
	return labels >= min;
}

static int
take_version(struct dkim_parsed *p, const struct dkim_parse_rules *rules, struct error *e)
{
	const struct slice *v = mailauth_tags_find(&p->tags, "v");

	if (rules->version == NULL)
		return 0;
	if (v == NULL || !slice_eq_str(*v, rules->version))
		return error_set(e, ERR_SYNTAX, "It is not version %s.", rules->version);
	return 0;
}

static int
take_required(struct dkim_parsed *p, struct error *e)
{
	static const char *const required[] = { "a", "b", "bh", "d", "h", "s" };

	p->names = mailauth_tags_value(&p->tags, "h");
	for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
		if (mailauth_tags_value(&p->tags, required[i]).len == 0)
			return error_set(e, ERR_SYNTAX, "The tag %s= is missing or empty.", required[i]);
	return 0;
}

/* What is none is not kept either: reports name these. */
static int
take_names(struct dkim_parsed *p, struct error *e)
{
	struct slice domain = mailauth_tags_value(&p->tags, "d"), selector = mailauth_tags_value(&p->tags, "s");

	if (dkim_domain_valid(domain, 2))
		p->domain = domain;
	if (dkim_domain_valid(selector, 1))
		p->selector = selector;
	if (p->domain.len == 0)
		return error_set(e, ERR_SYNTAX, "d= is no domain name.");
	if (p->selector.len == 0)
		return error_set(e, ERR_SYNTAX, "s= is no selector.");
	if (p->selector.len + p->domain.len + sizeof "._domainkey." > MAILAUTH_NAME_MAX)
		return error_set(e, ERR_SYNTAX, "s= and d= make a name that is too long.");
	return 0;
}

/* Without c= both are simple, without a '/' the body's is; what is there must be a name (section 3.5). */
static bool
take_canon(struct dkim_parsed *p)
{
	const struct slice *c = mailauth_tags_find(&p->tags, "c");
	struct slice header, body;

	if (c == NULL)
		return true;
	header = slice_split(*c, '/', &body);
	return dkim_canon_of(header, &p->header_canon) && (header.len == c->len || dkim_canon_of(body, &p->body_canon));
}

static int
take_algorithm(struct dkim_parsed *p, struct error *e)
{
	const struct slice *query = mailauth_tags_find(&p->tags, "q");
	struct slice methods = query == NULL ? SLICE("dns/txt") : *query, method = SLICE_EMPTY;
	bool dns = false;

	if (!dkim_algorithm_of(mailauth_tags_value(&p->tags, "a"), &p->algorithm))
		return error_set(e, ERR_SYNTAX, "a= names an algorithm that nobody knows here.");
	if (!take_canon(p))
		return error_set(e, ERR_SYNTAX, "c= names a canonical form that nobody knows here.");
	while (mailauth_tags_item(&methods, ':', &method))
		dns = dns || slice_ieq_str(method, "dns/txt") || slice_ieq_str(method, "dns");
	return dns ? 0 : error_set(e, ERR_SYNTAX, "q= does not name DNS.");
}

static int
take_number(const struct dkim_parsed *p, const char *tag, bool *there, uint64_t *out, struct error *e)
{
	const struct slice *value = mailauth_tags_find(&p->tags, tag);

	*there = value != NULL;
	if (value == NULL)
		return 0;
	if (value->len > NUMBER_DIGITS_MAX || !slice_to_u64(*value, UINT64_MAX - 1, out))
		return error_set(e, ERR_SYNTAX, "The tag %s= is no number that can be.", tag);
	return 0;
}

static int
take_numbers(struct dkim_parsed *p, struct error *e)
{
	bool limited;
	int rc = take_number(p, "l", &limited, &p->length, e);

	if (rc == 0)
		rc = take_number(p, "t", &p->timed, &p->made, e);
	if (rc == 0)
		rc = take_number(p, "x", &p->expiring, &p->expires, e);
	if (rc == 0 && p->timed && p->expiring && p->expires < p->made)
		rc = error_set(e, ERR_SYNTAX, "It expires before it was made.");
	return rc;
}

/* Without white space: mostly that of a fold, at the ends. */
static void
put_word(struct slice line, struct buf *out)
{
	line = slice_trim(line);
	while (line.len > 0) {
		size_t end = 0;

		while (end < line.len && line.data[end] > ' ')
			end++;
		(void)buf_put_slice(out, slice_sub(line, 0, end));
		line = slice_from(line, end == 0 ? 1 : end);
	}
}

static int
take_octets(struct dkim_parsed *p, struct error *e)
{
	struct slice b = mailauth_tags_value(&p->tags, "b");
	int rc;

	while (b.len > 0) {
		size_t line = slice_find(b, '\n');

		put_word(slice_sub(b, 0, line), &p->text);
		b = slice_from(b, line == SIZE_MAX ? b.len : line + 1);
	}
	rc = mailauth_tags_base64(mailauth_tags_value(&p->tags, "b"), &p->signature, e);
	if (rc != 0)
		return error_context(e, "b=");
	rc = mailauth_tags_base64(mailauth_tags_value(&p->tags, "bh"), &p->body_hash, e);
	return rc != 0 ? error_context(e, "bh=") : p->text.err;
}

static int
take_identity(struct dkim_parsed *p, struct error *e)
{
	const struct slice *i = mailauth_tags_find(&p->tags, "i");
	struct slice identity;
	size_t at;

	if (i == NULL) {
		(void)buf_put_u8(&p->identity, '@');
		return buf_put_slice(&p->identity, p->domain);
	}
	if (mailauth_tags_quoted(*i, &p->identity, e) != 0)
		return error_context(e, "i=");
	identity = buf_slice(&p->identity);
	at = slice_find_last(identity, '@');
	if (at == SIZE_MAX || !dkim_domain_valid(slice_from(identity, at + 1), 2))
		return error_set(e, ERR_SYNTAX, "i= is no address.");
	if (!mailauth_name_below(slice_from(identity, at + 1), p->domain))
		return error_set(e, ERR_POLICY, "i= is not of the domain in d=, nor below it.");
	return 0;
}

/* Each name looks like one, From is among them, and there are not too many. */
static int
check_names(const struct dkim_parsed *p, struct error *e)
{
	struct slice rest = p->names, name;
	bool from = false;
	size_t count = 0;

	while (mailauth_tags_item(&rest, ':', &name)) {
		for (size_t i = 0; i < name.len; i++)
			if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
				return error_set(e, ERR_SYNTAX, "h= has a name that is none.");
		if (name.len == 0 || ++count > MAILAUTH_DKIM_NAMES_MAX)
			return error_set(
			    e, ERR_SYNTAX, "h= has an empty name, or more than %u names.", MAILAUTH_DKIM_NAMES_MAX);
		from = from || slice_ieq_str(name, "from");
	}
	return from ? 0 : error_set(e, ERR_POLICY, "From is not signed.");
}

int
dkim_parse(struct slice field, const struct dkim_parse_rules *rules, struct dkim_parsed *out, struct error *e)
{
	size_t colon = slice_find(field, ':');
	int rc;

	*out = (struct dkim_parsed){ .field = field, .length = DKIM_BODY_WHOLE };
	buf_init(&out->identity, MAILAUTH_TAG_LIST_MAX);
	buf_init(&out->signature, MAILAUTH_TAG_LIST_MAX);
	buf_init(&out->body_hash, MAILAUTH_TAG_LIST_MAX);
	buf_init(&out->text, MAILAUTH_TAG_LIST_MAX);
	rc = mailauth_tags_parse(slice_from(field, colon == SIZE_MAX ? field.len : colon + 1), &out->tags, e);
	if (rc != 0)
		return rc;
	rc = take_names(out, e);
	if (rc == 0)
		rc = take_version(out, rules, e);
	if (rc == 0)
		rc = take_required(out, e);
	if (rc == 0)
		rc = take_algorithm(out, e);
	if (rc == 0)
		rc = take_numbers(out, e);
	if (rc == 0)
		rc = take_octets(out, e);
	if (rc == 0 && rules->identity)
		rc = take_identity(out, e);
	return rc == 0 ? check_names(out, e) : rc;
}

void
dkim_parsed_done(struct dkim_parsed *p)
{
	buf_done(&p->identity);
	buf_done(&p->signature);
	buf_done(&p->body_hash);
	buf_done(&p->text);
}
