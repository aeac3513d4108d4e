/* SPDX-License-Identifier: ISC */
/* Any bytes: fed at once and octet by octet they give the same requests and bodies, and the bounds hold. */
#include <stdlib.h>

#include "base/buf.h"
#include "http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
drive(struct slice in, size_t step, struct buf *seen)
{
	static const struct http_server_config config = { .body_max = 10000 };
	struct http_server *s;
	struct http_event e;
	size_t at = 0;
	bool moved = true;

	if (http_server_new(&config, &s, NULL) != 0)
		abort();
	while (!http_server_is_done(s) && (at < in.len || moved)) {
		moved = false;
		while (http_server_next(s, 0, &e) != HTTP_NONE) {
			moved = true;
			if (e.type == HTTP_REQUEST)
				(void)buf_put_slice(seen, e.request->target);
			if (e.type == HTTP_BODY)
				(void)buf_put_slice(seen, e.body);
			if (e.type == HTTP_END &&
			    http_server_answer(s, &(struct http_answer){ .status = 200 }, NULL) != 0)
				abort();
		}
		http_server_ops.sent(s, http_server_ops.output(s).len);
		if (!http_server_is_done(s) && at < in.len) {
			at += http_server_ops.feed(s, slice_sub(in, at, step), 0);
			moved = true;
		}
	}
	http_server_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf a, b;

	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	drive(in, SIZE_MAX, &a);
	drive(in, 1, &b);
	if (!slice_eq(buf_slice(&a), buf_slice(&b)))
		abort();
	buf_done(&a);
	buf_done(&b);
	return 0;
}
