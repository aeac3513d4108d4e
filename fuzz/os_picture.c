/* SPDX-License-Identifier: ISC */
/* A picture is read whole or not at all, within its bounds; looking for codes in it ends. */
#include <stdlib.h>

#include "os/picture.h"

#define SIDE_MAX 1000u /* for codes: a fuzzer's second is short */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
take(void *ctx, struct slice text, struct error *e)
{
	(void)e;
	*(size_t *)ctx += text.len;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct picture p;
	size_t count, octets = 0;

	if (picture_read(slice_of(data, size), &p, NULL) != 0)
		return 0;
	if (p.grey.len != (size_t)p.width * p.height || p.grey.len > PICTURE_PIXELS_MAX)
		abort();
	if (p.width < SIDE_MAX && p.height < SIDE_MAX &&
	    (picture_codes(&p, take, &octets, &count, NULL) != 0 || count > PICTURE_CODES_MAX))
		abort();
	picture_done(&p);
	return 0;
}
