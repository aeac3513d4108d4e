/* SPDX-License-Identifier: ISC */
#include "trust/find/index.h"

#include "base/hex.h"

struct reading {
	find_candidate_fn *each;
	void *ctx;
	struct find_candidate candidate;
	struct buf name;
	bool open; /* a candidate that was not told yet */
};

static int
tell(struct reading *r)
{
	int rc = 0;

	if (r->open) {
		r->candidate.name = buf_slice(&r->name);
		rc = r->each(r->ctx, &r->candidate);
	}
	r->open = false;
	return rc;
}

/* A fingerprint or a key ID of 8 or 16 digits. */
static bool
read_key(struct slice text, struct find_candidate *out)
{
	uint64_t id = 0;

	if (text.len == 40 || text.len == 64) {
		if (pgp_fingerprint_parse(text, &out->fingerprint, NULL) != 0)
			return false;
		out->key_id = pgp_fingerprint_key_id(&out->fingerprint);
		return true;
	}
	if (text.len != 8 && text.len != 16)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.data[i]);

		if (digit < 0)
			return false;
		id = id << 4 | (uint64_t)digit;
	}
	out->key_id = id;
	return true;
}

static void
unescape(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len && out->len < FIND_INDEX_NAME_MAX; i++) {
		int high = i + 2 < in.len && in.data[i] == '%' ? hex_digit(in.data[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(in.data[i + 2]) : -1;

		if (low >= 0) {
			(void)buf_put_u8(out, (uint8_t)(high << 4 | low));
			i += 2;
		} else {
			(void)buf_put_u8(out, in.data[i]);
		}
	}
}

/* "pub:<key>:<algorithm>:<bits>:<created>:<expires>:<flags>" */
static int
read_pub(struct reading *r, struct slice fields)
{
	struct slice key, flags = SLICE_EMPTY;
	int rc = tell(r);

	r->candidate = (struct find_candidate){ 0 };
	buf_clear(&r->name);
	key = slice_split(fields, ':', &fields);
	for (int i = 0; i < 4; i++)
		(void)slice_split(fields, ':', &fields);
	flags = slice_split(fields, ':', &fields);
	r->candidate.revoked = slice_find(flags, 'r') != SIZE_MAX;
	r->candidate.disabled = slice_find(flags, 'd') != SIZE_MAX;
	r->candidate.expired = slice_find(flags, 'e') != SIZE_MAX;
	r->open = read_key(key, &r->candidate);
	return rc;
}

static int
read_line(struct reading *r, struct slice line)
{
	struct slice kind = slice_split(line, ':', &line);

	if (slice_eq_str(kind, "pub"))
		return read_pub(r, line);
	if (slice_eq_str(kind, "uid") && r->open && r->name.len == 0)
		unescape(slice_split(line, ':', &line), &r->name);
	return 0;
}

int
find_index_read(struct slice text, find_candidate_fn *each, void *ctx, struct error *e)
{
	struct reading r = { .each = each, .ctx = ctx };
	bool any = false;
	int rc = 0;

	buf_init(&r.name, FIND_INDEX_NAME_MAX);
	while (text.len > 0 && rc == 0) {
		struct slice line = slice_trim(slice_split(text, '\n', &text));

		any = any || slice_starts(line, SLICE("info:")) || slice_starts(line, SLICE("pub:"));
		rc = read_line(&r, line);
	}
	if (rc == 0)
		(void)tell(&r);
	buf_done(&r.name);
	return any ? 0 : error_set(e, ERR_SYNTAX, "the server's answer is no list of keys");
}
