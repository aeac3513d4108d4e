/* SPDX-License-Identifier: ISC */
#include "client/sop/stream.h"

#include <unistd.h>

#include "base/mem.h"
#include "client/sop/io.h"

struct sop_stdin {
	struct file_reader r;
	uint8_t *block;
};

static int
next_block(void *ctx, struct slice *piece_out, struct error *e)
{
	struct sop_stdin *s = ctx;
	ssize_t n = file_reader_get(&s->r, s->block, SOP_BLOCK, e);

	if (n < 0)
		return (int)n;
	*piece_out = slice_of(s->block, (size_t)n);
	return 0;
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
	(void)ctx;
	return lseek(STDIN_FILENO, 0, SEEK_SET) == 0
	    ? 0
	    : error_set(e, ERR_IO, "standard input cannot be read a second time");
}

struct pgp_reread
sop_stdin_reread(struct sop_stdin *s)
{
	return (struct pgp_reread){ sop_stdin_source(s), sop_input_size() != UINT64_MAX ? again : NULL, s };
}

void
sop_stdin_free(struct sop_stdin *s)
{
	if (s == NULL)
		return;
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
