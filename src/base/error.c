/* SPDX-License-Identifier: ISC */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[0] = "ok",
	[-ERR_NOMEM] = "no-memory",
	[-ERR_LIMIT] = "limit",
	[-ERR_SYNTAX] = "syntax",
	[-ERR_UNSUPPORTED] = "unsupported",
	[-ERR_INTEGRITY] = "integrity",
	[-ERR_SIGNATURE] = "signature",
	[-ERR_NO_KEY] = "no-key",
	[-ERR_PASSWORD] = "password",
	[-ERR_POLICY] = "policy",
	[-ERR_NOT_FOUND] = "not-found",
	[-ERR_EXISTS] = "exists",
	[-ERR_DENIED] = "denied",
	[-ERR_ORDER] = "state",
	[-ERR_IO] = "io",
	[-ERR_FULL] = "full",
	[-ERR_NET] = "net",
	[-ERR_TLS] = "tls",
	[-ERR_TIMEOUT] = "timeout",
	[-ERR_USAGE] = "usage",
	[-ERR_CRYPTO] = "crypto",
	[-ERR_TRUNCATED] = "truncated",
	[-ERR_CLOSED] = "closed",
	[-ERR_INTERNAL] = "internal",
};

const char *
error_name(int code)
{
	if (code > 0 || code < ERR_INTERNAL)
		return "unknown";
	return names[-code];
}

static void __attribute__((format(printf, 2, 0))) set_text(struct error *e, const char *fmt, va_list ap)
{
	if (vsnprintf(e->text, sizeof e->text, fmt, ap) < 0)
		e->text[0] = '\0';
	/* A peer's bytes may be quoted in the sentence: none of them may reach a terminal or a log line as a control. */
	for (char *p = e->text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
}

int
error_set(struct error *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	e->code = code;
	e->offset = ERROR_NO_OFFSET;
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	return code;
}

int
error_set_at(struct error *e, int code, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	e->code = code;
	e->offset = offset;
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	return code;
}

int
error_set_errno(struct error *e, int code, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t n;
	char why[96] = "";

	if (e == NULL)
		return code;
	e->code = code;
	e->offset = ERROR_NO_OFFSET;
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	(void)snprintf(e->text + n, sizeof e->text - n, ": %s", strerror_r(errnum, why, sizeof why));
	return code;
}

int
error_context(struct error *e, const char *fmt, ...)
{
	char old[ERROR_TEXT_MAX];
	va_list ap;
	size_t n;

	if (e == NULL)
		return ERR_INTERNAL;
	memcpy(old, e->text, sizeof old);
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	(void)snprintf(e->text + n, sizeof e->text - n, ": %s", old);
	return e->code;
}

int
error_nomem(struct error *e)
{
	return error_set(e, ERR_NOMEM, "out of memory");
}
