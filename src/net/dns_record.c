/* SPDX-License-Identifier: ISC */
/* Records as they stand in zone files, and names as octets. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "net/dns.h"

#define LABEL_MAX 63u

/* ---- types ---- */

static int put_address(struct slice rdata, struct buf *out);
static int put_name(struct slice rdata, struct buf *out);
static int put_texts(struct slice rdata, struct buf *out);
static int put_tlsa(struct slice rdata, struct buf *out);
static int put_base64(struct slice rdata, struct buf *out);

static const struct type_row {
	uint16_t type;
	const char *name;
	unsigned numbers; /* of 16 bits, in front of what follows */
	int (*put)(struct slice rdata, struct buf *out);
} types[] = {
	{ DNS_A, "A", 0, put_address },
	{ DNS_AAAA, "AAAA", 0, put_address },
	{ DNS_CNAME, "CNAME", 0, put_name },
	{ DNS_PTR, "PTR", 0, put_name },
	{ DNS_MX, "MX", 1, put_name },
	{ DNS_SRV, "SRV", 3, put_name },
	{ DNS_TXT, "TXT", 0, put_texts },
	{ DNS_TLSA, "TLSA", 0, put_tlsa },
	{ DNS_SMIMEA, "SMIMEA", 0, put_tlsa },
	{ DNS_OPENPGPKEY, "OPENPGPKEY", 0, put_base64 },
};

static const struct type_row *
find_type(uint16_t type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

const char *
dns_type_text(uint16_t type, char text_out[DNS_TYPE_TEXT])
{
	const struct type_row *row = find_type(type);

	if (row != NULL)
		return row->name;
	(void)snprintf(text_out, DNS_TYPE_TEXT, "TYPE%u", type);
	return text_out;
}

/* ---- RDATA ---- */

static int
put_address(struct slice rdata, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (rdata.len != 4 && rdata.len != 16)
		return ERR_SYNTAX;
	if (inet_ntop(rdata.len == 4 ? AF_INET : AF_INET6, rdata.data, text, sizeof text) == NULL)
		return ERR_SYNTAX;
	return buf_put_str(out, text);
}

static int
put_name(struct slice rdata, struct buf *out)
{
	size_t before = out->len;
	int rc = dns_name_text(rdata, out, NULL);

	/* Whole: with its last dot. */
	return rc != 0 || slice_eq_str(slice_from(buf_slice(out), before), ".") ? rc : buf_put_str(out, ".");
}

static int
put_texts(struct slice rdata, struct buf *out)
{
	bool first = true;

	if (rdata.len == 0)
		return ERR_SYNTAX;
	for (; rdata.len > 0; first = false) {
		size_t len = rdata.data[0];

		if (rdata.len < 1 + len)
			return ERR_SYNTAX;
		(void)buf_put_str(out, first ? "\"" : " \"");
		for (size_t i = 1; i <= len; i++) {
			uint8_t c = rdata.data[i];

			if (c < ' ' || c > 126)
				(void)buf_putf(out, "\\%03u", c);
			else
				(void)buf_putf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
		}
		(void)buf_put_str(out, "\"");
		rdata = slice_from(rdata, 1 + len);
	}
	return out->err;
}

static int
put_hex(struct slice octets, struct buf *out)
{
	for (size_t i = 0; i < octets.len; i++)
		(void)buf_putf(out, "%02x", octets.data[i]);
	return out->err;
}

static int
put_tlsa(struct slice rdata, struct buf *out)
{
	if (rdata.len < 4)
		return ERR_SYNTAX;
	(void)buf_putf(out, "%u %u %u ", rdata.data[0], rdata.data[1], rdata.data[2]);
	return put_hex(slice_from(rdata, 3), out);
}

static int
put_base64(struct slice rdata, struct buf *out)
{
	return rdata.len == 0 ? ERR_SYNTAX : base64_write(out, rdata);
}

static int
put_any(struct slice rdata, struct buf *out)
{
	(void)buf_putf(out, rdata.len > 0 ? "\\# %zu " : "\\# %zu", rdata.len);
	return put_hex(rdata, out);
}

int
dns_record_text(uint16_t type, struct slice rdata, struct buf *out, struct error *e)
{
	const struct type_row *row = find_type(type);
	size_t before = out->len;
	int rc = 0;

	if (row == NULL) {
		rc = put_any(rdata, out);
	} else if (rdata.len < 2 * (size_t)row->numbers ||
	    (row->put == put_address && rdata.len != (type == DNS_A ? 4u : 16u))) {
		rc = ERR_SYNTAX;
	} else {
		for (unsigned i = 0; i < row->numbers; i++)
			(void)buf_putf(out, "%u ", (unsigned)rdata.data[2 * i] << 8 | rdata.data[2 * i + 1]);
		rc = row->put(slice_from(rdata, 2 * (size_t)row->numbers), out);
	}
	if (rc == 0)
		return 0;
	buf_truncate(out, before);
	return error_set(e, rc, rc == ERR_SYNTAX ? "that is no record of this type" : "no room for a record");
}

/* ---- names ---- */

static bool
is_label(struct slice label)
{
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = ascii_lower(label.data[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return label.len > 0 && label.len <= LABEL_MAX;
}

int
dns_name_put(struct slice name, struct buf *out, struct error *e)
{
	size_t before = out->len;

	if (slice_ends(name, SLICE(".")))
		name = slice_sub(name, 0, name.len - 1);
	while (name.len > 0) {
		struct slice label = slice_split(name, '.', &name);

		if (!is_label(label)) {
			buf_truncate(out, before);
			return error_set(e, ERR_SYNTAX, "that is no name");
		}
		(void)buf_put_u8(out, (uint8_t)label.len);
		(void)buf_put_slice(out, label);
	}
	(void)buf_put_u8(out, 0);
	if (out->err != 0)
		return error_set(e, out->err, "no room for a name");
	return out->len - before <= DNS_NAME_MAX ? 0 : error_set(e, ERR_SYNTAX, "that name is too long");
}
