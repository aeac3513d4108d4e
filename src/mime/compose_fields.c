/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/date.h"
#include "base/hex.h"
#include "mime/compose.h"
#include "mime/lex.h"
#include "mime/word.h"

#define ID_MAX 500u /* octets of a message-id that is written */

struct writing {
	const struct mime_letter *l;
	struct arena *a;
	struct mime_written *w;
	struct buf value; /* of the field at hand */
	struct error *e;
};

/* Takes the value at hand as a field. */
static int
add(struct writing *s, const char *name)
{
	struct mime_written_field *f;

	if (s->value.err != 0 || s->w->count == MIME_WRITTEN_MAX)
		return error_set(
		    s->e, s->value.err != 0 ? s->value.err : ERR_LIMIT, "The header is too large: %s.", name);
	f = &s->w->fields[s->w->count++];
	f->name = arena_copy(s->a, slice_str(name));
	f->value = arena_copy(s->a, buf_slice(&s->value));
	buf_clear(&s->value);
	return s->a->err == 0 ? 0 : error_set(s->e, s->a->err, "There is no memory left for the header.");
}

static int
check_clean(struct slice s, const char *what, struct error *e)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < 32 || s.data[i] == 127)
			return error_set(
			    e, ERR_USAGE, "%s holds a line end or another control character; leave it out.", what);
	}
	return 0;
}

static int
check_ascii(struct slice s, const char *what, struct error *e)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] > 126)
			return error_set(e, ERR_UNSUPPORTED,
			    "%s has characters outside of ASCII, which this mail cannot carry.", what);
	}
	return check_clean(s, what, e);
}

static int
check_address(const struct mime_address *m, struct error *e)
{
	int rc = check_ascii(m->local, "An address", e);

	if (m->kind != MIME_ADDRESS_MAILBOX || m->local.len == 0 || m->domain.len == 0)
		return error_set(e, ERR_USAGE, "A recipient or sender is no single mail address.");
	if (rc == 0)
		rc = check_ascii(m->domain, "An address", e);
	for (size_t i = 0; i < m->domain.len && rc == 0; i++) {
		if (m->domain.data[i] == ' ' || memchr("<>,;@\"()", m->domain.data[i], 8) != NULL)
			rc = error_set(e, ERR_USAGE, "The domain of an address is malformed.");
	}
	if (rc == 0 && m->local.len + m->domain.len > 800)
		rc = error_set(e, ERR_LIMIT, "An address is too long.");
	return rc == 0 ? check_clean(m->name, "A name", e) : rc;
}

static size_t
column_of(const struct buf *b, size_t name_len)
{
	size_t lf = slice_find_last(buf_slice(b), '\n');

	return lf == SIZE_MAX ? name_len + 2 + b->len : b->len - lf - 1;
}

static int
put_addresses(struct writing *s, const char *name, const struct mime_addresses *list)
{
	size_t name_len = strlen(name);
	BUF_OWNED struct buf one = { 0 };
	int rc;

	if (list->count == 0)
		return 0;
	buf_init(&one, MIME_HEADER_MAX);
	for (size_t i = 0; i < list->count; i++) {
		rc = check_address(&list->items[i], s->e);
		if (rc != 0)
			return rc;
		buf_clear(&one);
		(void)mime_address_write(&list->items[i], 1, &one);
		if (one.err != 0)
			s->value.err = one.err;
		if (i > 0)
			(void)buf_put_str(
			    &s->value, column_of(&s->value, name_len) + one.len + 3 > MIME_FOLD_MAX ? ",\r\n " : ", ");
		(void)buf_put_slice(&s->value, buf_slice(&one));
	}
	return add(s, name);
}

static int
put_text(struct writing *s, const char *name, struct slice text)
{
	int rc = check_clean(text, "The subject or another field", s->e);

	if (rc != 0)
		return rc;
	(void)mime_text_encode(text, false, strlen(name) + 2, &s->value);
	return add(s, name);
}

static int
check_id(struct slice id, struct error *e)
{
	bool good = id.len > 2 && id.len <= ID_MAX && id.data[0] == '<' && id.data[id.len - 1] == '>';

	for (size_t i = 1; good && i + 1 < id.len; i++)
		good = id.data[i] > 32 && id.data[i] < 127 && id.data[i] != '<' && id.data[i] != '>';
	return good ? 0 : error_set(e, ERR_USAGE, "A message-id is malformed; it must look like <something@domain>.");
}

static int
put_ids(struct writing *s, const char *name, const struct slice *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int rc = check_id(ids[i], s->e);

		if (rc != 0)
			return rc;
		if (i > 0)
			(void)buf_put_str(&s->value, "\r\n ");
		(void)buf_put_slice(&s->value, ids[i]);
	}
	return count == 0 ? 0 : add(s, name);
}

/* A token (so no colon, space or line end), and none of the fields that the composer writes itself. */
static bool
is_extra_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!mime_is_token(name.data[i]))
			return false;
	}
	return name.len > 0 && name.len <= 60 && !slice_istarts(name, SLICE("Content-")) &&
	    !slice_ieq_str(name, "MIME-Version");
}

static int
put_extra(struct writing *s, const struct mime_extra *x)
{
	if (!is_extra_name(slice_str(x->name)))
		return error_set(s->e, ERR_USAGE, "A header field may not be named so.");
	return put_text(s, x->name, x->value);
}

static int
write_fields(struct writing *s)
{
	const struct mime_letter *l = s->l;
	int rc;

	if (l->from.count == 0)
		return error_set(s->e, ERR_USAGE, "A letter needs a sender.");
	(void)date_write_mail(&s->value, l->date, l->zone);
	rc = add(s, "Date");
	rc = rc != 0 ? rc : put_addresses(s, "From", &l->from);
	rc = rc != 0 ? rc : put_addresses(s, "Reply-To", &l->reply_to);
	rc = rc != 0 ? rc : put_addresses(s, "To", &l->to);
	rc = rc != 0 ? rc : put_addresses(s, "Cc", &l->cc);
	rc = rc != 0 ? rc : put_text(s, "Subject", l->subject);
	rc = rc != 0 ? rc : put_ids(s, "Message-ID", &l->message_id, 1);
	rc = rc != 0 ? rc : put_ids(s, "In-Reply-To", l->in_reply_to, l->in_reply_to_count);
	rc = rc != 0 ? rc : put_ids(s, "References", l->references, l->reference_count);
	for (size_t i = 0; i < l->extra_count && rc == 0; i++)
		rc = put_extra(s, &l->extra[i]);
	return rc;
}

int
mime_compose_fields(const struct mime_letter *l, struct arena *a, struct mime_written *out, struct error *e)
{
	struct writing s = { .l = l, .a = a, .w = out, .e = e };
	int rc;

	*out = (struct mime_written){ 0 };
	buf_init(&s.value, MIME_COMPOSE_HEADER_MAX);
	rc = write_fields(&s);
	buf_done(&s.value);
	return rc;
}

int
mime_written_put(const struct mime_written *w, struct buf *out)
{
	for (size_t i = 0; i < w->count; i++) {
		(void)buf_put_slice(out, w->fields[i].name);
		/* No space at a line's end (RFC 3156 section 3). */
		(void)buf_put_str(out, w->fields[i].value.len > 0 ? ": " : ":");
		(void)buf_put_slice(out, w->fields[i].value);
		(void)buf_put_str(out, "\r\n");
	}
	return out->err;
}

int
mime_message_id(struct slice random, struct slice domain, struct buf *out, struct error *e)
{
	size_t from = out->len;
	struct slice id;
	int rc;

	(void)buf_put_u8(out, '<');
	(void)hex_write(out, random);
	(void)buf_put_u8(out, '@');
	(void)buf_put_slice(out, domain);
	(void)buf_put_u8(out, '>');
	if (out->err != 0)
		return error_set(e, out->err, "A message-id does not fit.");
	id = slice_from(buf_slice(out), from);
	rc = domain.len == 0 || slice_find(domain, '@') != SIZE_MAX
	    ? error_set(e, ERR_USAGE, "The domain of a message-id is malformed.")
	    : check_id(id, e);
	if (rc != 0)
		buf_truncate(out, from);
	return rc;
}
