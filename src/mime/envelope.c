/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "mime/envelope.h"

static struct mime_nstring
unfolded(const struct mime_header *h, const char *name, struct arena *a)
{
	const struct mime_field *f = mime_header_find(h, name);

	if (f == NULL)
		return (struct mime_nstring){ 0 };
	return (struct mime_nstring){ mime_unfold_copy(f->value, a), true };
}

static int
addresses(const struct mime_header *h, const char *name, struct arena *a, struct mime_addresses *out, struct error *e)
{
	const struct mime_field *f = mime_header_find(h, name);
	struct mime_addresses more, joined = { 0 };

	*out = joined;
	for (; f != NULL; f = mime_header_next(h, f, name)) {
		struct mime_address *items;
		int rc = mime_addresses_parse(f->value, a, &more, e);

		if (rc != 0)
			return rc;
		if (more.count > MIME_ADDRESSES_MAX - joined.count) {
			joined.cut = true;
			break;
		}
		/* One field is the rule; each further one copies, and their number times octets is bounded by the header. */
		items = joined.count == 0 ? NULL : arena_array(a, joined.count + more.count, sizeof *items);
		if (joined.count == 0)
			joined.items = more.items;
		else if (items == NULL)
			return error_set(e, a->err, "There is no memory left for the addresses of a message.");
		else {
			memcpy(items, joined.items, joined.count * sizeof *items);
			if (more.count > 0)
				memcpy(items + joined.count, more.items, more.count * sizeof *items);
			joined.items = items;
		}
		joined.count += more.count;
	}
	*out = joined;
	return 0;
}

int
mime_envelope_of(const struct mime_header *h, struct arena *a, struct mime_envelope *out, struct error *e)
{
	struct mime_envelope env = {
		.date = unfolded(h, "Date", a),
		.subject = unfolded(h, "Subject", a),
		.in_reply_to = unfolded(h, "In-Reply-To", a),
		.message_id = unfolded(h, "Message-ID", a),
	};
	const struct {
		const char *name;
		struct mime_addresses *list;
	} lists[] = {
		{ "From", &env.from },
		{ "Sender", &env.sender },
		{ "Reply-To", &env.reply_to },
		{ "To", &env.to },
		{ "Cc", &env.cc },
		{ "Bcc", &env.bcc },
	};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		int rc = addresses(h, lists[i].name, a, lists[i].list, e);

		if (rc != 0)
			return rc;
	}
	if (env.sender.count == 0)
		env.sender = env.from;
	if (env.reply_to.count == 0)
		env.reply_to = env.from;
	if (a->err != 0)
		return error_set(e, a->err, "There is no memory left for an envelope.");
	*out = env;
	return 0;
}

int
mime_imap_string(struct buf *out, struct slice s)
{
	bool quotable = s.len <= 1000;
	uint8_t *to;

	for (size_t i = 0; i < s.len && quotable; i++)
		quotable = s.data[i] >= 32 && s.data[i] < 127;
	if (!quotable) {
		(void)buf_putf(out, "{%zu}\r\n", s.len);
		to = buf_reserve(out, s.len);
		if (to == NULL)
			return out->err;
		for (size_t i = 0; i < s.len; i++)
			to[i] = s.data[i] == 0 ? ' ' : s.data[i];
		buf_commit(out, s.len);
		return out->err;
	}
	(void)buf_put_u8(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '"' || s.data[i] == '\\')
			(void)buf_put_u8(out, '\\');
		(void)buf_put_u8(out, s.data[i]);
	}
	return buf_put_u8(out, '"');
}

int
mime_imap_nstring(struct buf *out, struct mime_nstring s)
{
	return s.present ? mime_imap_string(out, s.text) : buf_put_str(out, "NIL");
}

static void
write_optional(struct buf *out, struct slice s, bool present)
{
	(void)mime_imap_nstring(out, (struct mime_nstring){ s, present });
}

/* (name route mailbox host); group marks as RFC 3501 7.4.2 has them. */
static void
write_address(struct buf *out, const struct mime_address *m)
{
	bool mailbox = m->kind == MIME_ADDRESS_MAILBOX;

	(void)buf_put_u8(out, '(');
	write_optional(out, m->name, mailbox && m->name.len > 0);
	(void)buf_put_u8(out, ' ');
	write_optional(out, m->route, mailbox && m->route.len > 0);
	(void)buf_put_u8(out, ' ');
	write_optional(out, mailbox ? m->local : m->name, m->kind != MIME_ADDRESS_GROUP_END);
	(void)buf_put_u8(out, ' ');
	/* NIL here would be a group's mark: a missing domain is an empty string. */
	write_optional(out, m->domain, mailbox);
	(void)buf_put_u8(out, ')');
}

static void
write_addresses(struct buf *out, const struct mime_addresses *list)
{
	(void)buf_put_str(out, list->count == 0 ? " NIL" : " (");
	for (size_t i = 0; i < list->count; i++)
		write_address(out, &list->items[i]);
	if (list->count > 0)
		(void)buf_put_u8(out, ')');
}

int
mime_envelope_write(struct buf *out, const struct mime_envelope *env)
{
	const struct mime_addresses *lists[] = { &env->from, &env->sender, &env->reply_to, &env->to, &env->cc,
		&env->bcc };

	(void)buf_put_u8(out, '(');
	(void)mime_imap_nstring(out, env->date);
	(void)buf_put_u8(out, ' ');
	(void)mime_imap_nstring(out, env->subject);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		write_addresses(out, lists[i]);
	(void)buf_put_u8(out, ' ');
	(void)mime_imap_nstring(out, env->in_reply_to);
	(void)buf_put_u8(out, ' ');
	(void)mime_imap_nstring(out, env->message_id);
	return buf_put_u8(out, ')');
}

int
mime_envelope_put(struct buf *out, struct slice header_block, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	struct mime_envelope env;
	struct mime_header h;
	int rc;

	arena_init(&a, MIME_ARENA_MAX);
	rc = mime_header_parse(header_block, &a, &h, e);
	if (rc == 0)
		rc = mime_envelope_of(&h, &a, &env, e);
	if (rc != 0)
		return rc;
	rc = mime_envelope_write(out, &env);
	return rc == 0 ? 0 : error_set(e, rc, "The envelope of a message is too large.");
}
