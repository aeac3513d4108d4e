/* SPDX-License-Identifier: ISC */
#include "http/form.h"

#include <string.h>

#include "base/base64.h"

static int
hex_value(uint8_t c)
{
	uint8_t d = ascii_lower(c);

	if (d >= '0' && d <= '9')
		return d - '0';
	return d >= 'a' && d <= 'f' ? d - 'a' + 10 : -1;
}

int
http_percent_decode(struct slice text, bool plus, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return error_set_at(e, ERR_SYNTAX, i, "'%%' must be followed by two hex digits");
			c = (uint8_t)(high << 4 | low);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		(void)buf_put_u8(out, c);
	}
	if (out->err != 0)
		return error_set(e, out->err, "the decoded text has more than %zu octets", out->max);
	return 0;
}

int
http_percent_encode(struct slice s, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i], d = ascii_lower(c);

		if ((d >= 'a' && d <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL)) {
			(void)buf_put_u8(out, c);
		} else {
			(void)buf_put_u8(out, '%');
			(void)buf_put_u8(out, (uint8_t)digits[c >> 4]);
			(void)buf_put_u8(out, (uint8_t)digits[c & 15]);
		}
	}
	return out->err;
}

bool
http_form_next(struct slice *rest, struct slice *name, struct slice *value)
{
	while (rest->len > 0) {
		struct slice pair = slice_split(*rest, '&', rest);

		if (pair.len == 0)
			continue;
		*name = slice_split(pair, '=', value);
		return true;
	}
	return false;
}

int
http_form_value(struct slice form, const char *name, struct buf *out, struct error *e)
{
	struct slice rest = form, found, value;

	while (http_form_next(&rest, &found, &value))
		if (slice_eq_str(found, name))
			return http_percent_decode(value, true, out, e);
	return error_set(e, ERR_NOT_FOUND, "'%s' is missing", name);
}

int
http_basic_parse(struct slice value, struct buf *text_out, struct slice *user, struct slice *password, struct error *e)
{
	struct slice encoded, scheme = slice_split(slice_trim(value), ' ', &encoded);
	int rc;

	if (!slice_ieq_str(scheme, "Basic"))
		return error_set(e, ERR_UNSUPPORTED, "only the Basic scheme is known here");
	rc = base64_parse(slice_trim(encoded), text_out, e);
	if (rc != 0)
		return rc;
	/* RFC 7617 2: the first colon ends the user; no control characters. */
	if (slice_find(buf_slice(text_out), ':') == SIZE_MAX || slice_find(buf_slice(text_out), 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "user and password are parted by a colon");
	*user = slice_split(buf_slice(text_out), ':', password);
	return 0;
}
