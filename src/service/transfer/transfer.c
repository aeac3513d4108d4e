/* SPDX-License-Identifier: ISC */
#include "service/transfer/transfer.h"

#include <stdio.h>

void
transfer_note(struct transfer *t, const char *where, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX * 2];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	t->say(t->ctx, TRANSFER_NOTE, where, ERROR_NO_OFFSET, text);
}

void
transfer_problem(struct transfer *t, const char *where, uint64_t offset, const char *text)
{
	t->counts.failed++;
	t->say(t->ctx, TRANSFER_PROBLEM, where, offset, text);
}

bool
transfer_is_fatal(int code)
{
	switch (code) {
	case ERR_NOMEM:
	case ERR_IO:
	case ERR_FULL:
	case ERR_NET:
	case ERR_CLOSED:
	case ERR_NOT_FOUND: /* the account or the mailbox was removed meanwhile */
	case ERR_DENIED:
	case ERR_INTERNAL:
		return true;
	default:
		return false;
	}
}
