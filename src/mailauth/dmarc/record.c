/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/record.h"

enum tag {
	TAG_P,
	TAG_SP,
	TAG_NP,
	TAG_ADKIM,
	TAG_ASPF,
	TAG_T,
	TAG_PSD,
	TAG_FO,
	TAG_RUA,
	TAG_RUF,
	TAG_COUNT,
};

static const char *const tag_names[TAG_COUNT] = {
	[TAG_P] = "p",
	[TAG_SP] = "sp",
	[TAG_NP] = "np",
	[TAG_ADKIM] = "adkim",
	[TAG_ASPF] = "aspf",
	[TAG_T] = "t",
	[TAG_PSD] = "psd",
	[TAG_FO] = "fo",
	[TAG_RUA] = "rua",
	[TAG_RUF] = "ruf",
};

struct tags {
	struct slice values[TAG_COUNT];
	unsigned seen[TAG_COUNT];
};

static const char *const policy_names[] = {
	[DMARC_POLICY_NONE] = "none",
	[DMARC_POLICY_QUARANTINE] = "quarantine",
	[DMARC_POLICY_REJECT] = "reject",
};

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	return policy_names[p];
}

/* ---- the list ---- */

/* "v=DMARC1", spaces around the equals sign. The name is a literal of the ABNF, so of any case; the value is not. */
static bool
is_version(struct slice first)
{
	struct slice value, name = slice_trim(slice_split(first, '=', &value));

	return slice_ieq_str(name, "v") && slice_eq_str(slice_trim(value), "DMARC1");
}

static void
note(struct tags *t, struct slice part)
{
	struct slice value, name = slice_trim(slice_split(part, '=', &value));

	for (size_t i = 0; i < TAG_COUNT; i++)
		if (slice_ieq_str(name, tag_names[i])) {
			t->seen[i]++;
			t->values[i] = slice_trim(value);
		}
}

/* Empty when it is not there, or twice: nobody can know which one was meant. */
static struct slice
value_of(const struct tags *t, enum tag tag)
{
	return t->seen[tag] == 1 ? t->values[tag] : SLICE_EMPTY;
}

static bool
is_value(const struct tags *t, enum tag tag, const char *word)
{
	return slice_ieq_str(value_of(t, tag), word);
}

/* ---- values ---- */

static bool
policy_of(const struct tags *t, enum tag tag, enum dmarc_policy *out)
{
	for (size_t i = 0; i < sizeof(policy_names) / sizeof(policy_names[0]); i++)
		if (is_value(t, tag, policy_names[i])) {
			*out = (enum dmarc_policy)i;
			return true;
		}
	return false;
}

static void
take_policies(const struct tags *t, struct dmarc_record *r)
{
	r->has_policy = policy_of(t, TAG_P, &r->p);
	r->has_sp = policy_of(t, TAG_SP, &r->sp);
	r->has_np = policy_of(t, TAG_NP, &r->np);
	r->broken_policy = (t->seen[TAG_SP] > 0 && !r->has_sp) || (t->seen[TAG_NP] > 0 && !r->has_np);
	if (!r->has_sp)
		r->sp = r->p;
	if (!r->has_np)
		r->np = r->sp;
}

static unsigned
failure_of(struct slice value)
{
	unsigned all = 0;

	while (value.len > 0) {
		struct slice word = slice_trim(slice_split(value, ':', &value));

		if (slice_eq_str(word, "0"))
			all |= DMARC_FAILURE_ALL;
		else if (slice_eq_str(word, "1"))
			all |= DMARC_FAILURE_ANY;
		else if (slice_ieq_str(word, "d"))
			all |= DMARC_FAILURE_DKIM;
		else if (slice_ieq_str(word, "s"))
			all |= DMARC_FAILURE_SPF;
		else
			return DMARC_FAILURE_ALL;
	}
	return all == 0 ? DMARC_FAILURE_ALL : all;
}

static bool
is_scheme(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = ascii_lower(s.data[i]);
		bool letter = c >= 'a' && c <= 'z', other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';

		if (!letter && !(other && i > 0))
			return false;
	}
	return s.len > 0;
}

/* As far as it matters here: a scheme, and something behind it that could stand in a list. */
static bool
is_uri(struct slice s)
{
	struct slice rest;

	if (!is_scheme(slice_split(s, ':', &rest)) || rest.len == 0)
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] <= ' ' || rest.data[i] == 0x7f || rest.data[i] == '!')
			return false;
	return true;
}

/* Without what RFC 7489 permitted behind it: "!10m" (RFC 9989 section 4.8, obs-dmarc-report-size). */
static struct slice
without_size(struct slice uri)
{
	size_t mark = slice_find_last(uri, '!');
	struct slice size;
	uint64_t number;

	if (mark == SIZE_MAX)
		return uri;
	size = slice_from(uri, mark + 1);
	if (size.len > 0 && slice_find(SLICE("kmgt"), ascii_lower(size.data[size.len - 1])) != SIZE_MAX)
		size.len--;
	return slice_to_u64(size, UINT64_MAX, &number) ? slice_sub(uri, 0, mark) : uri;
}

static void
take_uris(struct slice list, struct dmarc_uris *out)
{
	while (list.len > 0) {
		struct slice uri = without_size(slice_trim(slice_split(list, ',', &list)));

		if (!is_uri(uri))
			continue;
		out->seen++;
		if (out->count < MAILAUTH_DMARC_URIS_MAX && dmarc_uri_is_mailto(uri))
			out->mailto[out->count++] = uri;
	}
}

/* ---- the record ---- */

bool
dmarc_record_parse(struct slice text, struct dmarc_record *out)
{
	struct dmarc_record r = { 0 };
	struct tags t = { 0 };

	if (text.len > MAILAUTH_DMARC_RECORD_MAX || !is_version(slice_split(text, ';', &text)))
		return false;
	while (text.len > 0)
		note(&t, slice_split(text, ';', &text));
	take_policies(&t, &r);
	r.strict_dkim = is_value(&t, TAG_ADKIM, "s");
	r.strict_spf = is_value(&t, TAG_ASPF, "s");
	r.testing = is_value(&t, TAG_T, "y");
	r.psd = is_value(&t, TAG_PSD, "y") ? DMARC_PSD_YES
	    : is_value(&t, TAG_PSD, "n")   ? DMARC_PSD_NO
					   : DMARC_PSD_UNKNOWN;
	r.failure = failure_of(value_of(&t, TAG_FO));
	take_uris(value_of(&t, TAG_RUA), &r.rua);
	take_uris(value_of(&t, TAG_RUF), &r.ruf);
	*out = r;
	return true;
}

bool
dmarc_record_settle(struct dmarc_record *r)
{
	if (r->has_policy && !r->broken_policy)
		return true;
	r->p = r->sp = r->np = DMARC_POLICY_NONE;
	return r->rua.seen > 0;
}
