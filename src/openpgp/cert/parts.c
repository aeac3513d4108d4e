/* SPDX-License-Identifier: ISC */
#include "openpgp/cert/parts.h"

#include <string.h>

#include "crypto/secret.h"

#define PART_CODE_MIN 9u
#define PART_CODE_MAX 30u

void
pgp_parts_init(struct pgp_parts *p, uint8_t type, struct pgp_sink out)
{
	*p = (struct pgp_parts){ .out = out, .type = type };
}

static int
put_part(struct pgp_parts *p, struct slice s, unsigned code, struct error *e)
{
	uint8_t head[2] = { 0xc0 | p->type, (uint8_t)(224 | code) };
	int rc = pgp_sink_write(p->out, p->begun ? slice_of(head + 1, 1) : slice_of(head, 2), e);

	p->begun = true;
	return rc == 0 ? pgp_sink_write(p->out, s, e) : rc;
}

static void
keep(struct pgp_parts *p, struct slice s)
{
	if (s.len > 0)
		memcpy(p->small + p->small_len, s.data, s.len);
	p->small_len += s.len;
}

int
pgp_parts_put(struct pgp_parts *p, struct slice data, struct error *e)
{
	int rc = 0;

	if (p->small_len > 0) {
		struct slice front = slice_sub(data, 0, PGP_PART_MIN - p->small_len);

		keep(p, front);
		data = slice_from(data, front.len);
		if (p->small_len < PGP_PART_MIN)
			return 0;
		p->small_len = 0;
		rc = put_part(p, slice_of(p->small, PGP_PART_MIN), PART_CODE_MIN, e);
	}
	while (rc == 0 && data.len >= PGP_PART_MIN) {
		unsigned code = PART_CODE_MAX;

		while ((size_t)1 << code > data.len)
			code--;
		rc = put_part(p, slice_sub(data, 0, (size_t)1 << code), code, e);
		data = slice_from(data, (size_t)1 << code);
	}
	if (rc == 0)
		keep(p, data);
	return rc;
}

int
pgp_parts_end(struct pgp_parts *p, struct error *e)
{
	uint8_t head[PGP_HEADER_MAX];
	size_t n = p->begun ? pgp_length_put(head, (uint32_t)p->small_len)
			    : pgp_header_put(head, p->type, (uint32_t)p->small_len);
	int rc = pgp_sink_write(p->out, slice_of(head, n), e);

	return rc == 0 ? pgp_sink_write(p->out, slice_of(p->small, p->small_len), e) : rc;
}

void
pgp_parts_done(struct pgp_parts *p)
{
	secret_wipe(p->small, sizeof p->small);
}
