/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/sign.h"

#include <string.h>

#include "base/base64.h"
#include "mailauth/dkim/signature.h"

#define SAME_MAX 16u     /* fields of one name that are signed, from the bottom */
#define NAMES_COLUMN 60u /* h= may be folded after so many octets */
#define FIELD_COLUMN 76u /* and the field is */
#define OWN_NAME "dkim-signature:"

/* Of these nobody may add one: they are named once more than they are there. */
static const char *const closed[] = { "From", "Subject", "Date", "To", "Cc" };

/*
 * Those of RFC 6376 section 5.4.1; Message-ID; what says how the body is to be
 * read; what a mail system acts on: RFC 8689, Autocrypt, unsubscribing at one
 * click (RFC 8058 section 4 asks for it), reports on TLS (RFC 8460 section 5.3).
 */
static const char *const open[] = { "Sender", "Reply-To", "Message-ID", "In-Reply-To", "References", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID", "Content-Description",
	"Content-Language", "Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc",
	"Resent-Message-ID", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe",
	"List-Post", "List-Owner", "List-Archive", "TLS-Required", "TLS-Report-Domain", "TLS-Report-Submitter",
	"Autocrypt", "Auto-Submitted" };

struct writing {
	struct dkim_choice choice;
	struct buf *octets; /* the fields that are signed */
	struct buf names;   /* h= */
	size_t column;
};

static void
put_name(struct writing *w, const char *name)
{
	if (w->names.len > 0) {
		(void)buf_put_u8(&w->names, ':');
		if (w->names.len - w->column > NAMES_COLUMN) {
			(void)buf_put_u8(&w->names, ' ');
			w->column = w->names.len;
		}
	}
	(void)buf_put_str(&w->names, name);
}

static void
put_all(struct writing *w, const char *name, bool once_more)
{
	const struct mime_field *field;

	for (size_t n = 0; n < SAME_MAX && (field = dkim_choice_take(&w->choice, slice_str(name))) != NULL; n++) {
		(void)dkim_canon_field(DKIM_RELAXED, field->whole, w->octets);
		put_name(w, name);
	}
	if (once_more)
		put_name(w, name);
}

static void
put_own(const struct dkim_sign *s, struct slice names, const uint8_t *body_hash, struct buf *out)
{
	(void)buf_putf(out, OWN_NAME "v=1; a=%s; c=relaxed/relaxed; d=", dkim_algorithm_name(s->algorithm));
	(void)buf_put_slice(out, s->domain);
	(void)buf_put_str(out, "; s=");
	(void)buf_put_slice(out, s->selector);
	(void)buf_putf(out, "; t=%llu; ", (unsigned long long)s->now);
	if (s->expires != 0)
		(void)buf_putf(out, "x=%llu; ", (unsigned long long)s->expires);
	(void)buf_put_str(out, "h=");
	(void)buf_put_slice(out, names);
	(void)buf_put_str(out, "; bh=");
	(void)base64_write(out, slice_of(body_hash, DKIM_BODY_HASH_SIZE));
	(void)buf_put_str(out, "; b=");
}

static int
check_params(const struct dkim_sign *s, struct error *e)
{
	if (s->algorithm == DKIM_RSA_SHA1)
		return error_set(e, ERR_USAGE, "Nothing is signed with SHA-1.");
	if (!dkim_domain_valid(s->domain, 2) || !dkim_domain_valid(s->selector, 1))
		return error_set(e, ERR_SYNTAX, "The domain or the selector to sign for is none.");
	return 0;
}

static int
write_octets(
    const struct dkim_sign *s, const struct dkim_header *h, const uint8_t *body_hash, struct buf *out, struct error *e)
{
	struct writing w = { .octets = out };
	size_t from = mime_header_count(&h->mime, "From");

	if (from == 0 || from > SAME_MAX)
		return error_set(e, ERR_SYNTAX, "A message to be signed has a From, and not very many.");
	dkim_choice_init(&w.choice, h);
	buf_init(&w.names, DKIM_SIGN_FIELD_MAX);
	for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++)
		put_all(&w, closed[i], true);
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		put_all(&w, open[i], false);
	put_own(s, buf_slice(&w.names), body_hash, out);
	if (out->err == 0 && w.names.err != 0)
		out->err = w.names.err;
	buf_done(&w.names);
	return out->err != 0 ? error_set(e, out->err, "What is signed is too large, or there is no memory for it.") : 0;
}

int
dkim_sign_octets(
    const struct dkim_sign *s, struct slice header, const uint8_t *body_hash, struct buf *octets_out, struct error *e)
{
	struct dkim_header parsed;
	struct arena a;
	int rc = check_params(s, e);

	if (rc != 0)
		return rc;
	arena_init(&a, MIME_ARENA_MAX);
	rc = dkim_header_parse(header, &a, &parsed, e);
	if (rc == 0)
		rc = write_octets(s, &parsed, body_hash, octets_out, e);
	arena_done(&a);
	return rc;
}

/* ---- what is claimed ---- */

static struct slice
own_field(struct slice octets)
{
	size_t lf = slice_find_last(octets, '\n');

	return slice_from(octets, lf == SIZE_MAX ? 0 : lf + 1);
}

/* Each line is one of h=, in that order, and From is among them: nothing else is in what is signed. */
static int
check_lines(struct slice lines, struct slice names, struct error *e)
{
	struct slice name = SLICE_EMPTY;
	bool from = false;

	while (lines.len > 0) {
		size_t lf = slice_find(lines, '\n');
		struct slice line = slice_sub(lines, 0, lf == SIZE_MAX ? lines.len : lf + 1);
		struct slice of = slice_sub(line, 0, slice_find(line, ':'));

		if (line.len < 2 || slice_find(line, '\r') != line.len - 2 || line.data[line.len - 1] != '\n')
			return error_set(e, ERR_SYNTAX, "A line that is to be signed is no field in canonical form.");
		do
			if (!mailauth_tags_item(&names, ':', &name))
				return error_set(e, ERR_SYNTAX, "A field is to be signed that h= does not name.");
		while (!slice_ieq(name, of));
		from = from || slice_eq(of, SLICE("from"));
		lines = slice_from(lines, line.len);
	}
	return from ? 0 : error_set(e, ERR_SYNTAX, "There is no From in what is to be signed.");
}

static bool
has_only_ours(const struct mailauth_tags *t)
{
	static const char *const with[] = { "v", "a", "c", "d", "s", "t", "x", "h", "bh", "b" };
	size_t skipped = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (i == 6 && !slice_eq(t->tags[i].name, SLICE("x")))
			skipped = 1;
		if (i + skipped >= sizeof with / sizeof with[0] || !slice_eq_str(t->tags[i].name, with[i + skipped]))
			return false;
	}
	return t->count + skipped == sizeof with / sizeof with[0];
}

static int
take_claim(const struct mailauth_tags *t, struct dkim_sign_claim *out, struct error *e)
{
	BUF_OWNED struct buf hash = { 0 };

	buf_init(&hash, DKIM_BODY_HASH_SIZE);
	out->domain = mailauth_tags_value(t, "d");
	out->selector = mailauth_tags_value(t, "s");
	if (!slice_eq(mailauth_tags_value(t, "v"), SLICE("1")) ||
	    !slice_eq(mailauth_tags_value(t, "c"), SLICE("relaxed/relaxed")) ||
	    !dkim_algorithm_of(mailauth_tags_value(t, "a"), &out->algorithm) || out->algorithm == DKIM_RSA_SHA1 ||
	    !dkim_domain_valid(out->domain, 2) || !dkim_domain_valid(out->selector, 1) ||
	    !slice_to_u64(mailauth_tags_value(t, "t"), UINT64_MAX, &out->made) || mailauth_tags_value(t, "b").len > 0)
		return error_set(e, ERR_SYNTAX, "What is to be signed does not end in a DKIM-Signature.");
	if (mailauth_tags_base64(mailauth_tags_value(t, "bh"), &hash, e) != 0 || hash.len != DKIM_BODY_HASH_SIZE)
		return error_set(e, ERR_SYNTAX, "What is to be signed has no hash of a body.");
	return 0;
}

int
dkim_sign_claim(struct slice octets, struct dkim_sign_claim *out, struct error *e)
{
	struct slice own = own_field(octets), name = SLICE(OWN_NAME);
	struct mailauth_tags t;
	int rc;

	if (!slice_starts(own, name))
		return error_set(e, ERR_SYNTAX, "What is to be signed does not end in a DKIM-Signature.");
	rc = mailauth_tags_parse(slice_from(own, name.len), &t, e);
	if (rc != 0)
		return rc;
	if (!has_only_ours(&t) || !slice_ends(own, SLICE("; b=")))
		return error_set(e, ERR_SYNTAX, "The DKIM-Signature to be made has other tags than ours have.");
	rc = take_claim(&t, out, e);
	return rc != 0 ? rc : check_lines(slice_sub(octets, 0, octets.len - own.len), mailauth_tags_value(&t, "h"), e);
}

/* ---- the field ---- */

int
dkim_sign_field(struct slice octets, struct slice signature, struct buf *field_out, struct error *e)
{
	struct slice own = own_field(octets), name = SLICE(OWN_NAME);
	struct base64_encoder encoder;
	size_t column;

	if (!slice_starts(own, name))
		return error_set(e, ERR_SYNTAX, "There is no DKIM-Signature to be completed.");
	own = slice_from(own, name.len);
	(void)buf_put_str(field_out, "DKIM-Signature:");
	column = name.len;
	while (own.len > 0) {
		struct slice word = slice_split(own, ' ', &own);
		bool fold = column + 1 + word.len > FIELD_COLUMN;

		(void)buf_put_str(field_out, fold ? "\r\n\t" : " ");
		(void)buf_put_slice(field_out, word);
		column = (fold ? 8 : column + 1) + word.len;
	}
	(void)buf_put_str(field_out, "\r\n\t"); /* white space around b= is no part of what is signed */
	base64_encoder_init(&encoder, 64, "\r\n\t");
	(void)base64_encoder_put(&encoder, signature, field_out);
	(void)base64_encoder_end(&encoder, field_out);
	if (field_out->err != 0)
		return error_set(e, field_out->err, "A signature's field is too large, or there is no memory for it.");
	while (field_out->len > 0 && field_out->data[field_out->len - 1] <= ' ')
		buf_truncate(field_out, field_out->len - 1);
	return buf_put_str(field_out, "\r\n");
}
