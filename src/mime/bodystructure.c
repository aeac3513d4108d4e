/* SPDX-License-Identifier: ISC */
#include "mime/bodystructure.h"
#include "mime/envelope.h"
#include "mime/lex.h"

struct writing {
	struct buf *out;
	bool extended;
	struct arena *a;
	struct error *e;
	int rc;
};

static void
put_upper(struct buf *out, struct slice s)
{
	uint8_t *to = buf_reserve(out, s.len);

	if (to == NULL)
		return;
	for (size_t i = 0; i < s.len; i++)
		to[i] = ascii_upper(s.data[i]);
	buf_commit(out, s.len);
}

/* A string in upper case: types and names are tokens, which need no escape; odd ones go the long way. */
static void
put_keyword(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!mime_is_token(s.data[i])) {
			(void)mime_imap_string(out, s);
			return;
		}
	}
	(void)buf_put_u8(out, '"');
	put_upper(out, s);
	(void)buf_put_u8(out, '"');
}

static void
put_params(struct buf *out, const struct mime_value *v)
{
	if (v->raw_count == 0) {
		(void)buf_put_str(out, "NIL");
		return;
	}
	for (size_t i = 0; i < v->raw_count; i++) {
		(void)buf_put_u8(out, i == 0 ? '(' : ' ');
		put_keyword(out, v->raw[i].name);
		(void)buf_put_u8(out, ' ');
		(void)mime_imap_string(out, v->raw[i].value);
	}
	(void)buf_put_u8(out, ')');
}

static void
put_field(struct writing *w, const struct mime_part *p, const char *name)
{
	const struct mime_field *f = mime_header_find(&p->fields, name);
	struct mime_nstring s = { .present = f != NULL };

	if (f != NULL)
		s.text = mime_unfold_copy(f->value, w->a);
	(void)buf_put_u8(w->out, ' ');
	(void)mime_imap_nstring(w->out, s);
}

static void
put_disposition(struct buf *out, const struct mime_part *p)
{
	if (p->disposition.value.len == 0) {
		(void)buf_put_str(out, " NIL");
		return;
	}
	(void)buf_put_str(out, " (");
	put_keyword(out, p->disposition.value);
	(void)buf_put_u8(out, ' ');
	put_params(out, &p->disposition);
	(void)buf_put_u8(out, ')');
}

/* Content-Language: tags between commas (RFC 3282); one alone is a string. */
static void
put_language(struct writing *w, const struct mime_part *p)
{
	struct slice rest = mime_unfold_copy(mime_header_value(&p->fields, "Content-Language"), w->a);
	struct slice tags[MIME_LANGUAGES_MAX];
	size_t n = 0;

	while (rest.len > 0 && n < MIME_LANGUAGES_MAX) {
		struct slice tag = slice_trim(slice_split(rest, ',', &rest));

		if (tag.len > 0)
			tags[n++] = tag;
	}
	(void)buf_put_u8(w->out, ' ');
	if (n == 0)
		(void)buf_put_str(w->out, "NIL");
	if (n > 1)
		(void)buf_put_u8(w->out, '(');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)buf_put_u8(w->out, ' ');
		(void)mime_imap_string(w->out, tags[i]);
	}
	if (n > 1)
		(void)buf_put_u8(w->out, ')');
}

static void
put_extension(struct writing *w, const struct mime_part *p)
{
	put_disposition(w->out, p);
	put_language(w, p);
	put_field(w, p, "Content-Location");
}

static void put_part(struct writing *w, const struct mime_part *p);

static void
put_multipart(struct writing *w, const struct mime_part *p)
{
	for (const struct mime_part *c = p->child; c != NULL; c = c->next)
		put_part(w, c);
	if (p->child == NULL)
		(void)buf_put_str(w->out, "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0)");
	(void)buf_put_u8(w->out, ' ');
	put_keyword(w->out, p->subtype);
	if (!w->extended)
		return;
	(void)buf_put_u8(w->out, ' ');
	put_params(w->out, &p->type);
	put_extension(w, p);
}

static void
put_type(struct writing *w, const struct mime_part *p)
{
	/* An encoded message/rfc822 has no structure to show, and its type would promise one. */
	bool closed = p->kind == MIME_LEAF && slice_eq_str(p->media, "message") &&
	    (slice_eq_str(p->subtype, "rfc822") || slice_eq_str(p->subtype, "global"));

	put_keyword(w->out, closed ? SLICE("application") : p->media);
	(void)buf_put_u8(w->out, ' ');
	put_keyword(w->out, closed ? SLICE("octet-stream") : p->subtype);
	(void)buf_put_u8(w->out, ' ');
	if (!p->type_given && mime_part_is(p, "text/plain"))
		(void)buf_put_str(w->out, "(\"CHARSET\" \"US-ASCII\")");
	else
		put_params(w->out, &p->type);
}

static void
put_message(struct writing *w, const struct mime_part *p)
{
	struct mime_envelope env;
	struct arena a;

	(void)buf_put_u8(w->out, ' ');
	arena_init(&a, MIME_ARENA_MAX);
	if (w->rc == 0)
		w->rc = mime_envelope_of(&p->child->fields, &a, &env, w->e);
	if (w->rc == 0)
		(void)mime_envelope_write(w->out, &env);
	arena_done(&a);
	(void)buf_put_u8(w->out, ' ');
	put_part(w, p->child);
}

static void
put_single(struct writing *w, const struct mime_part *p)
{
	put_type(w, p);
	put_field(w, p, "Content-ID");
	put_field(w, p, "Content-Description");
	(void)buf_put_u8(w->out, ' ');
	put_keyword(w->out, p->encoding_name.len > 0 ? p->encoding_name : SLICE("7bit"));
	(void)buf_putf(w->out, " %llu", (unsigned long long)p->body_len);
	if (p->kind == MIME_MESSAGE)
		put_message(w, p);
	if (p->kind == MIME_MESSAGE || slice_eq_str(p->media, "text"))
		(void)buf_putf(w->out, " %llu", (unsigned long long)p->body_lines);
	if (!w->extended)
		return;
	put_field(w, p, "Content-MD5");
	put_extension(w, p);
}

/* Depth is bounded by MIME_DEPTH_MAX. */
static void
put_part(struct writing *w, const struct mime_part *p)
{
	if (w->rc != 0)
		return;
	(void)buf_put_u8(w->out, '(');
	if (p->kind == MIME_MULTIPART)
		put_multipart(w, p);
	else
		put_single(w, p);
	(void)buf_put_u8(w->out, ')');
}

int
mime_bodystructure_write(struct buf *out, const struct mime_part *root, bool extended, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	struct writing w = { .out = out, .extended = extended, .a = &a, .e = e };

	arena_init(&a, MIME_ARENA_MAX);
	put_part(&w, root);
	if (w.rc != 0)
		return w.rc;
	if (out->err != 0 || a.err != 0)
		return error_set(
		    e, out->err != 0 ? out->err : a.err, "The structure of a message is too large to be shown.");
	return 0;
}
