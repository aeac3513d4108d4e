/* SPDX-License-Identifier: ISC */
#include "letter/pgp.h"
#include "letter/seal.h"

#define HEAD_MAX (4u << 20) /* octets of the outer header and of the payload's: field texts and their HP-Outer copies */

/* What a letter's payload and its outside get of its fields. */
struct heads {
	struct mime_written fields;
	struct mime_written outer;
	struct arena arena;
	struct buf boundary;
	struct buf out;   /* on its way to the sink */
	struct buf inner; /* the payload's fields */
};

static void
heads_init(struct heads *h)
{
	arena_init(&h->arena, 4 * MIME_COMPOSE_HEADER_MAX);
	buf_init(&h->boundary, 100);
	buf_init(&h->out, HEAD_MAX);
	buf_init(&h->inner, HEAD_MAX);
}

static void
heads_done(struct heads *h)
{
	arena_done(&h->arena);
	buf_done(&h->boundary);
	buf_done(&h->out);
	buf_done(&h->inner);
}

/* hcp_baseline (RFC 9788 3.2.1). */
static void
hide(const struct mime_written *fields, struct mime_written *outer)
{
	outer->count = 0;
	for (size_t i = 0; i < fields->count; i++) {
		struct mime_written_field f = fields->fields[i];

		if (slice_ieq_str(f.name, "Comments") || slice_ieq_str(f.name, "Keywords"))
			continue;
		if (slice_ieq_str(f.name, "Subject"))
			f.value = SLICE("[...]");
		outer->fields[outer->count++] = f;
	}
}

static int
write_head(struct heads *h, struct mime_sink sink, struct error *e)
{
	int rc = h->out.err;

	if (rc != 0 || h->inner.err != 0)
		return error_set(e, rc != 0 ? rc : h->inner.err, "The header of the letter is too large.");
	rc = sink.write(sink.ctx, buf_slice(&h->out), e);
	buf_clear(&h->out);
	return rc;
}

/* The letter's fields, written; what stays outside; the boundary. */
static int
prepare(struct heads *h, const struct letter_seal_spec *spec, bool encrypted, struct error *e)
{
	int rc;

	if (spec->letter->date < 0 || spec->letter->date > UINT32_MAX)
		return error_set(e, ERR_USAGE, "The letter's date cannot be that of a signature.");
	rc = mime_compose_fields(spec->letter, &h->arena, &h->fields, e);
	if (rc != 0)
		return rc;
	h->outer = h->fields;
	if (encrypted)
		hide(&h->fields, &h->outer);
	(void)mime_boundary_put(&h->boundary, spec->random, 0);
	(void)mime_written_put(&h->outer, &h->out);
	(void)buf_put_slice(&h->out, spec->outer_lines);
	(void)mime_written_put(&h->fields, &h->inner);
	if (encrypted)
		(void)buf_put_slice(&h->inner, spec->sealed_lines);
	for (size_t i = 0; encrypted && i < h->outer.count; i++) {
		(void)buf_put_str(&h->inner, "HP-Outer: ");
		(void)buf_put_slice(&h->inner, h->outer.fields[i].name);
		(void)buf_put_str(&h->inner, h->outer.fields[i].value.len > 0 ? ": " : ":");
		(void)buf_put_slice(&h->inner, h->outer.fields[i].value);
		(void)buf_put_str(&h->inner, "\r\n");
	}
	return 0;
}

static int
put_sealer(void *ctx, struct slice piece, struct error *e)
{
	return letter_pgp_sealer_put(ctx, piece, e);
}

/* RFC 3156 section 4, up to the armor. */
static void
put_encrypted_head(struct heads *h)
{
	int n = (int)h->boundary.len;
	const char *b = (const char *)h->boundary.data;

	(void)buf_putf(&h->out,
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n boundary=\"%.*s\"\r\n\r\n"
	    "--%.*s\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
	    "--%.*s\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n"
	    "Content-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n",
	    n, b, n, b, n, b);
}

static int
seal(struct heads *h, const struct letter_seal_spec *spec, struct mime_sink sink, struct error *e)
{
	struct mime_payload p = { .params = SLICE(";\r\n hp=\"cipher\"; protected-headers=\"v1\"") };
	struct letter_pgp_sealer *sealer = NULL;
	int rc = prepare(h, spec, true, e);

	if (rc != 0)
		return rc;
	put_encrypted_head(h);
	p.fields = buf_slice(&h->inner);
	rc = write_head(h, sink, e);
	if (rc == 0)
		rc = letter_pgp_sealer_new(spec, sink, &sealer, e);
	if (rc == 0)
		rc = mime_compose_payload(spec->letter, &p, (struct mime_sink){ put_sealer, sealer }, e);
	if (rc == 0)
		rc = letter_pgp_sealer_end(sealer, e);
	letter_pgp_sealer_free(sealer);
	(void)buf_putf(&h->out, "\r\n--%.*s--\r\n", (int)h->boundary.len, (const char *)h->boundary.data);
	return rc == 0 ? write_head(h, sink, e) : rc;
}

int
letter_seal(const struct letter_seal_spec *spec, struct mime_sink sink, struct error *e)
{
	struct heads h = { 0 };
	int rc;

	heads_init(&h);
	rc = seal(&h, spec, sink, e);
	heads_done(&h);
	return rc;
}

/* ---- signed only ---- */

/* The payload goes to the mail and to the signature. */
struct both {
	struct mime_sink sink;
	struct pgp_maker *maker;
};

static int
put_both(void *ctx, struct slice piece, struct error *e)
{
	struct both *b = ctx;
	int rc = pgp_maker_feed(b->maker, piece, e);

	return rc == 0 ? b->sink.write(b->sink.ctx, piece, e) : rc;
}

/* RFC 3156 section 5, up to the signed part. */
static void
put_signed_head(struct heads *h, uint8_t hash)
{
	struct slice name = slice_str(pgp_hash_text_name(hash));

	(void)buf_put_str(&h->out,
	    "MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\";\r\n "
	    "micalg=pgp-");
	for (size_t i = 0; i < name.len; i++)
		(void)buf_put_u8(&h->out, ascii_lower(name.data[i]));
	(void)buf_putf(&h->out, "; boundary=\"%.*s\"\r\n\r\n--%.*s\r\n", (int)h->boundary.len,
	    (const char *)h->boundary.data, (int)h->boundary.len, (const char *)h->boundary.data);
}

static int
put_signature(struct heads *h, struct pgp_maker *maker, struct error *e)
{
	BUF_OWNED struct buf packets = { 0 };
	int rc;

	buf_init(&packets, LETTER_SIGNATURE_MAX);
	rc = pgp_maker_finish(maker, false, &packets, e);
	if (rc != 0)
		return rc;
	(void)buf_putf(&h->out,
	    "\r\n--%.*s\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\n"
	    "Content-Disposition: attachment; filename=\"signature.asc\"\r\n\r\n",
	    (int)h->boundary.len, (const char *)h->boundary.data);
	rc = letter_pgp_armor_signature(buf_slice(&packets), &h->out, e);
	(void)buf_putf(&h->out, "\r\n--%.*s--\r\n", (int)h->boundary.len, (const char *)h->boundary.data);
	return rc;
}

static int
sign(struct heads *h, const struct letter_seal_spec *spec, struct pgp_maker *maker, struct mime_sink sink,
    struct error *e)
{
	struct mime_payload p = { .params = SLICE(";\r\n hp=\"clear\"; protected-headers=\"v1\"") };
	struct both both = { sink, maker };
	int rc = prepare(h, spec, false, e);

	if (rc != 0)
		return rc;
	put_signed_head(h, pgp_maker_hash(maker));
	p.fields = buf_slice(&h->inner);
	rc = write_head(h, sink, e);
	if (rc == 0)
		rc = mime_compose_payload(spec->letter, &p, (struct mime_sink){ put_both, &both }, e);
	if (rc == 0)
		rc = put_signature(h, maker, e);
	return rc == 0 ? write_head(h, sink, e) : rc;
}

int
letter_sign(const struct letter_seal_spec *spec, struct mime_sink sink, struct error *e)
{
	struct pgp_signer signer;
	struct pgp_maker_spec m = {
		.signers = &signer, .signer_count = 1, .type = PGP_SIG_BINARY, .created = (uint32_t)spec->letter->date
	};
	struct pgp_maker *maker = NULL;
	struct heads h = { 0 };
	int rc = letter_pgp_signer(spec, &signer, e);

	heads_init(&h);
	if (rc == 0)
		rc = pgp_maker_new(&maker, &m, e);
	if (rc == 0)
		rc = sign(&h, spec, maker, sink, e);
	pgp_maker_free(maker);
	heads_done(&h);
	return rc;
}
