/* SPDX-License-Identifier: ISC */
#include "base/zbase32.h"

int
zbase32_write(struct buf *out, struct slice in)
{
	static const char alphabet[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < in.len; i++) {
		bits = bits << 8 | in.data[i];
		for (have += 8; have >= 5; have -= 5)
			(void)buf_put_u8(out, (uint8_t)alphabet[bits >> (have - 5) & 31]);
	}
	if (have > 0)
		(void)buf_put_u8(out, (uint8_t)alphabet[bits << (5 - have) & 31]);
	return out->err;
}
