/* SPDX-License-Identifier: ISC */
#include "openpgp/cert/selfsig.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum pgp_selfsig_role
pgp_selfsig_role(enum pgp_component_kind kind, uint8_t sig_type)
{
	static const struct {
		uint8_t kind, type, role;
	} roles[] = {
		{ PGP_COMPONENT_PRIMARY, PGP_SIG_DIRECT_KEY, PGP_SELFSIG_BINDING },
		{ PGP_COMPONENT_PRIMARY, PGP_SIG_KEY_REVOCATION, PGP_SELFSIG_REVOCATION },
		{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_BINDING, PGP_SELFSIG_BINDING },
		{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_REVOCATION, PGP_SELFSIG_REVOCATION },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_GENERIC, PGP_SELFSIG_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_PERSONA, PGP_SELFSIG_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_CASUAL, PGP_SELFSIG_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_POSITIVE, PGP_SELFSIG_BINDING },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_REVOCATION, PGP_SELFSIG_REVOCATION },
		{ PGP_COMPONENT_USER_ID, PGP_SIG_ATTESTATION, PGP_SELFSIG_APPROVAL },
	};

	if (kind == PGP_COMPONENT_USER_ATTRIBUTE)
		kind = PGP_COMPONENT_USER_ID;
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		if (roles[i].kind == (uint8_t)kind && roles[i].type == sig_type)
			return (enum pgp_selfsig_role)roles[i].role;
	return PGP_SELFSIG_NONE;
}

struct pgp_sig_target
pgp_component_target(const struct pgp_cert *c, const struct pgp_component *k)
{
	struct pgp_sig_target t = { .primary = c->primary };

	if (k->kind == PGP_COMPONENT_SUBKEY)
		t.subkey = k->key;
	if (k->kind == PGP_COMPONENT_USER_ID || k->kind == PGP_COMPONENT_USER_ATTRIBUTE) {
		t.user_type = k->packet.type;
		t.user = k->packet.body;
	}
	return t;
}

bool
pgp_selfsig_claimed(const struct pgp_sig *s, const struct pgp_cert *c)
{
	return (s->has_issuer || s->issuer_fpr.len > 0) && pgp_sig_may_be_from(s, c->primary);
}

unsigned
pgp_selfsig_checks(const struct pgp_cert *c)
{
	size_t each = PGP_SELF_CHECKS_MAX / c->component_count;

	return (unsigned)(each < PGP_SELF_CHECKS_EACH_MIN ? PGP_SELF_CHECKS_EACH_MIN
		: each > PGP_SELF_CHECKS_EACH_MAX         ? PGP_SELF_CHECKS_EACH_MAX
							  : each);
}

struct dated {
	uint32_t created;
	uint32_t part;
	bool tried;
};

/* A search for the newest: the same two ways as the judge's (judge_internal.h), with the same bound. */
struct newest {
	const struct pgp_cert *c;
	const struct pgp_component *k;
	struct pgp_sig_target target;
	struct dated *items;
	size_t count;
	unsigned failures, failures_max;
	bool found;
	struct pgp_sig sig;
};

static int
newer_first(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	if (x->created != y->created)
		return x->created > y->created ? -1 : 1;
	/* Of two of the same second the one that stands later was appended later. */
	return x->part > y->part ? -1 : x->part < y->part;
}

static int
in_order(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	return x->part < y->part ? -1 : x->part > y->part;
}

static void
collect(struct newest *n, enum pgp_selfsig_role role, uint64_t latest)
{
	const struct pgp_component *k = n->k;
	struct pgp_sig s;

	for (size_t i = 0; i < k->part_count; i++) {
		if (k->parts[i].type != PGP_SIGNATURE || pgp_sig_parse(k->parts[i].body, &s, NULL) != 0 ||
		    pgp_selfsig_role(k->kind, s.type) != role || !pgp_selfsig_claimed(&s, n->c) || s.hash == PGP_MD5 ||
		    s.created > latest)
			continue;
		n->items[n->count++] = (struct dated){ s.created, (uint32_t)i, false };
	}
}

static int
try_one(struct newest *n, struct dated *d)
{
	struct pgp_sig s;
	int rc = pgp_sig_parse(n->k->parts[d->part].body, &s, NULL);

	d->tried = true;
	if (rc == 0)
		rc = pgp_sig_check_target(&s, &n->target, n->c->primary, NULL);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		return rc;
	if (rc != 0) {
		n->failures++;
		return 0;
	}
	n->sig = s;
	n->found = true;
	return 0;
}

static int
search(struct newest *n)
{
	int rc = 0;

	if (n->count > 1)
		qsort(n->items, n->count, sizeof *n->items, newer_first);
	for (size_t i = 0; i < n->count && rc == 0 && !n->found && n->failures < n->failures_max / 2; i++)
		rc = try_one(n, &n->items[i]);
	if (rc != 0 || n->found)
		return rc;
	if (n->count > 1)
		qsort(n->items, n->count, sizeof *n->items, in_order);
	for (size_t i = 0; i < n->count && rc == 0 && n->failures < n->failures_max; i++)
		if (!n->items[i].tried && (!n->found || n->items[i].created > n->sig.created))
			rc = try_one(n, &n->items[i]);
	return rc;
}

int
pgp_selfsig_newest(const struct pgp_cert *c, const struct pgp_component *k, enum pgp_selfsig_role role, uint64_t latest,
    struct pgp_sig *out, struct error *e)
{
	MEM_OWNED struct dated *items = mem_array(k->part_count, sizeof *items);
	struct newest n = { .c = c,
		.k = k,
		.target = pgp_component_target(c, k),
		.items = items,
		.failures_max = pgp_selfsig_checks(c) };
	int rc;

	if (items == NULL)
		return error_nomem(e);
	collect(&n, role, latest);
	rc = search(&n);
	if (rc != 0)
		return error_set(e, rc, "a self-signature could not be checked");
	if (!n.found)
		return error_set(e, ERR_NOT_FOUND, "there is no valid self-signature");
	*out = n.sig;
	return 0;
}

int
pgp_selfsig_back_check(const struct pgp_cert *c, const struct pgp_component *k, const struct pgp_sig *binding,
    const struct pgp_policy *policy, struct slice *out, struct error *e)
{
	struct pgp_sig_target target = pgp_component_target(c, k);
	struct slice body;
	struct pgp_sig back;
	int result = error_set(e, ERR_NOT_FOUND, "the signing subkey did not sign back");

	*out = SLICE_EMPTY;
	/* Anybody may put more of them into the unhashed area. */
	for (size_t n = 0; n < PGP_EMBEDDED_MAX && pgp_sig_embedded(binding, n, &body); n++) {
		int rc = pgp_sig_parse(body, &back, NULL);

		if (rc == 0)
			rc = pgp_sig_check_target(&back, &target, k->key, e);
		if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
			return rc;
		if (rc == 0)
			rc = pgp_policy_hash(policy, back.hash, PGP_USE_DATA, e);
		if (rc == 0 || (rc == ERR_POLICY && out->len == 0))
			*out = body;
		if (rc == 0)
			return 0;
		if (result != ERR_POLICY)
			result = rc;
	}
	return result;
}

/* ---- subpackets ---- */

void
pgp_put_octet(struct buf *subpackets, uint8_t type, bool critical, uint8_t v)
{
	(void)pgp_subpacket_put(subpackets, type, critical, slice_of(&v, 1));
}

void
pgp_put_number(struct buf *subpackets, uint8_t type, bool critical, uint32_t v)
{
	const uint8_t body[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	(void)pgp_subpacket_put(subpackets, type, critical, slice_of(body, 4));
}

/* Lowest octet first, as few as it takes. */
void
pgp_put_flags(struct buf *subpackets, uint8_t type, bool critical, uint32_t flags)
{
	uint8_t body[4];
	size_t len = 1;

	for (size_t i = 0; i < 4; i++) {
		body[i] = (uint8_t)(flags >> 8 * i);
		if (body[i] != 0)
			len = i + 1;
	}
	(void)pgp_subpacket_put(subpackets, type, critical, slice_of(body, len));
}

void
pgp_put_preferences(struct buf *subpackets, bool v2)
{
	static const uint8_t ciphers[] = { PGP_AES256, PGP_AES192, PGP_AES128 };
	static const uint8_t hashes[] = { PGP_SHA512, PGP_SHA384, PGP_SHA256 };
	static const uint8_t aead[] = { PGP_AES256, PGP_OCB, PGP_AES128, PGP_OCB };

	pgp_put_octet(
	    subpackets, PGP_SUB_FEATURES, false, v2 ? PGP_FEATURE_SEIPD1 | PGP_FEATURE_SEIPD2 : PGP_FEATURE_SEIPD1);
	(void)pgp_subpacket_put(subpackets, PGP_SUB_PREFERRED_CIPHERS, false, slice_of(ciphers, sizeof ciphers));
	(void)pgp_subpacket_put(subpackets, PGP_SUB_PREFERRED_HASHES, false, slice_of(hashes, sizeof hashes));
	if (v2)
		(void)pgp_subpacket_put(subpackets, PGP_SUB_PREFERRED_AEAD, false, slice_of(aead, sizeof aead));
}

int
pgp_put_reason(struct buf *subpackets, uint8_t reason, struct slice text, struct error *e)
{
	struct buf body BUF_OWNED = { 0 };

	if (text.len > PGP_USER_ID_MAX || !utf8_valid(text))
		return error_set(e, ERR_USAGE, "the reason's text must be UTF-8 of at most %u octets", PGP_USER_ID_MAX);
	buf_init(&body, PGP_USER_ID_MAX + 1);
	(void)buf_put_u8(&body, reason);
	if (buf_put_slice(&body, text) != 0)
		return error_nomem(e);
	(void)pgp_subpacket_put(subpackets, PGP_SUB_REVOCATION_REASON, false, buf_slice(&body));
	return 0;
}

void
pgp_carry_subpackets(struct buf *subpackets, const struct pgp_sig *old, uint32_t created, const uint8_t *dropped)
{
	static const char never[] = { PGP_SUB_CREATED, PGP_SUB_SIG_EXPIRES, PGP_SUB_ISSUER, PGP_SUB_ISSUER_FINGERPRINT,
		PGP_SUB_EMBEDDED, 0 };
	struct pgp_subpacket p;
	size_t at = 0;

	while (pgp_subpacket_next(old->hashed, &at, &p)) {
		if (p.type == 0 || strchr(never, p.type) != NULL || strchr((const char *)dropped, p.type) != NULL)
			continue;
		(void)pgp_subpacket_put(subpackets, p.type, p.critical, p.body);
	}
	if (old->expires != 0 && (uint64_t)old->created + old->expires > created)
		pgp_put_number(
		    subpackets, PGP_SUB_SIG_EXPIRES, true, (uint32_t)((uint64_t)old->created + old->expires - created));
}
