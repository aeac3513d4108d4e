/* SPDX-License-Identifier: ISC */
#include "mailauth/name.h"

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
