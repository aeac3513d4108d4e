/* SPDX-License-Identifier: ISC */
#include "client/sop/twice.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/side_hash.h"
#include "client/sop/io.h"
#include "client/sop/native.h"
#include "crypto/aead.h"
#include "crypto/compare.h"
#include "crypto/random.h"
#include "os/file.h"

#define SIZE_MIN (16u << 20) /* octets; smaller ones are held in memory */
#define TAGS_MAX (1u << 30)  /* octets of tags: one of 16 for each MiB */

struct twice {
	struct file_reader in;
	struct file_writer out;
	uint8_t *block;
	bool second;        /* the second reading */
	bool held;          /* what the first reading gives is not to be written */
	struct buf waiting; /* plaintext not written yet: peers cut their messages into 8 KiB, the disk likes more */
	struct aead *mac;
	struct buf tags; /* of the first reading's blocks */
	uint64_t index;  /* of the next block */
	struct side_hash *hash;
};

bool
sop_twice_fits(void)
{
	uint64_t size = sop_input_size();

	return size != UINT64_MAX && size >= SIZE_MIN;
}

static int
block_tag(struct twice *t, struct slice block, uint8_t tag[AEAD_TAG], struct error *e)
{
	uint8_t nonce[12] = { 0 }, none[1];
	uint64_t index = t->index++;

	memcpy(nonce, &index, sizeof index);
	return aead_seal(t->mac, slice_of(nonce, sizeof nonce), block, NULL, 0, none, tag, e);
}

static int
check_block(struct twice *t, struct slice block, struct error *e)
{
	size_t at = (size_t)t->index * AEAD_TAG;
	uint8_t tag[AEAD_TAG];
	int rc = block_tag(t, block, tag, e);

	if (rc != 0)
		return rc;
	if (!t->second)
		return buf_put(&t->tags, tag, sizeof tag) == 0 ? 0
							       : error_set(e, t->tags.err, "the input is too large");
	if (!compare_equal(slice_sub(buf_slice(&t->tags), at, AEAD_TAG), slice_of(tag, AEAD_TAG)))
		return error_set(e, ERR_INTEGRITY, "the input file was changed while it was being decrypted");
	return 0;
}

/* A whole block, or the rest of the file: both readings must cut it alike. */
static int
source_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct twice *t = ctx;
	size_t have = 0;
	ssize_t n = 1;

	*piece_out = SLICE_EMPTY;
	while (have < SOP_BLOCK && n > 0) {
		n = file_reader_get(&t->in, t->block + have, SOP_BLOCK - have, e);
		if (n < 0)
			return (int)n;
		have += (size_t)n;
	}
	*piece_out = slice_of(t->block, have);
	return have == 0 ? 0 : check_block(t, *piece_out, e);
}

static int
plain_begin(void *ctx, const struct pgp_literal *literal, struct error *e)
{
	struct twice *t = ctx;

	(void)e;
	t->held = literal->held && !t->second;
	return 0;
}

static int
flush(struct twice *t, struct error *e)
{
	int rc = file_writer_put(&t->out, buf_slice(&t->waiting), e);

	buf_clear(&t->waiting);
	return rc;
}

static int
plain_write(void *ctx, struct slice data, struct error *e)
{
	struct twice *t = ctx;
	int rc = 0;

	if (t->held)
		return 0;
	if (data.len > t->waiting.max - t->waiting.len)
		rc = flush(t, e);
	if (rc != 0 || data.len > t->waiting.max)
		return rc != 0 ? rc : file_writer_put(&t->out, data, e);
	return buf_put_slice(&t->waiting, data) == 0 ? 0 : error_nomem(e);
}

static int
plain_commit(void *ctx, struct error *e)
{
	return flush(ctx, e);
}

static void
plain_abort(void *ctx)
{
	(void)ctx;
}

/* The second reading's hasher: the file is the same, so its MDC is too. */
static int
known_begin(void *ctx, enum hash_id id, struct error *e)
{
	(void)ctx;
	(void)id;
	(void)e;
	return 0;
}

static void
known_update(void *ctx, struct slice data)
{
	(void)ctx;
	(void)data;
}

static void
known_settle(void *ctx, unsigned left)
{
	(void)ctx;
	(void)left;
}

static int
known_finish(void *ctx, uint8_t *out, struct error *e)
{
	const uint8_t *digest = side_hash_digest(ctx);

	if (digest == NULL)
		return error_set(e, ERR_INTERNAL, "there is no digest of the first reading");
	memcpy(out, digest, hash_size(HASH_SHA1));
	return 0;
}

static int
run(struct twice *t, const struct pgp_decrypt_spec *spec, struct pgp_decrypt_result *result, struct error *e)
{
	static const struct pgp_plain_ops ops = { plain_begin, plain_write, plain_commit, plain_abort };
	struct sop_native native;
	struct pgp_plain plain = sop_native_plain(&native, (struct pgp_plain){ &ops, t });
	int rc = pgp_decrypt((struct pgp_source){ source_next, t }, spec, plain, result, e);

	sop_native_done(&native);
	return rc;
}

/* With the session key that the first reading found: no secret key is asked again. */
static int
run_second(struct twice *t, const struct pgp_decrypt_spec *first, const struct pgp_session *session, struct error *e)
{
	static const struct pgp_hasher_ops known = { known_begin, known_update, known_settle, known_finish };
	const struct pgp_decrypt_spec spec = { .sessions = session,
		.session_count = 1,
		.unencrypted = first->unencrypted,
		.output_max = first->output_max,
		.hasher = { &known, t->hash } };
	struct pgp_decrypt_result result = { 0 };
	int rc;

	if (lseek(STDIN_FILENO, 0, SEEK_SET) != 0)
		return error_set(e, ERR_IO, "standard input cannot be read a second time");
	t->second = true;
	t->index = 0;
	rc = run(t, &spec, &result, e);
	pgp_session_done(&result.session);
	return rc;
}

static int
setup(struct twice *t, struct error *e)
{
	uint8_t key[32];
	int rc = random_bytes(key, sizeof key, e);

	buf_init(&t->tags, TAGS_MAX);
	buf_init(&t->waiting, SOP_BLOCK / 4);
	file_reader_fd(&t->in, STDIN_FILENO, "standard input");
	file_writer_fd(&t->out, STDOUT_FILENO, "standard output");
	t->block = mem_alloc(SOP_BLOCK);
	if (rc == 0)
		rc = t->block == NULL ? error_nomem(e) : side_hash_new(&t->hash, e);
	if (rc == 0)
		rc = aead_new(AEAD_GCM, CIPHER_AES256, CIPHER_ENCRYPT, slice_of(key, sizeof key), &t->mac, e);
	secret_wipe(key, sizeof key);
	return rc;
}

int
sop_twice(const struct pgp_decrypt_spec *spec, struct pgp_decrypt_result *result, struct error *e)
{
	struct pgp_decrypt_spec first = *spec;
	struct twice *t = mem_alloc(sizeof *t);
	int rc;

	if (t == NULL)
		return error_nomem(e);
	rc = setup(t, e);
	if (rc == 0) {
		first.hasher = side_hash_hasher(t->hash);
		rc = run(t, &first, result, e);
	}
	if (rc == 0 && t->held)
		rc = run_second(t, &first, &result->session, e);
	side_hash_free(t->hash);
	aead_free(t->mac);
	buf_done(&t->tags);
	buf_wipe_done(&t->waiting);
	file_reader_done(&t->in);
	file_writer_done(&t->out);
	mem_free(t->block);
	mem_free(t);
	return rc;
}
