/* SPDX-License-Identifier: ISC */
/* Notations that the holder puts on a user ID's self-signature. */
#include "openpgp/cert/change_internal.h"

/* A notation's name: behind four octets of flags and two lengths (section 5.2.3.24). */
static struct slice
name_of(struct slice body)
{
	return body.len < 8 ? SLICE_EMPTY : slice_sub(body, 8, (size_t)body.data[4] << 8 | body.data[5]);
}

/* Those of other names stay as they are, understood or not. */
static void
carry_others(struct pgp_changing *g, const struct pgp_sig *old, struct slice name)
{
	struct pgp_subpacket p;
	size_t at = 0;

	while (pgp_subpacket_next(old->hashed, &at, &p))
		if (p.type == PGP_SUB_NOTATION && !slice_eq(name_of(p.body), name))
			(void)pgp_subpacket_put(&g->w.subpackets, p.type, p.critical, p.body);
}

static int
put_values(struct pgp_changing *g, struct slice name, const struct slice *values, size_t count, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct pgp_notation n = { .name = name, .value = values[i], .readable = true };

		rc = pgp_notation_put(&g->w.subpackets, &n, e);
	}
	return rc;
}

static int
renew(struct pgp_changing *g, const struct pgp_component *k, struct slice name, const struct slice *values,
    size_t count, struct error *e)
{
	static const uint8_t dropped[] = { PGP_SUB_NOTATION, 0 };
	struct pgp_sig old;
	int rc;

	if (pgp_changing_revoked(g, k))
		return error_set(e, ERR_USAGE, "this user ID is revoked");
	rc = pgp_changing_binding(g, k, &old, e);
	if (rc == ERR_NOT_FOUND)
		return error_set(e, ERR_USAGE, "this user ID is not bound to the certificate");
	if (rc != 0)
		return rc;
	carry_others(g, &old, name);
	rc = put_values(g, name, values, count, e);
	if (rc == 0)
		return pgp_changing_renew(g, k, &old, dropped, e);
	buf_clear(&g->w.subpackets);
	return rc;
}

int
pgp_change_notations(const struct pgp_change *c, struct slice user_id, struct slice name, const struct slice *values,
    size_t count, struct buf *out, struct error *e)
{
	const struct pgp_component *k;
	struct pgp_changing g;
	int rc;

	if (count > PGP_NOTATIONS_MAX)
		return error_set(e, ERR_LIMIT, "%u notations of one name are the most", PGP_NOTATIONS_MAX);
	rc = pgp_changing_begin(&g, c, true, e);
	if (rc != 0)
		return rc;
	k = pgp_changing_user(&g, user_id);
	rc = k == NULL ? error_set(e, ERR_NOT_FOUND, "the certificate has no such user ID")
		       : renew(&g, k, name, values, count, e);
	return pgp_changing_end(&g, rc, out, e);
}
