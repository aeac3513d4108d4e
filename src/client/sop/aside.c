/* SPDX-License-Identifier: ISC */
#include "client/sop/aside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/sop/sop.h"
#include "crypto/random.h"

#define MEMORY_MAX (32u << 20) /* octets held in memory before they go to a file */

void
sop_aside_init(struct sop_aside *a)
{
	memset(a, 0, sizeof *a);
	buf_init(&a->memory, MEMORY_MAX);
}

/* ---- the file ---- */

static int
put_sealed(struct sop_aside *a, struct slice data, struct error *e)
{
	int rc = 0;

	for (; rc == 0 && data.len > 0; data = slice_from(data, SOP_BLOCK)) {
		struct slice piece = slice_sub(data, 0, SOP_BLOCK);

		rc = cipher_step(a->cipher, piece.data, a->block, piece.len, e);
		if (rc == 0)
			rc = file_writer_put(&a->file, slice_of(a->block, piece.len), e);
	}
	return rc;
}

static int
begin_sealing(struct sop_aside *a, struct error *e)
{
	int rc = secret_random(&a->key, cipher_key_size(CIPHER_AES256), e);

	if (rc == 0)
		rc = cipher_cfb_new(CIPHER_AES256, CIPHER_ENCRYPT, secret_slice(&a->key), SLICE_EMPTY, &a->cipher, e);
	a->block = mem_alloc(SOP_BLOCK);
	return rc == 0 && a->block == NULL ? error_nomem(e) : rc;
}

/* Without a name, or with one only for a moment: so nothing is left when the process is killed. Mode 0600. */
static int
open_file(struct sop_aside *a, struct error *e)
{
	const char *dir = getenv("TMPDIR");
	char path[FILE_PATH_MAX];
	uint64_t n;
	int rc = random_bytes(&n, sizeof n, e);

	if (rc != 0)
		return rc;
	(void)snprintf(
	    path, sizeof path, "%s/letterlock-%016llx", dir == NULL || *dir == 0 ? "/tmp" : dir, (unsigned long long)n);
	rc = file_writer_open_unnamed(&a->file, path, FILE_NEW, e);
	if (rc != 0)
		return rc;
	if (a->file.temporary[0] != '\0')
		(void)unlink(a->file.temporary);
	a->file.temporary[0] = '\0';
	a->spilled = true;
	rc = begin_sealing(a, e);
	if (rc == 0)
		rc = put_sealed(a, buf_slice(&a->memory), e);
	buf_wipe_done(&a->memory);
	return rc;
}

/* ---- putting and reading ---- */

int
sop_aside_put(struct sop_aside *a, struct slice data, struct error *e)
{
	int rc = 0;

	if (!a->spilled && a->memory.len + data.len <= MEMORY_MAX)
		return buf_put_slice(&a->memory, data) != 0 ? error_nomem(e) : 0;
	if (!a->spilled)
		rc = open_file(a, e);
	return rc != 0 ? rc : put_sealed(a, data, e);
}

int
sop_aside_rewind(struct sop_aside *a, struct error *e)
{
	int rc;

	a->given = false;
	if (!a->spilled)
		return 0;
	cipher_free(a->cipher);
	a->cipher = NULL;
	rc = cipher_cfb_new(CIPHER_AES256, CIPHER_DECRYPT, secret_slice(&a->key), SLICE_EMPTY, &a->cipher, e);
	if (rc == 0 && lseek(a->file.fd, 0, SEEK_SET) != 0)
		rc = error_set(e, ERR_IO, "cannot read what was put aside in %s", a->file.path);
	file_reader_fd(&a->reader, a->file.fd, a->file.path);
	return rc;
}

int
sop_aside_next(struct sop_aside *a, struct slice *piece_out, struct error *e)
{
	ssize_t n;
	int rc;

	*piece_out = SLICE_EMPTY;
	if (!a->spilled) {
		if (!a->given)
			*piece_out = buf_slice(&a->memory);
		a->given = true;
		return 0;
	}
	n = file_reader_get(&a->reader, a->block, SOP_BLOCK, e);
	if (n <= 0)
		return (int)n;
	rc = cipher_step(a->cipher, a->block, a->block, (size_t)n, e);
	if (rc == 0)
		*piece_out = slice_of(a->block, (size_t)n);
	return rc;
}

void
sop_aside_done(struct sop_aside *a)
{
	buf_wipe_done(&a->memory);
	if (a->spilled)
		file_writer_done(&a->file);
	a->spilled = false;
	if (a->block != NULL)
		secret_wipe(a->block, SOP_BLOCK);
	mem_free(a->block);
	a->block = NULL;
	cipher_free(a->cipher);
	a->cipher = NULL;
	secret_done(&a->key);
}
