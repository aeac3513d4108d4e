/* SPDX-License-Identifier: ISC */
#include "client/sop/native.h"

#include "client/sop/sop.h"

static int
native_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct sop_native *n = ctx;

	n->text = literal->format == 'u' || literal->format == 't';
	return n->inner.ops->begin(n->inner.ctx, literal, e);
}

/* Appends data with LF for CR LF; a CR at its end waits for what comes next. */
static void
put_native(struct sop_native *n, struct slice data)
{
	if (n->cr && data.data[0] != '\n')
		(void)buf_put_u8(&n->lf, '\r');
	n->cr = false;
	while (data.len > 0) {
		size_t at = slice_search(data, SLICE("\r\n"));
		struct slice run = slice_sub(data, 0, at == SIZE_MAX ? data.len : at);

		data = slice_from(data, at == SIZE_MAX ? data.len : at + 1);
		if (at == SIZE_MAX && run.data[run.len - 1] == '\r') {
			n->cr = true;
			run.len--;
		}
		(void)buf_put_slice(&n->lf, run);
	}
}

static int
write_native(struct sop_native *n, struct error *e)
{
	int rc = n->lf.err != 0 ? error_nomem(e) : 0;

	if (rc == 0 && n->lf.len > 0)
		rc = n->inner.ops->write(n->inner.ctx, buf_slice(&n->lf), e);
	buf_clear(&n->lf);
	return rc;
}

static int
native_write(void *ctx, struct slice data, struct error *e)
{
	struct sop_native *n = ctx;
	int rc = 0;

	if (!n->text)
		return n->inner.ops->write(n->inner.ctx, data, e);
	for (; rc == 0 && data.len > 0; data = slice_from(data, SOP_BLOCK)) {
		put_native(n, slice_sub(data, 0, SOP_BLOCK));
		rc = write_native(n, e);
	}
	return rc;
}

static int
native_commit(void *ctx, struct error *e)
{
	struct sop_native *n = ctx;
	int rc = 0;

	if (n->cr)
		(void)buf_put_u8(&n->lf, '\r');
	n->cr = false;
	rc = write_native(n, e);
	return rc != 0 ? rc : n->inner.ops->commit(n->inner.ctx, e);
}

static void
native_abort(void *ctx)
{
	struct sop_native *n = ctx;

	n->inner.ops->abort(n->inner.ctx);
}

struct pgp_plain
sop_native_plain(struct sop_native *n, struct pgp_plain inner)
{
	static const struct pgp_plain_ops ops = { native_begin, native_write, native_commit, native_abort };

	*n = (struct sop_native){ .inner = inner };
	buf_init(&n->lf, SOP_BLOCK + 1);
	return (struct pgp_plain){ &ops, n };
}

void
sop_native_done(struct sop_native *n)
{
	buf_wipe_done(&n->lf);
}
