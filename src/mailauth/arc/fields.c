/* SPDX-License-Identifier: ISC */
#include "mailauth/arc/fields.h"

#include "mailauth/dkim/tags.h"
#include "mime/lex.h"

/* "i=1;" in front of the results; spaces and comments may stand between (RFC 8617 section 4.1.1). 0: it is not there. */
size_t
arc_fields_instance(struct slice value)
{
	struct mime_lex lex = { .in = value };
	uint64_t instance = 0;
	size_t start;

	(void)mime_lex_skip(&lex);
	if (ascii_lower((uint8_t)mime_lex_peek(&lex)) != 'i')
		return 0;
	lex.at++;
	(void)mime_lex_skip(&lex);
	if (mime_lex_peek(&lex) != '=')
		return 0;
	lex.at++;
	(void)mime_lex_skip(&lex);
	start = lex.at;
	while (mime_lex_peek(&lex) >= '0' && mime_lex_peek(&lex) <= '9')
		lex.at++;
	if (!slice_to_u64(slice_sub(value, start, lex.at - start), MAILAUTH_ARC_SETS_MAX, &instance))
		return 0;
	(void)mime_lex_skip(&lex);
	return mime_lex_peek(&lex) == ';' ? (size_t)instance : 0;
}

/* i= among the tags of a signature; older drafts did not want it in front. */
static size_t
instance_of_tags(const struct mailauth_tags *tags)
{
	uint64_t instance = 0;

	return slice_to_u64(mailauth_tags_value(tags, "i"), MAILAUTH_ARC_SETS_MAX, &instance) ? (size_t)instance : 0;
}

static const struct mime_field **
place_of(struct arc_fields_set *set, struct slice name)
{
	if (slice_ieq_str(name, ARC_RESULTS))
		return &set->results;
	if (slice_ieq_str(name, ARC_MESSAGE))
		return &set->message;
	return slice_ieq_str(name, ARC_SEAL) ? &set->seal : NULL;
}

static size_t
instance_of(const struct mime_field *field, bool *says_fail)
{
	struct mailauth_tags tags;

	*says_fail = false;
	if (slice_ieq_str(field->name, ARC_RESULTS))
		return arc_fields_instance(field->value);
	if (mailauth_tags_parse(field->value, &tags, NULL) != 0)
		return 0;
	*says_fail = slice_ieq_str(field->name, ARC_SEAL) && slice_eq_str(mailauth_tags_value(&tags, "cv"), "fail");
	return instance_of_tags(&tags);
}

static void
note_highest(struct arc_fields *f, size_t instance, bool says_fail)
{
	if (instance > f->highest) {
		f->highest = instance;
		f->said_fail = false;
	}
	if (instance == f->highest && instance > 0)
		f->said_fail = f->said_fail || says_fail;
}

static int
take_field(struct arc_fields *f, const struct mime_field *field, struct error *e)
{
	bool says_fail;
	size_t instance = instance_of(field, &says_fail);
	const struct mime_field **place;

	note_highest(f, instance, says_fail);
	if (instance == 0)
		return error_set(e, ERR_SYNTAX, "A field %.*s has no number of its set (i=).", (int)field->name.len,
		    (const char *)field->name.data);
	place = place_of(&f->sets[instance - 1], field->name);
	if (*place != NULL)
		return error_set(e, ERR_SYNTAX, "Set %zu has a second %.*s.", instance, (int)field->name.len,
		    (const char *)field->name.data);
	*place = field;
	return 0;
}

static int
check_sets(struct arc_fields *f, struct error *e)
{
	for (size_t i = 0; i < f->highest; i++) {
		const struct arc_fields_set *set = &f->sets[i];

		if (set->results == NULL || set->message == NULL || set->seal == NULL)
			return error_set(e, ERR_SYNTAX, "Set %zu of %zu is not whole.", i + 1, f->highest);
	}
	f->count = f->highest;
	return 0;
}

int
arc_fields_collect(const struct mime_header *h, struct arc_fields *out, struct error *e)
{
	struct arc_fields_set any;
	int rc = 0;

	*out = (struct arc_fields){ 0 };
	for (size_t i = 0; i < h->count; i++) {
		int wrong;

		if (place_of(&any, h->fields[i].name) == NULL)
			continue;
		out->any = true;
		wrong = take_field(out, &h->fields[i], rc == 0 ? e : NULL);
		rc = rc == 0 ? wrong : rc;
	}
	return rc == 0 ? check_sets(out, e) : rc;
}
