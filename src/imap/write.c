/* SPDX-License-Identifier: ISC */
#include "imap/write.h"

#include "imap/lex.h"
#include "imap/mutf7.h"

#define QUOTED_MAX 1000u

static bool
quotable(struct slice s)
{
	if (s.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] == '\r' || s.data[i] == '\n' || s.data[i] == 0 || s.data[i] >= 0x80)
			return false;
	return true;
}

int
imap_write_literal_head(struct buf *out, uint64_t len)
{
	return buf_putf(out, "{%llu}\r\n", (unsigned long long)len);
}

int
imap_write_string(struct buf *out, struct slice s)
{
	if (!quotable(s)) {
		(void)imap_write_literal_head(out, s.len);
		return buf_put_slice(out, s);
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
imap_write_nstring(struct buf *out, struct slice s, bool nil)
{
	return nil ? buf_put_str(out, "NIL") : imap_write_string(out, s);
}

int
imap_write_astring(struct buf *out, struct slice s)
{
	bool atom = s.len > 0 && s.len < 100 && !slice_ieq_str(s, "NIL");

	for (size_t i = 0; atom && i < s.len; i++)
		atom = imap_is_astring_char(s.data[i]);
	return atom ? buf_put_slice(out, s) : imap_write_string(out, s);
}

int
imap_write_mailbox(struct buf *out, struct slice name)
{
	struct buf b;
	int rc;

	buf_init(&b, name.len * 4 + 8);
	/* A name that is not UTF-8 cannot come from our store; shown as it is rather than lost. */
	if (imap_mutf7_write(&b, name, NULL) == 0)
		rc = imap_write_astring(out, buf_slice(&b));
	else
		rc = imap_write_string(out, name);
	buf_done(&b);
	return rc;
}

int
imap_write_flags(struct buf *out, uint32_t system, const struct slice *keywords, size_t count)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = { { IMAP_ANSWERED, "\\Answered" }, { IMAP_FLAGGED, "\\Flagged" }, { IMAP_DELETED, "\\Deleted" },
		{ IMAP_SEEN, "\\Seen" }, { IMAP_DRAFT, "\\Draft" }, { IMAP_RECENT, "\\Recent" } };
	const char *sep = "";

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((system & names[i].bit) == 0)
			continue;
		(void)buf_putf(out, "%s%s", sep, names[i].name);
		sep = " ";
	}
	for (size_t i = 0; i < count; i++) {
		(void)buf_put_str(out, sep);
		(void)buf_put_slice(out, keywords[i]);
		sep = " ";
	}
	return out->err;
}

static void
write_section(struct buf *out, const struct imap_section *s)
{
	static const char *const words[] = { "", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME" };

	for (size_t i = 0; i < s->part_count; i++)
		(void)buf_putf(out, "%s%u", i > 0 ? "." : "", s->part[i]);
	(void)buf_putf(out, "%s%s", s->part_count > 0 && s->kind != IMAP_SECTION_ALL ? "." : "", words[s->kind]);
	if (s->kind != IMAP_SECTION_FIELDS && s->kind != IMAP_SECTION_FIELDS_NOT)
		return;
	(void)buf_put_str(out, " (");
	for (size_t i = 0; i < s->field_count; i++) {
		(void)buf_put_str(out, i > 0 ? " " : "");
		(void)imap_write_astring(out, s->fields[i]);
	}
	(void)buf_put_str(out, ")");
}

static const char *
bare_name(enum imap_item_kind kind)
{
	static const char *const names[] = { [IMAP_ITEM_UID] = "UID",
		[IMAP_ITEM_FLAGS] = "FLAGS",
		[IMAP_ITEM_INTERNALDATE] = "INTERNALDATE",
		[IMAP_ITEM_SIZE] = "RFC822.SIZE",
		[IMAP_ITEM_ENVELOPE] = "ENVELOPE",
		[IMAP_ITEM_BODY] = "BODY",
		[IMAP_ITEM_BODYSTRUCTURE] = "BODYSTRUCTURE",
		[IMAP_ITEM_SECTION] = "BODY",
		[IMAP_ITEM_RFC822] = "RFC822",
		[IMAP_ITEM_RFC822_HEADER] = "RFC822.HEADER",
		[IMAP_ITEM_RFC822_TEXT] = "RFC822.TEXT" };

	return names[kind];
}

int
imap_write_item_name(struct buf *out, const struct imap_item *item)
{
	(void)buf_put_str(out, bare_name(item->kind));
	if (item->kind == IMAP_ITEM_SECTION) {
		(void)buf_put_str(out, "[");
		write_section(out, &item->section);
		(void)buf_put_str(out, "]");
		if (item->partial)
			(void)buf_putf(out, "<%u>", item->offset);
	}
	return out->err;
}

int
imap_write_item(struct buf *out, const struct imap_item *item)
{
	if (item->kind != IMAP_ITEM_SECTION)
		return buf_put_str(out, bare_name(item->kind));
	(void)buf_put_str(out, item->peek ? "BODY.PEEK[" : "BODY[");
	write_section(out, &item->section);
	(void)buf_put_str(out, "]");
	if (item->partial)
		(void)buf_putf(out, "<%u.%u>", item->offset, item->length);
	return out->err;
}

int
imap_write_text(struct buf *out, struct slice text)
{
	if (text.len == 0 || text.data[0] == '[')
		(void)buf_put_str(out, "-");
	for (size_t i = 0; i < text.len; i++)
		(void)buf_put_u8(out, text.data[i] < 0x20 || text.data[i] >= 0x7f ? '?' : text.data[i]);
	return out->err;
}
