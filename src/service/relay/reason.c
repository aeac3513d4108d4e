/* SPDX-License-Identifier: ISC */
/* Why something was not sent, in words. */
#include "service/relay/internal.h"

#include <stdio.h>
#include <string.h>

static void
set_status(struct relay_reason *out, struct slice status)
{
	char class = out->result == QUEUE_FAILED ? '5' : '4';

	(void)snprintf(out->status, sizeof out->status, "%.*s", (int)status.len, (const char *)status.data);
	if (out->status[0] != '\0')
		out->status[0] = class;
}

void
relay_reason_set(struct relay_reason *out, uint32_t result, const char *status, const char *fmt, ...)
{
	char text[RELAY_REASON_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* may quote what stands in *out */
	va_end(args);
	*out = (struct relay_reason){ .result = result };
	memcpy(out->text, text, sizeof text);
	set_status(out, slice_str(status));
}

/* RFC 3463 section 2: three numbers. */
static bool
is_status(struct slice s)
{
	return s.len >= 5 && s.len < QUEUE_STATUS_MAX && s.data[1] == '.';
}

void
relay_reason_of(struct relay_reason *out, const struct smtp_answer *a, const char *fallback)
{
	size_t n;

	*out = (struct relay_reason){ .result = a->code >= 500 ? QUEUE_FAILED : QUEUE_DEFERRED, .from_remote = true };
	set_status(out, is_status(a->enhanced) ? a->enhanced : slice_str(fallback));
	(void)snprintf(out->text, sizeof out->text, "%u%s%.*s %.*s", a->code, a->enhanced.len > 0 ? " " : "",
	    (int)a->enhanced.len, (const char *)a->enhanced.data, (int)size_min(a->text.len, RELAY_REASON_MAX),
	    (const char *)a->text.data);
	n = strlen(out->text);
	for (size_t i = 0; i < n; i++)
		if (out->text[i] == '\n' || out->text[i] == '\r')
			out->text[i] = ' ';
}
