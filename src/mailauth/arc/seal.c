/* SPDX-License-Identifier: ISC */
#include "mailauth/arc/seal.h"

#include "base/base64.h"
#include "base/mem.h"
#include "mailauth/arc/fields.h"
#include "mailauth/dkim/signature.h"
#include "mailauth/dkim/signing.h"

#define MESSAGE_NAME "arc-message-signature:"
#define SEAL_NAME "arc-seal:"
#define FIELDS_MAX (3u * MAILAUTH_ARC_FIELD_MAX)

struct arc_seal {
	struct buf chain;   /* what the seal covers before its own field, canonical */
	struct buf octets;  /* what is to be signed now */
	struct buf own;     /* of the seal, canonical, up to b= */
	struct buf results; /* fields, with their CR LF */
	struct buf message;
	struct buf fields;
	unsigned given; /* signatures */
};

/* ---- what is signed ---- */

static void
put_names(const struct arc_seal_params *p, struct buf *out)
{
	(void)buf_put_str(out, "; d=");
	(void)buf_put_slice(out, p->domain);
	(void)buf_put_str(out, "; s=");
	(void)buf_put_slice(out, p->selector);
	(void)buf_putf(out, "; t=%llu; ", (unsigned long long)p->now);
}

static int
put_message(const struct arc_seal_params *p, size_t instance, const struct dkim_header *h, const uint8_t *body_hash,
    struct buf *out, struct error *e)
{
	BUF_OWNED struct buf names = { .max = MAILAUTH_ARC_FIELD_MAX };
	int rc = dkim_signing_fields(h, "DKIM-Signature", out, &names, e);

	if (rc != 0)
		return rc;
	(void)buf_putf(out, MESSAGE_NAME "i=%zu; a=%s; c=relaxed/relaxed", instance, dkim_algorithm_name(p->algorithm));
	put_names(p, out);
	(void)buf_put_str(out, "h=");
	(void)buf_put_slice(out, buf_slice(&names));
	(void)buf_put_str(out, "; bh=");
	(void)base64_write(out, slice_of(body_hash, DKIM_BODY_HASH_SIZE));
	(void)buf_put_str(out, "; b=");
	return out->err;
}

static void
put_own_seal(const struct arc_seal_params *p, size_t instance, struct buf *out)
{
	(void)buf_putf(
	    out, "i=%zu; a=%s; cv=%s", instance, dkim_algorithm_name(p->algorithm), arc_result_name(p->chain->result));
	put_names(p, out);
	(void)buf_put_str(out, "b=");
}

/* A chain that is broken is left out: the seal covers its own set only (RFC 8617 section 5.1.2). */
static void
put_chain(const struct arc_seal_params *p, const struct arc_fields *f, struct buf *out)
{
	for (size_t i = 0; p->chain->result == ARC_PASS && i < f->count; i++) {
		(void)dkim_canon_field(DKIM_RELAXED, f->sets[i].results->whole, out);
		(void)dkim_canon_field(DKIM_RELAXED, f->sets[i].message->whole, out);
		(void)dkim_canon_field(DKIM_RELAXED, f->sets[i].seal->whole, out);
	}
}

/* ---- the machine ---- */

static int
check_params(const struct arc_seal_params *p, struct error *e)
{
	if (p->algorithm == DKIM_RSA_SHA1)
		return error_set(e, ERR_USAGE, "Nothing is signed with SHA-1.");
	if (!dkim_domain_valid(p->domain, 2) || !dkim_domain_valid(p->selector, 1))
		return error_set(e, ERR_SYNTAX, "The domain or the selector to seal for is none.");
	if (!p->chain->may_be_sealed)
		return error_set(
		    e, ERR_POLICY, "The chain says itself that it is broken, or it is full: nothing is added to it.");
	return 0;
}

/* The header is that of the chain which was looked at: nothing was taken from it or added since. */
static int
check_chain(const struct arc_seal_params *p, const struct arc_fields *f, int fault, struct error *e)
{
	bool same = p->chain->result == ARC_NONE ? !f->any
	    : p->chain->result == ARC_PASS       ? fault == 0 && f->count == p->chain->count
						 : f->any;

	if (!same)
		return error_set(e, ERR_USAGE, "The chain in this header is another one than was looked at.");
	if (f->said_fail || f->highest >= MAILAUTH_ARC_SETS_MAX)
		return error_set(
		    e, ERR_POLICY, "The chain says itself that it is broken, or it is full: nothing is added to it.");
	return 0;
}

static int
no_room(const struct arc_seal *s, struct error *e)
{
	int rc = s->chain.err != 0 ? s->chain.err
	    : s->octets.err != 0   ? s->octets.err
	    : s->own.err != 0      ? s->own.err
				   : s->fields.err;

	return rc == 0 ? 0 : error_set(e, rc, "What is to be sealed is too large, or there is no memory for it.");
}

static int
fill(struct arc_seal *s, const struct arc_seal_params *p, const struct dkim_header *h, const uint8_t *body_hash,
    struct error *e)
{
	struct arc_fields f;
	struct auth_results results = *p->results;
	int fault = arc_fields_collect(&h->mime, &f, NULL), rc = check_chain(p, &f, fault, e);

	if (rc != 0)
		return rc;
	results.instance = (uint32_t)f.highest + 1;
	rc = auth_results_write(&results, &s->results, e);
	if (rc == 0)
		rc = put_message(p, f.highest + 1, h, body_hash, &s->octets, e);
	if (rc != 0)
		return rc;
	put_chain(p, &f, &s->chain);
	(void)dkim_canon_field(DKIM_RELAXED, buf_slice(&s->results), &s->chain);
	put_own_seal(p, f.highest + 1, &s->own);
	return no_room(s, e);
}

int
arc_seal_new(const struct arc_seal_params *params, struct slice header, const uint8_t *body_hash, struct arc_seal **out,
    struct error *e)
{
	struct arc_seal *s;
	struct dkim_header parsed;
	struct arena a;
	int rc = check_params(params, e);

	if (rc != 0)
		return rc;
	s = mem_alloc(sizeof(*s));
	if (s == NULL)
		return error_nomem(e);
	buf_init(&s->chain, MAILAUTH_DKIM_SIGNED_MAX);
	buf_init(&s->octets, MAILAUTH_DKIM_SIGNED_MAX);
	buf_init(&s->own, MAILAUTH_ARC_FIELD_MAX);
	buf_init(&s->results, MAILAUTH_ARC_FIELD_MAX);
	buf_init(&s->message, MAILAUTH_ARC_FIELD_MAX);
	buf_init(&s->fields, FIELDS_MAX);
	arena_init(&a, MIME_ARENA_MAX);
	rc = dkim_header_parse(header, &a, &parsed, e);
	if (rc == 0)
		rc = fill(s, params, &parsed, body_hash, e);
	arena_done(&a);
	if (rc != 0)
		arc_seal_free(s);
	else
		*out = s;
	return rc;
}

struct slice
arc_seal_octets(const struct arc_seal *s)
{
	return buf_slice(&s->octets);
}

static int
take_message_signature(struct arc_seal *s, struct slice signature, struct error *e)
{
	struct slice own = slice_from(dkim_signing_own(buf_slice(&s->octets)), sizeof(MESSAGE_NAME) - 1);
	int rc = dkim_signing_write(ARC_MESSAGE ":", own, signature, &s->message, e);

	if (rc != 0)
		return rc;
	buf_clear(&s->octets);
	(void)dkim_canon_field(DKIM_RELAXED, buf_slice(&s->message), &s->chain);
	(void)buf_put_slice(&s->octets, buf_slice(&s->chain));
	(void)buf_put_str(&s->octets, SEAL_NAME);
	(void)buf_put_slice(&s->octets, buf_slice(&s->own));
	return 0;
}

int
arc_seal_signature(struct arc_seal *s, struct slice signature, struct error *e)
{
	int rc = 0;

	switch (s->given) {
	case 0:
		rc = take_message_signature(s, signature, e);
		break;
	case 1:
		rc = dkim_signing_write(ARC_SEAL ":", buf_slice(&s->own), signature, &s->fields, e);
		(void)buf_put_slice(&s->fields, buf_slice(&s->message));
		(void)buf_put_slice(&s->fields, buf_slice(&s->results));
		buf_clear(&s->octets);
		break;
	default:
		return error_set(e, ERR_ORDER, "The message was sealed already.");
	}
	if (rc == 0)
		rc = no_room(s, e);
	s->given += rc == 0;
	return rc;
}

struct slice
arc_seal_fields(const struct arc_seal *s)
{
	return s->given == 2 ? buf_slice(&s->fields) : SLICE_EMPTY;
}

void
arc_seal_free(struct arc_seal *s)
{
	if (s == NULL)
		return;
	buf_done(&s->chain);
	buf_done(&s->octets);
	buf_done(&s->own);
	buf_done(&s->results);
	buf_done(&s->message);
	buf_done(&s->fields);
	mem_free(s);
}
