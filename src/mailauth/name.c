/* SPDX-License-Identifier: ISC */
#include "mailauth/name.h"

#include "mailauth/limits.h"

struct slice
mailauth_name_bare(struct slice name)
{
	return name.len > 0 && name.data[name.len - 1] == '.' ? slice_sub(name, 0, name.len - 1) : name;
}

bool
mailauth_name_is(struct slice a, struct slice b)
{
	return slice_ieq(mailauth_name_bare(a), mailauth_name_bare(b));
}

bool
mailauth_name_below(struct slice name, struct slice domain)
{
	name = mailauth_name_bare(name);
	domain = mailauth_name_bare(domain);
	return mailauth_name_is(name, domain) ||
	    (name.len > domain.len && name.data[name.len - domain.len - 1] == '.' &&
		mailauth_name_is(slice_from(name, name.len - domain.len), domain));
}

static bool
is_label(struct slice label)
{
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = ascii_lower(label.data[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c >= 0x80))
			return false;
	}
	return label.len > 0 && label.len <= 63;
}

bool
mailauth_name_can_be(struct slice name)
{
	struct slice rest = name;
	bool good = name.len > 0 && name.len <= MAILAUTH_NAME_MAX - 2 && name.data[name.len - 1] != '.';

	while (good && rest.len > 0)
		good = is_label(slice_split(rest, '.', &rest));
	return good;
}

size_t
mailauth_name_labels(struct slice name)
{
	size_t count = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		count += name.data[i] == '.';
	return count;
}

struct slice
mailauth_name_above(struct slice name, size_t labels)
{
	while (labels-- > 0)
		(void)slice_split(name, '.', &name);
	return name;
}
