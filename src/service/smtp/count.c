/* SPDX-License-Identifier: ISC */
#include "service/smtp/count.h"

#include "os/metrics.h"

static const struct row {
	enum smtp_reply reply;
	enum metric_verdict verdict;
} rows[] = {
	{ SMTP_REPLY_SIZE_TOO_BIG, METRIC_TOO_LARGE },
	{ SMTP_REPLY_TOO_BIG, METRIC_TOO_LARGE },
	{ SMTP_REPLY_HEADER_TOO_BIG, METRIC_TOO_LARGE },
	{ SMTP_REPLY_RECIPIENT_UNKNOWN, METRIC_NO_RECIPIENT },
	{ SMTP_REPLY_RECIPIENT_ELSEWHERE, METRIC_NO_RECIPIENT },
	{ SMTP_REPLY_HOUR_FULL, METRIC_TEMPORARY },
	{ SMTP_REPLY_QUEUE_FULL, METRIC_TEMPORARY },
	{ SMTP_REPLY_LOOP, METRIC_LOOP },
};

void
smtp_count_reply(enum smtp_reply reply)
{
	unsigned code = smtp_reply_code(reply);
	enum metric_verdict verdict = code >= 500 ? METRIC_POLICY : METRIC_TEMPORARY;

	if (code < 400)
		return;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].reply == reply)
			verdict = rows[i].verdict;
	metric_add(METRIC_MESSAGES_REFUSED_TOTAL + verdict, 1);
}

/* enum metric_protocol has the order of the roles. */

void
smtp_count_octets(enum service_role role, uint64_t octets)
{
	metric_add(METRIC_MESSAGES_RECEIVED_BYTES_TOTAL + (unsigned)role - 1, (int64_t)octets);
}

void
smtp_count_kept(enum service_role role, uint64_t inboxes)
{
	metric_add(METRIC_MESSAGES_RECEIVED_TOTAL + (unsigned)role - 1, 1);
	metric_add(METRIC_DELIVERIES_TOTAL, (int64_t)inboxes);
}
