/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/stream.h"

static int
slice_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct slice *in = ctx;

	(void)e;
	*piece_out = *in;
	*in = slice_from(*in, in->len);
	return 0;
}

struct pgp_source
pgp_source_slice(struct slice *in)
{
	return (struct pgp_source){ slice_next, in };
}

static int
buf_write(void *ctx, struct slice data, struct error *e)
{
	int rc = buf_put_slice(ctx, data);

	if (rc == ERR_NOMEM)
		return error_nomem(e);
	return rc == 0 ? 0 : error_set(e, rc, "the output is larger than its limit");
}

struct pgp_sink
pgp_sink_buf(struct buf *out)
{
	return (struct pgp_sink){ buf_write, out };
}
