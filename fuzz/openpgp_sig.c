/* SPDX-License-Identifier: ISC */
/* Any bytes: a signature's parts put together again are its body; its areas are walked within their bounds. */
#include <stdlib.h>

#include "openpgp/sig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the walked subpackets again and compares: only when lengths were in their shortest form. */
static size_t
walk(struct slice area)
{
	struct pgp_subpacket p;
	size_t at = 0, octets = 0;

	while (pgp_subpacket_next(area, &at, &p)) {
		octets += p.body.len;
		if (at > area.len || (p.body.len > 0 && p.body.data + p.body.len > area.data + area.len))
			abort();
	}
	return octets;
}

static void
put_area(struct buf *b, uint8_t version, struct slice area)
{
	if (version == 6)
		(void)buf_put_u32(b, (uint32_t)area.len);
	else
		(void)buf_put_u16(b, (uint16_t)area.len);
	(void)buf_put_slice(b, area);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct pgp_fingerprint f;
	struct pgp_sig s;
	struct buf b;

	if (pgp_sig_parse(in, &s, NULL) != 0 || s.version <= 3)
		return 0;
	buf_init(&b, 4 << 20);
	(void)buf_put_u8(&b, s.version);
	(void)buf_put_u8(&b, s.type);
	(void)buf_put_u8(&b, s.algorithm);
	(void)buf_put_u8(&b, s.hash);
	put_area(&b, s.version, s.hashed);
	if (!slice_eq(buf_slice(&b), s.prefix))
		abort();
	put_area(&b, s.version, s.unhashed);
	(void)buf_put(&b, s.left16, 2);
	if (s.version == 6) {
		(void)buf_put_u8(&b, (uint8_t)s.salt.len);
		(void)buf_put_slice(&b, s.salt);
	}
	(void)buf_put_slice(&b, s.material);
	if (!slice_eq(buf_slice(&b), in))
		abort();
	buf_done(&b);
	if (walk(s.hashed) > s.hashed.len || walk(s.unhashed) > s.unhashed.len)
		abort();
	for (size_t i = 0; pgp_sig_recipient(&s, i, &f); i++)
		if (f.len != 20 && f.len != 32)
			abort();
	return 0;
}
