/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "mailauth/name.h"
#include "mailauth/spf/machine.h"

#define TEXT_MAX 253u /* octets of a name as text (RFC 7208 section 7.3) */
#define LABEL_MAX 63u

/* Backslashes mean something in names as text, and there is no need of them in mail. */
static bool
is_fit(uint8_t c, bool strict)
{
	uint8_t l = ascii_lower(c);

	if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
		return true;
	return !strict && c >= ' ' && c <= '~' && c != '\\';
}

bool
spf_name_valid(struct slice name, bool strict)
{
	size_t labels = 0;

	if (name.len == 0 || name.len > TEXT_MAX || name.data[name.len - 1] == '.')
		return false;
	while (name.len > 0) {
		struct slice label = slice_split(name, '.', &name);

		if (label.len == 0 || label.len > LABEL_MAX)
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_fit(label.data[i], strict))
				return false;
		labels++;
	}
	return labels > 1;
}

void
spf_name_set(struct name *n, struct slice from)
{
	n->len = size_min(from.len, sizeof n->octets);
	if (n->len > 0)
		memcpy(n->octets, from.data, n->len);
}

struct spf_macro_values
spf_values(const struct spf *s, const struct frame *f)
{
	struct slice domain = name_slice(&f->domain);

	return (struct spf_macro_values){ .sender = s->sender,
		.local = s->outcome.local,
		.sender_domain = s->sender_domain,
		.domain = domain,
		.helo = s->helo,
		.receiver = s->receiver,
		.validated = spf_ptr_name(s, domain),
		.ip = spf_ip(s),
		.now = s->now };
}

bool
spf_name_needs_ptr(const struct spf *s, struct slice spec)
{
	return !s->validated_known && spf_macro_uses(spec, "p");
}

bool
spf_name_expand(struct spf *s, const struct frame *f, struct slice spec, struct name *out)
{
	struct spf_macro_values values = spf_values(s, f);
	BUF_OWNED struct buf text = { .max = MAILAUTH_SPF_EXPANDED_MAX };
	struct slice name;

	if (spec.len == 0) {
		*out = f->domain;
		return true;
	}
	/* RFC 8616 section 4: such a local part can be no label, and the term matches nothing. */
	if (!s->local_ascii && spf_macro_uses(spec, "sl"))
		return false;
	if (spf_macro_expand(spec, &values, &text) != 0)
		return false;
	name = mailauth_name_bare(buf_slice(&text));
	while (name.len > TEXT_MAX) {
		size_t dot = slice_find(name, '.');

		if (dot == SIZE_MAX)
			return false;
		name = slice_from(name, dot + 1);
	}
	if (!spf_name_valid(name, false))
		return false;
	spf_name_set(out, name);
	return true;
}

void
spf_names_take(struct spf *s, const struct mailauth_answer *answer)
{
	s->name_count = s->name_at = 0;
	for (size_t i = 0; i < answer->record_count && i < MAILAUTH_SPF_NAMES_MAX; i++) {
		struct slice name = mailauth_name_bare(answer->records[i]);

		if (spf_name_valid(name, false))
			spf_name_set(&s->names[s->name_count++], name);
	}
}
