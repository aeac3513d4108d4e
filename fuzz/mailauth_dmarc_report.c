/* SPDX-License-Identifier: ISC */
/* What is read as a report and can be written is read again as the same. */
#include <stdlib.h>

#include "mailauth/dmarc/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmarc_report report, again;
	struct dmarc_summary summary;
	struct buf once, twice;
	struct arena a;

	arena_init(&a, MAILAUTH_REPORT_ARENA);
	buf_init(&once, MAILAUTH_REPORT_MAX);
	buf_init(&twice, MAILAUTH_REPORT_MAX);
	if (dmarc_report_read(slice_of(data, size), &a, &report, NULL) == 0) {
		dmarc_report_summary(&report, &summary);
		if (summary.passed + summary.neither != summary.messages)
			abort();
		if (dmarc_report_write(&report, &once, NULL) == 0) {
			if (dmarc_report_read(buf_slice(&once), &a, &again, NULL) != 0 || again.count != report.count ||
			    dmarc_report_write(&again, &twice, NULL) != 0 ||
			    !slice_eq(buf_slice(&once), buf_slice(&twice)))
				abort();
		}
	}
	buf_done(&once);
	buf_done(&twice);
	arena_done(&a);
	return 0;
}
