/* SPDX-License-Identifier: ISC */
/* Any bytes: a signature's parts put together again are its body; its areas are walked within their bounds. */
#include <stdlib.h>

#include "openpgp/sig/sig.h"

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

static void
within(struct slice part, struct slice whole)
{
	if (part.len > 0 && (part.data < whole.data || part.data + part.len > whole.data + whole.len))
		abort();
}

/* What may stand several times: as often as was counted (but for what stops at the maximum), and within the packet. */
static void
repeated(const struct pgp_sig *s)
{
	struct pgp_fingerprint f;
	struct pgp_notation note;
	struct slice part;
	uint8_t algorithm;
	bool sensitive;
	size_t n;

	for (n = 0; pgp_sig_recipient(s, n, &f); n++)
		if (f.len < 16 || f.len > PGP_FINGERPRINT_MAX)
			abort();
	if (s->invalid == NULL && n != s->recipient_count)
		abort();
	for (n = 0; pgp_sig_notation(s, n, &note); n++) {
		within(note.name, s->hashed);
		within(note.value, s->hashed);
	}
	if (s->invalid == NULL && n != s->notation_count)
		abort();
	for (n = 0; pgp_sig_regex(s, n, &part); n++)
		within(part, s->hashed);
	if (s->invalid == NULL && n != s->regex_count)
		abort();
	for (n = 0; pgp_sig_revoker(s, n, &f, &algorithm, &sensitive); n++)
		if (f.len != 20 && f.len != 32)
			abort();
	if (s->invalid == NULL && n != s->revoker_count)
		abort();
	for (n = 0; pgp_sig_embedded(s, n, &part); n++)
		within(part, s->body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
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
	repeated(&s);
	return 0;
}
