/* SPDX-License-Identifier: ISC */
#include "mailauth/dmarc/author.h"

#include "base/idn.h"
#include "mailauth/name.h"
#include "mime/address.h"
#include "mime/lax.h"

static int
no_memory(const struct arena *a, struct error *e)
{
	return a->err == ERR_LIMIT ? error_set(e, ERR_LIMIT, "the From field is too large") : error_nomem(e);
}

static int
add(struct slice domain, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	BUF_OWNED struct buf name = { .max = IDN_NAME_MAX };
	int rc;

	if (out->names++ == MAILAUTH_DMARC_NAMES_MAX) {
		out->more = true;
		return 0;
	}
	rc = idn_to_ascii(mailauth_name_bare(domain), &name, NULL);
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

static bool
is_control(uint8_t c)
{
	return c < ' ' || c == 0x7f;
}

/* The name at the front, up to what belongs to none; *bare_out, if it goes on behind control characters: as without them. */
static struct slice
name_at(struct slice in, struct buf *bare_out)
{
	size_t len = 0, end;

	while (len < in.len && is_name_octet(in.data[len]))
		len++;
	buf_clear(bare_out);
	for (end = 0; end < in.len && (is_name_octet(in.data[end]) || is_control(in.data[end])); end++)
		if (!is_control(in.data[end]) && bare_out->err == 0)
			(void)buf_put_u8(bare_out, in.data[end]);
	if (bare_out->err != 0 || bare_out->len == len)
		buf_clear(bare_out);
	return slice_sub(in, 0, len);
}

/* Of what is no list of addresses, whatever stands behind an '@': who knows which of it a reader shows. */
static int
add_all(struct slice value, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	BUF_OWNED struct buf bare = { .max = IDN_NAME_MAX };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < value.len && !out->more; i++) {
		struct slice name;

		if (value.data[i] != '@')
			continue;
		name = name_at(slice_from(value, i + 1), &bare);
		rc = name.len == 0 ? 0 : add(name, a, out, e);
		if (rc == 0 && bare.len > 0)
			rc = add(buf_slice(&bare), a, out, e);
		i += name.len;
	}
	return rc;
}

/* Of a list that was read. What is too long to be a list is looked through as if it were none. */
static int
add_list(const struct mime_addresses *list, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->count && !out->more; i++)
		if (list->items[i].kind == MIME_ADDRESS_MAILBOX)
			rc = add(list->items[i].domain, a, out, e);
	return rc;
}

static int
add_field(struct slice value, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	struct arena scratch ARENA_OWNED = { 0 }; /* thousands of addresses must not take the room of what follows */
	struct mime_addresses list = { 0 };
	int rc;

	arena_init(&scratch, MIME_ARENA_MAX);
	rc = mime_addresses_parse(value, &scratch, &list, e);
	if (rc == ERR_NOMEM)
		return rc;
	list.broken = list.broken || list.cut || rc != 0;
	out->broken = out->broken || list.broken;
	rc = add_list(&list, a, out, e);
	return rc == 0 && list.broken ? add_all(value, a, out, e) : rc;
}

int
dmarc_authors(struct slice block, struct arena *a, struct dmarc_authors *out, struct error *e)
{
	struct dmarc_authors found = { 0 };
	struct slice value;
	int rc = 0;

	while (rc == 0 && block.len > 0) {
		if (!mime_lax_named(mime_lax_take(&block), "From", &value))
			continue;
		found.fields++;
		if (!found.more)
			rc = add_field(value, a, &found, e);
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
