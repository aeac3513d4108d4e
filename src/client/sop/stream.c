/* SPDX-License-Identifier: ISC */
#include "client/sop/stream.h"

#include <unistd.h>

#include "base/mem.h"
#include "client/sop/aside.h"
#include "client/sop/io.h"

#define HEAD "-----BEGIN PGP "
#define SIGNED "SIGNED MESSAGE-----"

struct sop_stdin {
	struct file_reader r;
	uint8_t *block;
	enum { KEEP_NOT, KEEP_UNDECIDED, KEEP } keep;
	struct sop_aside aside; /* what was read, unless KEEP_NOT */
	size_t looked;          /* octets of it in which no head line begins */
	bool again;             /* it is being read again */
};

/* Whether the first armor that begins in it is a signed text. */
static void
decide(struct sop_stdin *s)
{
	struct slice in = slice_from(buf_slice(&s->aside.memory), s->looked);
	size_t at = slice_search(in, SLICE(HEAD));

	if (s->aside.spilled)
		s->keep = KEEP;
	else if (at == SIZE_MAX)
		s->looked += in.len - size_min(in.len, sizeof HEAD - 2);
	else if (in.len - at >= sizeof HEAD - 1 + sizeof SIGNED - 1)
		s->keep = slice_starts(slice_from(in, at + sizeof HEAD - 1), SLICE(SIGNED)) ? KEEP : KEEP_NOT;
	else
		s->looked += at;
	if (s->keep == KEEP_NOT)
		sop_aside_done(&s->aside);
}

static int
put_aside(struct sop_stdin *s, struct slice piece, struct error *e)
{
	/* Packets begin with an octet over 127: no text, and no armor. */
	if (s->keep == KEEP_UNDECIDED && s->aside.memory.len == 0 && piece.len > 0 && (piece.data[0] & 0x80) != 0)
		s->keep = KEEP_NOT;
	if (s->keep == KEEP_NOT || sop_aside_put(&s->aside, piece, e) != 0)
		return s->keep == KEEP_NOT ? 0 : e->code;
	if (s->keep == KEEP_UNDECIDED)
		decide(s);
	return 0;
}

static int
next_block(void *ctx, struct slice *piece_out, struct error *e)
{
	struct sop_stdin *s = ctx;
	ssize_t n;
	int rc;

	if (s->again) {
		rc = sop_aside_next(&s->aside, piece_out, e);
		if (rc != 0 || piece_out->len > 0)
			return rc;
	}
	n = file_reader_get(&s->r, s->block, SOP_BLOCK, e);
	if (n < 0)
		return (int)n;
	*piece_out = slice_of(s->block, (size_t)n);
	return s->again ? 0 : put_aside(s, *piece_out, e);
}

int
sop_stdin_new(struct sop_stdin **out)
{
	struct sop_stdin *s = mem_alloc(sizeof *s);

	if (s != NULL)
		s->block = mem_alloc(SOP_BLOCK);
	if (s == NULL || s->block == NULL) {
		mem_free(s);
		return sop_nomem();
	}
	file_reader_fd(&s->r, STDIN_FILENO, "standard input");
	sop_aside_init(&s->aside);
	*out = s;
	return SOP_OK;
}

struct pgp_source
sop_stdin_source(struct sop_stdin *s)
{
	return (struct pgp_source){ next_block, s };
}

static int
again(void *ctx, struct error *e)
{
	struct sop_stdin *s = ctx;

	if (s->keep == KEEP) {
		s->again = true;
		return sop_aside_rewind(&s->aside, e);
	}
	return lseek(STDIN_FILENO, 0, SEEK_SET) == 0
	    ? 0
	    : error_set(e, ERR_IO, "standard input cannot be read a second time");
}

struct pgp_reread
sop_stdin_reread(struct sop_stdin *s)
{
	if (sop_input_size() == UINT64_MAX)
		s->keep = KEEP_UNDECIDED;
	return (struct pgp_reread){ sop_stdin_source(s), again, s };
}

void
sop_stdin_free(struct sop_stdin *s)
{
	if (s == NULL)
		return;
	sop_aside_done(&s->aside);
	mem_free(s->block);
	mem_free(s);
}

static int
write_out(void *ctx, struct slice data, struct error *e)
{
	return file_writer_put(ctx, data, e);
}

struct pgp_sink
sop_stdout_sink(struct file_writer *w)
{
	file_writer_fd(w, STDOUT_FILENO, "standard output");
	return (struct pgp_sink){ write_out, w };
}
