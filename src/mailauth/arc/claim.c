/* SPDX-License-Identifier: ISC */
#include "mailauth/arc/fields.h"
#include "mailauth/arc/seal.h"
#include "mailauth/dkim/signature.h"
#include "mailauth/dkim/signing.h"

#define NO_ARC "What is to be signed does not end in a signature of ARC as ours are."

static bool
has_only(const struct mailauth_tags *t, const char *const *names, size_t count)
{
	if (t->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!slice_eq_str(t->tags[i].name, names[i]))
			return false;
	return true;
}

/* What both have. */
static bool
take_common(const struct mailauth_tags *t, struct arc_seal_claim *out)
{
	uint64_t instance = 0;

	out->domain = mailauth_tags_value(t, "d");
	out->selector = mailauth_tags_value(t, "s");
	if (!slice_to_u64(mailauth_tags_value(t, "i"), MAILAUTH_ARC_SETS_MAX, &instance) || instance == 0 ||
	    !slice_to_u64(mailauth_tags_value(t, "t"), UINT64_MAX, &out->made))
		return false;
	out->instance = (unsigned)instance;
	return dkim_algorithm_of(mailauth_tags_value(t, "a"), &out->algorithm) && out->algorithm != DKIM_RSA_SHA1 &&
	    dkim_domain_valid(out->domain, 2) && dkim_domain_valid(out->selector, 1) &&
	    mailauth_tags_value(t, "b").len == 0;
}

static int
claim_message(struct slice lines, const struct mailauth_tags *t, struct error *e)
{
	static const char *const names[] = { "i", "a", "c", "d", "s", "t", "h", "bh", "b" };
	BUF_OWNED struct buf hash = { .max = DKIM_BODY_HASH_SIZE };

	if (!has_only(t, names, sizeof(names) / sizeof(names[0])) ||
	    !slice_eq_str(mailauth_tags_value(t, "c"), "relaxed/relaxed"))
		return error_set(e, ERR_SYNTAX, NO_ARC);
	if (mailauth_tags_base64(mailauth_tags_value(t, "bh"), &hash, e) != 0 || hash.len != DKIM_BODY_HASH_SIZE)
		return error_set(e, ERR_SYNTAX, "What is to be signed has no hash of a body.");
	return dkim_signing_check(lines, mailauth_tags_value(t, "h"), e);
}

/* Whether the next line is that field of that set. */
static bool
take_line(struct slice *lines, struct slice name, size_t instance)
{
	size_t lf = slice_find(*lines, '\n');
	struct slice line = slice_sub(*lines, 0, lf == SIZE_MAX ? lines->len : lf + 1);
	struct mailauth_tags tags;
	uint64_t number = 0;

	if (!slice_starts(line, name) || line.len < 2 || slice_find(line, '\r') != line.len - 2)
		return false;
	*lines = slice_from(*lines, line.len);
	line = slice_from(line, name.len);
	if (slice_eq(name, SLICE("arc-authentication-results:"))) /* no tag-list, but for its front */
		return arc_fields_instance(line) == instance;
	return mailauth_tags_parse(line, &tags, NULL) == 0 &&
	    slice_to_u64(mailauth_tags_value(&tags, "i"), MAILAUTH_ARC_SETS_MAX, &number) && number == instance;
}

/* All sets in their order, or, of a broken chain, its own only; the last one without its seal. */
static int
claim_seal(struct slice lines, const struct mailauth_tags *t, size_t instance, struct error *e)
{
	static const char *const names[] = { "i", "a", "cv", "d", "s", "t", "b" };
	bool broken = slice_eq_str(mailauth_tags_value(t, "cv"), "fail");
	bool good = has_only(t, names, sizeof(names) / sizeof(names[0]));

	for (size_t i = broken ? instance : 1; good && i <= instance; i++)
		good = take_line(&lines, SLICE("arc-authentication-results:"), i) &&
		    take_line(&lines, SLICE("arc-message-signature:"), i) &&
		    (i == instance || take_line(&lines, SLICE("arc-seal:"), i));
	return good && lines.len == 0 ? 0 : error_set(e, ERR_SYNTAX, NO_ARC);
}

int
arc_seal_claim(struct slice octets, struct arc_seal_claim *out, struct error *e)
{
	struct slice own = dkim_signing_own(octets), message = SLICE("arc-message-signature:"),
		     seal = SLICE("arc-seal:");
	struct slice lines = slice_sub(octets, 0, octets.len - own.len);
	struct arc_seal_claim claim = { .seal = slice_starts(own, seal) };
	struct mailauth_tags t;
	int rc;

	if ((!claim.seal && !slice_starts(own, message)) || !slice_ends(own, SLICE("; b=")))
		return error_set(e, ERR_SYNTAX, NO_ARC);
	rc = mailauth_tags_parse(slice_from(own, claim.seal ? seal.len : message.len), &t, e);
	if (rc != 0)
		return rc;
	if (!take_common(&t, &claim))
		return error_set(e, ERR_SYNTAX, NO_ARC);
	rc = claim.seal ? claim_seal(lines, &t, claim.instance, e) : claim_message(lines, &t, e);
	if (rc == 0)
		*out = claim;
	return rc;
}
