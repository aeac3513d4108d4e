/* SPDX-License-Identifier: ISC */
/*
 * Any certificate: what the filter keeps is a certificate with the same
 * primary key, and filtering it again, alone or merged with the first, keeps
 * exactly the same.
 */
#include <stdlib.h>

#include "service/directory/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
permit_some(void *ctx, struct slice user_id)
{
	(void)ctx;
	return slice_search(user_id, SLICE("alice")) != SIZE_MAX;
}

static void
again(const struct pgp_cert *kept, const struct pgp_cert *old, struct slice want)
{
	const struct directory_filter_input in = { .fresh = kept, .old = old, .permit = permit_some };
	struct buf out;
	size_t users;

	buf_init(&out, 1 << 20);
	if (directory_filter(&in, &out, &users, NULL) != 0 || !slice_eq(buf_slice(&out), want))
		abort();
	buf_done(&out);
}

static void
check(const struct pgp_cert *fresh)
{
	const struct directory_filter_input in = { .fresh = fresh, .permit = permit_some };
	struct pgp_cert *kept;
	size_t users, used;
	struct buf out;

	buf_init(&out, 1 << 20);
	if (directory_filter(&in, &out, &users, NULL) == 0) {
		if (pgp_cert_parse(buf_slice(&out), &kept, &used, NULL) != 0 || used != out.len ||
		    !pgp_fingerprint_eq(&kept->primary->fingerprint, &fresh->primary->fingerprint))
			abort();
		again(kept, NULL, buf_slice(&out));
		again(fresh, kept, buf_slice(&out));
		pgp_cert_free(kept);
	}
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pgp_certs certs = { 0 };

	if (pgp_certs_parse(slice_of(data, size), &certs, NULL) == 0)
		for (size_t i = 0; i < certs.count && i < 4; i++)
			check(certs.items[i]);
	pgp_certs_done(&certs);
	return 0;
}
