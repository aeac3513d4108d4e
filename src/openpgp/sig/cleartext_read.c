/* SPDX-License-Identifier: ISC */
/* Reading a text in the cleartext framework (RFC 9580 section 7). */
#include <string.h>

#include "base/mem.h"
#include "openpgp/frame/armor.h"
#include "openpgp/sig/cleartext.h"
#include "openpgp/sig/cleartext_lines.h"
#include "openpgp/frame/packet.h"

#define FLUSH (64u << 10)
#define PENDING_MAX (1u << 20)

/* Where the text goes on one way through the input. */
struct target {
	struct pgp_verifier *verifier; /* gets it with CR LF; NULL: nobody gets it */
	struct pgp_plain plain;        /* with its own line ends */
	uint64_t length;
};

struct way {
	struct cleartext_source in;
	struct cleartext_blanks blanks;
	struct target *target; /* NULL: only look where the text ends */
	struct buf canonical, text;
	const char *line_end; /* of the line before, which comes only when there is one behind it; "" at first */
	struct pgp_cleartext_result *result;
};

/* ---- in front of the text ---- */

static bool
is_armor_line(struct slice line)
{
	return slice_starts(line, SLICE("-----BEGIN PGP ")) || slice_starts(line, SLICE("-----END PGP "));
}

static int
seek(struct way *w, struct error *e)
{
	struct cleartext_part p;
	int rc;

	while ((rc = cleartext_source_next(&w->in, &p, e)) == 1) {
		if (!p.first)
			continue;
		if (cleartext_is_border(p.data, CLEARTEXT_SIGNED) && p.last)
			return 0;
		if (is_armor_line(p.data))
			return error_set_at(
			    e, ERR_SYNTAX, w->in.offset, "there is other armor in front of the signed text");
		w->result->before = w->result->before || slice_trim(p.data).len > 0;
	}
	return rc < 0 ? rc : error_set(e, ERR_SYNTAX, "there is no signed text");
}

static bool
is_hash_name(struct slice name)
{
	for (uint8_t id = 0; id < 32; id++) {
		const char *known = pgp_hash_text_name(id);

		if (known != NULL && slice_eq_str(name, known))
			return true;
	}
	return false;
}

static struct slice
without_blanks(struct slice s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s = slice_sub(s, 0, s.len - 1);
	return s;
}

/* Only a list of names of hashes: anything more is text that nobody signed (section 6.2.2.3). */
static bool
is_hash_header(struct slice line)
{
	if (!slice_starts(line, SLICE("Hash:")))
		return false;
	line = slice_from(line, 5);
	for (;;) {
		size_t comma = slice_find(line, ',');

		if (!is_hash_name(without_blanks(slice_sub(line, 0, comma))))
			return false;
		if (comma == SIZE_MAX)
			return true;
		line = slice_from(line, comma + 1);
	}
}

static int
headers(struct way *w, struct error *e)
{
	struct cleartext_part p;
	int rc;

	for (unsigned count = 0; (rc = cleartext_source_next(&w->in, &p, e)) == 1; count++) {
		struct slice line = p.data;

		if (line.len > 0 && line.data[line.len - 1] == '\r' && p.lf)
			line = slice_sub(line, 0, line.len - 1);
		line = without_blanks(line);
		if (p.last && line.len == 0)
			return 0;
		if (!p.last || count >= PGP_CLEARTEXT_HEADERS_MAX || !is_hash_header(line))
			return error_set_at(e, ERR_SYNTAX, w->in.offset,
			    "in front of the signed text stands a line that is no Hash header: "
			    "nobody signed it, and it could be taken for the text");
	}
	return rc < 0 ? rc : error_set_at(e, ERR_TRUNCATED, w->in.offset, "the signed text is cut off in its headers");
}

/* ---- the text ---- */

static int
flush(struct way *w, size_t above, struct error *e)
{
	struct target *t = w->target;
	int rc;

	if (w->text.err != 0 || w->canonical.err != 0)
		return error_set(e, w->text.err != 0 ? w->text.err : w->canonical.err, "there is no room for the text");
	if (w->text.len <= above)
		return 0;
	t->length += w->text.len;
	rc = pgp_verifier_feed(t->verifier, buf_slice(&w->canonical), e);
	if (rc == 0)
		rc = t->plain.ops->write(t->plain.ctx, buf_slice(&w->text), e);
	buf_clear(&w->canonical);
	buf_clear(&w->text);
	return rc;
}

/* The line end before, when a line follows it. */
static void
put_line_end(struct way *w)
{
	(void)buf_put_str(&w->text, w->line_end);
	(void)buf_put_str(&w->canonical, w->line_end[0] == 0 ? "" : "\r\n");
	w->line_end = "";
}

static int
put_part(struct way *w, const struct cleartext_part *p, struct error *e)
{
	size_t from;
	bool crlf = false;
	int rc;

	if (p->first)
		put_line_end(w);
	from = w->text.len;
	rc = cleartext_blanks_put(&w->blanks, p->data, &w->text, e);
	if (rc == 0 && p->last)
		rc = cleartext_blanks_end(&w->blanks, p->lf, &crlf, &w->text, e);
	if (rc != 0)
		return rc;
	(void)buf_put_slice(&w->canonical, slice_from(buf_slice(&w->text), from));
	if (p->last)
		w->line_end = crlf ? "\r\n" : "\n";
	return flush(w, FLUSH, e);
}

/* 1: the signatures begin; 0: a line of text, without its escape. */
static int
line_begins(struct way *w, struct cleartext_part *p, struct error *e)
{
	if (p->data.len == 0 || p->data.data[0] != '-')
		return 0;
	if (p->last && cleartext_is_border(p->data, CLEARTEXT_SIGNATURE))
		return 1;
	if (is_armor_line(p->data))
		return error_set_at(e, ERR_SYNTAX, w->in.offset, "an armor line stands within the signed text");
	if (p->data.len > 1 && p->data.data[1] == ' ')
		p->data = slice_from(p->data, 2);
	else
		w->result->unescaped++;
	return 0;
}

static int
text(struct way *w, struct error *e)
{
	struct cleartext_part p;
	int rc;

	while ((rc = cleartext_source_next(&w->in, &p, e)) == 1) {
		rc = p.first ? line_begins(w, &p, e) : 0;
		if (rc == 0 && w->target != NULL)
			rc = put_part(w, &p, e);
		if (rc == 1)
			return w->target != NULL ? flush(w, 0, e) : 0;
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : error_set_at(e, ERR_TRUNCATED, w->in.offset, "the signed text ends without signatures");
}

/* ---- one way through the input, up to the signatures ---- */

static void
way_init(struct way *w, struct pgp_source in, struct target *target, struct pgp_cleartext_result *result)
{
	cleartext_source_init(&w->in, in);
	cleartext_blanks_init(&w->blanks, false);
	buf_init(&w->canonical, PENDING_MAX);
	buf_init(&w->text, PENDING_MAX);
	w->target = target;
	w->line_end = "";
	w->result = result;
	result->before = false;
	result->unescaped = 0;
}

static void
way_done(struct way *w)
{
	cleartext_blanks_done(&w->blanks);
	buf_done(&w->canonical);
	buf_done(&w->text);
}

/* The first way: only where the text ends; what follows it is gathered. */
static int
find_tail(struct pgp_source in, struct pgp_cleartext_result *result, struct buf *tail, struct error *e)
{
	struct way w;
	struct slice piece;
	int rc;

	way_init(&w, in, NULL, result);
	rc = seek(&w, e);
	if (rc == 0)
		rc = headers(&w, e);
	if (rc == 0)
		rc = text(&w, e);
	(void)buf_put_str(tail, CLEARTEXT_SIGNATURE "\n");
	piece = w.in.piece;
	while (rc == 0 && !w.in.ended) {
		if (buf_put_slice(tail, piece) != 0)
			rc = error_set(
			    e, tail->err, "more than %u octets follow the signed text", PGP_CLEARTEXT_TAIL_MAX);
		else
			rc = pgp_source_next(in, &piece, e);
		w.in.ended = piece.len == 0;
	}
	way_done(&w);
	return rc;
}

/* The second: the text itself. */
static int
give_text(struct pgp_source in, struct target *target, struct pgp_cleartext_result *result, struct error *e)
{
	struct way w;
	int rc;

	way_init(&w, in, target, result);
	rc = seek(&w, e);
	if (rc == 0)
		rc = headers(&w, e);
	if (rc == 0)
		rc = text(&w, e);
	result->length = target->length;
	way_done(&w);
	return rc;
}

/* ---- the signatures ---- */

static int
look_at_tail(struct slice tail, bool *after_out, struct error *e)
{
	bool inside = false;

	while (tail.len > 0) {
		struct slice line = slice_split(tail, '\n', &tail);

		if (slice_starts(line, SLICE("-----BEGIN PGP "))) {
			if (inside || !cleartext_is_border(line, CLEARTEXT_SIGNATURE))
				return error_set(e, ERR_SYNTAX,
				    "something else than signatures follows the signed text: give one text at a time");
			inside = true;
		} else if (slice_starts(line, SLICE("-----END PGP "))) {
			inside = false;
		} else if (!inside && slice_trim(line).len > 0) {
			*after_out = true;
		}
	}
	return 0;
}

static int
take_signatures(struct slice tail, struct pgp_verifier *v, struct pgp_cleartext_result *result, struct error *e)
{
	int rc = look_at_tail(tail, &result->after, e);

	if (rc == 0)
		rc = pgp_verifier_expect_all(v, tail, e);
	result->signature_count = pgp_verifier_expected(v);
	return rc;
}

static int
read_text(struct pgp_reread in, struct pgp_verifier *verifier, struct pgp_plain plain,
    struct pgp_cleartext_result *result, struct error *e)
{
	/* Format and time are nobody's word; unproven until all of it went by. */
	const struct pgp_literal literal = { .format = 'u', .held = true };
	struct target target = { .verifier = verifier, .plain = plain };
	struct buf tail BUF_OWNED = { 0 };
	int rc;

	buf_init(&tail, PGP_CLEARTEXT_TAIL_MAX);
	rc = find_tail(in.source, result, &tail, e);
	if (rc == 0)
		rc = take_signatures(buf_slice(&tail), verifier, result, e);
	if (rc == 0)
		rc = in.again(in.ctx, e);
	if (rc == 0)
		rc = plain.ops->begin(plain.ctx, &literal, e);
	if (rc == 0)
		rc = give_text(in.source, &target, result, e);
	return rc == 0 ? plain.ops->commit(plain.ctx, e) : rc;
}

/* ---- input that cannot be read twice ---- */

struct kept {
	struct buf all;
	struct slice left;
};

static int
keep_all(struct pgp_source in, struct kept *k, struct error *e)
{
	struct slice piece;
	int rc;

	buf_init(&k->all, PGP_CLEARTEXT_HELD_MAX);
	while ((rc = pgp_source_next(in, &piece, e)) == 0 && piece.len > 0) {
		if (buf_put_slice(&k->all, piece) != 0)
			return error_set(e, k->all.err,
			    "a signed text of more than %u octets must come from a file, because it is read twice",
			    PGP_CLEARTEXT_HELD_MAX);
	}
	return rc;
}

static int
kept_again(void *ctx, struct error *e)
{
	struct kept *k = ctx;

	(void)e;
	k->left = buf_slice(&k->all);
	return 0;
}

static int
read_kept(struct pgp_source in, struct pgp_verifier *verifier, struct pgp_plain plain,
    struct pgp_cleartext_result *result, struct error *e)
{
	struct kept k = { .left = SLICE_EMPTY };
	struct pgp_reread again = { pgp_source_slice(&k.left), kept_again, &k };
	int rc = keep_all(in, &k, e);

	if (rc == 0)
		rc = kept_again(&k, e);
	if (rc == 0)
		rc = read_text(again, verifier, plain, result, e);
	buf_done(&k.all);
	return rc;
}

int
pgp_cleartext_read(struct pgp_reread in, struct pgp_verifier *verifier, struct pgp_plain plain,
    struct pgp_cleartext_result *result, struct error *e)
{
	int rc;

	*result = (struct pgp_cleartext_result){ 0 };
	rc = in.again != NULL ? read_text(in, verifier, plain, result, e)
			      : read_kept(in.source, verifier, plain, result, e);
	if (rc != 0)
		plain.ops->abort(plain.ctx);
	return rc;
}
