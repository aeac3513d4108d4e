/* SPDX-License-Identifier: ISC */
#include "letter/opened.h"
#include "mime/decode.h"

static bool
is_text(const struct mime_part *p, const char *type)
{
	return p->kind == MIME_LEAF && mime_part_is(p, type) && !slice_eq_str(p->disposition.value, "attachment");
}

/*
 * The main body part of that type (RFC 9787 7.1): down the first children, in
 * an alternative the child of that type. Never into an encrypted part or an
 * attached message.
 */
static const struct mime_part *
main_part(const struct mime_part *p, const char *type)
{
	while (p != NULL && p->kind == MIME_MULTIPART && !mime_part_is(p, "multipart/encrypted")) {
		const struct mime_part *found = NULL;

		if (!mime_part_is(p, "multipart/alternative")) {
			p = p->child;
			continue;
		}
		for (const struct mime_part *c = p->child; c != NULL && found == NULL; c = c->next)
			found = c->kind == MIME_MULTIPART ? main_part(c, type) : is_text(c, type) ? c : NULL;
		return found;
	}
	return p != NULL && is_text(p, type) ? p : NULL;
}

/* Without the lines that older readers should see (RFC 9788 5.2.2): to the first empty line. */
static struct slice
after_legacy_display(struct slice text)
{
	size_t end = slice_search(text, SLICE("\n\n"));

	return end == SIZE_MAX ? text : slice_from(text, end + 2);
}

int
letter_opened_text(const struct letter_opened *o, struct buf *out, const struct mime_part **html_out, struct error *e)
{
	const struct mime_part *p = o->root == NULL ? NULL : main_part(o->root, "text/plain");
	BUF_OWNED struct buf text = { 0 };
	struct slice shown, v;

	if (html_out != NULL)
		*html_out = o->root == NULL ? NULL : main_part(o->root, "text/html");
	if (p == NULL)
		return error_set(e, ERR_NOT_FOUND, "The letter has no plain text.");
	buf_init(&text, LETTER_TEXT_MAX);
	if (mime_part_text(o->source, p, &text) != 0)
		return error_set(e, text.err, "The text of the letter is too large to be shown.");
	shown = buf_slice(&text);
	if (o->hp >= LETTER_HP_CLEAR && mime_value_param(&p->type, "hp-legacy-display", &v) && slice_eq_str(v, "1"))
		shown = after_legacy_display(shown);
	if (buf_put_slice(out, shown) != 0)
		return error_set(e, out->err, "The text of the letter is too large to be shown.");
	return 0;
}

/* As mime_part_walk(), but not into attached messages. */
static const struct mime_part *
next_outside(const struct mime_part *root, const struct mime_part *p)
{
	if (p->kind != MIME_MESSAGE)
		return mime_part_walk(root, p);
	while (p != root) {
		if (p->next != NULL)
			return p->next;
		p = p->parent;
	}
	return NULL;
}

const struct mime_part *
letter_opened_attachment(const struct letter_opened *o, size_t n)
{
	for (const struct mime_part *p = o->root; p != NULL; p = next_outside(o->root, p)) {
		if ((p->kind == MIME_MESSAGE || mime_part_is_attachment(p)) && n-- == 0)
			return p;
	}
	return NULL;
}

const char *
letter_status_text(enum letter_status s)
{
	static const char *const texts[] = {
		[LETTER_PLAIN] = "Neither encrypted nor signed.",
		[LETTER_SIGNED] = "Signed by the sender; not encrypted.",
		[LETTER_ENCRYPTED] = "Encrypted; nobody vouches for who wrote it.",
		[LETTER_SEALED] = "Encrypted, and signed by the sender.",
		[LETTER_CLOSED] = "Encrypted, and could not be opened.",
	};

	return texts[s];
}

const char *
letter_signature_text(enum letter_signature s)
{
	static const char *const texts[] = {
		[LETTER_SIGNATURE_NONE] = "not signed",
		[LETTER_SIGNATURE_GOOD] = "signed by the sender",
		[LETTER_SIGNATURE_OTHER] = "signed by somebody else than the sender",
		[LETTER_SIGNATURE_UNKNOWN] = "signed with a key that is not known",
		[LETTER_SIGNATURE_BAD] = "broken signature: the letter or its signature was changed",
		[LETTER_SIGNATURE_INVALID] = "a signature that does not count",
		[LETTER_SIGNATURE_UNSUPPORTED] = "a signature that cannot be checked here",
	};

	return texts[s];
}
