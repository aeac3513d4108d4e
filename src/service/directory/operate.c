/* SPDX-License-Identifier: ISC */
#include "service/directory/operate.h"

#include <string.h>

#include "base/hex.h"
#include "openpgp/cert/cert.h"
#include "service/directory/describe.h"
#include "service/directory/directory.h"
#include "service/directory/filter.h"
#include "store/store.h"

#define WORK_BUDGET (64u << 20)
#define TRIES_MAX 20u /* of a certificate that others put at the same time */

static bool
permit_all(void *ctx, struct slice user_id)
{
	(void)ctx;
	return user_id.len <= STORE_USER_ID_MAX && pgp_user_id_address(user_id).len <= STORE_ADDRESS_MAX;
}

static int
find_held(
    struct port *store, struct slice fingerprint, struct arena *a, struct store_certificates *out, struct error *e)
{
	const struct store_certificate_find by = {
		.by = STORE_BY_NAME, .value = fingerprint, .limit = 1, .held = true
	};

	return store_certificate_find(store, &by, a, out, e);
}

static int
merge(const struct pgp_cert *fresh, const struct store_certificates *found, struct arena *a,
    struct store_certificate *put, struct error *e)
{
	struct directory_filter_input in = { .fresh = fresh, .permit = permit_all };
	struct buf kept BUF_OWNED = { 0 };
	struct pgp_cert *old = NULL;
	size_t used, users;
	int rc = 0;

	buf_init(&kept, DIRECTORY_CERTIFICATE_MAX);
	if (found->certificate_count > 0) {
		rc = pgp_cert_parse(found->certificates[0].data, &old, &used, e);
		put->revision = found->certificates[0].revision;
	}
	in.old = old;
	if (rc == 0)
		rc = directory_filter(&in, &kept, &users, e);
	if (rc == 0)
		rc = directory_describe(buf_slice(&kept), a, put, e);
	pgp_cert_free(old);
	return rc;
}

static int
put_once(struct port *store, const struct pgp_cert *fresh, struct arena *a, struct store_certificate *put,
    struct store_certificate_kept *kept, struct error *e)
{
	const struct pgp_fingerprint *f = &fresh->primary->fingerprint;
	struct store_certificates found;
	int rc = f->len == 20 || f->len == 32 ? find_held(store, slice_of(f->bytes, f->len), a, &found, e)
					      : error_set(e, ERR_DENIED, "only keys of version 4 and 6 are kept");

	*put = (struct store_certificate){ 0 };
	if (rc == 0)
		rc = merge(fresh, &found, a, put, e);
	return rc == 0 ? store_certificate_put(store, put, a, kept, e) : rc;
}

int
directory_operate_add(struct port *store, struct slice text,
    void (*told)(void *ctx, const struct store_certificate *put, const struct store_certificate_kept *kept), void *ctx,
    struct error *e)
{
	struct pgp_certs certs = { 0 };
	int rc = pgp_certs_parse(text, &certs, e);

	for (size_t i = 0; i < certs.count && rc == 0; i++) {
		ARENA_OWNED struct arena a = { 0 };
		struct store_certificate put;
		struct store_certificate_kept kept;

		arena_init(&a, WORK_BUDGET);
		rc = ERR_ORDER;
		for (unsigned tries = 0; tries < TRIES_MAX && rc == ERR_ORDER; tries++)
			rc = put_once(store, certs.items[i], &a, &put, &kept, e);
		if (rc == 0 && told != NULL)
			told(ctx, &put, &kept);
	}
	pgp_certs_done(&certs);
	return rc;
}

static int
put_again(struct port *store, struct slice fingerprint, struct arena *a, struct error *e)
{
	struct store_certificates found;
	struct store_certificate put = { 0 };
	struct store_certificate_kept kept;
	int rc = find_held(store, fingerprint, a, &found, e);

	if (rc != 0 || found.certificate_count == 0)
		return rc != 0 ? rc : error_set(e, ERR_NOT_FOUND, "no such certificate");
	rc = directory_describe(found.certificates[0].data, a, &put, e);
	put.revision = found.certificates[0].revision;
	return rc == 0 ? store_certificate_put(store, &put, a, &kept, e) : rc;
}

int
directory_operate_publish(struct port *store, const struct store_certificate_publish *in,
    struct store_certificate_kept *kept, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	int rc = ERR_ORDER;

	arena_init(&a, WORK_BUDGET);
	for (int i = 0; i < 2 && rc == ERR_ORDER; i++) {
		if (i > 0 && put_again(store, in->fingerprint, &a, e) != 0)
			break;
		rc = in->how != 0 ? store_certificate_publish(store, in, &a, kept, e)
				  : store_certificate_unpublish(store, in, &a, kept, e);
	}
	return rc;
}

int
directory_operate_fingerprint(const char *text, uint8_t *out, struct slice *fingerprint_out, struct error *e)
{
	struct buf octets BUF_OWNED = { 0 };
	int rc;

	buf_init(&octets, STORE_FINGERPRINT_MAX);
	rc = hex_parse_loose(slice_str(text), &octets, e);
	if (rc != 0 || (octets.len != 20 && octets.len != 32))
		return error_set(e, ERR_USAGE,
		    "a fingerprint has 40 hex digits, or 64 for a key of version 6; 'directory list ADDRESS' "
		    "says that of an address's key");
	memcpy(out, octets.data, octets.len);
	*fingerprint_out = slice_of(out, octets.len);
	return 0;
}
