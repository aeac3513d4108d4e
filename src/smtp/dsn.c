/* SPDX-License-Identifier: ISC */
#include "smtp/dsn.h"

#include "base/utf8.h"

#include "base/error.h"
#include "smtp/path.h"

static const struct {
	const char *name;
	unsigned bit;
} names[] = {
	{ "NEVER", SMTP_NOTIFY_NEVER },
	{ "SUCCESS", SMTP_NOTIFY_SUCCESS },
	{ "FAILURE", SMTP_NOTIFY_FAILURE },
	{ "DELAY", SMTP_NOTIFY_DELAY },
};

bool
smtp_notify_parse(struct slice value, unsigned *notify_out)
{
	unsigned notify = 0, count = 0;

	do {
		bool more = slice_find(value, ',') != SIZE_MAX;
		struct slice one = slice_split(value, ',', &value);
		unsigned bit = 0;

		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			if (slice_ieq_str(one, names[i].name))
				bit = names[i].bit;
		if (bit == 0 || (more && value.len == 0))
			return false;
		notify |= bit;
		count++;
	} while (value.len > 0);
	if ((notify & SMTP_NOTIFY_NEVER) != 0 && count > 1) /* section 4.1 a: by itself */
		return false;
	*notify_out = notify;
	return true;
}

int
smtp_notify_write(unsigned notify, struct buf *out)
{
	const char *separator = "";

	if ((notify & SMTP_NOTIFY_NEVER) != 0)
		notify = SMTP_NOTIFY_NEVER;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if ((notify & names[i].bit) != 0) {
			(void)buf_put_str(out, separator);
			(void)buf_put_str(out, names[i].name);
			separator = ",";
		}
	return out->err;
}

bool
smtp_return_parse(struct slice value, enum smtp_return *ret_out)
{
	if (slice_ieq_str(value, "FULL"))
		*ret_out = SMTP_RETURN_FULL;
	else if (slice_ieq_str(value, "HDRS"))
		*ret_out = SMTP_RETURN_HEADERS;
	else
		return false;
	return true;
}

/* ---- xtext (section 4) ---- */

/* Upper case only. -1: none. */
static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One octet off the front of *in. -1: no xtext. */
static int
xtext_octet(struct slice *in)
{
	uint8_t c = in->data[0];
	int high, low;

	if (c < '!' || c > '~' || c == '=')
		return -1;
	if (c != '+') {
		*in = slice_from(*in, 1);
		return c;
	}
	if (in->len < 3 || (high = hex_value(in->data[1])) < 0 || (low = hex_value(in->data[2])) < 0)
		return -1;
	*in = slice_from(*in, 3);
	return high << 4 | low;
}

int
smtp_xtext_decode(struct slice in, struct buf *out)
{
	while (in.len > 0) {
		int octet = xtext_octet(&in);

		if (octet < 0)
			return ERR_SYNTAX;
		(void)buf_put_u8(out, (uint8_t)octet);
	}
	return out->err;
}

/* "\x{C4}" off the front of *in: 2 to 6 hexadecimal digits. 0: it is no such, or a control character or half a pair. */
static uint32_t
embedded_point(struct slice *in)
{
	struct slice rest = slice_from(*in, 3);
	uint32_t point = 0;
	size_t i = 0;
	int digit;

	for (; i < rest.len && i < 6 && (digit = hex_value(rest.data[i])) >= 0; i++)
		point = point << 4 | (uint32_t)digit;
	if (i < 2 || i == rest.len || rest.data[i] != '}' || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ||
	    point < 0x20 || (point >= 0x7f && point < 0xa0))
		return 0;
	*in = slice_from(rest, i + 1);
	return point;
}

int
smtp_unitext_decode(struct slice in, struct buf *out)
{
	while (in.len > 0) {
		uint32_t point;

		if (!slice_starts(in, SLICE("\\x{"))) {
			(void)buf_put_u8(out, in.data[0]);
			in = slice_from(in, 1);
			continue;
		}
		if ((point = embedded_point(&in)) == 0)
			return ERR_SYNTAX;
		(void)utf8_put(out, point);
	}
	return out->err;
}

int
smtp_unitext_write(struct slice in, struct buf *out)
{
	while (in.len > 0) {
		uint32_t point;
		size_t len = utf8_decode(in, &point);

		if (len == 0)
			return ERR_SYNTAX;
		if (point < 0x80)
			(void)buf_put_u8(out, (uint8_t)point);
		else
			(void)buf_putf(out, "\\x{%02X}", point);
		in = slice_from(in, len);
	}
	return out->err;
}

int
smtp_xtext_write(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];

		if (c < '!' || c > '~' || c == '+' || c == '=')
			(void)buf_putf(out, "+%02X", c);
		else
			(void)buf_put_u8(out, c);
	}
	return out->err;
}

/* What it stands for is shown in reports: printable ASCII, white space among it. */
static bool
xtext_printable(struct slice in)
{
	while (in.len > 0) {
		int octet = xtext_octet(&in);

		if ((octet < ' ' && octet != '\t') || octet > '~')
			return false;
	}
	return true;
}

bool
smtp_envid_valid(struct slice value)
{
	return value.len > 0 && value.len <= SMTP_ENVID_MAX && xtext_printable(value);
}

/* An atom of RFC 5322; the registered types have letters, digits and hyphens. */
static bool
type_valid(struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = ascii_lower(in.data[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return in.len > 0;
}

/* RFC 6533 section 3, utf-8-addr-unitext: what is not ASCII stands as it is, the rest as in xtext. */
static bool
unitext_printable(struct slice in)
{
	while (in.len > 0) {
		size_t len = in.data[0] > 127 ? smtp_utf8_length(in) : in.data[0] == '+' ? 3 : 1;

		if (len == 0 || (in.data[0] < 128 && !xtext_printable(slice_sub(in, 0, len))))
			return false;
		in = slice_from(in, len);
	}
	return true;
}

bool
smtp_orcpt_valid(struct slice value, bool utf8)
{
	struct slice address, type = slice_split(value, ';', &address);

	if (value.len > SMTP_ORCPT_MAX || !type_valid(type) || address.len == 0)
		return false;
	return xtext_printable(address) || (utf8 && slice_ieq_str(type, "utf-8") && unitext_printable(address));
}
