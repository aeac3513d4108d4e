/* SPDX-License-Identifier: ISC */
#include "base/charset.h"
#include "base/utf8.h"
#include "mime/decode.h"

static const struct {
	const char *name;
	enum mime_encoding encoding;
} encodings[] = {
	{ "", MIME_7BIT },
	{ "7bit", MIME_7BIT },
	{ "8bit", MIME_8BIT },
	{ "binary", MIME_BINARY },
	{ "quoted-printable", MIME_QP },
	{ "base64", MIME_BASE64 },
};

enum mime_encoding
mime_encoding_of(struct slice name)
{
	for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++) {
		if (slice_ieq_str(name, encodings[i].name))
			return encodings[i].encoding;
	}
	return MIME_ENCODING_OTHER;
}

void
mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding)
{
	d->encoding = encoding;
	base64_decoder_init(&d->base64, BASE64_TOLERANT);
	quoted_decoder_init(&d->quoted);
}

int
mime_decoder_feed(struct mime_decoder *d, struct slice in, struct buf *out)
{
	if (d->encoding == MIME_QP)
		return quoted_decoder_put(&d->quoted, in, out);
	if (d->encoding != MIME_BASE64)
		return buf_put_slice(out, in);
	(void)base64_decoder_feed(&d->base64, in, out);
	return out->err;
}

int
mime_decoder_end(struct mime_decoder *d, struct buf *out)
{
	if (d->encoding == MIME_QP)
		return quoted_decoder_end(&d->quoted, out);
	if (d->encoding == MIME_BASE64)
		(void)base64_decoder_end(&d->base64, out, NULL);
	return out->err;
}

uint64_t
mime_decoder_faults(const struct mime_decoder *d)
{
	return d->base64.faults + d->quoted.faults;
}

struct slice
mime_part_body(struct slice message, const struct mime_part *p)
{
	if (p->body > message.len)
		return SLICE_EMPTY;
	return slice_sub(message, (size_t)p->body, (size_t)p->body_len);
}

int
mime_part_decode(struct slice message, const struct mime_part *p, struct buf *out)
{
	struct mime_decoder d;

	mime_decoder_init(&d, p->encoding);
	(void)mime_decoder_feed(&d, mime_part_body(message, p), out);
	return mime_decoder_end(&d, out);
}

int
mime_charset_text(struct slice charset, struct slice in, struct buf *out)
{
	if (out->err != 0)
		return out->err;
	if (charset.len > 0 && charset_to_utf8(charset, in, out, NULL) != ERR_UNSUPPORTED)
		return out->err;
	if (utf8_valid(in))
		return buf_put_slice(out, in);
	(void)charset_to_utf8(SLICE("windows-1252"), in, out, NULL);
	return out->err;
}

/* CRLF becomes LF in place from `from` on. */
static void
lines_to_lf(struct buf *b, size_t from)
{
	size_t to = from;

	for (size_t i = from; i < b->len; i++) {
		if (b->data[i] != '\r' || i + 1 == b->len || b->data[i + 1] != '\n')
			b->data[to++] = b->data[i];
	}
	buf_truncate(b, to);
}

int
mime_part_text(struct slice message, const struct mime_part *p, struct buf *out)
{
	struct slice charset = SLICE_EMPTY;
	size_t from = out->len;
	struct buf raw;

	buf_init(&raw, out->max);
	if (mime_part_decode(message, p, &raw) != 0)
		out->err = raw.err;
	(void)mime_value_param(&p->type, "charset", &charset);
	(void)mime_charset_text(charset, buf_slice(&raw), out);
	lines_to_lf(out, from);
	buf_done(&raw);
	return out->err;
}
