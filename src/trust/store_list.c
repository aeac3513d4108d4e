/* SPDX-License-Identifier: ISC */
/* Walking through all certificates, or those with a piece of text. */
#include "base/utf8.h"
#include "trust/store_internal.h"

/* Order and filter are apart, so that a list of all neither sorts nor searches. */
static const char all[] = "SELECT " TRUST_COLUMNS " FROM certificates c INDEXED BY certificates_order"
			  " ORDER BY origin = 120 DESC, addresses, id";
static const char some[] = "SELECT " TRUST_COLUMNS " FROM certificates c INDEXED BY certificates_order"
			   " WHERE (?1 = x'' OR instr(text, ?1) > 0) AND (?2 = 0 OR origin = 120)"
			   " ORDER BY origin = 120 DESC, addresses, id";

int
trust_store_list(
    const struct trust_store *s, const struct trust_list *which, trust_list_each *each, void *ctx, struct error *e)
{
	BUF_OWNED struct buf folded = { .max = TRUST_TEXT_MAX };
	struct slice addresses[TRUST_ADDRESSES_MAX];
	struct trust_entry entry;
	struct query q;
	int rc;

	if (utf8_fold(&folded, slice_trim(which->text)) != 0)
		return error_set(e, ERR_USAGE, "what is looked for is too long");
	q = query_begin(&s->live->db, folded.len == 0 && !which->own ? all : some);
	if (folded.len > 0 || which->own) {
		query_bytes(&q, buf_slice(&folded));
		query_u64(&q, which->own);
	}
	while ((rc = query_step(&q, e)) == 1) {
		trust_entry_peek(&q, addresses, &entry);
		rc = each(ctx, &entry);
		if (rc != 0) {
			query_end(&q);
			return rc;
		}
	}
	return rc;
}
