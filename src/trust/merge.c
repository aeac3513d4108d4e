/* SPDX-License-Identifier: ISC */
#include "trust/merge.h"

#include "trust/limits.h"

static bool
has_part(const struct pgp_component *c, struct slice raw)
{
	for (size_t i = 0; i < size_min(c->part_count, TRUST_PARTS_MAX); i++) {
		if (slice_eq(c->parts[i].raw, raw))
			return true;
	}
	return false;
}

static const struct pgp_component *
find_component(const struct pgp_cert *c, const struct pgp_component *like)
{
	for (size_t i = 0; i < c->component_count; i++) {
		if (c->components[i].kind == like->kind && slice_eq(c->components[i].packet.raw, like->packet.raw))
			return &c->components[i];
	}
	return NULL;
}

/* a's packets, then what only b's has; either may be NULL. */
static void
put_component(const struct pgp_component *a, const struct pgp_component *b, struct buf *out, bool *changed)
{
	(void)buf_put_slice(out, (a != NULL ? a : b)->packet.raw);
	for (size_t i = 0; a != NULL && i < size_min(a->part_count, TRUST_PARTS_MAX); i++)
		(void)buf_put_slice(out, a->parts[i].raw);
	for (size_t i = 0; b != NULL && i < size_min(b->part_count, TRUST_PARTS_MAX); i++) {
		if (a != NULL && has_part(a, b->parts[i].raw))
			continue;
		(void)buf_put_slice(out, b->parts[i].raw);
		*changed = true;
	}
}

/* Components of one kind in a's order, then those that only b has: user IDs must not stand behind subkeys. */
static void
put_kind(
    const struct pgp_cert *a, const struct pgp_cert *b, enum pgp_component_kind kind, struct buf *out, bool *changed)
{
	for (size_t i = 0; i < a->component_count; i++) {
		const struct pgp_component *c = &a->components[i];

		if (c->kind == kind)
			put_component(c, find_component(b, c), out, changed);
	}
	for (size_t i = 0; i < b->component_count; i++) {
		const struct pgp_component *c = &b->components[i];

		if (c->kind != kind || find_component(a, c) != NULL)
			continue;
		put_component(NULL, c, out, changed);
		*changed = true;
	}
}

int
trust_merge(const struct pgp_cert *a, const struct pgp_cert *b, struct buf *out, bool *changed_out, struct error *e)
{
	static const enum pgp_component_kind order[] = { PGP_COMPONENT_PRIMARY, PGP_COMPONENT_USER_ID,
		PGP_COMPONENT_USER_ATTRIBUTE, PGP_COMPONENT_SUBKEY, PGP_COMPONENT_UNKNOWN };
	bool changed = false;

	if (!slice_eq(a->primary->public_body, b->primary->public_body))
		return error_set(e, ERR_USAGE, "these are two different certificates, which cannot be merged");
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		put_kind(a, b, order[i], out, &changed);
	if (out->err != 0)
		return error_set(e, out->err, "the certificate is larger than permitted");
	*changed_out = changed;
	return 0;
}
