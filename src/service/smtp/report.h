/* SPDX-License-Identifier: ISC */
/*
 * The report that a message is in the inboxes of those recipients whose RCPT
 * said NOTIFY=SUCCESS (service/queue/report.h writes it).
 */
#ifndef SERVICE_SMTP_REPORT_H
#define SERVICE_SMTP_REPORT_H

#include "service/queue/report.h"
#include "service/smtp/message.h"

#define SMTP_REPORT_MAX REPORT_MAX

/*
 * Appends the report on m as it is to be kept for m's sender, trace fields
 * included; *header_size_out as the store wants it. trace: hostname, id (of
 * the report's own), now, random. Returns out's sticky error, or ERR_NOMEM.
 */
int smtp_report_write(
    const struct smtp_message *m, const struct smtp_trace *trace, struct buf *out, uint32_t *header_size_out);

#endif
