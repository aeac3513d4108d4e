/* SPDX-License-Identifier: ISC */
#include "mailauth/policy/sts.h"

#include <string.h>

#include "mailauth/name.h"

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

static struct slice
trim_blanks(struct slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* A field's name: a letter or digit, then up to 31 that may be "_", "-" and "." too. */
static bool
is_name(struct slice s)
{
	if (s.len == 0 || s.len > 32 || !is_alnum(s.data[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_alnum(s.data[i]) && s.data[i] != '_' && s.data[i] != '-' && s.data[i] != '.')
			return false;
	return true;
}

/* ---- the record ---- */

static bool
is_extension_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= 0x20 || s.data[i] >= 0x7f || s.data[i] == '=' || s.data[i] == ';')
			return false;
	return s.len > 0;
}

static bool
is_id(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.data[i]))
			return false;
	return s.len > 0 && s.len <= STS_ID_MAX;
}

/* Behind "v=STSv1". What comes twice counts once, the first. */
static bool
read_record(struct slice rest, struct slice *id_out)
{
	struct slice id = SLICE_EMPTY;

	rest = trim_blanks(rest);
	if (rest.len == 0 || rest.data[0] != ';')
		return false;
	rest = slice_from(rest, 1);
	while (trim_blanks(rest).len > 0) {
		struct slice value, field = trim_blanks(slice_split(rest, ';', &rest));
		struct slice name = slice_split(field, '=', &value);

		if (slice_eq_str(name, "id") ? !is_id(value) : !is_name(name) || !is_extension_value(value))
			return false;
		if (slice_eq_str(name, "id") && id.len == 0)
			id = value;
	}
	*id_out = id;
	return id.len > 0;
}

bool
sts_record_id(const struct slice *records, size_t count, struct slice *id_out)
{
	const struct slice version = SLICE("v=STSv1");
	struct slice id = SLICE_EMPTY;
	bool good = false;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		struct slice rest =
		    slice_starts(records[i], version) ? slice_from(records[i], version.len) : SLICE_EMPTY;

		if (trim_blanks(rest).len == 0 || trim_blanks(rest).data[0] != ';')
			continue; /* another version, or something else */
		found++;
		good = read_record(rest, &id);
	}
	if (found != 1 || !good)
		return false;
	*id_out = id;
	return true;
}

/* ---- the policy ---- */

struct seen {
	bool version, mode, max_age;
};

static bool
is_pattern(struct slice s)
{
	size_t label = 0;

	if (slice_starts(s, SLICE("*.")))
		s = slice_from(s, 2);
	if (s.len == 0 || s.len > MAILAUTH_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '.' ? label == 0 : !is_alnum(s.data[i]) && s.data[i] != '-')
			return false;
		label = s.data[i] == '.' ? 0 : label + 1;
	}
	return label > 0;
}

static bool
take_version(struct sts_policy *p, struct seen *seen, struct slice value)
{
	(void)p;
	seen->version = true;
	return slice_eq_str(value, "STSv1");
}

static bool
take_mode(struct sts_policy *p, struct seen *seen, struct slice value)
{
	if (seen->mode)
		return true;
	seen->mode = true;
	for (enum sts_mode mode = STS_NONE; mode <= STS_ENFORCE; mode++)
		if (slice_eq_str(value, sts_mode_text(mode))) {
			p->mode = mode;
			return true;
		}
	return false;
}

static bool
take_max_age(struct sts_policy *p, struct seen *seen, struct slice value)
{
	uint64_t seconds;

	if (seen->max_age)
		return true;
	seen->max_age = true;
	if (value.len > 10 || !slice_to_u64(value, UINT64_MAX, &seconds))
		return false;
	p->max_age = seconds > STS_MAX_AGE ? STS_MAX_AGE : (uint32_t)seconds;
	return true;
}

static bool
take_mx(struct sts_policy *p, struct seen *seen, struct slice value)
{
	(void)seen;
	if (!is_pattern(value))
		return false;
	p->mx[p->mx_count++] = value;
	return true;
}

static const struct field {
	const char *name;
	bool (*take)(struct sts_policy *p, struct seen *seen, struct slice value);
} fields[] = {
	{ "version", take_version },
	{ "mode", take_mode },
	{ "max_age", take_max_age },
	{ "mx", take_mx },
};

static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < 0x20 || s.data[i] == 0x7f)
			return false;
	return s.len > 0;
}

static bool
take_line(struct sts_policy *p, struct seen *seen, struct slice line)
{
	struct slice value, name = slice_split(line, ':', &value);

	value = trim_blanks(value);
	if (name.len == line.len)
		return false;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (slice_eq_str(name, fields[i].name))
			return fields[i].take(p, seen, value);
	return is_name(name) && is_text(value);
}

static bool
is_over(const struct sts_policy *p, struct slice line)
{
	return p->mx_count == STS_MX_MAX && slice_starts(line, SLICE("mx:"));
}

int
sts_policy_parse(struct slice text, struct sts_policy *out, struct error *e)
{
	struct seen seen = { 0 };
	struct sts_policy p = { .mode = STS_NONE };
	unsigned number = 0;

	while (text.len > 0) {
		struct slice line = slice_split(text, '\n', &text);

		number++;
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		if (trim_blanks(line).len == 0 && trim_blanks(text).len == 0)
			break; /* behind the last line */
		if (is_over(&p, line))
			return error_set(e, ERR_LIMIT, "the MTA-STS policy has more than %u mail servers", STS_MX_MAX);
		if (!take_line(&p, &seen, line))
			return error_set(e, ERR_SYNTAX, "line %u of the MTA-STS policy is none", number);
	}
	if (!seen.version || !seen.mode || !seen.max_age)
		return error_set(e, ERR_SYNTAX, "the MTA-STS policy has no %s",
		    !seen.version    ? "version"
			: !seen.mode ? "mode"
				     : "max_age");
	if (p.mode != STS_NONE && p.mx_count == 0)
		return error_set(e, ERR_SYNTAX, "the MTA-STS policy names no mail server");
	*out = p;
	return 0;
}

bool
sts_pattern_matches(struct slice pattern, struct slice host)
{
	size_t dot;

	host = mailauth_name_bare(host);
	if (!slice_starts(pattern, SLICE("*.")))
		return mailauth_name_is(pattern, host);
	dot = slice_find(host, '.');
	return dot != SIZE_MAX && dot > 0 && mailauth_name_is(slice_from(host, dot + 1), slice_from(pattern, 2));
}

bool
sts_policy_names(const struct sts_policy *p, struct slice host)
{
	for (size_t i = 0; i < p->mx_count; i++)
		if (sts_pattern_matches(p->mx[i], host))
			return true;
	return false;
}

int
sts_policy_write(const struct sts_policy *p, struct buf *out)
{
	(void)buf_putf(out, "version: STSv1\r\nmode: %s\r\n", sts_mode_text(p->mode));
	for (size_t i = 0; i < p->mx_count; i++)
		(void)buf_putf(out, "mx: %.*s\r\n", (int)p->mx[i].len, (const char *)p->mx[i].data);
	return buf_putf(out, "max_age: %u\r\n", (unsigned)p->max_age);
}

const char *
sts_mode_text(enum sts_mode mode)
{
	static const char *const texts[] = {
		[STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"
	};

	return texts[mode];
}
