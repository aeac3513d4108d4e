/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "trust/find/bucket.h"
#include "trust/find/find_internal.h"

#define PATH_OCTETS 200u
#define PARAMETERS_MAX 4096u
#define HTTP_OK 200u

/* What a person is told of where something came from: never the digits, which would be the same for nobody else. */
static void
put_where(const struct find_server_question *q, struct buf *out)
{
	find_server_put(q->server, out);
	(void)buf_put_str(out, "/pks/private");
}

static int
ask_parameters(const struct find_server_question *q, unsigned *digits, struct error *e)
{
	BUF_OWNED struct buf answer = { .max = PARAMETERS_MAX };
	const struct find_request request = { .path = "/pks/private/parameters", .accept = "application/json" };
	unsigned status = 0, least;
	int rc = find_server_ask(&q->f->place->web, q->server, &request, &answer, &status, e);

	if (rc != 0 && rc != ERR_LIMIT)
		return rc;
	if (rc != 0 || status != HTTP_OK || find_bucket_parameters(buf_slice(&answer), digits, &least, NULL) != 0)
		return error_set(e, ERR_UNSUPPORTED, "this server has no private look-ups");
	return 0;
}

struct wanted {
	bool address;
	struct slice folded;
	uint8_t name[FIND_BUCKET_NAME];
};

static int
want(const struct find_query *q, struct buf *folded, struct wanted *w, struct error *e)
{
	w->address = q->kind == FIND_ADDRESS;
	if (!w->address) {
		find_bucket_fingerprint_name(&q->fingerprint, w->name);
		return 0;
	}
	/* Only ASCII letters: the protocol has one form of an address that does not depend on tables of Unicode. */
	for (size_t i = 0; i < q->text.len; i++)
		(void)buf_put_u8(folded, ascii_lower(q->text.data[i]));
	if (folded->err != 0)
		return error_set(e, ERR_USAGE, "this address is too long");
	w->folded = buf_slice(folded);
	return find_bucket_address_name(w->folded, w->name, e);
}

static int
take_entry(const struct find_server_question *q, const struct wanted *w, struct slice octets, struct error *e)
{
	BUF_OWNED struct buf opened = { .max = TRUST_CERT_MAX }, where = { .max = TRUST_FROM_MAX };
	struct find_from from = q->from;
	struct slice bytes;
	size_t taken = 0;
	int rc = 0;

	if (w->address) {
		rc = find_bucket_open(w->folded, slice_of(w->name, sizeof w->name), octets, &opened, e);
		bytes = buf_slice(&opened);
	} else {
		rc = find_bucket_bare(octets, &bytes, e);
	}
	if (rc != 0)
		return rc;
	put_where(q, &where);
	from.where = buf_slice(&where);
	from.private = true;
	return find_take(q->f, &from, bytes, &taken, e);
}

static int
take_bucket(const struct find_server_question *q, const struct wanted *w, struct slice answer, struct error *e)
{
	struct find_bucket b;
	struct slice name, octets;
	int rc = find_bucket_begin(answer, &b, e);

	if (rc != 0)
		return rc;
	while ((rc = find_bucket_next(&b, &name, &octets, e)) == 1) {
		int taken = slice_eq(name, slice_of(w->name, sizeof w->name)) ? take_entry(q, w, octets, e) : 0;

		if (taken != 0 || q->f->fatal != 0)
			return taken;
	}
	return rc;
}

static bool
is_known(const struct find_server_question *q)
{
	const struct trust_entry *entry;

	return trust_store_find_key(q->f->place->store, &q->f->query->fingerprint, 0, &entry, 1) == 1;
}

int
find_private(const struct find_server_question *q, struct error *e)
{
	BUF_OWNED struct buf path = { .max = PATH_OCTETS }, answer = { .max = FIND_BUCKET_MAX },
			     folded = { .max = TRUST_ADDRESS_MAX }, where = { .max = TRUST_FROM_MAX };
	struct find_request request = { 0 };
	unsigned digits = 0, status = 0;
	struct wanted w;
	int rc;

	/* Privately certificates come without user IDs, and so a key that is not known would be nobody's. */
	if (q->f->query->kind == FIND_FINGERPRINT && !is_known(q))
		return error_set(e, ERR_UNSUPPORTED, "this key is not known here");
	rc = ask_parameters(q, &digits, e);
	if (rc == 0)
		rc = want(q->f->query, &folded, &w, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(&path, w.address ? "/pks/private/by-address/" : "/pks/private/by-fingerprint/");
	find_bucket_put_digits(w.name, digits, &path);
	(void)buf_put_u8(&path, 0);
	put_where(q, &where);
	find_say(q->f, "asking privately (for a bucket of many)", buf_slice(&where));
	request.path = (const char *)path.data;
	rc = find_server_ask(&q->f->place->web, q->server, &request, &answer, &status, e);
	if (rc != 0)
		return rc;
	if (status != HTTP_OK)
		return error_set(e, ERR_NET, "this server does not give the bucket now (HTTP status %u)", status);
	return take_bucket(q, &w, buf_slice(&answer), e);
}
