/* SPDX-License-Identifier: ISC */
/*
 * What parses as a path gives an address that parses again, to itself, and holds nothing that could end a line; over 127
 * only well-formed UTF-8, and said so.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "smtp/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_path p, again;
	struct slice rest;
	struct buf one, two;

	if (smtp_path_parse(slice_of(data, size), &p, &rest, NULL) != 0 || p.domain.len == 0)
		return 0;
	buf_init(&one, SMTP_ADDRESS_MAX);
	buf_init(&two, SMTP_ADDRESS_MAX);
	if (smtp_path_address(&p, &one) != 0 || smtp_mailbox_parse(buf_slice(&one), &again, NULL) != 0 ||
	    smtp_path_address(&again, &two) != 0 || !slice_eq(buf_slice(&one), buf_slice(&two)))
		abort();
	for (size_t i = 0; i < one.len; i++)
		if (one.data[i] < ' ' || one.data[i] == 127)
			abort();
	if (!utf8_valid(buf_slice(&one)) || again.utf8 != p.utf8 || utf8_is_ascii(buf_slice(&one)) == p.utf8)
		abort();
	buf_done(&one);
	buf_done(&two);
	return 0;
}
