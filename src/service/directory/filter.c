/* SPDX-License-Identifier: ISC */
#include "service/directory/filter.h"

#include "openpgp/cert/certify.h"
#include "openpgp/sig/sig.h"

/* What a signature is for the component behind which it stands. */
enum worth {
	WORTH_NOTHING,
	WORTH_BINDING, /* without one the component is not kept */
	WORTH_OTHER,
	WORTH_REVOCATION,
};

static const struct {
	enum pgp_component_kind kind;
	uint8_t sig_type;
	enum worth worth;
} worths[] = {
	{ PGP_COMPONENT_PRIMARY, PGP_SIG_DIRECT_KEY, WORTH_OTHER },
	{ PGP_COMPONENT_PRIMARY, PGP_SIG_KEY_REVOCATION, WORTH_REVOCATION },
	{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_GENERIC, WORTH_BINDING },
	{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_PERSONA, WORTH_BINDING },
	{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_CASUAL, WORTH_BINDING },
	{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_POSITIVE, WORTH_BINDING },
	{ PGP_COMPONENT_USER_ID, PGP_SIG_CERT_REVOCATION, WORTH_REVOCATION },
	{ PGP_COMPONENT_USER_ID, PGP_SIG_ATTESTATION, WORTH_OTHER },
	{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_BINDING, WORTH_BINDING },
	{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_REVOCATION, WORTH_REVOCATION },
};

struct kept {
	const struct pgp_part *part;
	uint32_t created;
	uint8_t type;
	bool hard; /* a revocation that voids the past, and that nothing takes back */
};

/* The signatures of one component that are kept so far. */
struct gathering {
	const struct directory_filter_input *in;
	const struct pgp_key *primary;
	const struct pgp_component *component;
	struct kept signatures[DIRECTORY_SIGNATURES_MAX];
	struct kept revocations[DIRECTORY_REVOCATIONS_MAX];
	struct kept others[DIRECTORY_OTHERS_MAX];
	size_t signature_count, revocation_count, other_count, tries;
	bool bound;
};

static enum worth
worth_of(const struct pgp_component *c, uint8_t sig_type)
{
	for (size_t i = 0; i < sizeof worths / sizeof worths[0]; i++)
		if (worths[i].kind == c->kind && worths[i].sig_type == sig_type)
			return worths[i].worth;
	return WORTH_NOTHING;
}

static struct pgp_sig_target
target_of(const struct gathering *g)
{
	const struct pgp_component *c = g->component;
	struct pgp_sig_target target = { .primary = g->primary };

	if (c->kind == PGP_COMPONENT_SUBKEY)
		target.subkey = c->key;
	if (c->kind == PGP_COMPONENT_USER_ID) {
		target.user_type = PGP_USER_ID;
		target.user = c->packet.body;
	}
	return target;
}

static bool
verifies(struct gathering *g, const struct pgp_sig *s, const struct pgp_key *by)
{
	struct pgp_sig_target target = target_of(g);

	if (g->tries == DIRECTORY_TRIES_MAX)
		return false;
	g->tries++;
	return pgp_sig_check_target(s, &target, by, NULL) == 0;
}

static bool
is_there(const struct kept *list, size_t count, const struct pgp_part *part)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq(list[i].part->body, part->body))
			return true;
	return false;
}

/* Adds, or takes the place of the oldest when all are taken. */
static void
keep(struct kept *list, size_t *count, size_t max, struct kept k)
{
	size_t oldest = 0;

	if (*count < max) {
		list[(*count)++] = k;
		return;
	}
	for (size_t i = 1; i < *count; i++)
		if (list[i].created < list[oldest].created)
			oldest = i;
	if (list[oldest].created < k.created)
		list[oldest] = k;
}

/*
 * A revocation never goes for another one, but a soft one for a hard one: who stole the key could push out what its owner
 * said of it with newer ones that can be taken back.
 */
static void
keep_revocation(struct gathering *g, struct kept k)
{
	if (g->revocation_count < DIRECTORY_REVOCATIONS_MAX) {
		g->revocations[g->revocation_count++] = k;
		return;
	}
	for (size_t i = g->revocation_count; k.hard && i-- > 0;)
		if (!g->revocations[i].hard) {
			g->revocations[i] = k;
			return;
		}
}

static bool
is_hard(const struct pgp_sig *s)
{
	return !s->has_reason ||
	    (s->reason != PGP_REASON_SUPERSEDED && s->reason != PGP_REASON_RETIRED &&
		s->reason != PGP_REASON_USER_ID_INVALID);
}

/* trusted: of the version that is kept already, where everything was checked before it was. */
static void
consider(struct gathering *g, const struct pgp_part *part, bool revocations, bool trusted)
{
	struct pgp_sig s;
	struct kept k = { .part = part };
	enum worth worth;

	if (part->type != PGP_SIGNATURE || pgp_sig_parse(part->body, &s, NULL) != 0 || s.invalid != NULL)
		return;
	worth = worth_of(g->component, s.type);
	if (worth == WORTH_NOTHING || (worth == WORTH_REVOCATION) != revocations || !s.exportable ||
	    !pgp_sig_may_be_from(&s, g->primary))
		return;
	if (is_there(g->signatures, g->signature_count, part) || is_there(g->revocations, g->revocation_count, part) ||
	    (!trusted && !verifies(g, &s, g->primary)))
		return;
	g->bound |= worth == WORTH_BINDING;
	k.created = s.created;
	k.type = s.type;
	k.hard = revocations && is_hard(&s);
	if (revocations)
		keep_revocation(g, k);
	else
		keep(g->signatures, &g->signature_count, DIRECTORY_SIGNATURES_MAX, k);
}

static void
gather(struct gathering *g, const struct pgp_component *from, bool trusted)
{
	if (from == NULL)
		return;
	/* Revocations first: a flood of others must not use up the tries. */
	for (int revocations = 1; revocations >= 0; revocations--)
		for (size_t i = 0; i < from->part_count; i++)
			consider(g, &from->parts[i], revocations != 0, trusted);
}

/* ---- what other people signed ---- */

/* What the owner's newest approval lists ("1PA3PC"); false without one. */
static bool
find_approval(const struct gathering *g, struct pgp_approval *out)
{
	const struct kept *newest = NULL;
	struct pgp_sig s;

	for (size_t i = 0; i < g->signature_count; i++)
		if (g->signatures[i].type == PGP_SIG_ATTESTATION &&
		    (newest == NULL || newest->created <= g->signatures[i].created))
			newest = &g->signatures[i];
	if (newest == NULL || pgp_sig_parse(newest->part->body, &s, NULL) != 0)
		return false;
	*out = (struct pgp_approval){ .hash = s.hash, .digests = s.attested };
	return s.attested.len > 0;
}

static bool
is_introduced(struct gathering *g, const struct pgp_sig *s)
{
	for (size_t i = 0; i < g->in->introducer_count; i++)
		if (pgp_sig_may_be_from(s, g->in->introducers[i]->primary) &&
		    verifies(g, s, g->in->introducers[i]->primary))
			return true;
	return false;
}

static void
consider_other(struct gathering *g, const struct pgp_part *part, const struct pgp_approval *approval)
{
	struct pgp_sig s;
	bool approved = false;

	if (part->type != PGP_SIGNATURE || pgp_sig_parse(part->body, &s, NULL) != 0 || s.invalid != NULL)
		return;
	if (s.type < PGP_SIG_CERT_GENERIC || (s.type > PGP_SIG_CERT_POSITIVE && s.type != PGP_SIG_CERT_REVOCATION) ||
	    !s.exportable || pgp_sig_may_be_from(&s, g->primary) || g->other_count == DIRECTORY_OTHERS_MAX ||
	    is_there(g->others, g->other_count, part))
		return;
	if (approval != NULL && pgp_approval_has(approval, part->body, &approved, NULL) != 0)
		approved = false;
	if (approved || is_introduced(g, &s))
		g->others[g->other_count++] = (struct kept){ .part = part, .created = s.created, .type = s.type };
}

static void
gather_others(struct gathering *g, const struct pgp_component *const *versions)
{
	struct pgp_approval approval;
	bool any = find_approval(g, &approval);

	if (!any && g->in->introducer_count == 0)
		return;
	for (size_t v = 0; v < 2; v++)
		for (size_t i = 0; versions[v] != NULL && i < versions[v]->part_count; i++)
			consider_other(g, &versions[v]->parts[i], any ? &approval : NULL);
}

/* ---- merging ---- */

/* The component with the same packet in another version of the certificate. */
static const struct pgp_component *
counterpart(const struct pgp_cert *cert, const struct pgp_component *c)
{
	for (size_t i = 0; cert != NULL && i < cert->component_count; i++)
		if (cert->components[i].kind == c->kind && slice_eq(cert->components[i].packet.body, c->packet.body))
			return &cert->components[i];
	return NULL;
}

/* versions: the one that is kept already, and the one that came; one of them may be NULL. True: it was worth keeping. */
static bool
put_component(const struct directory_filter_input *in, const struct pgp_component *const *versions, struct buf *out)
{
	const struct pgp_component *c = versions[0] != NULL ? versions[0] : versions[1];
	struct gathering g = { .in = in, .primary = in->fresh->primary, .component = c };

	gather(&g, versions[0], true);
	gather(&g, versions[1], false);
	g.tries = 0; /* a flood of the owner's must not use up those of the introducers */
	if (c->kind != PGP_COMPONENT_PRIMARY && !g.bound)
		return false;
	if (c->kind == PGP_COMPONENT_USER_ID)
		gather_others(&g, versions);
	(void)buf_put_slice(out, c->packet.raw);
	for (size_t i = 0; i < g.revocation_count; i++)
		(void)buf_put_slice(out, g.revocations[i].part->raw);
	for (size_t i = 0; i < g.signature_count; i++)
		(void)buf_put_slice(out, g.signatures[i].part->raw);
	for (size_t i = 0; i < g.other_count; i++)
		(void)buf_put_slice(out, g.others[i].part->raw);
	return true;
}

struct merging {
	const struct directory_filter_input *in;
	struct buf *out;
	size_t counts[PGP_COMPONENT_UNKNOWN + 1];
};

/* All components of one kind, of the older version first. */
static void
put_kind(struct merging *m, enum pgp_component_kind kind, size_t max)
{
	const struct pgp_cert *versions[] = { m->in->old, m->in->fresh };

	for (size_t v = 0; v < 2; v++) {
		for (size_t i = 0; versions[v] != NULL && i < versions[v]->component_count; i++) {
			const struct pgp_component *c = &versions[v]->components[i];
			const struct pgp_component *pair[2];

			if (c->kind != kind || m->counts[kind] == max)
				continue;
			pair[v] = c;
			pair[1 - v] = counterpart(versions[1 - v], c);
			if (v == 1 && pair[0] != NULL)
				continue;
			if (kind == PGP_COMPONENT_USER_ID && !m->in->permit(m->in->ctx, c->packet.body))
				continue;
			if (kind == PGP_COMPONENT_SUBKEY && c->key == NULL)
				continue;
			m->counts[kind] += put_component(m->in, pair, m->out);
		}
	}
}

/* A flood is refused before anything of it is looked at. */
static int
check_flood(const struct pgp_cert *fresh, struct error *e)
{
	size_t packets = 0;

	for (size_t i = 0; i < fresh->component_count; i++)
		packets += 1 + fresh->components[i].part_count;
	if (packets <= DIRECTORY_PACKETS_MAX)
		return 0;
	return error_set(e, ERR_DENIED,
	    "This certificate has %zu packets, and at most %u are looked at: leave other people's signatures out of it "
	    "(letterlock key export, or gpg --export-options export-minimal --export).",
	    packets, DIRECTORY_PACKETS_MAX);
}

int
directory_filter(const struct directory_filter_input *in, struct buf *out, size_t *user_ids_out, struct error *e)
{
	struct merging m = { .in = in, .out = out };
	const struct pgp_key *primary = in->fresh->primary;
	int rc = check_flood(in->fresh, e);

	if (rc != 0)
		return rc;
	if (in->fresh->secret)
		return error_set(e, ERR_DENIED, "this is a SECRET key: nothing of it was kept; consider it disclosed");
	if (primary == NULL || !primary->understood || !pgp_key_can_verify(primary))
		return error_set(e, ERR_SYNTAX, "the primary key is not one that can make signatures");
	put_kind(&m, PGP_COMPONENT_PRIMARY, 1);
	put_kind(&m, PGP_COMPONENT_USER_ID, DIRECTORY_USER_IDS_MAX);
	put_kind(&m, PGP_COMPONENT_SUBKEY, DIRECTORY_SUBKEYS_MAX);
	*user_ids_out = m.counts[PGP_COMPONENT_USER_ID];
	if (out->err != 0)
		return error_set(e, out->err, "the certificate has more than %zu octets", out->max);
	return 0;
}
