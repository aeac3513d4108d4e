/* SPDX-License-Identifier: ISC */
#include "trust/cut.h"

#include <stdlib.h>

#include "openpgp/sig/sig.h"
#include "trust/limits.h"

#define ARENA_BUDGET (128u << 20) /* of PGP_CERT_PACKETS_MAX parts */

enum kind { SELF_REVOKES, SELF, OTHERS, REST };

struct part {
	size_t at; /* in the component */
	enum kind kind;
	uint64_t issuer;
	uint32_t created;
	bool known, keep;
};

struct cutting {
	const struct pgp_cert *cert;
	const struct pgp_component *component;
	trust_cut_known *known;
	void *ctx;
	size_t others_max;
	unsigned checks; /* that may still fail, in all; */
	unsigned each;   /* and of one component */
	bool cut;
	struct arena arena;
};

static uint64_t
issuer_of(const struct pgp_sig *s)
{
	return s->issuer_fpr.len > 0 ? pgp_fingerprint_key_id(&s->issuer_fpr) : s->issuer;
}

static void
classify(const struct cutting *x, size_t at, struct part *out)
{
	const struct pgp_part *p = &x->component->parts[at];
	struct pgp_sig s;

	*out = (struct part){ .at = at, .kind = REST };
	if (p->type != PGP_SIGNATURE || pgp_sig_parse(p->body, &s, NULL) != 0)
		return;
	out->created = s.created;
	out->issuer = issuer_of(&s);
	out->kind = OTHERS;
	/* Behind a subkey there is nothing of others'. */
	if (x->component->kind == PGP_COMPONENT_SUBKEY || pgp_sig_may_be_from(&s, x->cert->primary))
		out->kind = s.type == PGP_SIG_KEY_REVOCATION || s.type == PGP_SIG_SUBKEY_REVOCATION ||
			s.type == PGP_SIG_CERT_REVOCATION
		    ? SELF_REVOKES
		    : SELF;
}

/* ---- the holder's own ---- */

static struct pgp_sig_target
target_of(const struct cutting *x)
{
	const struct pgp_component *k = x->component;
	struct pgp_sig_target t = { .primary = x->cert->primary };

	if (k->kind == PGP_COMPONENT_SUBKEY)
		t.subkey = k->key;
	if (k->kind == PGP_COMPONENT_USER_ID || k->kind == PGP_COMPONENT_USER_ATTRIBUTE) {
		t.user_type = k->packet.type;
		t.user = k->packet.body;
	}
	return t;
}

/* 1 it verifies, 0 it does not, or negative. */
static int
verifies(const struct cutting *x, const struct part *p, struct error *e)
{
	const struct pgp_sig_target target = target_of(x);
	struct pgp_sig s;
	int rc;

	if (pgp_sig_parse(x->component->parts[p->at].body, &s, NULL) != 0)
		return 0;
	rc = pgp_sig_check_target(&s, &target, x->cert->primary, e);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		return rc;
	return rc == 0;
}

/* From one end: kept are those that verify, until enough are or too many do not. */
static int
keep_verified(struct cutting *x, struct part **items, size_t count, bool backwards, struct error *e)
{
	unsigned failures = 0, kept = 0;

	for (size_t i = 0; i < count && kept < TRUST_SELF_MAX / 2 && failures < x->each / 2 && x->checks > 0; i++) {
		struct part *p = items[backwards ? count - 1 - i : i];
		int rc = p->keep ? 0 : verifies(x, p, e);

		if (rc < 0)
			return rc;
		if (p->keep)
			continue;
		p->keep = rc == 1;
		kept += rc == 1;
		failures += rc == 0;
		x->checks -= rc == 0;
	}
	return 0;
}

static int
compare_created(const void *a, const void *b)
{
	const struct part *x = *(struct part *const *)a, *y = *(struct part *const *)b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Half of the checks in the certificate's order, half on the newest: a forger cannot be at both ends of both. */
static int
keep_own(struct cutting *x, struct part *parts, size_t count, enum kind kind, struct error *e)
{
	struct part **items = arena_array(&x->arena, count, sizeof(struct part *));
	size_t n = 0;
	int rc;

	if (items == NULL)
		return x->arena.err;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].kind == kind)
			items[n++] = &parts[i];
	}
	if (n <= TRUST_SELF_MAX) {
		for (size_t i = 0; i < n; i++)
			items[i]->keep = true;
		return 0;
	}
	rc = keep_verified(x, items, n, false, e);
	qsort(items, n, sizeof(struct part *), compare_created);
	return rc == 0 ? keep_verified(x, items, n, true, e) : rc;
}

/* ---- others' ---- */

static int
compare_issuers(const void *a, const void *b)
{
	const struct part *x = *(struct part *const *)a, *y = *(struct part *const *)b;

	if (x->issuer != y->issuer)
		return x->issuer < y->issuer ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int
compare_order(const void *a, const void *b)
{
	const struct part *x = *(struct part *const *)a, *y = *(struct part *const *)b;

	if (x->known != y->known)
		return x->known ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* So many of each issuer stay in items, which are in order of issuers then. */
static size_t
thin_issuers(struct cutting *x, struct part **items, size_t n)
{
	size_t kept = 0, of_this = 0;
	bool known = false;

	qsort(items, n, sizeof(struct part *), compare_issuers);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || items[i]->issuer != items[kept - 1]->issuer) {
			of_this = 0;
			known = x->known != NULL && x->known(x->ctx, items[i]->issuer);
		}
		if (of_this++ >= TRUST_OTHERS_EACH_MAX)
			continue;
		items[i]->known = known;
		items[kept++] = items[i];
	}
	return kept;
}

static int
keep_others(struct cutting *x, struct part *parts, size_t count)
{
	struct part **items = arena_array(&x->arena, count, sizeof(struct part *));
	size_t n = 0;

	if (items == NULL)
		return x->arena.err;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].kind == OTHERS)
			items[n++] = &parts[i];
	}
	if (n > x->others_max && x->others_max > 0) {
		n = thin_issuers(x, items, n);
		qsort(items, n, sizeof(struct part *), compare_order);
	}
	for (size_t i = 0; i < size_min(n, x->others_max); i++)
		items[i]->keep = true;
	return 0;
}

/* ---- a component ---- */

static bool
is_small(const struct cutting *x)
{
	return x->component->part_count <= size_min(TRUST_SELF_MAX, x->others_max);
}

static int
write_parts(struct cutting *x, const struct part *parts, struct buf *out)
{
	const struct pgp_component *k = x->component;

	for (size_t i = 0; i < k->part_count; i++) {
		if (parts == NULL || parts[i].keep)
			(void)buf_put_slice(out, k->parts[i].raw);
		else
			x->cut = true;
	}
	return out->err;
}

static int
cut_component(struct cutting *x, struct buf *out, struct error *e)
{
	const struct pgp_component *k = x->component;
	struct part *parts;
	size_t rest = 0;
	int rc;

	if (is_small(x))
		return write_parts(x, NULL, out);
	arena_done(&x->arena);
	parts = arena_array(&x->arena, k->part_count, sizeof *parts);
	if (parts == NULL)
		return x->arena.err;
	for (size_t i = 0; i < k->part_count; i++) {
		classify(x, i, &parts[i]);
		parts[i].keep = parts[i].kind == REST && rest++ < TRUST_SELF_MAX;
	}
	rc = keep_own(x, parts, k->part_count, SELF_REVOKES, e);
	if (rc == 0)
		rc = keep_own(x, parts, k->part_count, SELF, e);
	if (rc == 0)
		rc = keep_others(x, parts, k->part_count);
	return rc == 0 ? write_parts(x, parts, out) : rc;
}

static int
cut_all(struct cutting *x, struct buf *out, struct error *e)
{
	size_t large = 0;
	int rc = 0;

	for (size_t i = 0; i < x->cert->component_count; i++)
		large += x->cert->components[i].part_count > TRUST_SELF_MAX;
	x->checks = TRUST_CUT_CHECKS_MAX;
	x->each = large == 0 ? TRUST_CUT_CHECKS_MAX : (unsigned)(TRUST_CUT_CHECKS_MAX / large);
	if (x->each < 4)
		x->each = 4;
	for (size_t i = 0; i < x->cert->component_count && rc == 0; i++) {
		x->component = &x->cert->components[i];
		rc = buf_put_slice(out, x->component->packet.raw);
		if (rc == 0)
			rc = cut_component(x, out, e);
	}
	return rc;
}

int
trust_cut(const struct pgp_cert *c, trust_cut_known *known, void *ctx, struct buf *out, bool *cut_out, struct error *e)
{
	struct cutting x = { .cert = c, .known = known, .ctx = ctx, .others_max = TRUST_OTHERS_MAX };
	size_t before = out->len;
	int rc;

	arena_init(&x.arena, ARENA_BUDGET);
	rc = cut_all(&x, out, e);
	if (rc == ERR_LIMIT && out->err == ERR_LIMIT) {
		buf_truncate(out, before);
		out->err = 0;
		x.others_max = 0;
		rc = cut_all(&x, out, e);
	}
	arena_done(&x.arena);
	*cut_out = x.cut;
	if (rc == ERR_LIMIT)
		return error_set(e, rc, "this certificate is larger than %zu octets: it was flooded", out->max);
	return rc == ERR_NOMEM ? error_nomem(e) : rc;
}
