/* SPDX-License-Identifier: ISC */
#include "sasl/gs2.h"

#include "base/utf8.h"

/* cb-name: letters, digits, "." and "-" */
static bool
binding_name_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = ascii_lower(s.data[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-')
			return false;
	}
	return s.len > 0 && s.len <= SASL_BINDING_NAME_MAX;
}

static int
parse_flag(struct slice flag, struct gs2_header *h, struct error *e)
{
	if (flag.len == 0)
		return error_set(e, ERR_SYNTAX, "a message without the flag of channel binding");
	h->flag = flag.data[0];
	if (slice_eq_str(flag, "n") || slice_eq_str(flag, "y"))
		return 0;
	h->binding = slice_from(flag, 2);
	if (!slice_starts(flag, SLICE("p=")) || !binding_name_valid(h->binding))
		return error_set(e, ERR_SYNTAX, "a flag of channel binding that is none of n, y and p=");
	return 0;
}

int
gs2_parse(struct slice message, struct gs2_header *header_out, struct error *e)
{
	struct gs2_header h = { 0 };
	size_t first = slice_find(message, ','), second;
	struct slice rest, name;
	int rc;

	if (first == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a message without the header of RFC 5801");
	rest = slice_from(message, first + 1);
	second = slice_find(rest, ',');
	if (second == SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "the header of RFC 5801 has no end");
	rc = parse_flag(slice_sub(message, 0, first), &h, e);
	if (rc != 0)
		return rc;
	name = slice_sub(rest, 0, second);
	if (name.len > 0 && (!slice_starts(name, SLICE("a=")) || name.len == 2))
		return error_set(e, ERR_SYNTAX, "the header of RFC 5801 has something where an identity should be");
	h.authorize = slice_from(name, 2);
	h.len = first + 1 + second + 1;
	*header_out = h;
	return 0;
}

int
gs2_name_decode(struct slice written, struct buf *out, struct error *e)
{
	if (!utf8_valid(written))
		return error_set(e, ERR_SYNTAX, "an identity that is not UTF-8");
	for (size_t i = 0; i < written.len; i++) {
		uint8_t c = written.data[i];

		if (c == '=') {
			struct slice code = slice_sub(written, i, 3);

			if (!slice_eq_str(code, "=2C") && !slice_eq_str(code, "=3D"))
				return error_set(e, ERR_SYNTAX, "an identity with \"=\" that begins no =2C or =3D");
			c = code.data[1] == '2' ? ',' : '=';
			i += 2;
		} else if (c == 0 || c == ',') {
			return error_set(e, ERR_SYNTAX, "an identity with a NUL or a comma");
		}
		(void)buf_put_u8(out, c);
	}
	return out->err == 0 ? 0 : error_set(e, out->err, "an identity that is too long");
}

int
gs2_name_write(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == ',')
			(void)buf_put_str(out, "=2C");
		else if (name.data[i] == '=')
			(void)buf_put_str(out, "=3D");
		else
			(void)buf_put_u8(out, name.data[i]);
	}
	return out->err;
}
