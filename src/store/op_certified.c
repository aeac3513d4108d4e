/* SPDX-License-Identifier: ISC */
/*
 * Which published user IDs of a domain its CA is to certify, or to certify again. A row that is put anew is looked at
 * anew: what was noted of it is gone.
 */
#include "store/internal.h"

/* As in the index certificate_users_certified (migrate.c), or it is not used. */
#define DOMAIN_OF "substr(address_key, instr(address_key, x'40') + 1)"

OP_READ_FN(certificate_due)
{
	const struct store_certificate_due *in = request;
	struct store_certificates *out = reply;
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate) };
	struct store_certificate *row;
	struct query q = query_begin(rx->db,
	    "SELECT c.fingerprint, c.revision FROM certificates c WHERE c.certificate IN (SELECT certificate FROM"
	    " certificate_users WHERE state = 2 AND " DOMAIN_OF
	    " = ?1 AND certified < ?2 ORDER BY certified LIMIT ?3)");
	int rc;

	query_bytes(&q, fold_ascii(rx->arena, in->domain));
	query_u64(&q, in->before);
	query_u64(&q, in->limit == 0 || in->limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : in->limit);
	while ((rc = query_step(&q, e)) == 1 && (row = rows_add(&rows)) != NULL) {
		row->fingerprint = query_col_bytes(&q, 0, rx->arena);
		row->revision = query_col_u64(&q, 1);
	}
	query_end(&q);
	out->certificates = rows.data;
	out->certificate_count = rows.count;
	return rc < 0 ? rc : 0;
}

OP_WRITE_FN(certificate_certified)
{
	const struct store_certificate_certified *in = request;
	bool all = in->fingerprint.len == 0;
	struct query q = query_begin(tx->db,
	    all ? "UPDATE certificate_users SET certified = ?3 WHERE state = 2 AND " DOMAIN_OF " = ?1"
		: "UPDATE certificate_users SET certified = ?3 WHERE user_id = ?2 AND certificate ="
		  " (SELECT certificate FROM certificates WHERE fingerprint = ?1 AND revision = ?4)");

	(void)reply;
	query_bytes(&q, all ? fold_ascii(tx->arena, in->domain) : in->fingerprint);
	query_bytes(&q, in->user_id);
	query_u64(&q, in->until);
	if (!all)
		query_u64(&q, in->revision);
	return query_run(&q, e);
}
