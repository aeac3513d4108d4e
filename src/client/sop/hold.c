/* SPDX-License-Identifier: ISC */
#include "client/sop/hold.h"

#include <string.h>
#include <unistd.h>

static int
begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct sop_hold *h = ctx;

	(void)e;
	h->held = literal->held;
	return 0;
}

static int
write_plain(void *ctx, struct slice data, struct error *e)
{
	struct sop_hold *h = ctx;

	return h->held ? sop_aside_put(&h->aside, data, e) : file_writer_put(&h->out, data, e);
}

static int
commit(void *ctx, struct error *e)
{
	struct sop_hold *h = ctx;
	struct slice piece = SLICE("x");
	int rc = h->held ? sop_aside_rewind(&h->aside, e) : 0;

	while (rc == 0 && h->held && piece.len > 0) {
		rc = sop_aside_next(&h->aside, &piece, e);
		if (rc == 0 && piece.len > 0)
			rc = file_writer_put(&h->out, piece, e);
	}
	return rc;
}

static void
drop(void *ctx)
{
	struct sop_hold *h = ctx;

	sop_aside_done(&h->aside);
}

void
sop_hold_init(struct sop_hold *h)
{
	memset(h, 0, sizeof *h);
	sop_aside_init(&h->aside);
	file_writer_fd(&h->out, STDOUT_FILENO, "standard output");
}

struct pgp_plain
sop_hold_plain(struct sop_hold *h)
{
	static const struct pgp_plain_ops ops = { begin, write_plain, commit, drop };

	return (struct pgp_plain){ &ops, h };
}

void
sop_hold_done(struct sop_hold *h)
{
	sop_aside_done(&h->aside);
	file_writer_done(&h->out);
}
