/* SPDX-License-Identifier: ISC */
#include "mime/autocrypt.h"

#include "base/base64.h"

#define ADDR_MAX 320u
#define LINE 76u

/* ---- reading ---- */

enum { SEEN_ADDR = 1, SEEN_PREFER = 2 };

static int
bad(struct error *e, const char *what)
{
	return error_set(e, ERR_SYNTAX, "an Autocrypt field %s", what);
}

static int
parse_keydata(struct slice text, struct arena *a, struct slice *out, struct error *e)
{
	BUF_OWNED struct buf bytes = { .max = MIME_AUTOCRYPT_MAX };
	struct base64_decoder decoder;

	base64_decoder_init(&decoder, BASE64_LINES);
	if (base64_decoder_feed(&decoder, text, &bytes) != text.len ||
	    base64_decoder_end(&decoder, &bytes, NULL) != 0 || bytes.len == 0)
		return bad(e, "has keydata that is no base64");
	*out = arena_copy(a, buf_slice(&bytes));
	return a->err == 0 ? 0 : error_set(e, a->err, "no room for an Autocrypt field");
}

/* One attribute but keydata. */
static int
parse_attribute(struct slice name, struct slice value, unsigned *seen, struct mime_autocrypt *out, struct error *e)
{
	if (slice_starts(name, SLICE("_")))
		return 0;
	if (slice_eq_str(name, "addr")) {
		if ((*seen & SEEN_ADDR) != 0 || value.len == 0 || value.len > ADDR_MAX ||
		    slice_find(value, '@') == SIZE_MAX)
			return bad(e, "has no single address");
		*seen |= SEEN_ADDR;
		out->addr = value;
		return 0;
	}
	if (!slice_eq_str(name, "prefer-encrypt"))
		return bad(e, "has a critical attribute that is not known");
	if ((*seen & SEEN_PREFER) != 0)
		return bad(e, "says twice what is preferred");
	*seen |= SEEN_PREFER;
	out->mutual = slice_eq_str(value, "mutual");
	return 0;
}

int
mime_autocrypt_parse(struct slice value, struct arena *a, struct mime_autocrypt *out, struct error *e)
{
	struct mime_autocrypt x = { 0 };
	struct slice rest, item, name;
	unsigned seen = 0;
	int rc;

	if (value.len > MIME_AUTOCRYPT_MAX)
		return error_set(e, ERR_LIMIT, "an Autocrypt field is larger than %u octets", MIME_AUTOCRYPT_MAX);
	rest = mime_unfold_copy(value, a);
	if (a->err != 0)
		return error_set(e, a->err, "no room for an Autocrypt field");
	while (rest.len > 0) {
		item = slice_trim(slice_split(rest, ';', &rest));
		name = slice_trim(slice_split(item, '=', &item));
		item = slice_trim(item);
		if (slice_eq_str(name, "keydata")) {
			if (slice_trim(rest).len > 0)
				return bad(e, "has an attribute behind keydata");
			rc = parse_keydata(item, a, &x.keydata, e);
		} else {
			rc = parse_attribute(name, item, &seen, &x, e);
		}
		if (rc != 0)
			return rc;
	}
	if (x.addr.len == 0 || x.keydata.len == 0)
		return bad(e, "lacks its address or its key");
	*out = x;
	return 0;
}

int
mime_autocrypt_find(
    const struct mime_header *h, struct slice from, struct arena *a, struct mime_autocrypt *out, struct error *e)
{
	const struct mime_field *f = NULL;
	struct mime_autocrypt x;
	size_t valid = 0, looked = 0;
	int rc;

	while ((f = f == NULL ? mime_header_find(h, "Autocrypt") : mime_header_next(h, f, "Autocrypt")) != NULL) {
		if (++looked > MIME_GOSSIP_MAX)
			return error_set(e, ERR_SYNTAX, "there are too many Autocrypt fields");
		if (f->whole.len > MIME_AUTOCRYPT_MAX)
			continue;
		rc = mime_autocrypt_parse(f->value, a, &x, e);
		if (rc == ERR_NOMEM)
			return rc;
		if (rc != 0 || !slice_ieq(x.addr, from))
			continue;
		*out = x;
		valid++;
	}
	if (valid > 1)
		return error_set(e, ERR_SYNTAX, "there are several Autocrypt fields, so none counts");
	return valid == 1 ? 0 : error_set(e, ERR_NOT_FOUND, "there is no Autocrypt field of this sender");
}

size_t
mime_autocrypt_gossip(const struct mime_header *h, struct arena *a, struct mime_autocrypt *out, size_t max)
{
	static const char name[] = "Autocrypt-Gossip";
	const struct mime_field *f = mime_header_find(h, name);
	size_t n = 0;

	for (size_t looked = 0; f != NULL && n < max && looked < MIME_GOSSIP_MAX; looked++) {
		if (f->whole.len <= MIME_AUTOCRYPT_MAX && mime_autocrypt_parse(f->value, a, &out[n], NULL) == 0)
			n++;
		f = mime_header_next(h, f, name);
	}
	return n;
}

/* ---- writing ---- */

/* Something that would end the attribute or the line. */
static bool
is_writable(struct slice addr)
{
	for (size_t i = 0; i < addr.len; i++) {
		if (addr.data[i] <= ' ' || addr.data[i] == ';' || addr.data[i] == 0x7f)
			return false;
	}
	return addr.len > 0 && addr.len <= ADDR_MAX && slice_find(addr, '@') != SIZE_MAX;
}

int
mime_autocrypt_write(const struct mime_autocrypt *x, const char *name, struct buf *out, struct error *e)
{
	BUF_OWNED struct buf text = { .max = 2 * MIME_AUTOCRYPT_MAX };
	size_t before = out->len;

	if (!is_writable(x->addr) || x->keydata.len == 0)
		return error_set(e, ERR_USAGE, "this address cannot stand in an Autocrypt field");
	if (base64_write(&text, x->keydata) != 0)
		return error_set(e, text.err, "the certificate is too large for an Autocrypt field");
	(void)buf_putf(out, "%s: addr=%.*s;%s\r\n keydata=", name, (int)x->addr.len, (const char *)x->addr.data,
	    x->mutual ? " prefer-encrypt=mutual;" : "");
	for (size_t at = 0; at < text.len; at += LINE) {
		(void)buf_put_str(out, "\r\n ");
		(void)buf_put_slice(out, slice_sub(buf_slice(&text), at, LINE));
	}
	(void)buf_put_str(out, "\r\n");
	if (out->err == 0 && out->len - before <= MIME_AUTOCRYPT_MAX)
		return 0;
	if (out->err == 0)
		buf_truncate(out, before);
	return error_set(e, ERR_LIMIT, "the certificate is too large for an Autocrypt field");
}
