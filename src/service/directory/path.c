/* SPDX-License-Identifier: ISC */
#include "base/date.h"
#include "base/hex.h"
#include "http/form.h"
#include "service/directory/query.h"

/* Exactly so many octets in hex, and nothing in front. */
static int
take_hex(struct slice text, size_t octets, struct directory_path *out, struct error *e)
{
	BUF_OWNED struct buf b = { 0 };

	buf_init(&b, sizeof out->octets);
	if (text.len != 2 * octets || hex_parse(text, &b, NULL) != 0)
		return error_set(e, ERR_NOT_FOUND, "That names no certificate: it takes %zu hex digits.", 2 * octets);
	for (size_t i = 0; i < octets; i++)
		out->octets[i] = b.data[i];
	out->octet_count = octets;
	return 0;
}

/* Two digits of the key's version, then its fingerprint. */
static int
take_vfingerprint(struct slice text, struct directory_path *out, struct error *e)
{
	struct slice version = slice_sub(text, 0, 2), rest = slice_from(text, 2);

	out->by = DIRECTORY_BY_FINGERPRINT;
	out->version = slice_eq_str(version, "04") ? 4 : 6;
	if (slice_starts(rest, SLICE("/")))
		rest = slice_from(rest, 1);
	if (!slice_eq_str(version, "04") && !slice_eq_str(version, "06"))
		return error_set(e, ERR_NOT_FOUND,
		    "A fingerprint stands behind two digits of its version: 04 or 06. Others are not kept here.");
	return take_hex(rest, out->version == 4 ? 20 : 32, out, e);
}

/* Version 6 is never found by key ID (draft-ietf-openpgp-hkp 5.1.3). */
static int
take_key_id(struct slice text, struct directory_path *out, struct error *e)
{
	out->by = DIRECTORY_BY_KEY_ID;
	out->version = 4;
	return take_hex(text, 8, out, e);
}

static int
take_address(struct slice text, struct directory_path *out, struct error *e)
{
	out->by = DIRECTORY_BY_ADDRESS;
	out->text = directory_query_address(text);
	return out->text.len > 0 ? 0 : error_set(e, ERR_NOT_FOUND, "Only whole addresses are found.");
}

static int
take_old_address(struct slice text, struct directory_path *out, struct error *e)
{
	out->version = 4;
	return take_address(text, out, e);
}

static int
take_fingerprint(struct slice text, struct directory_path *out, struct error *e)
{
	out->by = DIRECTORY_BY_FINGERPRINT;
	out->version = text.len == 64 ? 6 : 4;
	return take_hex(text, text.len == 64 ? 32 : 20, out, e);
}

struct category {
	const char *name;
	int (*take)(struct slice text, struct directory_path *out, struct error *e);
};

static int
take(struct slice path, const struct category *categories, size_t count, struct buf *text, struct directory_path *out,
    struct error *e)
{
	struct slice rest, name = slice_split(path, '/', &rest);
	int rc;

	*out = (struct directory_path){ 0 };
	for (size_t i = 0; i < count; i++) {
		if (!slice_eq_str(name, categories[i].name))
			continue;
		if (rest.len == 0)
			return error_set(e, ERR_DENIED, "The path ends before what is looked for.");
		rc = http_percent_decode(rest, false, text, e);
		return rc != 0 ? rc : categories[i].take(buf_slice(text), out, e);
	}
	return error_set(e, ERR_UNSUPPORTED, "There is no such way to look up a certificate.");
}

int
directory_path_v2(struct slice path, struct buf *text, struct directory_path *out, struct error *e)
{
	static const struct category categories[] = {
		{ "by-vfingerprint", take_vfingerprint },
		{ "by-keyid", take_key_id },
		{ "by-identity", take_address },
	};

	return take(path, categories, sizeof categories / sizeof categories[0], text, out, e);
}

int
directory_path_vks(struct slice path, struct buf *text, struct directory_path *out, struct error *e)
{
	static const struct category categories[] = {
		{ "by-fingerprint", take_fingerprint },
		{ "by-keyid", take_key_id },
		{ "by-email", take_old_address },
	};
	int rc = take(path, categories, sizeof categories / sizeof categories[0], text, out, e);

	if (rc == ERR_UNSUPPORTED || rc == ERR_DENIED)
		return error_set(e, ERR_NOT_FOUND, "There is nothing here.");
	return rc;
}

int
directory_path_identity(struct slice path, struct buf *text, struct slice *address_out, struct error *e)
{
	int rc = http_percent_decode(path, false, text, e);

	if (rc != 0)
		return rc;
	if (text->len == 0)
		return error_set(e, ERR_DENIED, "The path ends before what is looked for.");
	*address_out = directory_query_address(buf_slice(text));
	return address_out->len > 0 ? 0 : error_set(e, ERR_NOT_FOUND, "Only whole addresses are found.");
}

int
directory_path_day(struct slice path, uint64_t *day_out, struct error *e)
{
	static const char behind[] = "T00:00:00Z";
	BUF_OWNED struct buf text = { 0 };
	int64_t unix_seconds = -1;

	buf_init(&text, 32);
	if (path.len == 10) {
		(void)buf_put_slice(&text, path);
		(void)buf_put_str(&text, behind);
	}
	if (path.len != 10 || date_parse_rfc3339(buf_slice(&text), &unix_seconds, NULL) != 0 || unix_seconds < 0)
		return error_set(e, ERR_SYNTAX, "a day is year, month and day, as 2026-02-03");
	*day_out = (uint64_t)unix_seconds / 86400;
	return 0;
}
