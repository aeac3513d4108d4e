/* SPDX-License-Identifier: ISC */
/* Writing a text in the cleartext framework (RFC 9580 section 7). */
#include "base/mem.h"
#include "openpgp/frame/armor.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/sig/cleartext_lines.h"

#define STEP (64u << 10) /* octets of text taken at a time */
#define PENDING_MAX (1u << 20)
#define SIGNATURES_MAX (64u << 20)

struct pgp_cleartext_writer {
	struct pgp_maker *maker;
	struct pgp_sink out;
	struct cleartext_blanks blanks;
	struct buf line;    /* the beginning of a line, until it is known how it begins */
	struct buf text;    /* for the maker */
	struct buf escaped; /* for the sink */
	bool inside;        /* of a line whose beginning is out */
};

/* Names the hashes of version 4 signatures that have a SHA-2 digest (section 6.2.2.3). */
static void
put_hash_header(const struct pgp_maker *maker, struct buf *out)
{
	static const uint8_t named[] = { PGP_SHA224, PGP_SHA256, PGP_SHA384, PGP_SHA512 };
	bool any = false;

	for (size_t i = 0; i < sizeof named; i++) {
		if (!pgp_maker_uses(maker, 4, named[i]))
			continue;
		(void)buf_putf(out, "%s%s", any ? "," : "Hash: ", pgp_hash_text_name(named[i]));
		any = true;
	}
	if (any)
		(void)buf_put_u8(out, '\n');
}

static int
flush(struct pgp_cleartext_writer *w, struct error *e)
{
	int rc;

	if (w->text.err != 0 || w->escaped.err != 0)
		return error_set(e, w->text.err != 0 ? w->text.err : w->escaped.err, "there is no room for the text");
	rc = pgp_maker_feed(w->maker, buf_slice(&w->text), e);
	if (rc == 0)
		rc = pgp_sink_write(w->out, buf_slice(&w->escaped), e);
	buf_clear(&w->text);
	buf_clear(&w->escaped);
	return rc;
}

int
pgp_cleartext_writer_new(
    struct pgp_maker *maker, struct pgp_sink out, struct pgp_cleartext_writer **writer_out, struct error *e)
{
	struct pgp_cleartext_writer *w;
	int rc;

	if (pgp_maker_type(maker) != PGP_SIG_TEXT)
		return error_set(e, ERR_USAGE, "the cleartext framework signs text");
	w = mem_alloc(sizeof *w);
	if (w == NULL)
		return error_nomem(e);
	w->maker = maker;
	w->out = out;
	cleartext_blanks_init(&w->blanks, true);
	buf_init(&w->line, CLEARTEXT_HEAD);
	buf_init(&w->text, PENDING_MAX);
	buf_init(&w->escaped, PENDING_MAX);
	(void)buf_put_str(&w->escaped, CLEARTEXT_SIGNED "\n");
	put_hash_header(maker, &w->escaped);
	(void)buf_put_u8(&w->escaped, '\n');
	rc = flush(w, e);
	if (rc != 0) {
		pgp_cleartext_writer_free(w);
		return rc;
	}
	*writer_out = w;
	return 0;
}

void
pgp_cleartext_writer_free(struct pgp_cleartext_writer *w)
{
	if (w == NULL)
		return;
	cleartext_blanks_done(&w->blanks);
	buf_done(&w->line);
	buf_done(&w->text);
	buf_done(&w->escaped);
	mem_free(w);
}

/* What the blanks gave goes both ways; the text buf holds it from `from` on. */
static int
both(struct pgp_cleartext_writer *w, size_t from, struct error *e)
{
	struct slice added = slice_from(buf_slice(&w->text), from);

	if (buf_put_slice(&w->escaped, added) != 0)
		return error_set(e, w->escaped.err, "there is no room for the text");
	return w->escaped.len > STEP ? flush(w, e) : 0;
}

static int
put_part(struct pgp_cleartext_writer *w, struct slice part, struct error *e)
{
	size_t from = w->text.len;
	int rc = cleartext_blanks_put(&w->blanks, part, &w->text, e);

	return rc == 0 ? both(w, from, e) : rc;
}

static int
end_line(struct pgp_cleartext_writer *w, bool lf, struct error *e)
{
	size_t from = w->text.len;
	bool crlf;
	int rc = cleartext_blanks_end(&w->blanks, lf, &crlf, &w->text, e);

	if (lf)
		(void)buf_put_str(&w->text, crlf ? "\r\n" : "\n");
	w->inside = false;
	return rc == 0 ? both(w, from, e) : rc;
}

/* How the line begins is known: by five octets, or by all of it. */
static int
begin_line(struct pgp_cleartext_writer *w, struct error *e)
{
	struct slice line = buf_slice(&w->line);
	int rc;

	/* "From " is changed by what keeps mail in mbox files (section 7.2: SHOULD). */
	if (slice_starts(line, SLICE("-")) || slice_starts(line, SLICE("From ")))
		(void)buf_put_str(&w->escaped, "- ");
	rc = put_part(w, line, e);
	buf_clear(&w->line);
	w->inside = true;
	return rc;
}

/* One stretch of a line; lf: its end. */
static int
put_stretch(struct pgp_cleartext_writer *w, struct slice s, bool lf, struct error *e)
{
	int rc = 0;

	if (!w->inside) {
		struct slice head = slice_sub(s, 0, 5 - size_min(w->line.len, 5));

		if (buf_put_slice(&w->line, head) != 0)
			return error_nomem(e);
		s = slice_from(s, head.len);
		if (w->line.len >= 5 || lf)
			rc = begin_line(w, e);
	}
	if (rc == 0 && s.len > 0)
		rc = put_part(w, s, e);
	return rc == 0 && lf ? end_line(w, true, e) : rc;
}

int
pgp_cleartext_writer_put(struct pgp_cleartext_writer *w, struct slice text, struct error *e)
{
	int rc = 0;

	while (text.len > 0 && rc == 0) {
		struct slice look = slice_sub(text, 0, STEP);
		size_t at = slice_find(look, '\n');
		bool lf = at != SIZE_MAX;

		look = slice_sub(look, 0, lf ? at : look.len);
		text = slice_from(text, look.len + lf);
		rc = put_stretch(w, look, lf, e);
	}
	return rc;
}

static int
put_signatures(struct pgp_cleartext_writer *w, struct error *e)
{
	struct buf packets BUF_OWNED = { 0 };
	struct pgp_armor_writer armor;
	int rc;

	buf_init(&packets, SIGNATURES_MAX);
	rc = pgp_maker_finish(w->maker, false, &packets, e);
	if (rc != 0)
		return rc;
	rc = pgp_armor_writer_init(&armor, PGP_ARMOR_SIGNATURE, !pgp_maker_uses(w->maker, 6, 0), w->out, e);
	if (rc == 0)
		rc = pgp_armor_writer_put(&armor, buf_slice(&packets), e);
	if (rc == 0)
		rc = pgp_armor_writer_end(&armor, e);
	pgp_armor_writer_done(&armor);
	return rc;
}

int
pgp_cleartext_writer_end(struct pgp_cleartext_writer *w, struct error *e)
{
	int rc = 0;

	if (!w->inside && w->line.len > 0)
		rc = begin_line(w, e);
	if (rc == 0)
		rc = end_line(w, false, e);
	/* The line end that belongs to the framework. */
	if (rc == 0 && buf_put_u8(&w->escaped, '\n') != 0)
		rc = error_nomem(e);
	if (rc == 0)
		rc = flush(w, e);
	return rc == 0 ? put_signatures(w, e) : rc;
}
