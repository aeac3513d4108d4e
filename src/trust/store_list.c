/* SPDX-License-Identifier: ISC */
/* Walking through all certificates, or those with a piece of text. */
#include "base/utf8.h"
#include "trust/store_internal.h"

#define ROW_BUDGET (64u << 10) /* of one entry */

int
trust_store_list(
    const struct trust_store *s, const struct trust_list *which, trust_list_each *each, void *ctx, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_TEXT_MAX };
	struct query q;
	int rc;

	if (utf8_fold(&folded, slice_trim(which->text)) != 0)
		return error_set(e, ERR_USAGE, "what is looked for is too long");
	q = query_begin(&s->live->db,
	    "SELECT " TRUST_COLUMNS " FROM certificates c WHERE (?1 = x'' OR instr(text, ?1) > 0) AND"
	    " (?2 = 0 OR origin = 120) ORDER BY origin = 120 DESC, addresses, id");
	query_bytes(&q, buf_slice(&folded));
	query_u64(&q, which->own);
	while ((rc = query_step(&q, e)) == 1) {
		ARENA_OWNED struct arena a = { .budget = ROW_BUDGET };
		struct trust_entry entry;

		rc = trust_entry_read(&q, &a, &entry);
		if (rc != 0)
			(void)error_set(e, rc, "a certificate's entry is too large");
		else
			rc = each(ctx, &entry);
		if (rc != 0) {
			query_end(&q);
			return rc;
		}
	}
	return rc;
}
