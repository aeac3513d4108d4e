/* SPDX-License-Identifier: ISC */
#include "base/arena.h"
#include "base/mem.h"
#include "mime/header.h"
#include "smtp/milter.h"

#define TABLE_BUDGET (1u << 20) /* of MIME_FIELDS_MAX fields and the places of edits */

struct place {
	struct slice whole, name; /* a field as it was; whole empty: it is gone */
	struct slice value;       /* of one that was added or changed: edited */
	bool edited;
};

struct places {
	struct place *all;
	size_t count;
};

static void
insert_at(struct places *p, size_t index, const struct milter_edit *edit)
{
	if (index > p->count)
		index = p->count;
	for (size_t i = p->count++; i > index; i--)
		p->all[i] = p->all[i - 1];
	p->all[index] = (struct place){ .name = edit->name, .value = edit->value, .edited = true };
}

static void
change(struct places *p, const struct milter_edit *edit)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct place *at = &p->all[i];

		if (!slice_ieq(at->name, edit->name) || ++seen != edit->index)
			continue;
		at->edited = edit->value.len > 0;
		at->value = edit->value;
		if (edit->value.len == 0) { /* its number stays taken: what follows is counted as it was shown */
			at->whole = SLICE_EMPTY;
		}
		return;
	}
	/* As libmilter says: a field that is not there is added. */
	if (edit->value.len > 0)
		insert_at(p, p->count, edit);
}

static void
put_place(const struct place *at, struct buf *out)
{
	if (!at->edited) {
		(void)buf_put_slice(out, at->whole);
		return;
	}
	(void)buf_put_slice(out, at->name);
	(void)buf_put_u8(out, ':');
	(void)buf_put_slice(out, at->value);
	(void)buf_put_str(out, "\r\n");
}

int
milter_edit_apply(struct slice header, const struct milter_edit *edits, size_t count, struct buf *out)
{
	struct arena a ARENA_OWNED = { 0 };
	struct mime_header parsed = { 0 };
	struct places p = { 0 };
	size_t octets = 0;

	arena_init(&a, TABLE_BUDGET);
	(void)mime_header_parse(header, &a, &parsed, NULL);
	p.all = arena_array(&a, parsed.count + count, sizeof *p.all);
	if (a.err != 0 || p.all == NULL || parsed.cut) /* nothing of it may be lost */
		return buf_put_slice(out, header);
	for (size_t i = 0; i < parsed.count; i++) {
		p.all[p.count++] = (struct place){ .whole = parsed.fields[i].whole, .name = parsed.fields[i].name };
		octets += parsed.fields[i].whole.len;
	}
	for (size_t i = 0; i < count; i++) {
		if (edits[i].kind == MILTER_CHANGE)
			change(&p, &edits[i]);
		else
			insert_at(&p, edits[i].kind == MILTER_INSERT ? edits[i].index : SIZE_MAX, &edits[i]);
	}
	for (size_t i = 0; i < p.count; i++)
		put_place(&p.all[i], out);
	/* What is no field at the end of the block: its empty line. */
	return buf_put_slice(out, slice_from(header, octets));
}
