/* SPDX-License-Identifier: ISC */
#include "service/pop3/surrogate.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "mime/address.h"
#include "mime/header.h"
#include "mime/word.h"

#define BUDGET (16u << 20)    /* memory for one header */
#define NAME_MAX_OCTETS 4096u /* of a display name */
#define TEXT_MAX (1u << 20)   /* of a Subject */

static bool
put_text(struct slice value, size_t column, struct buf *out)
{
	struct buf text;
	bool ok;

	buf_init(&text, TEXT_MAX);
	ok = mime_text_decode(value, &text) == 0 && mime_text_encode(buf_slice(&text), false, column, out) == 0;
	buf_done(&text);
	return ok;
}

/* "Name" of an address that cannot be shown: the name that it has, and itself. */
static void
put_name(const struct mime_address *m, struct buf *name)
{
	(void)mime_address_name(m, name);
	if (name->len > 0)
		(void)buf_put_u8(name, ' ');
	(void)mime_address_spec(m, name);
}

static void
put_mailbox(const struct mime_address *m, size_t column, struct buf *out)
{
	struct mime_address shown = { .kind = MIME_ADDRESS_MAILBOX,
		.local = SLICE("invalid"),
		.domain = SLICE("internationalized-address.invalid"),
		.has_name = true };
	struct buf name;

	if (utf8_is_ascii(m->local) && utf8_is_ascii(m->domain)) {
		/* A name in UTF-8 becomes words. */
		(void)mime_address_write(m, column, out);
		return;
	}
	buf_init(&name, NAME_MAX_OCTETS);
	put_name(m, &name);
	shown.name = buf_slice(&name);
	(void)mime_address_write(&shown, column, out);
	buf_done(&name);
}

static void
put_addresses(struct slice value, size_t column, struct arena *a, struct buf *out, int *rc, struct error *e)
{
	struct mime_addresses list;
	bool first = true;

	*rc = mime_addresses_parse(value, a, &list, e);
	for (size_t i = 0; *rc == 0 && i < list.count; i++) {
		const struct mime_address *m = &list.items[i];

		if (m->kind == MIME_ADDRESS_GROUP_END) {
			(void)buf_put_str(out, ";");
			first = false;
			continue;
		}
		if (!first)
			(void)buf_put_str(out, ",\r\n ");
		first = m->kind == MIME_ADDRESS_GROUP;
		if (first) {
			(void)mime_text_encode(m->name, true, column, out);
			(void)buf_put_str(out, ":");
		} else {
			put_mailbox(m, column, out);
		}
	}
}

/* Where the parameter at the front ends: at a ';' that is in no quotes. */
static size_t
parameter_length(struct slice s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\\' && quoted)
			i++;
		else if (s.data[i] == '"')
			quoted = !quoted;
		else if (s.data[i] == ';' && !quoted)
			return i;
	}
	return s.len;
}

static void
put_parameters(struct slice value, struct buf *out)
{
	bool first = true;

	while (value.len > 0) {
		size_t n = parameter_length(value);
		struct slice one = slice_trim(slice_sub(value, 0, n));

		value = slice_from(value, n + 1);
		if (!utf8_is_ascii(one)) {
			/* What it is could not be said any more. */
			if (first)
				return;
			continue;
		}
		(void)buf_put_str(out, first ? "" : "; ");
		(void)mime_unfold(one, out);
		first = false;
	}
}

static bool
is_one_of(struct slice name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_ieq_str(name, names[i]))
			return true;
	return false;
}

static void
put_field(const struct mime_field *f, struct arena *a, struct buf *out, int *rc, struct error *e)
{
	static const char *const addresses[] = { "Bcc", "Cc", "From", "Reply-To", "Resent-Bcc", "Resent-Cc",
		"Resent-From", "Resent-Reply-To", "Resent-Sender", "Resent-To", "Return-Path", "Sender", "To" };
	static const char *const parameters[] = { "Content-Type", "Content-Disposition" };
	size_t before = out->len;

	if (utf8_is_ascii(f->whole)) {
		(void)buf_put_slice(out, f->whole);
		return;
	}
	if (!utf8_is_ascii(f->name))
		return;
	(void)buf_put_slice(out, f->name);
	(void)buf_put_str(out, ": ");
	if (slice_ieq_str(f->name, "Subject"))
		(void)put_text(f->value, f->name.len + 2, out);
	else if (is_one_of(f->name, addresses, sizeof addresses / sizeof addresses[0]))
		put_addresses(f->value, f->name.len + 2, a, out, rc, e);
	else if (is_one_of(f->name, parameters, sizeof parameters / sizeof parameters[0]))
		put_parameters(f->value, out);
	if (out->len == before + f->name.len + 2)
		buf_truncate(out, before);
	else
		(void)buf_put_str(out, "\r\n");
}

int
pop3_surrogate_header(struct slice block, struct buf *out, struct error *e)
{
	struct mime_header h;
	struct arena a;
	int rc;

	arena_init(&a, BUDGET);
	rc = mime_header_parse(block, &a, &h, e);
	if (rc == 0 && h.length < block.len)
		rc = error_set(e, ERR_LIMIT, "a header that ends before it should");
	if (rc == 0 && h.cut)
		rc = error_set(e, ERR_LIMIT, "a header with too many fields");
	for (size_t i = 0; rc == 0 && i < h.count; i++)
		put_field(&h.fields[i], &a, out, &rc, e);
	arena_done(&a);
	if (rc != 0)
		return rc;
	(void)buf_put_str(out, "\r\n");
	return out->err == 0 ? 0 : error_set(e, out->err, "no room for a header");
}
