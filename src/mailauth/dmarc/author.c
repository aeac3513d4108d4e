/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/author.h"

#include "base/idn.h"
#include "mailauth/name.h"
#include "mime/address.h"

static int
no_memory(const struct arena *a, struct error *e)
{
	return a->err == ERR_LIMIT ? error_set(e, ERR_LIMIT, "the From field is too large") : error_nomem(e);
}

static int
add(struct slice domain, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	BUF_OWNED struct buf name = { .max = IDN_NAME_MAX };
	int rc = idn_to_ascii(mailauth_name_bare(domain), &name, NULL);

	if (rc == ERR_NOMEM)
		return error_nomem(e);
	if (rc != 0 || !mailauth_name_can_be(buf_slice(&name))) { /* a literal, or none at all */
		out->broken = true;
		return 0;
	}
	for (size_t i = 0; i < out->count; i++)
		if (slice_eq(out->domains[i], buf_slice(&name)))
			return 0;
	if (out->count == MAILAUTH_DMARC_AUTHORS_MAX) {
		out->more = true;
		return 0;
	}
	out->domains[out->count] = arena_copy(a, buf_slice(&name));
	return out->domains[out->count++].len == 0 ? no_memory(a, e) : 0;
}

static bool
is_name_octet(uint8_t c)
{
	uint8_t lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c >= 0x80;
}

/* Of what is no list of addresses, whatever stands behind an '@': who knows which of it a reader shows. */
static int
add_all(struct slice value, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < value.len; i++) {
		size_t len = 0;

		if (value.data[i] != '@')
			continue;
		while (i + 1 + len < value.len && is_name_octet(value.data[i + 1 + len]))
			len++;
		rc = len == 0 ? 0 : add(slice_sub(value, i + 1, len), a, out, e);
		i += len;
	}
	return rc;
}

static int
add_field(struct slice value, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	struct mime_addresses list;
	int rc = mime_addresses_parse(value, a, &list, e);

	if (rc != 0)
		return rc;
	out->broken = out->broken || list.broken || list.cut;
	for (size_t i = 0; rc == 0 && i < list.count; i++)
		if (list.items[i].kind == MIME_ADDRESS_MAILBOX)
			rc = add(list.items[i].domain, a, out, e);
	return rc == 0 && list.broken ? add_all(value, a, out, e) : rc;
}

int
dmarc_authors(const struct mime_header *header, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	struct dmarc_authors found = { .broken = header->cut };
	const struct mime_field *field;
	int rc = 0;

	for (field = mime_header_find(header, "From"); rc == 0 && field != NULL;
	     field = mime_header_next(header, field, "From")) {
		found.fields++;
		rc = add_field(field->value, a, &found, e);
	}
	if (rc == 0)
		*out = found;
	return rc;
}

bool
dmarc_authors_one(const struct dmarc_authors *authors)
{
	return authors->fields == 1 && authors->count == 1 && !authors->broken && !authors->more;
}
