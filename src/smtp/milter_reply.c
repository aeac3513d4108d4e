/* SPDX-License-Identifier: ISC */
/* What a milter answers, and what it may do when it has seen all. */
#include <string.h>

#include "base/reader.h"
#include "smtp/milter_internal.h"

static void
broken(struct milter *m, const char *what)
{
	(void)error_set(&m->error, ERR_SYNTAX, "the milter %s", what);
}

/* The text up to its NUL, which must be there. */
static bool
take_text(struct slice *rest, struct slice *out)
{
	size_t nul = slice_find(*rest, 0);

	if (nul == SIZE_MAX)
		return false;
	*out = slice_sub(*rest, 0, nul);
	*rest = slice_from(*rest, nul + 1);
	return true;
}

/* One line of printable ASCII out of a text of several. */
static struct slice
one_line(struct milter *m, struct slice text)
{
	struct buf out BUF_OWNED = { 0 };

	buf_init(&out, MILTER_TEXT_MAX);
	for (size_t i = 0; i < text.len && i < MILTER_TEXT_MAX; i++) {
		uint8_t c = text.data[i];

		if (c == '\r' || c == '\n')
			break;
		(void)buf_put_u8(&out, c >= 0x20 && c < 0x7f ? c : '?');
	}
	return arena_copy(&m->arena, slice_trim(buf_slice(&out)));
}

/* ---- negotiation ---- */

static void
negotiated(struct milter *m, struct slice data)
{
	struct reader r = reader_of(data);
	uint32_t version = reader_get_u32(&r);

	m->actions = reader_get_u32(&r);
	m->bits = reader_get_u32(&r);
	/* The lists of macros behind are not followed: it is told all that is known. */
	if (r.err != 0 || version < 2 || version > MILTER_VERSION)
		broken(m, "speaks another version of the protocol than 2 to 6");
	else if ((m->bits & ~(uint32_t)MILTER_BITS_ALL) != 0)
		broken(m, "wants of the protocol what was not offered");
	m->waits = false;
}

/* ---- the header ---- */

static bool
name_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= 0x20 || name.data[i] >= 0x7f || name.data[i] == ':')
			return false;
	return name.len > 0 && name.len <= MIME_FIELD_NAME_MAX;
}

static bool
is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * A value as it is kept: line ends are CRLF, and each is followed by white
 * space and more than that, so that no line of it is a field or ends the
 * header. Lines that are not so are joined to the one before by a tab.
 */
static void
put_value(struct buf *out, struct slice value)
{
	BUF_OWNED struct buf line = { .max = value.len };
	bool any = false;

	while (value.len > 0) {
		struct slice raw = slice_split(value, '\n', &value);

		buf_clear(&line);
		for (size_t i = 0; i < raw.len; i++)
			if (raw.data[i] != '\r' && raw.data[i] != 0)
				(void)buf_put_u8(&line, raw.data[i]);
		if (slice_trim(buf_slice(&line)).len == 0)
			continue;
		if (any)
			(void)buf_put_str(out, is_white(line.data[0]) ? "\r\n" : "\r\n\t");
		any = true;
		(void)buf_put_slice(out, buf_slice(&line));
	}
	if (line.err != 0)
		out->err = line.err;
	/* A last line of white space alone would end there what a reader sees. */
	while (out->len > 0 && is_white(out->data[out->len - 1]))
		buf_truncate(out, out->len - 1);
}

static void
add_edit(struct milter *m, struct milter_edit edit)
{
	struct buf value BUF_OWNED = { 0 };
	bool leading = (m->bits & MILTER_LEADING_SPACE) != 0;

	if (!name_is_valid(edit.name) || edit.value.len > MILTER_VALUE_MAX) {
		broken(m, "adds or changes a field that cannot be");
		return;
	}
	buf_init(&value, 2 * MILTER_VALUE_MAX + 16);
	if (!leading && edit.value.len > 0)
		(void)buf_put_u8(&value, ' ');
	put_value(&value, edit.value);
	m->edit_octets += edit.name.len + value.len;
	if (m->result.edit_count == MILTER_EDITS_MAX || m->edit_octets > MILTER_EDITS_OCTETS || value.err != 0) {
		(void)error_set(&m->error, ERR_LIMIT, "the milter adds or changes too many fields");
		return;
	}
	edit.name = arena_copy(&m->arena, edit.name);
	edit.value = arena_copy(&m->arena, buf_slice(&value));
	m->edits[m->result.edit_count++] = edit;
	m->result.edits = m->edits;
}

static void
heard_edit(struct milter *m, uint8_t command, struct slice data)
{
	uint32_t needed = command == 'm' ? MILTER_MAY_CHANGE : MILTER_MAY_ADD;
	struct milter_edit edit = { .kind = command == 'h' ? MILTER_ADD
		    : command == 'i'                       ? MILTER_INSERT
							   : MILTER_CHANGE };
	struct reader r = reader_of(data);
	struct slice rest;

	if (command != 'h')
		edit.index = reader_get_u32(&r);
	rest = reader_rest(&r);
	if (r.err != 0 || !take_text(&rest, &edit.name) || !take_text(&rest, &edit.value))
		broken(m, "changes the header in a way that cannot be read");
	else if ((m->actions & needed) == 0)
		m->result.ignored++;
	else
		add_edit(m, edit);
}

/* ---- what becomes of the message ---- */

/* "550 5.7.1 text", the lines of a long one each with its code; the first is kept. */
static void
heard_reply(struct milter *m, struct slice data)
{
	struct slice text;
	uint64_t code;

	if (!take_text(&data, &text) || text.len < 3 || !slice_to_u64(slice_sub(text, 0, 3), 599, &code) ||
	    code < 400) {
		broken(m, "gives a reply that is none");
		return;
	}
	m->result.reply = one_line(m, slice_from(text, 4));
	/* 421 would end the connection for what one message is. */
	milter_over(m, code >= 500 ? MILTER_REJECT : MILTER_TEMPFAIL);
}

static void
heard_quarantine(struct milter *m, struct slice data)
{
	struct slice reason;

	if (!take_text(&data, &reason)) {
		broken(m, "puts aside without saying why");
		return;
	}
	m->result.quarantine = true;
	m->result.reason = one_line(m, reason);
}

/* Only when it has seen all. */
static bool
heard_change(struct milter *m, uint8_t command, struct slice data)
{
	switch (command) {
	case 'h':
	case 'i':
	case 'm':
		heard_edit(m, command, data);
		return true;
	case 'q':
		heard_quarantine(m, data);
		return true;
	case '+':
	case '-':
	case '2':
	case 'b':
	case 'e':
		m->result.ignored++;
		return true;
	default:
		return false;
	}
}

static void
heard_continue(struct milter *m)
{
	if (m->step == MILTER_EOM)
		milter_over(m, MILTER_ACCEPT);
	else
		m->waits = false;
}

static void
heard_skip(struct milter *m)
{
	if (m->step != MILTER_BODY) {
		broken(m, "has seen enough before there was anything");
		return;
	}
	m->skips = true;
	m->waits = false;
}

/* What may be said at any step. False: it is none of these. */
static bool
heard_verdict(struct milter *m, uint8_t command)
{
	switch (command) {
	case 'a':
		milter_over(m, MILTER_ACCEPT);
		return true;
	case 'r':
		milter_over(m, MILTER_REJECT);
		return true;
	case 't':
	case '4':
	case 'f':
		milter_over(m, MILTER_TEMPFAIL);
		return true;
	case 'd':
		milter_over(m, MILTER_DISCARD);
		return true;
	case 'c':
		heard_continue(m);
		return true;
	case 's':
		heard_skip(m);
		return true;
	default:
		return false;
	}
}

void
milter_heard(struct milter *m, uint8_t command, struct slice data)
{
	if (command == 'p') /* still at work */
		return;
	if (!m->waits) {
		broken(m, "speaks without being asked");
	} else if (m->step == MILTER_NEGOTIATE) {
		if (command == 'O')
			negotiated(m, data);
		else
			broken(m, "does not negotiate");
	} else if (command == 'y') {
		heard_reply(m, data);
	} else if (!heard_verdict(m, command) && (m->step != MILTER_EOM || !heard_change(m, command, data))) {
		broken(m, "says what is not known, or not now");
	}
}
