/* SPDX-License-Identifier: ISC */
/* armor and dearmor, as streams. */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/sop/sop.h"
#include "client/sop/stream.h"
#include "openpgp/armor.h"
#include "openpgp/packet.h"

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
		return sop_fail(SOP_FAILED, "no memory");
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

/* Which kind, and whether a checksum belongs to it, by the first octets. */
static int
armor_stream(struct slice first, struct pgp_source in, struct pgp_sink out, struct error *e)
{
	enum pgp_armor_kind kind = pgp_armor_kind_of(first);
	struct pgp_header h;
	struct pgp_armor_writer w;
	bool v6 = pgp_header_parse(first, &h, NULL) == 1 && first.len > h.size && first.data[h.size] == 6;
	int rc = pgp_armor_writer_init(&w, kind, !v6, out, e);

	while (rc == 0 && first.len > 0) {
		rc = pgp_armor_writer_put(&w, first, e);
		if (rc == 0)
			rc = pgp_source_next(in, &first, e);
	}
	if (rc == 0)
		rc = pgp_armor_writer_end(&w, e);
	pgp_armor_writer_done(&w);
	return rc;
}

/* Armored data goes through as it is. */
static int
copy(struct slice first, struct pgp_source in, struct pgp_sink out, struct error *e)
{
	int rc = 0;

	while (rc == 0 && first.len > 0) {
		rc = pgp_sink_write(out, first, e);
		if (rc == 0)
			rc = pgp_source_next(in, &first, e);
	}
	return rc;
}

static int
plain_options(int argc, char **argv, const char *usage)
{
	struct option_list arguments = { .count = 0 };
	int rc = sop_options(argc, argv, NULL, 0, usage, &arguments);

	if (rc == 0 && arguments.count != 0)
		rc = sop_fail(SOP_UNSUPPORTED_OPTION, "it reads standard input and takes no argument");
	return rc;
}

int
sop_armor(int argc, char **argv)
{
	struct sop_stdin *s = NULL;
	struct file_writer w;
	struct error e = { 0 };
	struct slice first;
	int rc = plain_options(argc, argv, "armor");

	if (rc == 0)
		rc = sop_stdin_new(&s);
	if (rc != 0)
		return rc;
	rc = pgp_source_next(sop_stdin_source(s), &first, &e);
	if (rc == 0 && first.len == 0)
		rc = error_set(&e, ERR_SYNTAX, "there is nothing on standard input");
	else if (rc == 0 && pgp_armor_looks_armored(first))
		rc = copy(first, sop_stdin_source(s), sop_stdout_sink(&w), &e);
	else if (rc == 0 && (first.data[0] & 0x80) == 0)
		rc = error_set(&e, ERR_SYNTAX, "this is not OpenPGP data");
	else if (rc == 0)
		rc = armor_stream(first, sop_stdin_source(s), sop_stdout_sink(&w), &e);
	sop_stdin_free(s);
	return rc != 0 ? sop_bad(&e) : SOP_OK;
}

int
sop_dearmor(int argc, char **argv)
{
	struct pgp_armor_reader *r = NULL;
	struct sop_stdin *s = NULL;
	struct slice piece = SLICE("x");
	struct file_writer w;
	struct pgp_sink out = sop_stdout_sink(&w);
	struct error e = { 0 };
	int rc = plain_options(argc, argv, "dearmor");

	if (rc == 0)
		rc = sop_stdin_new(&s);
	if (rc != 0)
		return rc;
	rc = pgp_armor_reader_new(sop_stdin_source(s), &r, &e);
	while (rc == 0 && piece.len > 0) {
		rc = pgp_source_next(pgp_armor_reader_source(r), &piece, &e);
		if (rc == 0)
			rc = pgp_sink_write(out, piece, &e);
	}
	pgp_armor_reader_free(r);
	sop_stdin_free(s);
	return rc != 0 ? sop_bad(&e) : SOP_OK;
}
