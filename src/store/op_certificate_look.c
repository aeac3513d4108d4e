/* SPDX-License-Identifier: ISC */
/*
 * Many look-ups of the key directory in one operation: who serves thousands a
 * second gathers those that wait, and pays once for the message, the thread
 * and the snapshot. Each is one statement, which reads nothing but what is
 * served.
 */
#include "store/internal.h"

#define REPLY_OCTETS ((size_t)5 << 20) /* of certificates in one reply; the frame is 8 MiB */

/*
 * No ORDER BY: each walks an index whose rows of one value are by certificate, so the order is the same every time and
 * nothing is sorted. A certificate may have a value twice: its rows are next to each other.
 */
static const char by_fingerprint[] =
    "SELECT c.certificate, c.version, c.data FROM certificate_keys k"
    " CROSS JOIN certificates c ON c.certificate = k.certificate WHERE k.fingerprint = ?1";
static const char by_key_id[] = "SELECT c.certificate, c.version, c.data FROM certificate_keys k"
				" CROSS JOIN certificates c ON c.certificate = k.certificate WHERE k.key_id = ?1";
static const char by_short_id[] =
    "SELECT c.certificate, c.version, c.data FROM certificate_keys k"
    " CROSS JOIN certificates c ON c.certificate = k.certificate WHERE k.key_id & 4294967295 = ?1";
static const char by_address[] =
    "SELECT c.certificate, c.version, c.data FROM certificate_users u"
    " CROSS JOIN certificates c ON c.certificate = u.certificate WHERE u.address_key = ?1 AND u.state = 2";

static const struct {
	const char *sql;
	size_t number; /* octets of a number that is looked for; 0: it is octets */
	bool fold;
} ways[] = {
	[STORE_BY_FINGERPRINT] = { .sql = by_fingerprint },
	[STORE_BY_KEY_ID] = { .sql = by_key_id, .number = 8 },
	[STORE_BY_SHORT_ID] = { .sql = by_short_id, .number = 4 },
	[STORE_BY_ADDRESS] = { .sql = by_address, .fold = true },
};

static int
bind_value(struct query *q, struct rx *rx, const struct store_certificate_look *in, struct error *e)
{
	uint64_t number = 0;

	if (in->by >= sizeof ways / sizeof ways[0] || ways[in->by].sql == NULL)
		return error_set(e, ERR_SYNTAX, "certificates are not looked up that way");
	if (ways[in->by].number != 0 && in->value.len != ways[in->by].number)
		return error_set(e, ERR_SYNTAX, "a key ID has %zu octets", ways[in->by].number);
	*q = query_begin(rx->db, ways[in->by].sql);
	for (size_t i = 0; i < ways[in->by].number; i++)
		number = number << 8 | in->value.data[i];
	if (ways[in->by].number != 0)
		query_u64(q, number);
	else
		query_bytes(q, ways[in->by].fold ? fold_ascii(rx->arena, in->value) : in->value);
	return 0;
}

static int
look(struct rx *rx, const struct store_certificate_look *in, size_t *octets, struct store_certificate_seen *out,
    struct error *e)
{
	struct rows rows = { .arena = rx->arena, .size = sizeof(struct store_certificate_octets) };
	struct store_certificate_octets *row;
	struct query q = { 0 };
	uint64_t last = 0;
	int rc = bind_value(&q, rx, in, e);

	while (rc == 0 && !out->more && (rc = query_step(&q, e)) == 1) {
		uint64_t certificate = query_col_u64(&q, 0);

		rc = 0;
		if (certificate == last || (in->version != 0 && query_col_u32(&q, 1) != in->version))
			continue;
		last = certificate;
		out->more = rows.count > 0 && (rows.count >= in->limit || *octets > REPLY_OCTETS / 2);
		if (out->more)
			break;
		if ((row = rows_add(&rows)) == NULL)
			rc = error_nomem(e);
		else
			*octets += (row->data = query_col_bytes(&q, 2, rx->arena)).len;
	}
	query_end(&q);
	out->certificates = rows.data;
	out->certificate_count = rows.count;
	return rc < 0 ? rc : 0;
}

OP_READ_FN(certificate_look)
{
	const struct store_certificate_looks *in = request;
	struct store_certificates_seen *out = reply;
	size_t octets = 0;
	int rc = 0;

	out->seen = arena_array(rx->arena, in->look_count, sizeof *out->seen);
	if (out->seen == NULL && in->look_count > 0)
		return error_nomem(e);
	out->seen_count = in->look_count;
	for (size_t i = 0; i < in->look_count && rc == 0; i++) {
		out->seen[i].later = octets > REPLY_OCTETS / 2;
		if (!out->seen[i].later)
			rc = look(rx, &in->looks[i], &octets, &out->seen[i], e);
	}
	return rc;
}
