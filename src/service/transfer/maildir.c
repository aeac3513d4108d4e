/* SPDX-License-Identifier: ISC */
#include "service/transfer/maildir.h"

#include <string.h>

#include "base/utf8.h"
#include "imap/mutf7.h"
#include "store/types.h"

static const struct {
	char letter;
	uint32_t flag; /* 0: passed */
} letters[] = {
	{ 'D', STORE_DRAFT },
	{ 'F', STORE_FLAGGED },
	{ 'P', 0 },
	{ 'R', STORE_ANSWERED },
	{ 'S', STORE_SEEN },
	{ 'T', STORE_DELETED },
};
#define LETTERS (sizeof letters / sizeof letters[0])

/* ---- file names ---- */

static void
take_letter(struct maildir_name *out, uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		out->keywords |= 1u << (c - 'a');
	for (size_t i = 0; i < LETTERS; i++) {
		if (c != (uint8_t)letters[i].letter)
			continue;
		out->flags |= letters[i].flag;
		out->forwarded |= letters[i].flag == 0;
	}
}

/* Some write ';' or '!' for ':', where a file system has none. */
void
maildir_name_parse(struct slice file, struct maildir_name *out)
{
	struct slice info;
	size_t at;

	*out = (struct maildir_name){ .base = file };
	at = slice_search(file, SLICE("2,"));
	while (at != SIZE_MAX &&
	    (at == 0 || (file.data[at - 1] != ':' && file.data[at - 1] != ';' && file.data[at - 1] != '!'))) {
		size_t next = slice_search(slice_from(file, at + 1), SLICE("2,"));

		at = next == SIZE_MAX ? SIZE_MAX : at + 1 + next;
	}
	if (at == SIZE_MAX)
		return;
	out->base = slice_sub(file, 0, at - 1);
	info = slice_from(file, at + 2);
	for (size_t i = 0; i < info.len && info.data[i] != ','; i++)
		take_letter(out, info.data[i]);
}

int
maildir_name_write(struct buf *out, const struct maildir_name *name)
{
	(void)buf_put_slice(out, name->base);
	(void)buf_put_str(out, ":2,");
	for (size_t i = 0; i < LETTERS; i++) {
		if (letters[i].flag == 0 ? name->forwarded : (name->flags & letters[i].flag) != 0)
			(void)buf_put_u8(out, (uint8_t)letters[i].letter);
	}
	for (unsigned k = 0; k < MAILDIR_KEYWORDS; k++) {
		if ((name->keywords >> k & 1) != 0)
			(void)buf_put_u8(out, (uint8_t)('a' + k));
	}
	return out->err;
}

uint64_t
maildir_name_time(struct slice file)
{
	uint64_t v = 0;

	for (size_t i = 0; i < file.len && i < 18 && file.data[i] >= '0' && file.data[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(file.data[i] - '0');
	return v;
}

static bool
is_digit(struct slice s, size_t at)
{
	return at < s.len && s.data[at] >= '0' && s.data[at] <= '9';
}

/* Digits at *at without zeros in front of them; *at is moved behind. */
static struct slice
digits_at(struct slice s, size_t *at)
{
	size_t from;

	while (*at < s.len && s.data[*at] == '0')
		(*at)++;
	for (from = *at; is_digit(s, *at); (*at)++)
		;
	return slice_sub(s, from, *at - from);
}

int
maildir_name_compare(struct slice a, struct slice b)
{
	size_t i = 0, j = 0;

	while (i < a.len && j < b.len) {
		if (is_digit(a, i) && is_digit(b, j)) {
			struct slice m = digits_at(a, &i), n = digits_at(b, &j);

			if (m.len != n.len)
				return m.len < n.len ? -1 : 1;
			if (slice_cmp(m, n) != 0)
				return slice_cmp(m, n);
		} else if (a.data[i] != b.data[j]) {
			return a.data[i] < b.data[j] ? -1 : 1;
		} else {
			i++;
			j++;
		}
	}
	return a.len - i != b.len - j ? (a.len - i < b.len - j ? -1 : 1) : slice_cmp(a, b);
}

/* ---- dovecot-keywords: "0 $Junk" ---- */

void
maildir_keywords_parse(struct slice text, struct maildir_keywords *out)
{
	memset(out, 0, sizeof *out);
	while (text.len > 0) {
		struct slice line = slice_split(text, '\n', &text), name, number = slice_split(line, ' ', &name);
		uint64_t n;

		name = slice_trim(name);
		if (slice_to_u64(number, MAILDIR_KEYWORDS - 1, &n) && name.len > 0 && slice_find(name, 0) == SIZE_MAX)
			out->names[n] = name;
	}
}

int
maildir_keywords_write(struct buf *out, const struct maildir_keywords *k)
{
	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
		if (k->names[i].len > 0)
			(void)buf_putf(out, "%u %.*s\n", i, (int)k->names[i].len, (const char *)k->names[i].data);
	}
	return out->err;
}

/* ---- folders ---- */

/* Controls (C1 too) and what has a meaning of its own. */
static bool
may_be_in_name(uint32_t point)
{
	return point >= 0x20 && !(point >= 0x7f && point < 0xa0) && point != '*' && point != '%' && point != '/';
}

/* One level, in modified UTF-7 or, as some write it, UTF-8. */
static int
put_level(struct slice level, struct buf *out, bool *repaired)
{
	BUF_OWNED struct buf text = { 0 };
	struct slice rest;

	buf_init(&text, STORE_NAME_MAX * 8);
	if (imap_mutf7_parse(&text, level, NULL) != 0) {
		*repaired |= !utf8_valid(level);
		(void)utf8_put_repaired(&text, level);
	}
	rest = buf_slice(&text);
	while (text.err == 0 && rest.len > 0) {
		uint32_t point = 0;
		size_t n = utf8_decode(rest, &point);

		if (n > 0 && may_be_in_name(point)) {
			(void)buf_put_slice(out, slice_sub(rest, 0, n));
		} else {
			(void)buf_put_u8(out, '_');
			*repaired = true;
		}
		rest = slice_from(rest, n > 0 ? n : 1);
	}
	return text.err != 0 ? text.err : out->err;
}

int
maildir_folder_parse(struct slice folder, char separator, struct buf *out, bool *repaired_out, struct error *e)
{
	unsigned depth = 0;
	size_t start = out->len;

	*repaired_out = false;
	while (folder.len > 0) {
		struct slice level = slice_split(folder, (uint8_t)separator, &folder);

		if (level.len == 0) {
			*repaired_out = true;
			continue;
		}
		if (out->len > 0)
			(void)buf_put_u8(out, '/');
		if (put_level(level, out, repaired_out) != 0 || out->len > STORE_NAME_MAX ||
		    ++depth > STORE_NAME_DEPTH_MAX)
			return error_set(e, ERR_LIMIT, "a mailbox name has at most %u octets and %u levels",
			    STORE_NAME_MAX, STORE_NAME_DEPTH_MAX);
	}
	return out->len > start ? 0 : error_set(e, ERR_SYNTAX, "a mailbox needs a name");
}

int
maildir_folder_write(struct buf *out, struct slice mailbox, bool *repaired_out, struct error *e)
{
	*repaired_out = false;
	if (slice_ieq_str(mailbox, "INBOX"))
		return 0;
	while (mailbox.len > 0) {
		struct slice level = slice_split(mailbox, '/', &mailbox);
		size_t at;
		int rc;

		(void)buf_put_u8(out, '.');
		at = out->len;
		rc = imap_mutf7_write(out, level, e);
		if (rc != 0)
			return rc;
		for (; at < out->len; at++) {
			if (out->data[at] != '.')
				continue;
			out->data[at] = '_';
			*repaired_out = true;
		}
	}
	return out->err != 0 ? error_set(e, ERR_LIMIT, "a mailbox name is too long") : 0;
}

/* ---- subscriptions ---- */

/* Dovecot's newer form begins with "V\t2" and separates levels by tabs. */
void
maildir_subscriptions_init(struct maildir_subscriptions *s, struct slice text, char separator)
{
	s->rest = text;
	s->separator = separator;
	if (!slice_starts(text, SLICE("V\t2\n")))
		return;
	s->rest = slice_from(text, 4);
	s->separator = '\t';
}

bool
maildir_subscriptions_next(struct maildir_subscriptions *s, struct slice *folder_out)
{
	while (s->rest.len > 0) {
		*folder_out = slice_trim(slice_split(s->rest, '\n', &s->rest));
		if (folder_out->len > 0)
			return true;
	}
	return false;
}
