/* SPDX-License-Identifier: ISC */
#include "smtp/data.h"

#include <string.h>

/* One line, or what there is of it, from *at on, which is moved behind it. True when its LF was there. */
static bool
scan_line(struct smtp_data *d, struct slice in, size_t *at)
{
	const uint8_t *from = in.data + *at;
	const uint8_t *lf = memchr(from, '\n', in.len - *at);
	size_t text = lf == NULL ? in.len - *at : (size_t)(lf - from);
	bool has_cr = text > 0 && from[text - 1] == '\r';

	if (has_cr)
		text--;
	if (memchr(from, '\r', text) != NULL)
		d->faults |= SMTP_DATA_BARE_CR;
	if (lf == NULL) {
		d->in_line = d->in_line || text > 0;
		*at += text; /* a CR at the very end waits for what follows */
		return false;
	}
	if (!has_cr)
		d->faults |= SMTP_DATA_BARE_LF;
	d->in_line = !has_cr;
	*at = (size_t)(lf - in.data) + 1;
	return true;
}

enum smtp_data_what
smtp_data_next(struct smtp_data *d, struct slice in, struct slice *chunk_out, size_t *used_out)
{
	size_t from = 0, at = 0;

	*used_out = 0;
	if (!d->in_line && in.len > 0 && in.data[0] == '.') {
		if (in.len == 1 || (in.data[1] == '\r' && in.len == 2))
			return SMTP_DATA_MORE;
		if (in.data[1] == '\r' && in.data[2] == '\n') {
			*used_out = 3;
			return SMTP_DATA_END;
		}
		from = at = 1;
		d->in_line = true;
	}
	while (at < in.len && (d->in_line || in.data[at] != '.'))
		if (!scan_line(d, in, &at))
			break;
	*used_out = at;
	*chunk_out = slice_sub(in, from, at - from);
	if (chunk_out->len == 0)
		return SMTP_DATA_MORE;
	if (memchr(chunk_out->data, 0, chunk_out->len) != NULL)
		d->faults |= SMTP_DATA_NUL;
	return SMTP_DATA_CHUNK;
}

void
smtp_data_check(struct smtp_data *d, struct slice in)
{
	size_t at = 0;

	if (in.len == 0)
		return;
	if (d->cr && in.data[0] == '\n')
		at = 1;
	else if (d->cr)
		d->faults |= SMTP_DATA_BARE_CR;
	d->cr = false;
	while (at < in.len) {
		const uint8_t *from = in.data + at;
		const uint8_t *lf = memchr(from, '\n', in.len - at);
		size_t text = lf == NULL ? in.len - at : (size_t)(lf - from);
		bool has_cr = text > 0 && from[text - 1] == '\r';

		if (memchr(from, '\r', text - has_cr) != NULL)
			d->faults |= SMTP_DATA_BARE_CR;
		if (lf != NULL && !has_cr)
			d->faults |= SMTP_DATA_BARE_LF;
		d->cr = lf == NULL && has_cr;
		at += text + (lf != NULL);
	}
	if (memchr(in.data, 0, in.len) != NULL)
		d->faults |= SMTP_DATA_NUL;
}

void
smtp_data_check_end(struct smtp_data *d)
{
	if (d->cr)
		d->faults |= SMTP_DATA_BARE_CR;
	d->cr = false;
}

/* Octets at the front of in without CR or LF. */
static size_t
plain_run(struct slice in)
{
	const uint8_t *lf = memchr(in.data, '\n', in.len);
	size_t n = lf == NULL ? in.len : (size_t)(lf - in.data);
	const uint8_t *cr = memchr(in.data, '\r', n);

	return cr == NULL ? n : (size_t)(cr - in.data);
}

int
smtp_stuffer_put(struct smtp_stuffer *s, struct slice in, struct buf *out)
{
	while (in.len > 0) {
		uint8_t c = in.data[0];
		size_t run;

		if (c == '\r' || c == '\n') {
			if (c == '\r' || !s->cr)
				(void)buf_put(out, "\r\n", 2);
			s->cr = c == '\r';
			s->in_line = false;
			in = slice_from(in, 1);
			continue;
		}
		if (!s->in_line && c == '.' && !s->plain)
			(void)buf_put_u8(out, '.');
		run = plain_run(in);
		(void)buf_put(out, in.data, run);
		s->in_line = true;
		s->cr = false;
		in = slice_from(in, run);
	}
	return out->err;
}

int
smtp_stuffer_end(struct smtp_stuffer *s, struct buf *out)
{
	if (s->in_line)
		(void)buf_put(out, "\r\n", 2);
	if (!s->plain)
		(void)buf_put(out, ".\r\n", 3);
	*s = (struct smtp_stuffer){ .plain = s->plain };
	return out->err;
}
