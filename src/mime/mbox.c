/* SPDX-License-Identifier: ISC */
#include "mime/mbox.h"

#include <string.h>

#include "base/date.h"
#include "mime/mbox_internal.h"

#define DATA_ENOUGH (32u << 10) /* octets appended before the caller gets its turn */
#define HEADER_NAME_MAX 76u     /* octets of a name in the line behind a line "From " */
#define DATE_WORDS_MAX 24u
#define ENDS_AFTER_COUNTED 2u /* line ends between a counted body and the next message */

enum state {
	AT_FRONT, /* before the first message */
	AT_LINE,  /* at the beginning of a line of a message */
	IN_LINE,  /* in a line that is copied */
	AT_NOTE,  /* behind a field that was taken out: its continuation lines go too */
	ASKED,    /* MBOX_ASK waits for its answer */
	AT_AFTER, /* behind a counted body */
	AT_FROM,  /* at the line of the next message */
	AT_END,
};

/* ---- the line "From " ---- */

static size_t
words_of(struct slice line, struct slice words[DATE_WORDS_MAX])
{
	size_t count = 0;

	for (size_t at = 0; at < line.len && count < DATE_WORDS_MAX;) {
		size_t from = at;

		while (at < line.len && line.data[at] != ' ' && line.data[at] != '\t')
			at++;
		if (at > from)
			words[count++] = slice_sub(line, from, at - from);
		else
			at++;
	}
	return count;
}

static bool
is_month(struct slice w)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t m = 0; m < 12 && w.len == 3; m++) {
		if (slice_ieq(w, slice_of(months + 3 * m, 3)))
			return true;
	}
	return false;
}

static bool
is_year(struct slice w)
{
	uint64_t year;

	return w.len == 4 && slice_to_u64(w, 9999, &year);
}

/* day month year time zone, as a Date field has them. */
static bool
date_of(const struct slice parts[5], int64_t *unix_out)
{
	struct buf text;
	bool good;

	buf_init(&text, 256);
	for (size_t i = 0; i < 5; i++) {
		(void)buf_put_slice(&text, parts[i]);
		(void)buf_put_u8(&text, ' ');
	}
	good = text.err == 0 && date_parse_mail(slice_trim(buf_slice(&text)), unix_out, NULL, NULL) == 0;
	buf_done(&text);
	return good;
}

/*
 * asctime's form, "Tue Jan  2 03:04:05 2024", with a zone before the year (Gmail) or behind it, or none; and the form of
 * a Date field. What stands before and behind is somebody's.
 */
static bool
date_at_month(const struct slice *words, size_t count, size_t at, int64_t *unix_out)
{
	const struct slice none = SLICE("+0000");
	size_t year = at + 3;
	struct slice zone = none;

	if (at > 0 && at + 2 < count && is_year(words[at + 1]) && slice_find(words[at + 2], ':') != SIZE_MAX) {
		const struct slice parts[5] = { words[at - 1], words[at], words[at + 1], words[at + 2],
			at + 3 < count ? words[at + 3] : none };

		return date_of(parts, unix_out);
	}
	while (year < count && year < at + 5 && !is_year(words[year]))
		year++;
	if (year >= count || !is_year(words[year]) || slice_find(words[at + 2], ':') == SIZE_MAX)
		return false;
	if (year > at + 3)
		zone = words[at + 3];
	else if (year + 1 < count)
		zone = words[year + 1];
	const struct slice with[5] = { words[at + 1], words[at], words[year], words[at + 2], zone };
	const struct slice without[5] = { words[at + 1], words[at], words[year], words[at + 2], none };

	return date_of(with, unix_out) || date_of(without, unix_out);
}

bool
mbox_from_date(struct slice line, int64_t *unix_out)
{
	struct slice words[DATE_WORDS_MAX];
	size_t count;

	if (!slice_starts(line, SLICE("From ")))
		return false;
	count = words_of(slice_trim(slice_from(line, 5)), words);
	for (size_t i = 0; i < count; i++) {
		if (is_month(words[i]) && date_at_month(words, count, i, unix_out))
			return true;
	}
	return false;
}

/* A field's name and its colon: what stands behind a line "From " in any mbox, but seldom in a letter. */
static bool
is_field(struct slice in)
{
	size_t n = 0;

	/* Behind UUCP: more such lines, quoted. */
	if (slice_starts(in, SLICE(">From ")))
		return true;
	while (n < in.len && n < HEADER_NAME_MAX && in.data[n] > ' ' && in.data[n] < 0x7f && in.data[n] != ':')
		n++;
	return n > 0 && n < in.len && in.data[n] == ':';
}

/*
 * An undated line may begin a message when it has a sender at most ("From ", "From -", "From a@b"), or behind an address a
 * time in words of a language that is not known here. More words are somebody's sentence.
 */
static bool
may_be_undated(struct slice line)
{
	struct slice words[DATE_WORDS_MAX];
	size_t count = words_of(slice_trim(slice_from(line, 5)), words);

	if (count <= 1)
		return true;
	if (slice_find(words[0], '@') == SIZE_MAX)
		return false;
	for (size_t i = 1; i < count; i++) {
		size_t colon = slice_find(words[i], ':');

		if (colon != SIZE_MAX && colon > 0 && words[i].data[0] >= '0' && words[i].data[0] <= '9')
			return true;
	}
	return false;
}

enum verdict { NO, YES, UNKNOWN };

/* The line is whole: it says when, or what stands behind it tells. */
static enum verdict
begins_with_line(struct slice line, struct slice next, bool whole, bool blank_before)
{
	int64_t date;
	bool dated = mbox_from_date(line, &date);

	if (blank_before && dated)
		return YES;
	if (!dated && (!blank_before || !may_be_undated(line)))
		return NO;
	if (next.len <= HEADER_NAME_MAX && slice_find(next, '\n') == SIZE_MAX && !whole)
		return UNKNOWN;
	return is_field(next) ? YES : NO;
}

/* Does a message begin at the front of in? whole: nothing comes behind it. */
static enum verdict
begins_message(struct slice in, bool whole, bool blank_before)
{
	size_t have = size_min(in.len, 5), lf;

	if (memcmp(in.data, "From ", have) != 0 || (have < 5 && whole))
		return NO;
	lf = slice_find(slice_sub(in, 0, MBOX_FROM_LINE_MAX), '\n');
	if (lf != SIZE_MAX)
		return begins_with_line(slice_sub(in, 0, lf), slice_from(in, lf + 1), whole, blank_before);
	if (in.len >= MBOX_FROM_LINE_MAX)
		return NO;
	/* The last line of a file, without its end. */
	return whole ? begins_with_line(in, SLICE_EMPTY, true, blank_before) : UNKNOWN;
}

bool
mbox_begins(struct slice in)
{
	while (in.len > 0 && (in.data[0] == '\n' || in.data[0] == '\r'))
		in = slice_from(in, 1);
	return in.len > 0 && begins_message(in, true, true) == YES;
}

/* ---- the window ---- */

void
mbox_reader_init(struct mbox_reader *r, enum mbox_rule rule)
{
	memset(r, 0, sizeof *r);
	r->rule = rule;
	buf_init(&r->in, MBOX_WINDOW);
	buf_init(&r->keywords, MBOX_KEYWORDS_MAX);
}

void
mbox_reader_seek(struct mbox_reader *r, uint64_t offset)
{
	r->position = offset;
	r->started = offset > 0;
}

void
mbox_reader_done(struct mbox_reader *r)
{
	buf_done(&r->in);
	buf_done(&r->keywords);
}

size_t
mbox_reader_feed(struct mbox_reader *r, struct slice in)
{
	size_t n;

	buf_consume(&r->in, r->at);
	r->position += r->at;
	r->at = 0;
	n = size_min(in.len, r->in.max - r->in.len);
	return buf_put(&r->in, in.data, n) == 0 ? n : 0;
}

void
mbox_reader_end(struct mbox_reader *r)
{
	r->ended = true;
}

static struct slice
window(const struct mbox_reader *r)
{
	return slice_from(buf_slice(&r->in), r->at);
}

static uint64_t
here(const struct mbox_reader *r)
{
	return r->position + r->at;
}

/* Octets of the body are counted while Content-Length vouches for them. */
static void
take(struct mbox_reader *r, size_t n)
{
	r->at += n;
	if (r->counted > 0 && !r->in_header)
		r->counted -= n;
}

/* ---- the fields with notes ---- */

static void
take_letters(struct mbox_reader *r, struct slice value)
{
	static const struct {
		char letter;
		uint32_t flag;
	} letters[] = { { 'R', MBOX_SEEN }, { 'A', MBOX_ANSWERED }, { 'F', MBOX_FLAGGED }, { 'D', MBOX_DELETED },
		{ 'T', MBOX_DRAFT } };

	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
		if (slice_find(value, (uint8_t)letters[i].letter) != SIZE_MAX)
			r->flags |= letters[i].flag;
	}
}

static void
add_keyword(struct mbox_reader *r, struct slice word)
{
	size_t before = r->keywords.len;

	if (word.len == 0)
		return;
	if (before > 0)
		(void)buf_put_u8(&r->keywords, ' ');
	if (buf_put_slice(&r->keywords, word) == ERR_LIMIT) {
		r->keywords.err = 0;
		buf_truncate(&r->keywords, before);
	}
}

static void
take_keywords(struct mbox_reader *r, struct slice value)
{
	struct slice words[DATE_WORDS_MAX], rest = slice_trim(value);

	while (rest.len > 0) {
		size_t count = words_of(rest, words);

		for (size_t i = 0; i < count; i++)
			add_keyword(r, words[i]);
		if (count == 0)
			return;
		rest = slice_from(rest, (size_t)(words[count - 1].data - rest.data) + words[count - 1].len);
	}
}

static uint32_t
hex_of(struct slice value)
{
	uint32_t v = 0;

	for (size_t i = 0; i < value.len && i < 8; i++) {
		uint8_t c = ascii_lower(value.data[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			break;
		v = v << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return v;
}

/* nsMsgMessageFlags of Thunderbird. What it has deleted and not yet compacted away is \Deleted here. */
static void
take_mozilla(struct mbox_reader *r, uint32_t bits)
{
	static const uint32_t flags[][2] = { { 0x1, MBOX_SEEN }, { 0x2, MBOX_ANSWERED }, { 0x4, MBOX_FLAGGED },
		{ 0x8, MBOX_DELETED } };

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if ((bits & flags[i][0]) != 0)
			r->flags |= flags[i][1];
	}
	if ((bits & 0x1000) != 0)
		add_keyword(r, SLICE("$Forwarded"));
}

/* The old place of labels 1 to 5. */
static void
take_mozilla_label(struct mbox_reader *r, uint32_t bits)
{
	uint8_t label[] = "$label0";

	if ((bits >> 25 & 7) == 0)
		return;
	label[6] = (uint8_t)('0' + (bits >> 25 & 7));
	add_keyword(r, slice_of(label, 7));
}

/* "Status: Resolved" is somebody's letter, not a note. */
static bool
is_note(enum mbox_field field, struct slice value)
{
	bool letters = field == MBOX_FIELD_STATUS || field == MBOX_FIELD_X_STATUS;
	const struct slice permitted = letters ? SLICE("ADFNORTU") : SLICE("0123456789abcdefABCDEF");

	if (field == MBOX_FIELD_X_KEYWORDS || field == MBOX_FIELD_MOZILLA_KEYS || field == MBOX_FIELD_X_IMAPBASE)
		return true;
	for (size_t i = 0; i < value.len; i++) {
		if (slice_find(permitted, value.data[i]) == SIZE_MAX)
			return false;
	}
	return letters || value.len > 0;
}

static void
take_note(struct mbox_reader *r, enum mbox_field field, struct slice value)
{
	switch (field) {
	case MBOX_FIELD_STATUS:
		if (slice_find(value, 'R') != SIZE_MAX)
			r->flags |= MBOX_SEEN;
		break;
	case MBOX_FIELD_X_STATUS:
		take_letters(r, value);
		break;
	case MBOX_FIELD_X_KEYWORDS:
	case MBOX_FIELD_MOZILLA_KEYS:
		take_keywords(r, value);
		break;
	case MBOX_FIELD_MOZILLA_STATUS:
		take_mozilla(r, hex_of(slice_trim(value)));
		break;
	case MBOX_FIELD_MOZILLA_STATUS2:
		take_mozilla_label(r, hex_of(slice_trim(value)));
		break;
	case MBOX_FIELD_CONTENT_LENGTH:
		r->has_length = slice_to_u64(slice_trim(value), UINT64_MAX / 4, &r->content_length);
		break;
	case MBOX_FIELD_X_UID:
	case MBOX_FIELD_X_IMAPBASE:
	case MBOX_FIELD_COUNT:
		break;
	}
}

/* UW IMAP's first message is no letter: its X-IMAP stands before its Status, as in none that we write. */
static void
look_for_internal(struct mbox_reader *r, struct slice line)
{
	if (slice_istarts(line, SLICE("X-IMAP:")) && (r->seen >> MBOX_FIELD_STATUS & 1) == 0)
		r->imap_before_status = true;
	if (slice_istarts(line, SLICE("Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA")))
		r->named_internal = true;
}

/* ---- lines ---- */

static void
flush_blank(struct mbox_reader *r, struct buf *out)
{
	if (r->blank)
		(void)buf_put(out, "\r\n", 2);
	r->blank = false;
}

/* '>'s and "From " at the front of a line: YES and how many; UNKNOWN when the window ends too early. */
static enum verdict
quotes_at(const struct mbox_reader *r, struct slice in, size_t *quotes_out)
{
	size_t n = 0, have;

	while (n < in.len && n <= MBOX_QUOTES_MAX + 1 && in.data[n] == '>')
		n++;
	if (n > MBOX_QUOTES_MAX + 1)
		return NO;
	have = size_min(in.len - n, 5);
	if (memcmp(in.data + n, "From ", have) != 0)
		return NO;
	if (have < 5)
		return r->ended ? NO : UNKNOWN;
	*quotes_out = n;
	return YES;
}

/* Octets of quoting to take off the front of a line. */
static size_t
unquote(const struct mbox_reader *r, size_t quotes)
{
	if (r->rule == MBOX_CL2 || quotes == 0)
		return 0;
	return r->rule == MBOX_O && quotes != 1 ? 0 : 1;
}

/* Copies what is here of a line, to its end when that is here. */
static void
copy_line(struct mbox_reader *r, struct buf *out)
{
	struct slice in = window(r), text;
	size_t lf, n;

	if (r->counted > 0 && !r->in_header)
		in = slice_sub(in, 0, (size_t)(r->counted < in.len ? r->counted : in.len));
	lf = slice_find(in, '\n');
	n = lf == SIZE_MAX ? in.len : lf;
	text = slice_sub(in, 0, n);
	r->state = IN_LINE;
	if (text.len > 0 && text.data[text.len - 1] == '\r') {
		if (lf != SIZE_MAX) {
			text.len--;
		} else if (r->counted != n && !r->ended) {
			text.len--; /* its LF may come */
			n--;
		}
	}
	(void)buf_put_slice(out, text);
	if (lf != SIZE_MAX) {
		(void)buf_put(out, "\r\n", 2);
		r->state = AT_LINE;
		n++;
	}
	take(r, n);
}

static void
start_message(struct mbox_reader *r)
{
	struct slice in = window(r);
	size_t lf = slice_find(in, '\n');
	size_t n = lf == SIZE_MAX ? in.len : lf + 1;

	r->offset = here(r);
	r->has_date = mbox_from_date(slice_sub(in, 0, n), &r->date);
	r->flags = 0;
	buf_clear(&r->keywords);
	r->internal = false;
	r->seen = 0;
	r->in_header = true;
	r->blank = r->has_length = r->imap_before_status = r->named_internal = false;
	r->counted = 0;
	r->skipped = 0;
	r->at += n;
	r->state = AT_LINE;
}

/* Each step returns what happened; STEP_ON: go on with the next one. */
enum step { STEP_ON, STEP_NEED, STEP_BEGIN, STEP_ASK, STEP_END, STEP_DONE, STEP_NO_MBOX };

static enum step
end_message(struct mbox_reader *r, enum state next)
{
	r->internal = r->named_internal && r->imap_before_status && !r->started;
	r->started = true;
	r->state = (uint8_t)next;
	return STEP_END;
}

static enum step
at_front(struct mbox_reader *r)
{
	struct slice in = window(r);

	if (in.len == 0)
		return r->ended ? STEP_NO_MBOX : STEP_NEED;
	if (in.data[0] == '\n' || in.data[0] == '\r') {
		r->at++;
		return STEP_ON;
	}
	switch (begins_message(in, r->ended, true)) {
	case YES:
		r->state = AT_FROM;
		return STEP_ON;
	case UNKNOWN:
		return STEP_NEED;
	case NO:
		break;
	}
	return STEP_NO_MBOX;
}

static enum step
ask_length(struct mbox_reader *r, size_t blank)
{
	uint64_t body = here(r) + blank;

	/* The octet before, to see that it ends at a line's end. */
	r->ask_offset = body + r->content_length - 1;
	r->state = ASKED;
	return STEP_ASK;
}

bool
mbox_reader_answer(struct mbox_reader *r, struct slice there)
{
	bool short_peek = there.len<MBOX_PEEK, line_end = there.len> 0 && there.data[0] == '\n', good;
	struct slice rest = slice_from(there, 1);
	unsigned ends = 0;

	for (; ends < ENDS_AFTER_COUNTED && rest.len > 0; ends++) {
		size_t n = rest.data[0] == '\n' ? 1 : slice_starts(rest, SLICE("\r\n")) ? 2 : 0;

		if (n == 0)
			break;
		rest = slice_from(rest, n);
	}
	good = there.len > 0 &&
	    (rest.len == 0 ? short_peek : (line_end || ends > 0) && begins_message(rest, true, true) == YES);
	r->counted = good ? r->content_length : 0;
	r->has_length = good;
	r->state = AT_LINE;
	return good;
}

/* An empty line: it waits for what comes behind it. */
static enum step
take_blank(struct mbox_reader *r, struct buf *out, size_t n)
{
	bool ask = r->in_header && r->has_length;

	flush_blank(r, out);
	if (ask)
		(void)ask_length(r, n);
	r->blank = true;
	take(r, n);
	r->in_header = false;
	return ask ? STEP_ASK : STEP_ON;
}

/* A field with notes: STEP_ON when it was taken out, STEP_NEED, or STEP_DONE for: it is the message's. */
static enum step
header_line(struct mbox_reader *r, struct slice in)
{
	size_t colon = slice_find(slice_sub(in, 0, MBOX_FIELD_NAME_MAX), ':'), lf;
	enum mbox_field field;

	lf = slice_find(slice_sub(in, 0, MBOX_FIELD_MAX), '\n');
	if (lf == SIZE_MAX && in.len < MBOX_FIELD_MAX && !r->ended)
		return STEP_NEED;
	look_for_internal(r, in);
	field = mbox_field_of(in);
	if (field == MBOX_FIELD_COUNT || (r->seen >> field & 1) != 0 || lf == SIZE_MAX ||
	    !is_note(field, slice_trim(slice_sub(in, colon + 1, lf - colon - 1))))
		return STEP_DONE;
	r->seen |= 1u << field;
	take_note(r, field, slice_sub(in, colon + 1, lf - colon - 1));
	r->at += lf + 1;
	r->field = (uint8_t)field;
	r->state = field == MBOX_FIELD_STATUS ? AT_LINE : AT_NOTE;
	return STEP_ON;
}

static enum step
at_note(struct mbox_reader *r)
{
	struct slice in = window(r);
	size_t lf = slice_find(slice_sub(in, 0, MBOX_FIELD_MAX), '\n');

	if (in.len == 0 && !r->ended)
		return STEP_NEED;
	if (in.len == 0 || (in.data[0] != ' ' && in.data[0] != '\t')) {
		r->state = AT_LINE;
		return STEP_ON;
	}
	if (lf == SIZE_MAX && in.len < MBOX_FIELD_MAX && !r->ended)
		return STEP_NEED;
	r->state = AT_LINE;
	if (lf == SIZE_MAX)
		return STEP_ON;
	if (r->field == MBOX_FIELD_X_KEYWORDS || r->field == MBOX_FIELD_MOZILLA_KEYS)
		take_keywords(r, slice_sub(in, 0, lf));
	r->at += lf + 1;
	r->state = AT_NOTE;
	return STEP_ON;
}

/* A line that may be the next message or quoted: STEP_DONE when it is to be copied. */
static enum step
from_line(struct mbox_reader *r, struct slice in, struct buf *out)
{
	size_t quotes = 0, off;
	enum verdict v = quotes_at(r, in, &quotes);

	if (v == NO)
		return STEP_DONE;
	if (v == UNKNOWN)
		return STEP_NEED;
	if (quotes == 0 && r->counted == 0) {
		v = begins_message(in, r->ended, r->blank);
		if (v == UNKNOWN)
			return STEP_NEED;
		if (v == YES)
			return end_message(r, AT_FROM);
	}
	off = unquote(r, quotes);
	flush_blank(r, out);
	take(r, off);
	return STEP_DONE;
}

/* Octets of an empty line at the front of in, 0: it is none. A counted body may end between CR and LF. */
static size_t
blank_at(const struct mbox_reader *r, struct slice in)
{
	if (in.data[0] == '\n')
		return 1;
	return slice_starts(in, SLICE("\r\n")) && (r->in_header || r->counted != 1) ? 2 : 0;
}

static enum step
text_line(struct mbox_reader *r, struct slice in, struct buf *out)
{
	enum step step = r->in_header ? header_line(r, in) : STEP_DONE;

	if (step == STEP_DONE && (in.data[0] == 'F' || in.data[0] == '>'))
		step = from_line(r, in, out);
	if (step != STEP_DONE)
		return step;
	flush_blank(r, out);
	copy_line(r, out);
	return STEP_ON;
}

static enum step
at_line(struct mbox_reader *r, struct buf *out)
{
	struct slice in = window(r);
	size_t blank;

	if (r->has_length && !r->in_header && r->counted == 0) {
		flush_blank(r, out);
		r->state = AT_AFTER;
		return STEP_ON;
	}
	if (in.len == 0)
		return r->ended ? end_message(r, AT_END) : STEP_NEED;
	if (in.len == 1 && in.data[0] == '\r' && !r->ended)
		return STEP_NEED;
	blank = blank_at(r, in);
	return blank > 0 ? take_blank(r, out, blank) : text_line(r, in, out);
}

static enum step
in_line(struct mbox_reader *r, struct buf *out)
{
	size_t before = r->at;

	if (r->has_length && !r->in_header && r->counted == 0) {
		r->state = AT_AFTER;
		return STEP_ON;
	}
	if (window(r).len == 0)
		return r->ended ? end_message(r, AT_END) : STEP_NEED;
	copy_line(r, out);
	return r->at == before ? STEP_NEED : STEP_ON;
}

static enum step
at_after(struct mbox_reader *r)
{
	struct slice in = window(r);
	size_t n;

	if (in.len == 0)
		return r->ended ? end_message(r, AT_END) : STEP_NEED;
	if (in.len == 1 && in.data[0] == '\r' && !r->ended)
		return STEP_NEED;
	n = in.data[0] == '\n' ? 1 : slice_starts(in, SLICE("\r\n")) ? 2 : 0;
	if (n == 0 || r->skipped == ENDS_AFTER_COUNTED)
		return end_message(r, AT_FROM);
	r->at += n;
	r->skipped++;
	return STEP_ON;
}

/* The line is whole here, or the file ends with it. */
static enum step
at_from(struct mbox_reader *r)
{
	if (slice_find(window(r), '\n') == SIZE_MAX && !r->ended && window(r).len < MBOX_FROM_LINE_MAX)
		return STEP_NEED;
	start_message(r);
	return STEP_BEGIN;
}

static enum step
step(struct mbox_reader *r, struct buf *out)
{
	switch ((enum state)r->state) {
	case AT_FRONT:
		return at_front(r);
	case AT_LINE:
		return at_line(r, out);
	case IN_LINE:
		return in_line(r, out);
	case AT_NOTE:
		return at_note(r);
	case ASKED:
		return STEP_ASK;
	case AT_AFTER:
		return at_after(r);
	case AT_FROM:
		return at_from(r);
	case AT_END:
		break;
	}
	return STEP_DONE;
}

int
mbox_reader_next(struct mbox_reader *r, struct buf *out, enum mbox_event *event_out, struct error *e)
{
	static const enum mbox_event events[] = {
		[STEP_ON] = MBOX_DATA,
		[STEP_NEED] = MBOX_NEED,
		[STEP_BEGIN] = MBOX_BEGIN,
		[STEP_ASK] = MBOX_ASK,
		[STEP_END] = MBOX_END,
		[STEP_DONE] = MBOX_DONE,
	};
	size_t before = out->len;
	enum step s = STEP_ON;

	if (r->in.err != 0 || r->keywords.err != 0)
		return error_nomem(e);
	while (s == STEP_ON && out->len - before < DATA_ENOUGH && out->err == 0)
		s = step(r, out);
	if (s == STEP_NO_MBOX)
		return error_set_at(e, ERR_SYNTAX, here(r),
		    "this is no mbox: no line 'From ' with a sender and a date is at its front");
	*event_out = events[s];
	return 0;
}
