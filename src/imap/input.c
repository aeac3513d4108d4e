/* SPDX-License-Identifier: ISC */
#include "imap/input.h"

#include "base/error.h"
#include "imap/limits.h"

#define CHUNK_MAX 65536u

void
imap_input_init(struct imap_input *i, size_t line_max, size_t literals_max)
{
	*i = (struct imap_input){ .line_max = line_max, .literals_max = literals_max };
	/* Lines around literals: each at most line_max, and all together no more than one line and the literals. */
	buf_init(&i->text, line_max + literals_max + 2);
	buf_init(&i->chunk, CHUNK_MAX);
}

void
imap_input_done(struct imap_input *i)
{
	buf_wipe_done(&i->text);
	buf_done(&i->chunk);
}

bool
imap_input_begun(const struct imap_input *i)
{
	return i->text.len > 0 || i->literal_left > 0 || i->skipping || i->fault != IMAP_INPUT_MORE;
}

void
imap_input_next(struct imap_input *i)
{
	size_t line_max = i->line_max;
	size_t literals_max = i->literals_max;

	imap_input_done(i);
	imap_input_init(i, line_max, literals_max);
}

/* "{n}" or "{n+}" at the very end of the line; n of at most 10 digits. */
static bool
announces(struct imap_input *i)
{
	struct slice line = slice_from(buf_slice(&i->text), i->line_from);
	size_t brace = slice_find_last(line, '{');
	struct slice digits;

	if (i->quoted || brace == SIZE_MAX || line.data[line.len - 1] != '}')
		return false;
	digits = slice_sub(line, brace + 1, line.len - brace - 2);
	i->literal_sync = digits.len == 0 || digits.data[digits.len - 1] != '+';
	if (!i->literal_sync)
		digits.len--;
	return digits.len <= 10 && slice_to_u64(digits, UINT32_MAX, &i->literal_size);
}

static void
line_end(struct imap_input *i)
{
	bool literal;

	if (i->fault != IMAP_INPUT_MORE) {
		i->what = i->fault;
		return;
	}
	literal = announces(i);
	i->quoted = false;
	if (i->skipping) {
		/* Nothing of it is wanted; a small literal that comes anyway is dropped too. */
		if (literal && !i->literal_sync && i->literal_size <= IMAP_NONSYNC_MAX) {
			i->literal_left = i->literal_size;
			buf_clear(&i->text);
			i->line_from = 0;
		} else {
			imap_input_next(i);
		}
		return;
	}
	i->what = literal ? IMAP_INPUT_LITERAL : IMAP_INPUT_COMMAND;
}

static void
quote_state(struct imap_input *i, uint8_t c)
{
	if (i->escaped)
		i->escaped = false;
	else if (c == '"')
		i->quoted = !i->quoted;
	else if (c == '\\' && i->quoted)
		i->escaped = true;
}

static void
fault(struct imap_input *i, enum imap_input_what what)
{
	if (i->fault == IMAP_INPUT_MORE)
		i->fault = what;
}

/* Takes one line's octets up to its end or the end of in. */
static size_t
line_feed(struct imap_input *i, struct slice in)
{
	size_t at = slice_find(in, '\n');
	bool whole = at != SIZE_MAX;
	size_t n = whole ? at : in.len;

	for (size_t k = 0; k < n; k++) {
		/* A CR is only the one before LF: any octet behind it makes it a bare one. */
		bool after_cr = i->text.len > i->line_from && i->text.data[i->text.len - 1] == '\r';

		if (in.data[k] == 0 || after_cr)
			fault(i, IMAP_INPUT_BARE);
		if (i->text.len - i->line_from >= i->line_max)
			fault(i, IMAP_INPUT_LONG);
		if (i->fault != IMAP_INPUT_MORE)
			break;
		quote_state(i, in.data[k]);
		if (buf_put_u8(&i->text, in.data[k]) != 0)
			fault(i, i->text.err == ERR_NOMEM ? IMAP_INPUT_NO_ROOM : IMAP_INPUT_LONG);
	}
	if (!whole)
		return n;
	if (i->text.len > i->line_from && i->text.data[i->text.len - 1] == '\r')
		buf_truncate(&i->text, i->text.len - 1);
	else
		fault(i, IMAP_INPUT_BARE);
	i->escaped = false;
	line_end(i);
	return n + 1;
}

/* Octets of a literal: dropped, into the chunk, or into text. */
static size_t
literal_feed(struct imap_input *i, struct slice in)
{
	size_t n = i->literal_left < in.len ? (size_t)i->literal_left : in.len;

	if (i->streaming) {
		n = size_min(n, CHUNK_MAX);
		if (buf_put(&i->chunk, in.data, n) != 0) {
			i->what = IMAP_INPUT_NO_ROOM;
			return n;
		}
		i->what = IMAP_INPUT_CHUNK;
	} else if (!i->skipping) {
		struct slice octets = slice_sub(in, 0, n);

		if (slice_find(octets, 0) != SIZE_MAX)
			fault(i, IMAP_INPUT_BARE);
		if (buf_put_slice(&i->text, octets) != 0)
			fault(i, i->text.err == ERR_NOMEM ? IMAP_INPUT_NO_ROOM : IMAP_INPUT_LONG);
	}
	i->literal_left -= n;
	if (i->literal_left == 0)
		i->line_from = i->text.len;
	return n;
}

size_t
imap_input_feed(struct imap_input *i, struct slice in)
{
	size_t n = 0;

	while (i->what == IMAP_INPUT_MORE && n < in.len) {
		struct slice rest = slice_from(in, n);

		n += i->literal_left > 0 ? literal_feed(i, rest) : line_feed(i, rest);
	}
	return n;
}

bool
imap_input_fits(const struct imap_input *i)
{
	return i->literal_size <= i->literals_max - i->literals && i->literal_count < IMAP_LITERAL_COUNT_MAX &&
	    (i->literal_sync || i->literal_size <= IMAP_NONSYNC_MAX);
}

void
imap_input_take(struct imap_input *i)
{
	i->literals += (size_t)i->literal_size;
	i->literal_count++;
	i->literal_left = i->literal_size;
	(void)buf_put_str(&i->text, "\r\n");
	i->line_from = i->text.len;
	i->what = IMAP_INPUT_MORE;
}

void
imap_input_stream(struct imap_input *i)
{
	i->literal_left = i->literal_size;
	i->streaming = i->literal_left > 0;
	i->what = IMAP_INPUT_MORE;
	buf_clear(&i->text);
	i->line_from = 0;
}

void
imap_input_chunk_done(struct imap_input *i)
{
	buf_clear(&i->chunk);
	i->what = IMAP_INPUT_MORE;
	if (i->literal_left == 0) {
		buf_done(&i->chunk);
		i->streaming = false;
	}
}

void
imap_input_skip(struct imap_input *i)
{
	if (i->what == IMAP_INPUT_LITERAL)
		i->literal_left = i->literal_size;
	i->what = IMAP_INPUT_MORE;
	i->streaming = false;
	i->skipping = true;
	i->fault = IMAP_INPUT_MORE;
	buf_done(&i->chunk);
	buf_wipe_done(&i->text);
	i->line_from = 0;
}
