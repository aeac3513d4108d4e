/* SPDX-License-Identifier: ISC */
/* Certificates cut down: for others, for small places, and without what superseded signatures leave behind. */
#include <stdlib.h>

#include "openpgp/cert/cert_draft.h"
#include "openpgp/cert/certify.h"
#include "openpgp/cert/merge.h"
#include "openpgp/frame/packet.h"
#include "openpgp/cert/selfsig.h"
#include "openpgp/judge/verify.h"

struct exporting {
	const struct pgp_cert *c;
	const struct pgp_export *how;
	struct pgp_draft d;
	struct pgp_cert_judgement j; /* when there is a policy */
	bool judged;
	uint64_t latest; /* signatures made after it are from the future */
};

/* The judgement of a component of the draft, which may be a copy of one that stands twice; NULL without a policy. */
static const struct pgp_component_judgement *
judgement(const struct exporting *x, const struct pgp_draft_component *k)
{
	return x->judged ? &x->j.components[k->from - x->c->components] : NULL;
}

/* ---- components ---- */

static bool
component_wanted(const struct exporting *x, const struct pgp_draft_component *k)
{
	const struct pgp_component_judgement *j = judgement(x, k);
	const struct pgp_export *how = x->how;

	if (k->kind == PGP_COMPONENT_PRIMARY)
		return true;
	if (k->kind == PGP_COMPONENT_USER_ATTRIBUTE && (how->no_attributes || how->only_address.len > 0))
		return false;
	if (k->kind == PGP_COMPONENT_USER_ID && how->only_address.len > 0 &&
	    !slice_ieq(pgp_user_id_address(k->from->packet.body), how->only_address))
		return false;
	return !how->live_only || j == NULL || j->standing == PGP_STANDING_GOOD;
}

/* ---- what never travels ---- */

#define SENSITIVE 0xc0u /* the class of a revoker: its own bit and that which always is there */

/* A revoker that its holder marked as sensitive (section 5.2.3.23). */
static bool
names_secret_revoker(const struct pgp_sig *s)
{
	struct pgp_subpacket p;
	size_t at = 0;

	/* One walk: pgp_sig_revoker() begins anew for each, and a megabyte has room for many. */
	while (pgp_subpacket_next(s->hashed, &at, &p))
		if (p.type == PGP_SUB_REVOCATION_KEY && p.body.len > 0 && (p.body.data[0] & SENSITIVE) == SENSITIVE)
			return true;
	return false;
}

static bool
stays_at_home(const struct exporting *x, const struct pgp_draft_part *p, const struct pgp_sig *s)
{
	if (x->how->no_later_versions && p->type == PGP_SIGNATURE && p->body.len > 0 &&
	    p->body.data[0] > x->c->primary->version)
		return true;
	if (x->how->keep_local)
		return false;
	if (p->type == PGP_TRUST) /* local to its keyring (section 5.10) */
		return true;
	return s != NULL && (!s->exportable || names_secret_revoker(s));
}

/* ---- one's own signatures ---- */

/*
 * The newest that stands of each type; the others of it are superseded. Only
 * what verifies supersedes: else a forgery with a later date would hide the
 * true one.
 */
static int
drop_superseded(struct exporting *x, const struct pgp_draft_component *k, struct error *e)
{
	bool done[256] = { false };
	struct pgp_sig_target target = pgp_component_target(x->c, k->from);
	size_t failed = 0;

	for (size_t i = 0; i < k->count; i++) {
		struct pgp_draft_part *p = &x->d.parts[k->first + i];
		struct pgp_sig s;
		uint8_t group;

		if (p->rank != PGP_DRAFT_SELF || p->drop || pgp_sig_parse(p->body, &s, NULL) != 0)
			continue;
		/* Certifications of all four types are one kind of statement. */
		group =
		    s.type >= PGP_SIG_CERT_GENERIC && s.type <= PGP_SIG_CERT_POSITIVE ? PGP_SIG_CERT_GENERIC : s.type;
		if (done[group])
			p->drop = true;
		else if (s.created <= x->latest && failed < pgp_selfsig_checks(x->c)) {
			int rc = pgp_sig_check_target(&s, &target, x->c->primary, e);

			if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
				return rc;
			/* What only claims to be the holder's is worth nothing. */
			p->drop = rc == ERR_SIGNATURE;
			done[group] = rc == 0 && pgp_policy_hash(x->how->policy, s.hash, PGP_USE_SELF, NULL) == 0;
			failed += !done[group];
		}
	}
	return 0;
}

/* ---- others' signatures ---- */

struct issued {
	uint64_t issuer;
	size_t order; /* of the parts, newest first */
	struct pgp_draft_part *part;
	bool revocation, live;
};

static int
compare_issued(const void *a, const void *b)
{
	const struct issued *x = a, *y = b;

	if (x->issuer != y->issuer)
		return x->issuer < y->issuer ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static uint64_t
issuer_of(const struct pgp_sig *s)
{
	return s->issuer_fpr.len > 0 ? pgp_fingerprint_key_id(&s->issuer_fpr) : s->issuer;
}

/*
 * Of what one issuer says of one user ID the newest word counts. Nothing of it
 * can be verified here, for the issuers' certificates are not at hand: a forgery
 * may put out a certification from the copy, never from the certificate.
 */
static void
keep_newest_words(const struct exporting *x, struct issued *items, size_t count)
{
	(void)x;
	qsort(items, count, sizeof *items, compare_issued);
	for (size_t i = 0; i < count; i++) {
		bool newest = i == 0 || items[i - 1].issuer != items[i].issuer;

		if (!newest || !items[i].live || items[i].revocation)
			items[i].part->drop = true;
	}
}

static int
drop_dead(struct exporting *x, const struct pgp_draft_component *k, struct error *e)
{
	struct issued *items = arena_array(&x->d.arena, k->count, sizeof *items);
	size_t count = 0;

	if (items == NULL)
		return error_set(e, x->d.arena.err, "no room to thin out a certificate");
	for (size_t i = 0; i < k->count; i++) {
		struct pgp_draft_part *p = &x->d.parts[k->first + i];
		struct pgp_sig s;

		if (p->rank != PGP_DRAFT_OTHERS || p->drop || pgp_sig_parse(p->body, &s, NULL) != 0 ||
		    s.created > x->latest)
			continue;
		items[count++] = (struct issued){ .issuer = issuer_of(&s),
			.order = i,
			.part = p,
			.revocation = s.type == PGP_SIG_CERT_REVOCATION,
			.live = s.expires == 0 || (uint64_t)s.created + s.expires > x->how->policy->now };
	}
	keep_newest_words(x, items, count);
	return 0;
}

static int
drop_unapproved(struct exporting *x, const struct pgp_draft_component *k, struct error *e)
{
	struct pgp_approval approval;
	int rc = pgp_approval_find(x->c, k->from, x->how->policy, &approval, e);

	for (size_t i = 0; rc == 0 && i < k->count; i++) {
		struct pgp_draft_part *p = &x->d.parts[k->first + i];
		bool approved = false;

		if (p->rank != PGP_DRAFT_OTHERS || p->drop)
			continue;
		rc = pgp_approval_has(&approval, p->body, &approved, e);
		if (rc == ERR_UNSUPPORTED)
			rc = 0;
		p->drop = !approved;
	}
	return rc;
}

static void
drop_others(struct exporting *x, const struct pgp_draft_component *k)
{
	for (size_t i = 0; i < k->count; i++) {
		struct pgp_draft_part *p = &x->d.parts[k->first + i];

		p->drop = p->drop || p->rank == PGP_DRAFT_OTHERS;
	}
}

static int
thin_others(struct exporting *x, const struct pgp_draft_component *k, struct error *e)
{
	switch (x->how->third_party) {
	case PGP_THIRD_PARTY_LIVE:
		return drop_dead(x, k, e);
	case PGP_THIRD_PARTY_APPROVED:
		return drop_unapproved(x, k, e);
	case PGP_THIRD_PARTY_DROP:
		drop_others(x, k);
		return 0;
	case PGP_THIRD_PARTY_KEEP:
		break;
	}
	return 0;
}

/* ---- unhashed areas ---- */

static bool
useful_unhashed(const struct pgp_subpacket *p)
{
	return p->type == PGP_SUB_ISSUER || p->type == PGP_SUB_ISSUER_FINGERPRINT || p->type == PGP_SUB_EMBEDDED;
}

/* Nobody signed what stands there: of it only what others need to find and check the signature goes on. */
static int
clean_unhashed(struct exporting *x, struct pgp_draft_part *p, struct error *e)
{
	struct slice prefix, unhashed, tail;
	struct buf area BUF_OWNED = { 0 }, packet BUF_OWNED = { 0 };
	struct pgp_subpacket s;
	size_t at = 0;

	if (p->type != PGP_SIGNATURE || !pgp_sig_core(p->body, &prefix, &unhashed, &tail))
		return 0;
	buf_init(&area, unhashed.len + 64);
	while (pgp_subpacket_next(unhashed, &at, &s))
		if (useful_unhashed(&s))
			(void)pgp_subpacket_put(&area, s.type, s.critical, s.body);
	if (area.err != 0)
		return error_nomem(e);
	if (area.len >= unhashed.len)
		return 0;
	buf_init(&packet, p->body.len + 16);
	(void)pgp_header_write(&packet, PGP_SIGNATURE, (uint32_t)(p->body.len - unhashed.len + area.len));
	(void)buf_put_slice(&packet, prefix);
	if (p->body.data[0] == 6)
		(void)buf_put_u32(&packet, (uint32_t)area.len);
	else
		(void)buf_put_u16(&packet, (uint16_t)area.len);
	(void)buf_put_slice(&packet, buf_slice(&area));
	(void)buf_put_slice(&packet, tail);
	if (packet.err != 0)
		return error_nomem(e);
	p->raw = arena_copy(&x->d.arena, buf_slice(&packet));
	return x->d.arena.err != 0 ? error_set(e, x->d.arena.err, "no room to clean a certificate") : 0;
}

/* ---- all of it ---- */

static void
mark_local(struct exporting *x, const struct pgp_draft_component *k)
{
	for (size_t i = 0; i < k->count; i++) {
		struct pgp_draft_part *p = &x->d.parts[k->first + i];
		struct pgp_sig s;
		bool parsed = p->type == PGP_SIGNATURE && pgp_sig_parse(p->body, &s, NULL) == 0;

		p->drop = stays_at_home(x, p, parsed ? &s : NULL);
	}
}

static int
thin_component(struct exporting *x, struct pgp_draft_component *k, struct error *e)
{
	int rc = 0;

	k->drop = !component_wanted(x, k);
	if (k->drop)
		return 0;
	mark_local(x, k);
	if (x->how->newest_only)
		rc = drop_superseded(x, k, e);
	if (rc == 0)
		rc = thin_others(x, k, e);
	for (size_t i = 0; rc == 0 && !x->how->keep_unhashed && i < k->count; i++)
		if (!x->d.parts[k->first + i].drop)
			rc = clean_unhashed(x, &x->d.parts[k->first + i], e);
	return rc;
}

static int export(struct exporting *x, struct buf *out, struct error *e)
{
	int rc = 0;

	if (x->how->live_only && x->j.standing != PGP_STANDING_GOOD)
		return error_set(e, ERR_POLICY, "the certificate does not stand: %s", x->j.components[0].reason);
	for (size_t i = 0; rc == 0 && i < x->d.component_count; i++)
		rc = thin_component(x, &x->d.components[i], e);
	return rc != 0 ? rc : pgp_draft_write(&x->d, x->how->secret, out, e);
}

static bool
needs_policy(const struct pgp_export *how)
{
	return how->newest_only || how->live_only || how->third_party == PGP_THIRD_PARTY_LIVE ||
	    how->third_party == PGP_THIRD_PARTY_APPROVED;
}

int
pgp_cert_export(const struct pgp_cert *c, const struct pgp_export *how, struct buf *out, struct error *e)
{
	struct exporting x = { .c = c, .how = how };
	size_t from = out->len;
	int rc;

	if (needs_policy(how) && how->policy == NULL)
		return error_set(e, ERR_USAGE, "what is live or newest depends on a time");
	rc = pgp_draft_new(&c, 1, &x.d, e);
	if (rc != 0)
		return rc;
	pgp_draft_order(&x.d);
	if (how->policy != NULL) {
		x.latest = how->policy->now + how->policy->clock_skew;
		rc = pgp_cert_judge(c, how->policy, how->policy->now, &x.j, e);
		x.judged = rc == 0;
	}
	if (rc == 0)
		rc = export(&x, out, e);
	if (rc != 0)
		buf_truncate(out, from);
	if (x.judged)
		pgp_cert_judgement_done(&x.j);
	pgp_draft_done(&x.d);
	return rc;
}
