/* SPDX-License-Identifier: ISC */
#include "letter/opened.h"

/* "Name: value" of an HP-Outer field (RFC 9788 2.2.1). */
static bool
split_outer(struct slice field, struct slice *name, struct slice *value)
{
	size_t colon = slice_find(field, ':');

	if (colon == SIZE_MAX)
		return false;
	*name = slice_trim(slice_sub(field, 0, colon));
	*value = slice_trim(slice_from(field, colon + 1));
	return true;
}

/* The same value, folding aside. */
static bool
same_value(struct slice a, struct slice b)
{
	struct buf x, y;
	bool same;

	buf_init(&x, a.len + 1);
	buf_init(&y, b.len + 1);
	(void)mime_unfold(a, &x);
	(void)mime_unfold(b, &y);
	same = x.err == 0 && y.err == 0 && slice_eq(buf_slice(&x), buf_slice(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

/* Did the composer put this field, with this value, outside? */
static bool
was_outside(const struct letter_opened *o, const char *name, struct slice value)
{
	const struct mime_header *inner = &o->root->fields, *outer = &o->outer->fields;
	const struct mime_field *f = NULL;
	struct slice n, v;

	if (o->hp == LETTER_HP_CIPHER) {
		while ((f = mime_header_next(inner, f, "HP-Outer")) != NULL) {
			if (split_outer(f->value, &n, &v) && slice_ieq_str(n, name) && same_value(v, value))
				return true;
		}
		return false;
	}
	if (o->hp == LETTER_HP_CLEAR)
		return true;
	while ((f = mime_header_next(outer, f, name)) != NULL) {
		if (same_value(f->value, value))
			return true;
	}
	return false;
}

static enum letter_protection
protection_of(const struct letter_opened *o, const char *name, struct slice value)
{
	bool signed_field = o->verdict.signature == LETTER_SIGNATURE_GOOD;

	if (o->verdict.encrypted && !was_outside(o, name, value))
		return signed_field ? LETTER_FIELD_BOTH : LETTER_FIELD_ENCRYPTED;
	return signed_field ? LETTER_FIELD_SIGNED : LETTER_FIELD_UNPROTECTED;
}

/* The inner field of a protected letter. */
static bool
inner_field(const struct letter_opened *o, const char *name, struct slice *value_out)
{
	const struct mime_field *f = o->root == NULL ? NULL : mime_header_find(&o->root->fields, name);

	if (f == NULL || o->hp == LETTER_HP_NONE)
		return false;
	*value_out = slice_trim(f->value);
	return true;
}

static bool
outer_field(const struct letter_opened *o, const char *name, struct slice *value_out)
{
	const struct mime_field *f = mime_header_find(&o->outer->fields, name);

	if (f == NULL)
		return false;
	*value_out = slice_trim(f->value);
	return true;
}

/* Fields outside count where nothing is protected; with the old marker, where they are not inside. */
static bool
outer_counts(const struct letter_opened *o)
{
	return o->hp == LETTER_HP_NONE || o->hp == LETTER_HP_OLD;
}

bool
letter_opened_field(
    const struct letter_opened *o, const char *name, struct slice *value_out, enum letter_protection *protection_out)
{
	bool from_outer = o->from_outer && slice_ieq_str(SLICE("From"), name);

	if (protection_out != NULL)
		*protection_out = LETTER_FIELD_UNPROTECTED;
	if (!from_outer && inner_field(o, name, value_out)) {
		if (protection_out != NULL)
			*protection_out = protection_of(o, name, *value_out);
		return true;
	}
	return (from_outer || outer_counts(o)) && outer_field(o, name, value_out);
}

bool
letter_opened_reply_field(const struct letter_opened *o, const char *name, struct slice *value_out)
{
	if (inner_field(o, name, value_out))
		return true;
	/* A letter with the old marker that names its sender inside must be answered to what is inside. */
	if (o->hp == LETTER_HP_OLD && mime_header_count(&o->root->fields, "From") > 0)
		return false;
	return outer_counts(o) && outer_field(o, name, value_out);
}

struct slice
letter_opened_outer_field(const struct letter_opened *o, const char *name)
{
	return mime_header_value(&o->outer->fields, name);
}
