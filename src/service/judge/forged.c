/* SPDX-License-Identifier: ISC */
/*
 * A stranger's header has no results of ours. Fields are found as the laxest
 * reader might: any case, white space before the colon, up to the block's end
 * whatever stands between (mime/header.h stops at what is no field).
 */
#include "service/judge/judge.h"

static bool
is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

/* A field with its continuation lines. */
static size_t
field_length(struct slice in)
{
	size_t at = 0;

	do {
		size_t lf = slice_find(slice_from(in, at), '\n');

		at = lf == SIZE_MAX ? in.len : at + lf + 1;
	} while (at < in.len && (in.data[at] == ' ' || in.data[at] == '\t'));
	return at;
}

static bool
claims_ours(struct slice field, struct slice hostname)
{
	size_t colon = slice_find(field, ':'), end = colon;

	if (colon == SIZE_MAX)
		return false;
	while (end > 0 && is_white(field.data[end - 1]))
		end--;
	return slice_ieq_str(slice_sub(field, 0, end), "Authentication-Results") &&
	    auth_results_claims(slice_from(field, colon + 1), hostname);
}

int
judge_strip(struct slice header, struct slice hostname, struct buf *out)
{
	int gone = 0;

	while (header.len > 0) {
		struct slice field = slice_sub(header, 0, field_length(header));

		if (claims_ours(field, hostname))
			gone++;
		else
			(void)buf_put_slice(out, field);
		header = slice_from(header, field.len);
	}
	return out->err != 0 ? out->err : gone;
}
