/* SPDX-License-Identifier: ISC */
#include "base/base64.h"
#include "base/hex.h"
#include "base/quoted.h"
#include "mime/compose.h"
#include "mime/lex.h"
#include "mime/param.h"

#define CHUNK (57u * 256u)   /* octets of an attachment at a time: whole lines of base64 */
#define NAME_OCTETS_MAX 250u /* of an attachment's name that is written */
#define HEAD_MAX (8u << 10)  /* octets of one part's header */
#define PLAIN_LINE_MAX 78u   /* characters of a text line that goes out as it is */

static int
sink_to_buf(void *ctx, struct slice piece, struct error *e)
{
	struct buf *b = ctx;

	if (buf_put_slice(b, piece) == 0)
		return 0;
	return error_set(e, b->err, "The message is too large for the memory that it may use.");
}

struct mime_sink
mime_sink_buf(struct buf *b)
{
	return (struct mime_sink){ sink_to_buf, b };
}

/* Writes b out and empties it. */
static int
flush(struct mime_sink sink, struct buf *b, struct error *e)
{
	int rc = b->err;

	if (rc != 0)
		return error_set(e, rc, "A part's header does not fit into the memory that it may use.");
	if (b->len > 0)
		rc = sink.write(sink.ctx, buf_slice(b), e);
	buf_clear(b);
	return rc;
}

int
mime_boundary_put(struct buf *out, const uint8_t random[MIME_RANDOM_LEN], unsigned number)
{
	(void)buf_put_str(out, "=_");
	(void)hex_write(out, slice_of(random, MIME_RANDOM_LEN));
	return buf_putf(out, "%u", number);
}

/* ---- text ---- */

enum text_form { TEXT_7BIT, TEXT_QP, TEXT_BASE64 };

/* How many octets a line has that QP must encode; SIZE_MAX when the line is fine as it is. */
static size_t
line_cost(struct slice line)
{
	size_t cost = 0;
	bool plain = line.len <= PLAIN_LINE_MAX;

	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];

		if (c > 126 || (c < 32 && c != '\t')) {
			plain = false;
			cost++;
		}
	}
	/* Mail systems change these lines, and a signature would break (RFC 3156 section 3). */
	if (line.len > 0 && (mime_is_space(line.data[line.len - 1]) || line.data[0] == '.'))
		plain = false;
	if (slice_starts(line, SLICE("From ")))
		plain = false;
	return plain ? SIZE_MAX : cost;
}

static struct slice
next_line(struct slice *rest)
{
	struct slice line = slice_split(*rest, '\n', rest);

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static enum text_form
choose_form(struct slice text)
{
	struct slice rest = text;
	bool plain = true;
	size_t cost = 0;

	while (rest.len > 0) {
		size_t c = line_cost(next_line(&rest));

		plain = plain && c == SIZE_MAX;
		cost += c == SIZE_MAX ? 0 : c;
	}
	if (plain)
		return TEXT_7BIT;
	return cost > text.len / 5 ? TEXT_BASE64 : TEXT_QP;
}

static const char *const form_names[] = { "7bit", "quoted-printable", "base64" };

/* One line of text, in its form, into out. */
static void
put_line(enum text_form form, struct quoted_encoder *q, struct base64_encoder *b, struct slice line, struct buf *out)
{
	if (form == TEXT_BASE64) {
		(void)base64_encoder_put(b, line, out);
		(void)base64_encoder_put(b, SLICE("\r\n"), out);
	} else if (form == TEXT_QP) {
		(void)quoted_encoder_put(q, line, out);
		(void)quoted_encoder_put(q, SLICE("\r\n"), out);
	} else {
		(void)buf_put_slice(out, line);
		(void)buf_put_str(out, "\r\n");
	}
}

static int
write_text(struct slice text, enum text_form form, struct mime_sink sink, struct error *e)
{
	struct base64_encoder b;
	struct quoted_encoder q;
	BUF_OWNED struct buf out = { 0 };
	int rc = 0;

	buf_init(&out, 4 * text.len + HEAD_MAX);
	base64_encoder_init(&b, BASE64_LINE_MIME, "\r\n");
	quoted_encoder_init(&q, QUOTED_TEXT);
	while (text.len > 0 && rc == 0) {
		put_line(form, &q, &b, next_line(&text), &out);
		if (out.len > CHUNK)
			rc = flush(sink, &out, e);
	}
	(void)quoted_encoder_end(&q, &out);
	(void)base64_encoder_end(&b, &out);
	return rc == 0 ? flush(sink, &out, e) : rc;
}

/* ---- parts ---- */

static void
put_params(struct buf *out, const struct mime_payload *p)
{
	if (p != NULL)
		(void)buf_put_slice(out, p->params);
}

static int
write_text_part(const struct mime_letter *l, const struct mime_payload *p, struct mime_sink sink, struct error *e)
{
	enum text_form form = choose_form(l->text);
	BUF_OWNED struct buf head = { 0 };
	int rc;

	buf_init(&head, HEAD_MAX);
	(void)buf_put_str(&head, "Content-Type: text/plain; charset=utf-8");
	put_params(&head, p);
	(void)buf_putf(&head, "\r\nContent-Transfer-Encoding: %s\r\n\r\n", form_names[form]);
	rc = flush(sink, &head, e);
	return rc == 0 ? write_text(l->text, form, sink, e) : rc;
}

static struct slice
attachment_type(struct slice type)
{
	struct slice sub, main = slice_split(type, '/', &sub);
	bool good = main.len > 0 && sub.len > 0 && type.len < 100;

	for (size_t i = 0; i < type.len; i++)
		good = good && (i == main.len || mime_is_token(type.data[i]));
	/* RFC 2046 5.1 and 5.2.1: those must not be base64. */
	if (!good || slice_ieq_str(main, "multipart") || slice_ieq_str(main, "message"))
		return SLICE("application/octet-stream");
	return type;
}

static int
write_attachment_data(const struct mime_attachment *at, struct mime_sink sink, struct error *e)
{
	struct base64_encoder b;
	BUF_OWNED struct buf out = { 0 };
	uint8_t chunk[CHUNK];
	struct slice left = at->data;
	int rc = 0;

	buf_init(&out, 2 * CHUNK);
	base64_encoder_init(&b, BASE64_LINE_MIME, "\r\n");
	while (rc == 0) {
		struct slice piece = slice_sub(left, 0, CHUNK);

		if (at->read != NULL) {
			piece = slice_of(chunk, 0);
			rc = at->read(at->ctx, chunk, sizeof chunk, &piece.len, e);
		} else
			left = slice_from(left, piece.len);
		if (rc != 0 || piece.len == 0)
			break;
		(void)base64_encoder_put(&b, piece, &out);
		rc = flush(sink, &out, e);
	}
	(void)base64_encoder_end(&b, &out);
	return rc == 0 ? flush(sink, &out, e) : rc;
}

static int
write_attachment(const struct mime_attachment *at, struct mime_sink sink, struct error *e)
{
	struct slice type = attachment_type(at->type);
	struct slice name = slice_sub(at->name, 0, NAME_OCTETS_MAX);
	BUF_OWNED struct buf head = { 0 };
	int rc;

	buf_init(&head, HEAD_MAX);
	(void)buf_put_str(&head, "Content-Type: ");
	(void)buf_put_slice(&head, type);
	(void)buf_put_str(&head, "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment");
	if (name.len > 0)
		(void)mime_param_write(&head, "filename", name);
	(void)buf_put_str(&head, "\r\n\r\n");
	rc = flush(sink, &head, e);
	return rc == 0 ? write_attachment_data(at, sink, e) : rc;
}

static int
write_mixed(const struct mime_letter *l, const struct mime_payload *p, struct mime_sink sink, struct error *e)
{
	BUF_OWNED struct buf boundary = { 0 }, out = { 0 };
	int rc;

	buf_init(&boundary, 100);
	buf_init(&out, HEAD_MAX);
	(void)mime_boundary_put(&boundary, l->random, 0);
	(void)buf_put_str(&out, "Content-Type: multipart/mixed");
	(void)mime_param_write(&out, "boundary", buf_slice(&boundary));
	put_params(&out, p);
	(void)buf_putf(&out, "\r\n\r\n--%.*s\r\n", (int)boundary.len, (const char *)boundary.data);
	rc = flush(sink, &out, e);
	if (rc == 0)
		rc = write_text_part(l, NULL, sink, e);
	for (size_t i = 0; i < l->attachment_count && rc == 0; i++) {
		(void)buf_putf(&out, "\r\n--%.*s\r\n", (int)boundary.len, (const char *)boundary.data);
		rc = flush(sink, &out, e);
		if (rc == 0)
			rc = write_attachment(&l->attachments[i], sink, e);
	}
	(void)buf_putf(&out, "\r\n--%.*s--\r\n", (int)boundary.len, (const char *)boundary.data);
	return rc == 0 ? flush(sink, &out, e) : rc;
}

int
mime_compose_payload(const struct mime_letter *l, const struct mime_payload *p, struct mime_sink sink, struct error *e)
{
	int rc = 0;

	if (p != NULL && p->fields.len > 0)
		rc = sink.write(sink.ctx, p->fields, e);
	if (rc != 0)
		return rc;
	return l->attachment_count > 0 ? write_mixed(l, p, sink, e) : write_text_part(l, p, sink, e);
}

int
mime_compose(const struct mime_letter *l, struct mime_sink sink, struct error *e)
{
	ARENA_OWNED struct arena a = { 0 };
	BUF_OWNED struct buf head = { 0 };
	struct mime_written w;
	int rc;

	arena_init(&a, MIME_COMPOSE_HEADER_MAX * 4);
	buf_init(&head, MIME_COMPOSE_HEADER_MAX * 2);
	rc = mime_compose_fields(l, &a, &w, e);
	if (rc != 0)
		return rc;
	(void)mime_written_put(&w, &head);
	(void)buf_put_str(&head, "MIME-Version: 1.0\r\n");
	rc = flush(sink, &head, e);
	return rc == 0 ? mime_compose_payload(l, NULL, sink, e) : rc;
}
