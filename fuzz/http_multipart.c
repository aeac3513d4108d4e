/* SPDX-License-Identifier: ISC */
/*
 * Any form with files: the first line is the content type, the rest the body. Parts lie in the body, one behind the
 * other, and none of them contains a line that begins with the boundary.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "http/limits.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_part(const struct http_multipart *m, struct slice body, const struct http_part *p)
{
	const uint8_t *end = body.data + body.len;
	BUF_OWNED struct buf line = { 0 };

	buf_init(&line, 128);
	(void)buf_put_str(&line, "\r\n--");
	(void)buf_put_slice(&line, m->boundary);
	if (p->name.len == 0 || p->name.data < body.data || p->name.data + p->name.len > end)
		abort();
	if (p->content.len > 0 && (p->content.data < p->name.data || p->content.data + p->content.len > end))
		abort();
	if (slice_search(p->content, buf_slice(&line)) != SIZE_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body, type = slice_split(slice_of(data, size), '\n', &body);
	struct http_multipart m;
	struct http_part part;
	size_t parts = 0;

	if (http_multipart_begin(type, body, &m, NULL) != 0)
		return 0;
	while (http_multipart_next(&m, &part, NULL) == 0) {
		check_part(&m, body, &part);
		parts++;
	}
	if (parts > HTTP_PARTS_MAX)
		abort();
	return 0;
}
