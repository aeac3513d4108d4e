/* SPDX-License-Identifier: ISC */
/* armor and dearmor, as streams. */
#include "client/sop/sop.h"
#include "client/sop/stream.h"
#include "openpgp/frame/armor.h"
#include "openpgp/frame/packet.h"

#define BEGIN "-----BEGIN PGP "

/* Everything that is read through it is also written: so what goes through can be looked at on its way. */
struct tee {
	struct slice first;
	struct pgp_source in;
	struct pgp_sink out;
};

static int
tee_next(void *ctx, struct slice *piece_out, struct error *e)
{
	struct tee *t = ctx;
	int rc = 0;

	*piece_out = t->first;
	if (t->first.len == 0)
		rc = pgp_source_next(t->in, piece_out, e);
	t->first = SLICE_EMPTY;
	return rc == 0 && piece_out->len > 0 ? pgp_sink_write(t->out, *piece_out, e) : rc;
}

/* To the end, or ERR_SYNTAX, ERR_TRUNCATED: a part of an object is none. */
static int
walk(struct pgp_source in, struct error *e)
{
	struct pgp_packets packets;
	struct pgp_header h;
	int rc;

	pgp_packets_init(&packets, in);
	do
		rc = pgp_packets_next(&packets, &h, e);
	while (rc == 1);
	return rc;
}

/* Which kind, and whether a checksum belongs to it, by the first octets. */
static int
armor_stream(struct slice first, struct pgp_source in, struct pgp_sink out, struct error *e)
{
	enum pgp_armor_kind kind = pgp_armor_kind_of(first);
	struct pgp_header h;
	struct pgp_armor_writer w;
	bool known = pgp_header_parse(first, &h, NULL) == 1 && first.len > h.size;
	bool v6 = known && first.data[h.size] == (h.type == PGP_SEIPD ? 2 : 6);
	struct tee t = { first, in, pgp_armor_writer_sink(&w) };
	int rc = pgp_armor_writer_init(&w, kind, !v6, out, e);

	if (rc == 0)
		rc = walk((struct pgp_source){ tee_next, &t }, e);
	if (rc == 0)
		rc = pgp_armor_writer_end(&w, e);
	pgp_armor_writer_done(&w);
	return rc;
}

/* Whether there is a block in the text, which may have other text before it. */
static bool
has_block(struct slice text)
{
	return slice_search(text, SLICE(BEGIN)) != SIZE_MAX;
}

/* The beginning of a line, and whether the lines before it began a block that they did not end. */
struct lines {
	char head[15];
	size_t len;
	bool inside;
};

static void
end_line(struct lines *l)
{
	struct slice head = slice_of(l->head, l->len);

	l->inside = !slice_starts(head, SLICE("-----END PGP ")) && (l->inside || slice_starts(head, SLICE(BEGIN)));
	l->len = 0;
}

static void
scan(struct lines *l, struct slice piece)
{
	for (size_t i = 0; i < piece.len; i++) {
		if (piece.data[i] == '\n')
			end_line(l);
		else if (l->len < sizeof l->head)
			l->head[l->len++] = (char)piece.data[i];
	}
}

/* Armored data goes through as it is, unless it is cut. */
static int
copy(struct slice first, struct pgp_source in, struct pgp_sink out, struct error *e)
{
	struct lines lines = { .len = 0 };
	int rc = 0;

	while (rc == 0 && first.len > 0) {
		scan(&lines, first);
		rc = pgp_sink_write(out, first, e);
		if (rc == 0)
			rc = pgp_source_next(in, &first, e);
	}
	end_line(&lines);
	return rc == 0 && lines.inside ? error_set(e, ERR_TRUNCATED, "the armor is cut short: its last line is missing")
				       : rc;
}

int
sop_armor(int argc, char **argv)
{
	struct sop_stdin *s = NULL;
	struct file_writer w;
	struct error e = { 0 };
	struct slice first;
	int rc = sop_options("armor", argc, argv, NULL, 0, NULL);

	if (rc == 0)
		rc = sop_stdin_new(&s);
	if (rc != 0)
		return rc;
	rc = pgp_source_next(sop_stdin_source(s), &first, &e);
	if (rc == 0 && first.len == 0)
		rc = error_set(&e, ERR_SYNTAX, "there is nothing on standard input");
	else if (rc == 0 && pgp_armor_looks_armored(first) && has_block(first))
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
	int rc = sop_options("dearmor", argc, argv, NULL, 0, NULL);

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
