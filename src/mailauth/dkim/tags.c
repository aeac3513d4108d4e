/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/tags.h"

#include "base/base64.h"

static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = ascii_lower(name.data[i]);
		bool letter = c >= 'a' && c <= 'z';

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return name.len > 0;
}

static bool
is_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.data[i];

		if (c == 0x7f || (c < ' ' && c != '\t' && c != '\r' && c != '\n'))
			return false;
	}
	return true;
}

static int
take_tag(struct slice spec, uint64_t offset, struct mailauth_tags *out, struct error *e)
{
	struct mailauth_tag tag;
	size_t equals = slice_find(spec, '=');

	if (equals == SIZE_MAX)
		return error_set_at(e, ERR_SYNTAX, offset, "A tag has no '='.");
	tag.name = slice_trim(slice_sub(spec, 0, equals));
	tag.value = slice_trim(slice_from(spec, equals + 1));
	if (!is_name(tag.name))
		return error_set_at(e, ERR_SYNTAX, offset, "The name of a tag has other characters than it may.");
	if (!is_value(tag.value))
		return error_set_at(
		    e, ERR_SYNTAX, offset, "The tag %.*s has a control character.", (int)tag.name.len, tag.name.data);
	for (size_t i = 0; i < out->count; i++)
		if (slice_eq(out->tags[i].name, tag.name))
			return error_set_at(e, ERR_SYNTAX, offset, "The tag %.*s stands there twice.",
			    (int)size_min(tag.name.len, 40), tag.name.data);
	if (out->count == MAILAUTH_TAGS_MAX)
		return error_set_at(e, ERR_LIMIT, offset, "There are more than %u tags.", MAILAUTH_TAGS_MAX);
	out->tags[out->count++] = tag;
	return 0;
}

int
mailauth_tags_parse(struct slice text, struct mailauth_tags *out, struct error *e)
{
	size_t at = 0, end;
	int rc = 0;

	out->count = 0;
	if (text.len > MAILAUTH_TAG_LIST_MAX)
		return error_set(e, ERR_LIMIT, "A list of tags has more than %u octets.", MAILAUTH_TAG_LIST_MAX);
	do {
		struct slice rest = slice_from(text, at);

		end = slice_find(rest, ';');
		if (end == SIZE_MAX && out->count > 0 && slice_trim(rest).len == 0)
			break; /* behind the last ';' */
		rc = take_tag(slice_sub(rest, 0, end), at, out, e);
		at += end == SIZE_MAX ? 0 : end + 1;
	} while (rc == 0 && end != SIZE_MAX);
	return rc;
}

const struct slice *
mailauth_tags_find(const struct mailauth_tags *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (slice_eq_str(t->tags[i].name, name))
			return &t->tags[i].value;
	return NULL;
}

struct slice
mailauth_tags_value(const struct mailauth_tags *t, const char *name)
{
	const struct slice *value = mailauth_tags_find(t, name);

	return value == NULL ? SLICE_EMPTY : *value;
}

bool
mailauth_tags_item(struct slice *rest, uint8_t separator, struct slice *item_out)
{
	if (rest->data == NULL || rest->len == 0)
		return false;
	*item_out = slice_trim(slice_split(*rest, separator, rest));
	return true;
}

int
mailauth_tags_base64(struct slice value, struct buf *out, struct error *e)
{
	struct base64_decoder d;
	size_t taken;

	base64_decoder_init(&d, BASE64_LINES);
	taken = base64_decoder_feed(&d, value, out);
	if (out->err != 0)
		return error_set(e, out->err, "Base64 is too long, or there is no memory for it.");
	if (taken != value.len)
		return error_set_at(e, ERR_SYNTAX, taken, "Base64 has a character that does not belong.");
	return base64_decoder_end(&d, out, e) == 0 ? 0 : error_set(e, ERR_SYNTAX, "Base64 ends too early.");
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Upper case only, as the clause says; -1 for others. */
static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
mailauth_tags_quoted(struct slice value, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.data[i];

		if (is_space(c))
			continue;
		if (c == '=') {
			int high = i + 2 < value.len ? hex_digit(value.data[i + 1]) : -1;
			int low = i + 2 < value.len ? hex_digit(value.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return error_set_at(
				    e, ERR_SYNTAX, i, "A '=' is not followed by two hexadecimal digits.");
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		(void)buf_put_u8(out, c);
	}
	return out->err != 0 ? error_set(e, out->err, "A value is too long, or there is no memory for it.") : 0;
}
