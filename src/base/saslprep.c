/* SPDX-License-Identifier: ISC */
#include "base/saslprep.h"

#include <string.h>

#include <stringprep.h>

#include "base/mem.h"
#include "base/utf8.h"

static bool
is_plain(struct slice in)
{
	for (size_t i = 0; i < in.len; i++)
		if (in.data[i] < ' ' || in.data[i] > '~')
			return false;
	return true;
}

static int
put(struct buf *out, struct slice text, struct error *e)
{
	int rc = buf_put_slice(out, text);

	return rc == 0 ? 0 : error_set(e, rc, "no room for a prepared name or password");
}

static int
refusal(int rc, struct error *e)
{
	switch (rc) {
	case STRINGPREP_CONTAINS_UNASSIGNED:
		return error_set(e, ERR_POLICY, "a character that is too new for a name or password");
	case STRINGPREP_CONTAINS_PROHIBITED:
		return error_set(e, ERR_POLICY, "a character that a name or password may not have");
	case STRINGPREP_BIDI_BOTH_L_AND_RAL:
	case STRINGPREP_BIDI_LEADTRAIL_NOT_RAL:
	case STRINGPREP_BIDI_CONTAINS_PROHIBITED:
		return error_set(e, ERR_POLICY, "a name or password that mixes directions of writing");
	case STRINGPREP_TOO_SMALL_BUFFER:
		return error_set(e, ERR_LIMIT, "a name or password that gets too long when it is prepared");
	case STRINGPREP_MALLOC_ERROR:
		return error_nomem(e);
	default:
		return error_set(e, ERR_SYNTAX, "a name or password that cannot be prepared");
	}
}

int
saslprep(struct slice in, bool stored, struct buf *out, struct error *e)
{
	char text[SASLPREP_OUTPUT_MAX];
	int rc;

	if (in.len > SASLPREP_INPUT_MAX)
		return error_set(e, ERR_LIMIT, "a name or password over %u octets", SASLPREP_INPUT_MAX);
	if (is_plain(in))
		return put(out, in, e);
	if (!utf8_valid(in) || slice_find(in, 0) != SIZE_MAX)
		return error_set(e, ERR_SYNTAX, "a name or password that is not UTF-8");
	memcpy(text, in.data, in.len);
	text[in.len] = '\0';
	rc = stringprep(text, sizeof text, stored ? STRINGPREP_NO_UNASSIGNED : 0, stringprep_saslprep);
	rc = rc == STRINGPREP_OK ? put(out, slice_str(text), e) : refusal(rc, e);
	explicit_bzero(text, sizeof text);
	return rc;
}
