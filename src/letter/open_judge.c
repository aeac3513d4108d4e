/* SPDX-License-Identifier: ISC */
#include "base/date.h"
#include "letter/opened.h"
#include "mime/address.h"

/* The one address of the one From field of a header; false when there are none or several. */
static bool
sender_of(struct letter_opened *o, const struct mime_header *h, struct mime_address *out)
{
	return mime_header_count(h, "From") == 1 &&
	    mime_address_parse_one(mime_header_value(h, "From"), &o->arena, out, NULL) == 0;
}

/* The payload's claim about header protection (RFC 9788 2.1.1), read at its root only. */
static enum letter_hp
claimed_hp(const struct mime_part *root)
{
	struct slice v;

	if (mime_value_param(&root->type, "hp", &v)) {
		if (slice_eq_str(v, "clear"))
			return LETTER_HP_CLEAR;
		if (slice_eq_str(v, "cipher"))
			return LETTER_HP_CIPHER;
	}
	if (mime_value_param(&root->type, "protected-headers", &v) && slice_ieq_str(v, "v1"))
		return LETTER_HP_OLD;
	return LETTER_HP_NONE;
}

/* Does the certificate, as of the signature's time, carry this address in a user ID that holds? */
static int
binds_address(const struct letter_opened *o, const struct pgp_verdict *v, const struct mime_address *sender,
    bool *binds_out, struct error *e)
{
	struct pgp_cert_judgement j;
	BUF_OWNED struct buf spec = { 0 };
	int rc = pgp_cert_judge(v->cert, o->spec->policy, v->created, &j, e);

	*binds_out = false;
	if (rc != 0)
		return rc;
	buf_init(&spec, MIME_HEADER_MAX);
	(void)mime_address_spec(sender, &spec);
	for (size_t i = 0; i < j.count && !*binds_out; i++) {
		const struct pgp_component *c = j.components[i].component;

		*binds_out = c->kind == PGP_COMPONENT_USER_ID && j.components[i].standing == PGP_STANDING_GOOD &&
		    slice_ieq(pgp_user_id_address(c->packet.body), buf_slice(&spec));
	}
	pgp_cert_judgement_done(&j);
	return 0;
}

static enum letter_signature
signature_of(enum pgp_verdict_kind kind)
{
	static const enum letter_signature of[] = {
		[PGP_VERDICT_GOOD] = LETTER_SIGNATURE_OTHER, /* until it is matched with the sender */
		[PGP_VERDICT_BAD] = LETTER_SIGNATURE_BAD,
		[PGP_VERDICT_NO_KEY] = LETTER_SIGNATURE_UNKNOWN,
		[PGP_VERDICT_INVALID] = LETTER_SIGNATURE_INVALID,
	};

	return of[kind];
}

/* The better of two, for letters with several signatures. */
static int
rank(enum letter_signature s)
{
	static const int ranks[] = {
		[LETTER_SIGNATURE_NONE] = 0,
		[LETTER_SIGNATURE_UNSUPPORTED] = 1,
		[LETTER_SIGNATURE_BAD] = 2,
		[LETTER_SIGNATURE_UNKNOWN] = 3,
		[LETTER_SIGNATURE_INVALID] = 4,
		[LETTER_SIGNATURE_OTHER] = 5,
		[LETTER_SIGNATURE_GOOD] = 6,
	};

	return ranks[s];
}

static void
take_verdict(struct letter_opened *o, const struct pgp_verdict *v, enum letter_signature s)
{
	o->verdict.signature = s;
	o->verdict.signer = v->cert != NULL ? v->cert->primary->fingerprint : (struct pgp_fingerprint){ 0 };
	o->verdict.signer_key_id = v->issuer;
	o->verdict.signed_at = s == LETTER_SIGNATURE_BAD || s == LETTER_SIGNATURE_UNKNOWN ? 0 : v->created;
}

/*
 * A signature that names its readers counts only inside of encryption, for one of them (RFC 9580 section 5.2.3.36):
 * else a reader could seal it anew and pass it on as written to somebody else.
 */
static bool
is_for_us(const struct letter_opened *o, size_t n)
{
	const struct pgp_key *k;

	if (!pgp_verifier_verdict(o->signatures.verifier, n)->recipients_named)
		return true;
	for (size_t i = 0; o->verdict.encrypted && i < o->spec->own_count; i++) {
		for (size_t m = 0; (k = pgp_cert_key(o->spec->own[i], m)) != NULL; m++) {
			if (pgp_verifier_names(o->signatures.verifier, n, &k->fingerprint))
				return true;
		}
	}
	return false;
}

/* One signature of the envelope; sender NULL: nobody can be matched. note_out: a sentence about it, or empty. */
static int
judge_signature(struct letter_opened *o, size_t n, const struct mime_address *sender, enum letter_signature *out,
    const char **note_out, struct error *e)
{
	const struct pgp_verdict *v = pgp_verifier_verdict(o->signatures.verifier, n);
	bool binds = false;
	int rc = 0;

	*out = signature_of(v->kind);
	*note_out = v->reason;
	if (*out != LETTER_SIGNATURE_OTHER)
		return 0;
	if (!is_for_us(o, n)) {
		*out = LETTER_SIGNATURE_INVALID;
		*note_out = "Beware: it was signed for other readers, in a letter encrypted for them: it may have been "
			    "passed on "
			    "as if it were written to you.";
		return 0;
	}
	if (sender != NULL)
		rc = binds_address(o, v, sender, &binds, e);
	if (binds)
		*out = LETTER_SIGNATURE_GOOD;
	return rc;
}

/* Looks through the signatures of the envelope for the best one. */
static int
judge_signatures(struct letter_opened *o, const struct mime_address *sender, struct error *e)
{
	size_t count = o->signatures.verifier == NULL ? 0 : pgp_verifier_count(o->signatures.verifier);
	const char *best = "";

	for (size_t i = 0; i < count; i++) {
		enum letter_signature s;
		const char *note;
		int rc = judge_signature(o, i, sender, &s, &note, e);

		if (rc != 0)
			return rc;
		if (i > 0 && rank(s) <= rank(o->verdict.signature))
			continue;
		take_verdict(o, pgp_verifier_verdict(o->signatures.verifier, i), s);
		best = note;
	}
	if (best[0] != '\0')
		letter_note(o, "%s", best);
	return 0;
}

static void
note_date(struct letter_opened *o)
{
	struct slice value;
	int64_t date;

	if (o->verdict.signature != LETTER_SIGNATURE_GOOD || !letter_opened_field(o, "Date", &value, NULL))
		return;
	if (date_parse_mail(value, &date, NULL, NULL) != 0)
		return;
	if (date - (int64_t)o->verdict.signed_at > LETTER_DATE_SLACK ||
	    (int64_t)o->verdict.signed_at - date > LETTER_DATE_SLACK)
		letter_note(o, "The letter's date differs from the time of the signature by more than a day.");
}

/* A cryptographic layer deeper inside, which does not count (RFC 9787 4.5). */
static bool
is_layer(const struct mime_part *p)
{
	return mime_part_is(p, "multipart/encrypted") || mime_part_is(p, "multipart/signed") ||
	    mime_part_is(p, "application/pkcs7-mime") || mime_part_is(p, "application/x-pkcs7-mime");
}

static void
find_errant(struct letter_opened *o)
{
	bool root = is_layer(o->root);

	for (const struct mime_part *p = o->root; p != NULL; p = mime_part_walk(o->root, p))
		o->verdict.errant |= is_layer(p);
	if (!o->verdict.errant)
		return;
	if (root && mime_part_is(o->root, "multipart/signed") && o->verdict.signature == LETTER_SIGNATURE_NONE)
		o->verdict.signature = LETTER_SIGNATURE_UNSUPPORTED;
	if (root)
		letter_note(o, "The letter is encrypted or signed in a way that cannot be opened or checked here.");
	else
		letter_note(o,
		    "A part inside the letter is encrypted or signed by itself; that says nothing about the letter, "
		    "and it was not opened.");
}

static enum letter_status
status_of(const struct letter_opened *o)
{
	bool good = o->verdict.signature == LETTER_SIGNATURE_GOOD;

	if (o->root == NULL)
		return LETTER_CLOSED;
	if (o->verdict.encrypted)
		return good ? LETTER_SEALED : LETTER_ENCRYPTED;
	return good ? LETTER_SIGNED : LETTER_PLAIN;
}

/* Is there any proof that the payload is as its maker left it? */
static bool
envelope_holds(const struct letter_opened *o)
{
	for (size_t i = 0; o->signatures.verifier != NULL && i < pgp_verifier_count(o->signatures.verifier); i++) {
		if (pgp_verifier_verdict(o->signatures.verifier, i)->kind == PGP_VERDICT_GOOD)
			return true;
	}
	return o->verdict.encrypted;
}

static void
note_signature(struct letter_opened *o)
{
	switch (o->verdict.signature) {
	case LETTER_SIGNATURE_OTHER:
		if (o->sender_known)
			letter_note(o, "It is signed by a certificate that does not name the sender's address.");
		else
			letter_note(o, "It is signed, but names no sender or several, so nobody can be held to it.");
		break;
	case LETTER_SIGNATURE_UNKNOWN:
		letter_note(o, "It is signed with a key that is not known here.");
		break;
	case LETTER_SIGNATURE_GOOD:
		if (!o->verdict.headers_protected)
			letter_note(o,
			    "The signature covers the text, not the subject, the sender and the other header fields.");
		break;
	case LETTER_SIGNATURE_NONE:
	case LETTER_SIGNATURE_BAD:
	case LETTER_SIGNATURE_INVALID:
	case LETTER_SIGNATURE_UNSUPPORTED:
		break;
	}
}

static void
judge_subject(struct letter_opened *o)
{
	enum letter_protection p;
	struct slice value;

	o->verdict.subject_hidden = o->verdict.headers_protected && letter_opened_field(o, "Subject", &value, &p) &&
	    (p == LETTER_FIELD_ENCRYPTED || p == LETTER_FIELD_BOTH);
}

int
letter_judge(struct letter_opened *o, struct error *e)
{
	const struct mime_header *outer = &o->outer->fields, *inner;
	struct mime_address in = { 0 }, out = { 0 };
	bool one_in, one_out = sender_of(o, outer, &out);
	int rc;

	if (o->root == NULL)
		return 0;
	inner = &o->root->fields;
	if (o->root != o->outer && envelope_holds(o))
		o->hp = claimed_hp(o->root);
	/* With the old marker a letter may protect its subject only: then the sender is the outer one. */
	if (o->hp == LETTER_HP_NONE || (o->hp == LETTER_HP_OLD && mime_header_count(inner, "From") == 0))
		inner = outer;
	o->verdict.headers_protected = o->hp != LETTER_HP_NONE;
	one_in = sender_of(o, inner, &in);
	o->sender_known = one_in;
	rc = judge_signatures(o, one_in ? &in : NULL, e);
	if (rc != 0)
		return rc;
	o->verdict.from_differs = inner != outer && !(one_in && one_out && mime_address_same(&in, &out));
	o->from_outer = o->verdict.from_differs && o->verdict.signature != LETTER_SIGNATURE_GOOD;
	if (o->from_outer)
		letter_note(o,
		    "Beware: the sender outside and the sender inside of the letter differ, and no signature vouches "
		    "for the one inside.");
	note_signature(o);
	find_errant(o);
	o->verdict.status = status_of(o);
	judge_subject(o);
	note_date(o);
	return 0;
}
