/* SPDX-License-Identifier: ISC */
#include "openpgp/frame/mpi.h"

#include <string.h>

int
pgp_mpi_write(struct buf *out, struct slice value)
{
	size_t bits;

	while (value.len > 0 && value.data[0] == 0)
		value = slice_from(value, 1);
	bits = value.len * 8;
	for (uint8_t top = value.len == 0 ? 0x80 : value.data[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		bits--;
	if (bits > UINT16_MAX)
		return out->err = ERR_LIMIT;
	(void)buf_put_u16(out, (uint16_t)bits);
	return buf_put_slice(out, value);
}

struct slice
pgp_mpi_take(struct reader *r)
{
	size_t bits = reader_get_u16(r);

	return reader_get(r, (bits + 7) / 8);
}

bool
pgp_mpi_octets(struct slice mpi, uint8_t *out, size_t len)
{
	if (mpi.len > len)
		return false;
	memset(out, 0, len - mpi.len);
	if (mpi.len > 0)
		memcpy(out + len - mpi.len, mpi.data, mpi.len);
	return true;
}

unsigned
pgp_mpi_bits(struct slice mpi)
{
	while (mpi.len > 0 && mpi.data[0] == 0)
		mpi = slice_from(mpi, 1);
	return mpi.len == 0 ? 0 : (unsigned)(mpi.len * 8) - (unsigned)(__builtin_clz(mpi.data[0]) - 24);
}
