/* SPDX-License-Identifier: ISC */
#include "base/date.h"
#include "mime/mbox.h"
#include "mime/mbox_internal.h"

static const char from_text[] = "From ";
#define FROM_LEN (sizeof from_text - 1)

const char *const mbox_field_names[MBOX_FIELD_COUNT] = {
	[MBOX_FIELD_CONTENT_LENGTH] = "Content-Length:",
	[MBOX_FIELD_X_UID] = "X-UID:",
	[MBOX_FIELD_X_IMAPBASE] = "X-IMAPbase:",
	[MBOX_FIELD_MOZILLA_STATUS] = "X-Mozilla-Status:",
	[MBOX_FIELD_MOZILLA_STATUS2] = "X-Mozilla-Status2:",
	[MBOX_FIELD_MOZILLA_KEYS] = "X-Mozilla-Keys:",
	[MBOX_FIELD_X_KEYWORDS] = "X-Keywords:",
	[MBOX_FIELD_X_STATUS] = "X-Status:",
	[MBOX_FIELD_STATUS] = "Status:",
};

enum mbox_field
mbox_field_of(struct slice line)
{
	uint8_t first = line.len > 0 ? ascii_lower(line.data[0]) : 0;

	if (first != 'x' && first != 's' && first != 'c')
		return MBOX_FIELD_COUNT;
	for (int f = 0; f < MBOX_FIELD_COUNT; f++) {
		if (slice_istarts(line, slice_str(mbox_field_names[f])))
			return (enum mbox_field)f;
	}
	return MBOX_FIELD_COUNT;
}

/* ---- quoting ---- */

/* Where written octets go: into a buf, or they are only counted. */
struct sink {
	struct buf *out;
	uint64_t count;
};

static void
put(struct sink *k, const void *data, size_t len)
{
	k->count += len;
	if (k->out != NULL)
		(void)buf_put(k->out, data, len);
}

static void
put_held_cr(struct sink *k, struct mbox_quoter *q, bool before_lf)
{
	if (!q->cr)
		return;
	q->cr = false;
	if (before_lf && !q->after_cr)
		return;
	put(k, "\r", 1);
	q->after_cr = true;
}

/* The front of the line is decided: what was held of it goes out. */
static void
put_front(struct sink *k, struct mbox_quoter *q, bool quote)
{
	for (uint32_t i = 0; i < q->quotes + (quote ? 1u : 0u); i++)
		put(k, ">", 1);
	put(k, from_text, q->from);
	q->quotes = 0;
	q->from = 0;
	q->inside = true;
}

/* One octet at the front of a line, while it may still be '>'s and "From ". True: it was held. */
static bool
hold(struct sink *k, struct mbox_quoter *q, uint8_t c)
{
	if (c == '>' && q->from == 0 && q->quotes < MBOX_QUOTES_MAX) {
		q->quotes++;
		return true;
	}
	if (c != (uint8_t)from_text[q->from]) {
		put_front(k, q, false);
		return false;
	}
	if (++q->from == FROM_LEN)
		put_front(k, q, true);
	return true;
}

/* A line's octets without its LF; a CR at their end waits for what comes. */
static void
put_text(struct sink *k, struct mbox_quoter *q, struct slice text)
{
	if (text.data[text.len - 1] == '\r') {
		text.len--;
		q->cr = true;
	}
	if (text.len == 0)
		return;
	put(k, text.data, text.len);
	q->after_cr = text.data[text.len - 1] == '\r';
}

static void
quote(struct sink *k, struct mbox_quoter *q, struct slice in)
{
	while (in.len > 0) {
		size_t n = 1;

		put_held_cr(k, q, in.data[0] == '\n');
		if (!q->inside && !q->unquoted && hold(k, q, in.data[0])) {
			in = slice_from(in, 1);
			continue;
		}
		if (in.data[0] == '\n') {
			put(k, "\n", 1);
			q->inside = q->after_cr = false;
		} else {
			n = size_min(slice_find(in, '\n'), in.len);
			put_text(k, q, slice_sub(in, 0, n));
		}
		in = slice_from(in, n);
	}
}

static void
quote_end(struct sink *k, struct mbox_quoter *q)
{
	put_held_cr(k, q, false);
	if (!q->inside)
		put_front(k, q, false);
}

/* ---- looking at the message first ---- */

/* Octets of the header with its empty line; SIZE_MAX when none ends it here. */
static size_t
survey_header(struct mbox_survey *s, struct slice in)
{
	struct slice rest = in, line;

	while (rest.len > 0) {
		line = slice_split(rest, '\n', &rest);
		if (line.len == 0 || (line.len == 1 && line.data[0] == '\r')) {
			/* An end that is none: the last line without its LF. */
			if (rest.len == 0 && in.data[in.len - 1] != '\n')
				return SIZE_MAX;
			s->has_body = true;
			return in.len - rest.len;
		}
		if (mbox_field_of(line) != MBOX_FIELD_COUNT)
			s->own |= 1u << mbox_field_of(line);
	}
	return SIZE_MAX;
}

static void
survey_lines(struct mbox_survey *s, struct slice in)
{
	for (size_t at = 0, n; (n = slice_find(slice_from(in, at), '\n')) != SIZE_MAX; at += n + 1) {
		size_t end = at + n;
		uint8_t before = end > 0 ? in.data[end - 1] : s->last[1];
		uint8_t second = end > 1 ? in.data[end - 2] : end == 1 ? s->last[1] : s->last[0];

		s->dropped += before == '\r' && second != '\r';
	}
}

void
mbox_survey_feed(struct mbox_survey *s, struct slice piece)
{
	struct sink k = { 0 };
	size_t skip = 0;

	if (piece.len == 0)
		return;
	survey_lines(s, piece);
	if (s->size == 0)
		skip = size_min(survey_header(s, piece), piece.len);
	if (s->has_body)
		quote(&k, &s->quoter, slice_from(piece, skip));
	s->body += k.count;
	s->size += piece.len;
	s->last[0] = piece.len > 1 ? piece.data[piece.len - 2] : s->last[1];
	s->last[1] = piece.data[piece.len - 1];
	s->unended = s->last[1] != '\n';
}

/* ---- writing ---- */

/* What leads nowhere is believed by nobody: for a message without a body, which has a Content-Length of its own. */
#define LENGTH_OF_NOTHING (UINT64_MAX / 8)

static uint64_t
body_length(const struct mbox_survey *s)
{
	struct mbox_quoter q = s->quoter;
	struct sink k = { 0 };

	if (!s->has_body)
		return LENGTH_OF_NOTHING;
	quote_end(&k, &q);
	return s->body + k.count;
}

static void
put_date(struct buf *out, int64_t unix_seconds)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct date d = date_of_unix(unix_seconds, 0);

	(void)buf_putf(out, "%.3s %.3s %2u %02u:%02u:%02u %04d", days + (size_t)3 * d.weekday,
	    months + (size_t)3 * (d.month - 1), d.day, d.hour, d.minute, d.second, (int)d.year);
}

static void
put_note(struct buf *out, enum mbox_field field, const char *value, size_t len)
{
	(void)buf_putf(out, "%s %.*s\n", mbox_field_names[field], (int)len, value);
}

static void
put_x_status(struct buf *out, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		char letter;
	} letters[] = { { MBOX_ANSWERED, 'A' }, { MBOX_DELETED, 'D' }, { MBOX_FLAGGED, 'F' }, { MBOX_DRAFT, 'T' } };
	char text[4];
	size_t n = 0;

	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
		if ((flags & letters[i].flag) != 0)
			text[n++] = letters[i].letter;
	}
	put_note(out, MBOX_FIELD_X_STATUS, text, n);
}

/* Fields that the message has itself are written before it even when they say nothing. */
static void
put_empty_notes(struct buf *out, uint32_t own)
{
	static const char *const values[MBOX_FIELD_COUNT] = {
		[MBOX_FIELD_MOZILLA_STATUS] = "0000",
		[MBOX_FIELD_MOZILLA_STATUS2] = "00000000",
		[MBOX_FIELD_MOZILLA_KEYS] = "",
	};

	for (int f = 0; f < MBOX_FIELD_COUNT; f++) {
		if ((own >> f & 1) != 0 && values[f] != NULL)
			put_note(out, (enum mbox_field)f, values[f], slice_str(values[f]).len);
	}
}

int
mbox_write_begin(struct buf *out, const struct mbox_survey *s, const struct mbox_note *note)
{
	uint32_t marks = note->flags & (MBOX_ANSWERED | MBOX_DELETED | MBOX_FLAGGED | MBOX_DRAFT);
	uint32_t own = s->own;

	(void)buf_put_str(out, "From MAILER-DAEMON ");
	put_date(out, note->date);
	(void)buf_put_str(out, "\n");
	if ((s->unended && s->has_body) || (own >> MBOX_FIELD_CONTENT_LENGTH & 1) != 0)
		(void)buf_putf(
		    out, "%s %llu\n", mbox_field_names[MBOX_FIELD_CONTENT_LENGTH], (unsigned long long)body_length(s));
	/* Before X-UID, or Dovecot does not believe that. */
	if (note->base.len > 0)
		put_note(out, MBOX_FIELD_X_IMAPBASE, (const char *)note->base.data, note->base.len);
	else if ((own >> MBOX_FIELD_X_IMAPBASE & 1) != 0)
		put_note(out, MBOX_FIELD_X_IMAPBASE, "1 1", 3);
	if (note->uid != 0 || (own >> MBOX_FIELD_X_UID & 1) != 0)
		(void)buf_putf(out, "%s %u\n", mbox_field_names[MBOX_FIELD_X_UID], note->uid);
	put_empty_notes(out, own);
	if (note->keywords.len > 0 || (own >> MBOX_FIELD_X_KEYWORDS & 1) != 0)
		put_note(out, MBOX_FIELD_X_KEYWORDS, (const char *)note->keywords.data, note->keywords.len);
	if (marks != 0 || (own >> MBOX_FIELD_X_STATUS & 1) != 0)
		put_x_status(out, marks);
	return (note->flags & MBOX_SEEN) != 0 ? (put_note(out, MBOX_FIELD_STATUS, "RO", 2), out->err)
					      : (put_note(out, MBOX_FIELD_STATUS, "O", 1), out->err);
}

int
mbox_write_piece(struct buf *out, struct mbox_quoter *q, struct slice piece)
{
	struct sink k = { .out = out };

	quote(&k, q, piece);
	return out->err;
}

int
mbox_write_rest(struct buf *out, struct mbox_quoter *q)
{
	struct sink k = { .out = out };

	quote_end(&k, q);
	return out->err;
}

int
mbox_write_end(struct buf *out, const struct mbox_survey *s, struct mbox_quoter *q)
{
	(void)mbox_write_rest(out, q);
	if (s->unended)
		(void)buf_put_str(out, "\n");
	return buf_put_str(out, "\n");
}
