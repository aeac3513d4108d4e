/* SPDX-License-Identifier: ISC */
#include "mailauth/dkim/sign.h"

#include "base/base64.h"
#include "mailauth/dkim/signature.h"
#include "mailauth/dkim/signing.h"

#define OWN_NAME "dkim-signature:"

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
	BUF_OWNED struct buf names = { .max = DKIM_SIGN_FIELD_MAX };
	int rc = dkim_signing_fields(h, NULL, out, &names, e);

	if (rc != 0)
		return rc;
	put_own(s, buf_slice(&names), body_hash, out);
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
	struct slice own = dkim_signing_own(octets), name = SLICE(OWN_NAME);
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
	return rc != 0
	    ? rc
	    : dkim_signing_check(slice_sub(octets, 0, octets.len - own.len), mailauth_tags_value(&t, "h"), e);
}

/* ---- the field ---- */

int
dkim_sign_field(struct slice octets, struct slice signature, struct buf *field_out, struct error *e)
{
	struct slice own = dkim_signing_own(octets), name = SLICE(OWN_NAME);

	if (!slice_starts(own, name))
		return error_set(e, ERR_SYNTAX, "There is no DKIM-Signature to be completed.");
	return dkim_signing_write("DKIM-Signature:", slice_from(own, name.len), signature, field_out, e);
}
