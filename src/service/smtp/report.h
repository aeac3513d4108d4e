/* SPDX-License-Identifier: ISC */
/*
 * The report that a message was delivered (DSN: RFC 3461 section 6, 3464; with
 * SMTPUTF8 RFC 6533), for those recipients whose RCPT said NOTIFY=SUCCESS.
 * Failures are refused while the client is still there, so there is no report
 * of another kind here. Its own envelope sender is the null one, and a message
 * with that sender has none: reports provoke no reports.
 */
#ifndef SERVICE_SMTP_REPORT_H
#define SERVICE_SMTP_REPORT_H

#include "service/smtp/message.h"
#include "store/limits.h"

#define SMTP_REPORT_MAX STORE_INLINE_MAX /* octets: what a thousand recipients and a header need */

/*
 * Appends the report on m as it is to be kept for m's sender, trace fields
 * included; *header_size_out as the store wants it. trace: hostname, id (of
 * the report's own), now, random. Returns out's sticky error.
 */
int smtp_report_write(
    const struct smtp_message *m, const struct smtp_trace *trace, struct buf *out, uint32_t *header_size_out);

#endif
