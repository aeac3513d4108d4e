/* SPDX-License-Identifier: ISC */
#include "client/sop/hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/sop/sop.h"
#include "crypto/random.h"

#define MEMORY_MAX (32u << 20) /* octets held in memory before they go to a file */

static int
begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct sop_hold *h = ctx;

	(void)e;
	h->held = literal->held;
	return 0;
}

static int
put_sealed(struct sop_hold *h, struct slice data, struct error *e)
{
	int rc = 0;

	for (; rc == 0 && data.len > 0; data = slice_from(data, SOP_BLOCK)) {
		struct slice piece = slice_sub(data, 0, SOP_BLOCK);

		rc = cipher_step(h->cipher, piece.data, h->block, piece.len, e);
		if (rc == 0)
			rc = file_writer_put(&h->file, slice_of(h->block, piece.len), e);
	}
	return rc;
}

static int
begin_sealing(struct sop_hold *h, struct error *e)
{
	int rc = secret_random(&h->key, cipher_key_size(CIPHER_AES256), e);

	if (rc == 0)
		rc = cipher_cfb_new(CIPHER_AES256, CIPHER_ENCRYPT, secret_slice(&h->key), SLICE_EMPTY, &h->cipher, e);
	h->block = mem_alloc(SOP_BLOCK);
	return rc == 0 && h->block == NULL ? error_nomem(e) : rc;
}

/* A name of its own that nobody can guess, with mode 0600. */
static int
open_file(struct sop_hold *h, struct error *e)
{
	const char *dir = getenv("TMPDIR");
	char path[FILE_PATH_MAX];
	uint64_t n;
	int rc = random_bytes(&n, sizeof n, e);

	if (rc != 0)
		return rc;
	(void)snprintf(
	    path, sizeof path, "%s/letterlock-%016llx", dir == NULL || *dir == 0 ? "/tmp" : dir, (unsigned long long)n);
	rc = file_writer_open(&h->file, path, 0600, FILE_NEW, e);
	if (rc != 0)
		return rc;
	h->spilled = true;
	rc = begin_sealing(h, e);
	if (rc == 0)
		rc = put_sealed(h, buf_slice(&h->memory), e);
	buf_wipe_done(&h->memory);
	return rc;
}

static int
write_plain(void *ctx, struct slice data, struct error *e)
{
	struct sop_hold *h = ctx;
	int rc = 0;

	if (!h->held)
		return file_writer_put(&h->out, data, e);
	if (!h->spilled && h->memory.len + data.len <= MEMORY_MAX)
		return buf_put_slice(&h->memory, data) != 0 ? error_nomem(e) : 0;
	if (!h->spilled)
		rc = open_file(h, e);
	return rc != 0 ? rc : put_sealed(h, data, e);
}

static int
copy_file(struct sop_hold *h, struct error *e)
{
	struct file_reader r;
	ssize_t n = 1;
	int rc;

	cipher_free(h->cipher);
	h->cipher = NULL;
	rc = cipher_cfb_new(CIPHER_AES256, CIPHER_DECRYPT, secret_slice(&h->key), SLICE_EMPTY, &h->cipher, e);
	if (rc == 0)
		rc = file_reader_open(&r, h->file.temporary, e);
	if (rc != 0)
		return rc;
	while (rc == 0 && n > 0) {
		n = file_reader_get(&r, h->block, SOP_BLOCK, e);
		rc = n < 0 ? (int)n : cipher_step(h->cipher, h->block, h->block, (size_t)n, e);
		if (rc == 0)
			rc = file_writer_put(&h->out, slice_of(h->block, (size_t)n), e);
	}
	file_reader_done(&r);
	return rc;
}

static int
commit(void *ctx, struct error *e)
{
	struct sop_hold *h = ctx;

	if (!h->held)
		return 0;
	return h->spilled ? copy_file(h, e) : file_writer_put(&h->out, buf_slice(&h->memory), e);
}

static void
drop(void *ctx)
{
	struct sop_hold *h = ctx;

	buf_wipe_done(&h->memory);
}

void
sop_hold_init(struct sop_hold *h)
{
	memset(h, 0, sizeof *h);
	buf_init(&h->memory, MEMORY_MAX);
	file_writer_fd(&h->out, STDOUT_FILENO, "standard output");
}

struct pgp_plain
sop_hold_plain(struct sop_hold *h)
{
	static const struct pgp_plain_ops ops = { begin, write_plain, commit, drop };

	return (struct pgp_plain){ &ops, h };
}

void
sop_hold_done(struct sop_hold *h)
{
	buf_wipe_done(&h->memory);
	if (h->spilled)
		file_writer_done(&h->file);
	if (h->block != NULL)
		secret_wipe(h->block, SOP_BLOCK);
	mem_free(h->block);
	cipher_free(h->cipher);
	secret_done(&h->key);
	file_writer_done(&h->out);
}
