/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/signing.h"

#include <string.h>

#include "base/base64.h"
#include "mailauth/dkim/tags.h"

#define SAME_MAX 16u     /* fields of one name that are signed, from the bottom */
#define NAMES_COLUMN 60u /* h= may be folded after so many octets */
#define FIELD_COLUMN 76u /* and the field is */

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
	struct buf *names;  /* h= */
	size_t column;
};

static void
put_name(struct writing *w, const char *name)
{
	if (w->names->len > 0) {
		(void)buf_put_u8(w->names, ':');
		if (w->names->len - w->column > NAMES_COLUMN) {
			(void)buf_put_u8(w->names, ' ');
			w->column = w->names->len;
		}
	}
	(void)buf_put_str(w->names, name);
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

int
dkim_signing_fields(
    const struct dkim_header *h, const char *also, struct buf *octets, struct buf *names, struct error *e)
{
	struct writing w = { .octets = octets, .names = names };
	size_t from = mime_header_count(&h->mime, "From");

	if (from == 0 || from > SAME_MAX)
		return error_set(e, ERR_SYNTAX, "A message to be signed has a From, and not very many.");
	dkim_choice_init(&w.choice, h);
	for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++)
		put_all(&w, closed[i], true);
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		put_all(&w, open[i], false);
	if (also != NULL)
		put_all(&w, also, false);
	if (octets->err == 0 && names->err != 0)
		octets->err = names->err;
	return octets->err == 0
	    ? 0
	    : error_set(e, octets->err, "What is signed is too large, or there is no memory for it.");
}

struct slice
dkim_signing_own(struct slice octets)
{
	size_t lf = slice_find_last(octets, '\n');

	return slice_from(octets, lf == SIZE_MAX ? 0 : lf + 1);
}

/* Each line is one of h=, in that order, and From is among them: nothing else is in what is signed. */
int
dkim_signing_check(struct slice lines, struct slice names, struct error *e)
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

int
dkim_signing_write(const char *name, struct slice own, struct slice signature, struct buf *out, struct error *e)
{
	struct base64_encoder encoder;
	size_t column = strlen(name);

	(void)buf_put_str(out, name);
	while (own.len > 0) {
		struct slice word = slice_split(own, ' ', &own);
		bool fold = column + 1 + word.len > FIELD_COLUMN;

		(void)buf_put_str(out, fold ? "\r\n\t" : " ");
		(void)buf_put_slice(out, word);
		column = (fold ? 8 : column + 1) + word.len;
	}
	(void)buf_put_str(out, "\r\n\t"); /* white space around b= is no part of what is signed */
	base64_encoder_init(&encoder, 64, "\r\n\t");
	(void)base64_encoder_put(&encoder, signature, out);
	(void)base64_encoder_end(&encoder, out);
	if (out->err != 0)
		return error_set(e, out->err, "A signature's field is too large, or there is no memory for it.");
	while (out->len > 0 && out->data[out->len - 1] <= ' ')
		buf_truncate(out, out->len - 1);
	return buf_put_str(out, "\r\n");
}
