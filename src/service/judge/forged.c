/* SPDX-License-Identifier: ISC */
/* A stranger's header has no results of ours, whoever reads it (mime/lax.h). */
#include "mime/lax.h"
#include "service/judge/judge.h"

static bool
claims_ours(struct slice field, struct slice hostname)
{
	struct slice value;

	return mime_lax_named(field, "Authentication-Results", &value) && auth_results_claims(value, hostname);
}

int
judge_strip(struct slice header, struct slice hostname, struct buf *out)
{
	int gone = 0;

	while (header.len > 0) {
		struct slice field = mime_lax_take(&header);

		if (claims_ours(field, hostname))
			gone++;
		else
			(void)buf_put_slice(out, field);
	}
	return out->err != 0 ? out->err : gone;
}
