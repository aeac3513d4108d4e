/* SPDX-License-Identifier: ISC */
#include "service/smtp/report.h"

#include <string.h>

#include "base/mem.h"

int
smtp_report_write(
    const struct smtp_message *m, const struct smtp_trace *trace, struct buf *out, uint32_t *header_size_out)
{
	struct report_recipient *recipients = mem_array(m->recipient_count, sizeof *recipients);
	struct report r = { .hostname = trace->hostname,
		.id = trace->id,
		.now = trace->now,
		.to = m->from,
		.utf8 = m->utf8,
		.envid = m->envid,
		.arrival = trace->now,
		.original = buf_slice(&m->original),
		.recipients = recipients };
	uint32_t skip;
	int rc;

	if (recipients == NULL)
		return ERR_NOMEM;
	memcpy(r.random, trace->random, sizeof r.random);
	for (size_t i = 0; i < m->recipient_count; i++) {
		const struct smtp_recipient *one = &m->recipients[i];

		/* What goes on to others is reported when it is there. */
		if ((one->notify & SMTP_NOTIFY_SUCCESS) != 0 && one->inboxes > 0)
			recipients[r.recipient_count++] = (struct report_recipient){
				.address = one->address, .orcpt = one->orcpt, .action = REPORT_DELIVERED
			};
	}
	rc = report_write(&r, out, &skip, header_size_out);
	mem_free(recipients);
	return rc;
}
