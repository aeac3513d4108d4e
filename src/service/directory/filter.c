/* SPDX-License-Identifier: ISC */
#include "service/directory/filter.h"

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
	{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_BINDING, WORTH_BINDING },
	{ PGP_COMPONENT_SUBKEY, PGP_SIG_SUBKEY_REVOCATION, WORTH_REVOCATION },
};

struct kept {
	const struct pgp_part *part;
	uint32_t created;
};

/* The signatures of one component that are kept so far. */
struct gathering {
	const struct pgp_key *primary;
	const struct pgp_component *component;
	struct kept signatures[DIRECTORY_SIGNATURES_MAX];
	struct kept revocations[DIRECTORY_REVOCATIONS_MAX];
	size_t signature_count, revocation_count, tries;
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

static bool
verifies(struct gathering *g, const struct pgp_sig *s)
{
	const struct pgp_component *c = g->component;
	struct pgp_sig_target target = { .primary = g->primary };

	if (c->kind == PGP_COMPONENT_SUBKEY)
		target.subkey = c->key;
	if (c->kind == PGP_COMPONENT_USER_ID) {
		target.user_type = PGP_USER_ID;
		target.user = c->packet.body;
	}
	if (g->tries == DIRECTORY_TRIES_MAX)
		return false;
	g->tries++;
	return pgp_sig_check_target(s, &target, g->primary, NULL) == 0;
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

static void
consider(struct gathering *g, const struct pgp_part *part, bool revocations)
{
	struct pgp_sig s;
	enum worth worth;

	if (part->type != PGP_SIGNATURE || pgp_sig_parse(part->body, &s, NULL) != 0 || s.invalid != NULL)
		return;
	worth = worth_of(g->component, s.type);
	if (worth == WORTH_NOTHING || (worth == WORTH_REVOCATION) != revocations || !s.exportable ||
	    !pgp_sig_may_be_from(&s, g->primary))
		return;
	if (is_there(g->signatures, g->signature_count, part) || is_there(g->revocations, g->revocation_count, part) ||
	    !verifies(g, &s))
		return;
	g->bound |= worth == WORTH_BINDING;
	if (revocations)
		keep(g->revocations, &g->revocation_count, DIRECTORY_REVOCATIONS_MAX, (struct kept){ part, s.created });
	else
		keep(g->signatures, &g->signature_count, DIRECTORY_SIGNATURES_MAX, (struct kept){ part, s.created });
}

static void
gather(struct gathering *g, const struct pgp_component *from)
{
	if (from == NULL)
		return;
	/* Revocations first: a flood of others must not use up the tries. */
	for (int revocations = 1; revocations >= 0; revocations--)
		for (size_t i = 0; i < from->part_count; i++)
			consider(g, &from->parts[i], revocations != 0);
}

/* The component with the same packet in another version of the certificate. */
static const struct pgp_component *
counterpart(const struct pgp_cert *cert, const struct pgp_component *c)
{
	for (size_t i = 0; cert != NULL && i < cert->component_count; i++)
		if (cert->components[i].kind == c->kind && slice_eq(cert->components[i].packet.body, c->packet.body))
			return &cert->components[i];
	return NULL;
}

/* True when the component was worth keeping. */
static bool
put_component(
    const struct pgp_key *primary, const struct pgp_component *c, const struct pgp_component *other, struct buf *out)
{
	struct gathering g = { .primary = primary, .component = c };

	gather(&g, c);
	gather(&g, other);
	if (c->kind != PGP_COMPONENT_PRIMARY && !g.bound)
		return false;
	(void)buf_put_slice(out, c->packet.raw);
	for (size_t i = 0; i < g.revocation_count; i++)
		(void)buf_put_slice(out, g.revocations[i].part->raw);
	for (size_t i = 0; i < g.signature_count; i++)
		(void)buf_put_slice(out, g.signatures[i].part->raw);
	return true;
}

struct merging {
	const struct directory_filter_input *in;
	const struct pgp_key *primary;
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
			const struct pgp_component *other = counterpart(versions[1 - v], c);

			if (c->kind != kind || (v == 1 && other != NULL) || m->counts[kind] == max)
				continue;
			if (kind == PGP_COMPONENT_USER_ID && !m->in->permit(m->in->ctx, c->packet.body))
				continue;
			if (kind == PGP_COMPONENT_SUBKEY && c->key == NULL)
				continue;
			m->counts[kind] += put_component(m->primary, c, other, m->out);
		}
	}
}

int
directory_filter(const struct directory_filter_input *in, struct buf *out, size_t *user_ids_out, struct error *e)
{
	struct merging m = { .in = in, .primary = in->fresh->primary, .out = out };

	if (in->fresh->secret)
		return error_set(e, ERR_DENIED, "this is a SECRET key: nothing of it was kept; consider it disclosed");
	if (m.primary == NULL || !m.primary->understood || !pgp_key_can_verify(m.primary))
		return error_set(e, ERR_SYNTAX, "the primary key is not one that can make signatures");
	put_kind(&m, PGP_COMPONENT_PRIMARY, 1);
	put_kind(&m, PGP_COMPONENT_USER_ID, DIRECTORY_USER_IDS_MAX);
	put_kind(&m, PGP_COMPONENT_SUBKEY, DIRECTORY_SUBKEYS_MAX);
	*user_ids_out = m.counts[PGP_COMPONENT_USER_ID];
	if (out->err != 0)
		return error_set(e, out->err, "the certificate has more than %zu octets", out->max);
	return 0;
}
