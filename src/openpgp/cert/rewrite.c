/* SPDX-License-Identifier: ISC */
#include "openpgp/cert/rewrite.h"

#include "openpgp/frame/packet.h"

int
pgp_rewrite_init(struct pgp_rewrite *w, const struct pgp_cert *c, const struct pgp_key *signer,
    struct pgp_keyring_ops keys, struct error *e)
{
	*w = (struct pgp_rewrite){ .cert = c, .signer = signer, .keys = keys };
	/* A component gets two new signatures at most: a binding and a revocation. */
	w->max = 2 * c->component_count;
	arena_init(&w->arena, w->max * sizeof *w->insertions + 4096);
	buf_init(&w->packets, PGP_CERT_MAX);
	buf_init(&w->users, PGP_CERT_MAX);
	buf_init(&w->subkeys, PGP_CERT_MAX);
	buf_init(&w->subpackets, PGP_SIG_BODY_MAX / 4);
	buf_init(&w->body, PGP_SIG_BODY_MAX);
	w->insertions = arena_array(&w->arena, w->max, sizeof *w->insertions);
	return w->insertions == NULL ? error_set(e, w->arena.err, "no room to change a certificate") : 0;
}

void
pgp_rewrite_done(struct pgp_rewrite *w)
{
	buf_done(&w->packets);
	buf_done(&w->users);
	/* Holds secret key packets that may be unprotected. */
	buf_wipe_done(&w->subkeys);
	buf_done(&w->subpackets);
	buf_done(&w->body);
	arena_done(&w->arena);
}

static bool
is_revocation(uint8_t type)
{
	return type == PGP_SIG_KEY_REVOCATION || type == PGP_SIG_SUBKEY_REVOCATION || type == PGP_SIG_CERT_REVOCATION;
}

/* The signature's body goes to w->body. */
static int
make(struct pgp_rewrite *w, uint8_t type, uint32_t created, const struct pgp_sig_target *target, struct error *e)
{
	struct pgp_sig_spec spec = { .type = type, .created = created, .extra_hashed = buf_slice(&w->subpackets) };
	int rc = w->subpackets.err;

	if (rc != 0)
		return error_set(e, rc, "no room for a signature's subpackets");
	buf_clear(&w->body);
	rc = pgp_sig_make_target(&spec, target, w->signer, w->keys, &w->body, e);
	buf_clear(&w->subpackets);
	return rc;
}

int
pgp_rewrite_insert(
    struct pgp_rewrite *w, const struct pgp_component *k, uint8_t type, struct slice body, struct error *e)
{
	size_t from = w->packets.len;

	if (w->count == w->max)
		return error_set(e, ERR_LIMIT, "too many changes of one component");
	if (pgp_packet_write(&w->packets, PGP_SIGNATURE, body) != 0)
		return error_set(e, w->packets.err, "no room for a signature");
	w->insertions[w->count++] = (struct pgp_insertion){ .component = (size_t)(k - w->cert->components),
		.from = from,
		.len = w->packets.len - from,
		.place = w->signer != w->cert->primary ? PGP_PLACE_LAST
		    : is_revocation(type)              ? PGP_PLACE_FIRST
						       : PGP_PLACE_SELF };
	return 0;
}

int
pgp_rewrite_sign(struct pgp_rewrite *w, const struct pgp_component *k, uint8_t type, uint32_t created, struct error *e)
{
	struct pgp_sig_target target = pgp_component_target(w->cert, k);
	int rc = make(w, type, created, &target, e);

	return rc != 0 ? rc : pgp_rewrite_insert(w, k, type, buf_slice(&w->body), e);
}

int
pgp_rewrite_add_user(struct pgp_rewrite *w, struct slice user_id, uint8_t type, uint32_t created, struct error *e)
{
	struct pgp_sig_target target = { .primary = w->cert->primary, .user_type = PGP_USER_ID, .user = user_id };
	int rc = make(w, type, created, &target, e);

	if (rc != 0)
		return rc;
	(void)pgp_packet_write(&w->users, PGP_USER_ID, user_id);
	(void)pgp_packet_write(&w->users, PGP_SIGNATURE, buf_slice(&w->body));
	return w->users.err != 0 ? error_set(e, w->users.err, "no room for a user ID") : 0;
}

int
pgp_rewrite_add_subkey(
    struct pgp_rewrite *w, const struct pgp_key *key, struct slice packet, uint32_t created, struct error *e)
{
	struct pgp_sig_target target = { .primary = w->cert->primary, .subkey = key };
	int rc = make(w, PGP_SIG_SUBKEY_BINDING, created, &target, e);

	if (rc != 0)
		return rc;
	(void)buf_put_slice(&w->subkeys, packet);
	(void)pgp_packet_write(&w->subkeys, PGP_SIGNATURE, buf_slice(&w->body));
	return w->subkeys.err != 0 ? error_set(e, w->subkeys.err, "no room for a subkey") : 0;
}

bool
pgp_rewrite_changed(const struct pgp_rewrite *w)
{
	return w->count > 0 || w->users.len > 0 || w->subkeys.len > 0;
}

/* ---- writing ---- */

static void
put_insertions(const struct pgp_rewrite *w, size_t component, enum pgp_place place, struct buf *out)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct pgp_insertion *n = &w->insertions[i];

		if (n->component == component && n->place == place)
			(void)buf_put_slice(out, slice_sub(buf_slice(&w->packets), n->from, n->len));
	}
}

static bool
part_is_revocation(const struct pgp_part *p)
{
	struct pgp_sig s;

	return p->type == PGP_SIGNATURE && pgp_sig_parse(p->body, &s, NULL) == 0 && is_revocation(s.type);
}

static void
put_component(const struct pgp_rewrite *w, size_t n, struct buf *out)
{
	const struct pgp_component *k = &w->cert->components[n];
	size_t i = 0;

	(void)buf_put_slice(out, k->packet.raw);
	put_insertions(w, n, PGP_PLACE_FIRST, out);
	/* Old revocations in front stay in front. */
	for (; i < k->part_count && part_is_revocation(&k->parts[i]); i++)
		(void)buf_put_slice(out, k->parts[i].raw);
	put_insertions(w, n, PGP_PLACE_SELF, out);
	for (; i < k->part_count; i++)
		if (k->parts[i].type != PGP_PADDING)
			(void)buf_put_slice(out, k->parts[i].raw);
	put_insertions(w, n, PGP_PLACE_LAST, out);
}

static void
put_padding(const struct pgp_cert *c, struct buf *out)
{
	for (size_t i = 0; i < c->component_count; i++)
		for (size_t n = 0; n < c->components[i].part_count; n++)
			if (c->components[i].parts[n].type == PGP_PADDING)
				(void)buf_put_slice(out, c->components[i].parts[n].raw);
}

/* New user IDs stand in front of the first component behind the last old one; without any, behind the primary key. */
static size_t
place_of_users(const struct pgp_cert *c)
{
	size_t place = 1;

	for (size_t i = 1; i < c->component_count; i++)
		if (c->components[i].kind == PGP_COMPONENT_USER_ID ||
		    c->components[i].kind == PGP_COMPONENT_USER_ATTRIBUTE)
			place = i + 1;
	return place;
}

int
pgp_rewrite_write(const struct pgp_rewrite *w, struct buf *out, struct error *e)
{
	size_t users = place_of_users(w->cert), from = out->len;

	for (size_t i = 0; i < w->cert->component_count; i++) {
		if (i == users)
			(void)buf_put_slice(out, buf_slice(&w->users));
		put_component(w, i, out);
	}
	if (users == w->cert->component_count)
		(void)buf_put_slice(out, buf_slice(&w->users));
	(void)buf_put_slice(out, buf_slice(&w->subkeys));
	put_padding(w->cert, out);
	if (out->err != 0 || out->len - from > PGP_CERT_MAX)
		return error_set(e, out->err != 0 ? out->err : ERR_LIMIT, "the certificate is larger than permitted");
	return 0;
}
