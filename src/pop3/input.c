/* SPDX-License-Identifier: ISC */
#include "pop3/input.h"

#include "pop3/limits.h"

void
pop3_input_init(struct pop3_input *i)
{
	*i = (struct pop3_input){ .what = POP3_INPUT_MORE };
	buf_init(&i->text, POP3_AUTH_LINE_MAX);
}

void
pop3_input_done(struct pop3_input *i)
{
	buf_wipe_done(&i->text);
}

void
pop3_input_next(struct pop3_input *i, bool response)
{
	pop3_input_done(i);
	pop3_input_init(i);
	i->response = response;
}

struct slice
pop3_input_line(const struct pop3_input *i)
{
	return buf_slice(&i->text);
}

bool
pop3_input_begun(const struct pop3_input *i)
{
	return i->text.len > 0 || i->cr || i->fault != POP3_INPUT_MORE;
}

/* Octets that the line may have, without its CRLF. */
static size_t
line_max(const struct pop3_input *i)
{
	if (i->response || slice_istarts(buf_slice(&i->text), SLICE("AUTH ")))
		return POP3_AUTH_LINE_MAX - 2;
	return POP3_LINE_MAX - 2;
}

static void
fault(struct pop3_input *i, enum pop3_input_what what)
{
	if (i->fault == POP3_INPUT_MORE)
		i->fault = what;
	buf_wipe_done(&i->text);
}

/* Octets in front of the next CR, LF or NUL. */
static size_t
plain_length(struct slice in)
{
	size_t n = 0;

	while (n < in.len && in.data[n] != '\r' && in.data[n] != '\n' && in.data[n] != 0)
		n++;
	return n;
}

static void
take_plain(struct pop3_input *i, struct slice octets)
{
	/* In pieces up to the short maximum: what begins the line decides which one is meant. */
	while (octets.len > 0 && i->fault == POP3_INPUT_MORE) {
		size_t short_max = POP3_LINE_MAX - 2, n = octets.len;

		if (i->text.len < short_max)
			n = size_min(n, short_max - i->text.len);
		else if (i->text.len + n > line_max(i)) {
			fault(i, POP3_INPUT_LONG);
			return;
		}
		if (buf_put_slice(&i->text, slice_sub(octets, 0, n)) != 0)
			fault(i, POP3_INPUT_NO_ROOM);
		octets = slice_from(octets, n);
	}
}

size_t
pop3_input_feed(struct pop3_input *i, struct slice in)
{
	size_t taken = 0;

	while (taken < in.len && i->what == POP3_INPUT_MORE) {
		struct slice rest = slice_from(in, taken);
		size_t n = plain_length(rest);

		if (i->cr && rest.data[0] != '\n')
			fault(i, POP3_INPUT_BARE);
		if (n > 0) {
			i->cr = false;
			take_plain(i, slice_sub(rest, 0, n));
			taken += n;
			continue;
		}
		taken++;
		if (rest.data[0] == '\n') {
			if (!i->cr)
				fault(i, POP3_INPUT_BARE);
			i->what = i->fault == POP3_INPUT_MORE ? POP3_INPUT_LINE : i->fault;
		} else if (rest.data[0] == 0) {
			fault(i, POP3_INPUT_BARE);
		}
		i->cr = rest.data[0] == '\r';
	}
	return taken;
}
