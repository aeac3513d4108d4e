/* SPDX-License-Identifier: ISC */
#include "openpgp/cert/merge.h"

#include "openpgp/cert/cert_draft.h"

int
pgp_merge(const struct pgp_cert *a, const struct pgp_cert *b, struct buf *out, bool *changed_out, struct error *e)
{
	const struct pgp_cert *const copies[] = { a, b };
	struct pgp_draft d;
	int rc;

	if (!slice_eq(a->primary->public_body, b->primary->public_body))
		return error_set(e, ERR_USAGE, "these are two different certificates, which cannot be merged");
	rc = pgp_draft_new(copies, 2, &d, e);
	if (rc != 0)
		return rc;
	rc = pgp_draft_write(&d, true, out, e);
	if (rc == 0)
		*changed_out = d.changed;
	pgp_draft_done(&d);
	return rc;
}

int
pgp_cert_canonical(const struct pgp_cert *c, struct buf *out, struct error *e)
{
	struct pgp_draft d;
	int rc = pgp_draft_new(&c, 1, &d, e);

	if (rc != 0)
		return rc;
	pgp_draft_order(&d);
	rc = pgp_draft_write(&d, true, out, e);
	pgp_draft_done(&d);
	return rc;
}
