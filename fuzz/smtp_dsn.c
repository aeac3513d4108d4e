/* SPDX-License-Identifier: ISC */
/* Values of NOTIFY, RET, ENVID, ORCPT: what is taken is printable when decoded, and is the same when it is written again. */
#include <stdlib.h>

#include "base/utf8.h"
#include "smtp/dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_printable(struct slice in)
{
	for (size_t i = 0; i < in.len; i++)
		if ((in.data[i] < ' ' && in.data[i] != '\t') || in.data[i] == 127)
			abort();
}

static void
check_xtext(struct slice in)
{
	struct buf plain, written, again;

	buf_init(&plain, 1u << 16);
	buf_init(&written, 1u << 18);
	buf_init(&again, 1u << 16);
	if (smtp_xtext_decode(in, &plain) == 0) {
		if (smtp_xtext_write(buf_slice(&plain), &written) != 0 ||
		    smtp_xtext_decode(buf_slice(&written), &again) != 0 ||
		    !slice_eq(buf_slice(&plain), buf_slice(&again)))
			abort();
		if (smtp_envid_valid(in))
			check_printable(buf_slice(&plain));
	} else if (smtp_envid_valid(in)) {
		abort();
	}
	buf_done(&plain);
	buf_done(&written);
	buf_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	enum smtp_return ret;
	unsigned notify;

	if (size > 4096)
		return 0;
	check_xtext(in);
	if (smtp_notify_parse(in, &notify) && (notify == 0 || notify > 15))
		abort();
	if (smtp_return_parse(in, &ret) && ret == SMTP_RETURN_UNSAID)
		abort();
	if (smtp_orcpt_valid(in, false) && (!smtp_orcpt_valid(in, true) || !utf8_is_ascii(in)))
		abort();
	if (smtp_orcpt_valid(in, true)) {
		if (!utf8_valid(in) || in.len > SMTP_ORCPT_MAX)
			abort();
		check_printable(in);
	}
	return 0;
}
