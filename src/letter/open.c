/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "letter/opened.h"
#include "mime/decode.h"

void
letter_note(struct letter_opened *o, const char *fmt, ...)
{
	va_list ap;

	if (o->verdict.note_count == LETTER_NOTES_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(o->verdict.notes[o->verdict.note_count++], LETTER_NOTE_MAX, fmt, ap);
	va_end(ap);
}

static bool
has_protocol(const struct mime_part *p, const char *want)
{
	struct slice protocol;

	return mime_value_param(&p->type, "protocol", &protocol) && slice_ieq_str(protocol, want);
}

/* Two parts, no more and no fewer, and nothing behind a bound. */
static bool
has_two(const struct mime_part *p)
{
	return p->kind == MIME_MULTIPART && p->child != NULL && p->child->next != NULL && p->child->next->next == NULL;
}

/* RFC 3156 section 4, exactly: anything else is no layer, and so nothing is decrypted. */
static bool
is_encrypted(const struct mime_part *p)
{
	return mime_part_is(p, "multipart/encrypted") && has_two(p) && has_protocol(p, "application/pgp-encrypted") &&
	    mime_part_is(p->child, "application/pgp-encrypted") &&
	    mime_part_is(p->child->next, "application/octet-stream") && !p->child->next->cut;
}

/* RFC 3156 section 5. */
static bool
is_signed(const struct mime_part *p)
{
	return mime_part_is(p, "multipart/signed") && has_two(p) && has_protocol(p, "application/pgp-signature") &&
	    mime_part_is(p->child->next, "application/pgp-signature") && !p->child->cut;
}

static int
fatal(int rc)
{
	return rc == ERR_NOMEM || rc == ERR_INTERNAL ? rc : 0;
}

static void
drop_signatures(struct letter_opened *o)
{
	letter_pgp_signatures_done(&o->signatures);
	o->verdict.signature = LETTER_SIGNATURE_NONE;
}

static int
close_letter(struct letter_opened *o, const struct error *why)
{
	o->root = NULL;
	o->verdict.status = LETTER_CLOSED;
	o->verdict.closed_reason = why->code;
	letter_note(o, "The letter could not be opened: %s", why->text);
	return fatal(why->code);
}

/* Opens the encryption layer at root; then root is what was in it, or NULL. */
static int
open_encrypted(struct letter_opened *o, struct error *e)
{
	struct buf *plain = &o->plain[o->plain_count];
	BUF_OWNED struct buf cipher = { 0 };
	struct error why = { 0 };
	int rc;

	o->verdict.encrypted = true;
	/* A signature outside of encryption says nothing about who wrote the letter (RFC 9787 5.2). */
	if (o->signatures.verifier != NULL)
		letter_note(o, "A signature around the encrypted letter does not count.");
	drop_signatures(o);
	buf_init(&cipher, o->source.len + 1);
	buf_init(plain, o->spec->payload_max == 0 ? LETTER_PAYLOAD_MAX : o->spec->payload_max);
	o->plain_count++;
	(void)mime_part_decode(o->source, o->root->child->next, &cipher);
	rc = letter_pgp_decrypt(buf_slice(&cipher), o->spec, plain, &o->signatures, &why);
	if (rc != 0) {
		buf_wipe_done(plain);
		letter_pgp_signatures_done(&o->signatures);
		why.code = rc;
		rc = close_letter(o, &why);
		return rc == 0 ? 0 : error_set(e, rc, "%s", why.text);
	}
	o->source = buf_slice(plain);
	return mime_parse(o->source, &o->arena, &o->root, e);
}

/* Judges the signature layer at root; then root is the signed part. */
static int
open_signed(struct letter_opened *o, struct error *e)
{
	const struct mime_part *signed_part = o->root->child, *signature = signed_part->next;
	struct slice data = slice_sub(
	    o->source, (size_t)signed_part->header, (size_t)(signed_part->header_len + signed_part->body_len));
	BUF_OWNED struct buf packets = { 0 };
	struct error why = { 0 };
	int rc;

	drop_signatures(o);
	o->root = o->root->child;
	buf_init(&packets, LETTER_SIGNATURE_MAX);
	rc = mime_part_decode(o->source, signature, &packets);
	if (rc == 0)
		rc = letter_pgp_verify(buf_slice(&packets), data, o->spec, &o->signatures, &why);
	if (rc == 0)
		return 0;
	if (fatal(rc) != 0)
		return error_set(e, rc, "%s", why.text);
	letter_pgp_signatures_done(&o->signatures);
	o->verdict.signature = LETTER_SIGNATURE_BAD;
	letter_note(o, "The signature could not be read: %s", rc == ERR_LIMIT ? "it is too large." : why.text);
	return 0;
}

static int
open_layers(struct letter_opened *o, struct error *e)
{
	int rc = 0;

	for (unsigned i = 0; i < LETTER_LAYERS_MAX && rc == 0 && o->root != NULL; i++) {
		if (is_encrypted(o->root))
			rc = open_encrypted(o, e);
		else if (is_signed(o->root))
			rc = open_signed(o, e);
		else
			break;
	}
	return rc;
}

int
letter_open(struct slice raw, const struct letter_open_spec *spec, struct letter_opened **out, struct error *e)
{
	struct letter_opened *o = mem_alloc(sizeof *o);
	int rc;

	if (o == NULL)
		return error_nomem(e);
	arena_init(&o->arena, (LETTER_LAYERS_MAX + 1) * (size_t)MIME_ARENA_MAX);
	o->spec = spec;
	o->raw = o->source = raw;
	rc = mime_parse(raw, &o->arena, &o->outer, e);
	o->root = o->outer;
	if (rc == 0)
		rc = open_layers(o, e);
	if (rc == 0)
		rc = letter_judge(o, e);
	o->spec = NULL;
	if (rc != 0) {
		letter_opened_free(o);
		return rc;
	}
	*out = o;
	return 0;
}

void
letter_opened_free(struct letter_opened *o)
{
	if (o == NULL)
		return;
	letter_pgp_signatures_done(&o->signatures);
	for (size_t i = 0; i < o->plain_count; i++)
		buf_wipe_done(&o->plain[i]);
	arena_wipe_done(&o->arena);
	mem_free(o);
}

const struct letter_verdict *
letter_opened_verdict(const struct letter_opened *o)
{
	return &o->verdict;
}

const struct mime_part *
letter_opened_root(const struct letter_opened *o)
{
	return o->root;
}

struct slice
letter_opened_source(const struct letter_opened *o)
{
	return o->source;
}
