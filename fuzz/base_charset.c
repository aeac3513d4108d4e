/* SPDX-License-Identifier: ISC */
/* The first octet chooses a set: whatever follows, the result is valid UTF-8 within its maximum. */
#include <stdlib.h>

#include "base/charset.h"
#include "base/printable.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "utf-8", "us-ascii", "iso-8859-1", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030",
	"big5", "euc-kr", "iso-2022-kr", "utf-7", "utf-16", "utf-16le", "koi8-r", "windows-1258" };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_from(slice_of(data, size), 1);
	struct buf a, b;

	if (size == 0)
		return 0;
	buf_init(&a, size * 2);
	buf_init(&b, SIZE_MAX);
	(void)charset_to_utf8(slice_str(names[data[0] % (sizeof names / sizeof names[0])]), in, &a, NULL);
	if (a.err == 0 && !utf8_valid(buf_slice(&a)))
		abort();
	(void)printable_put(&b, in, PRINTABLE_TEXT, 1000);
	if (!utf8_valid(buf_slice(&b)) || b.len > 1000)
		abort();
	buf_clear(&b);
	(void)utf8_fold(&b, in);
	(void)utf8_cut_columns(in, 10);
	buf_done(&a);
	buf_done(&b);
	return 0;
}
