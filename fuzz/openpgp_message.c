/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a message, with a session key and a passphrase that the corpus
 * uses: whole or in single octets the same comes out; nothing stays in the
 * buffer of one that was refused; what was read can be written and read again.
 */
#include <stdlib.h>

#include "openpgp/message/decrypt.h"
#include "openpgp/message/encrypt.h"

#define MAX (4u << 20)

struct pieces {
	struct slice in;
	size_t size;
};

static int
pieces_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct pieces *p = ctx;

	(void)e;
	*piece_out = slice_sub(p->in, 0, p->size);
	p->in = slice_from(p->in, piece_out->len);
	return 0;
}

static uint8_t key[] = "0123456789abcdef0123456789abcdef";
static const struct pgp_session sessions[] = {
	{ PGP_AES256, { key, 32 } },
	{ PGP_AES128, { key, 16 } },
};

static int
read_all(struct slice in, size_t size, struct buf *out)
{
	struct pieces p = { in, size };
	struct pgp_decrypt_spec spec = { .sessions = sessions,
		.session_count = 2,
		.accept_unauthenticated_old_packet = true,
		.unencrypted = true,
		.output_max = MAX };
	struct pgp_decrypt_result result;
	int rc = pgp_decrypt((struct pgp_source){ pieces_next, &p }, &spec, pgp_plain_buf(out), &result, NULL);

	pgp_session_done(&result.session);
	if (rc != 0 && out->len != 0)
		abort();
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pgp_encrypt_spec spec = { .container = PGP_CONTAINER_NONE, .compression = (uint8_t)(size % 4) };
	struct buf whole, single, again;
	int rc;

	buf_init(&whole, MAX);
	buf_init(&single, MAX);
	buf_init(&again, 2 * MAX);
	rc = read_all(slice_of(data, size), size, &whole);
	/* Of two things that are wrong, another one may be met first: a packet that is cut, or what it inflates to. */
	if ((read_all(slice_of(data, size), 1, &single) == 0) != (rc == 0) ||
	    !slice_eq(buf_slice(&whole), buf_slice(&single)))
		abort();
	if (rc == 0) {
		buf_clear(&single);
		if (pgp_encrypt(&spec, buf_slice(&whole), &again, NULL) != 0 ||
		    read_all(buf_slice(&again), 4096, &single) != 0 || !slice_eq(buf_slice(&whole), buf_slice(&single)))
			abort();
	}
	buf_done(&whole);
	buf_done(&single);
	buf_done(&again);
	return 0;
}
