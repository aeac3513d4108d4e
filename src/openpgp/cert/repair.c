/* SPDX-License-Identifier: ISC */
/* Self-signatures that stand behind the wrong component, put behind the right one. */
#include "openpgp/cert/merge.h"
#include "openpgp/cert/selfsig.h"

struct move {
	const struct pgp_part *part;
	size_t to; /* component */
};

struct repair {
	const struct pgp_cert *c;
	struct move *moves; /* room for PGP_REPAIR_TRIES_MAX: each took a try */
	size_t count;
	size_t tries; /* left */
	struct arena arena;
};

/* 1 when it verifies for k, 0 when not. */
static int
fits(struct repair *r, const struct pgp_sig *s, const struct pgp_component *k, struct error *e)
{
	struct pgp_sig_target target = pgp_component_target(r->c, k);
	int rc;

	if (pgp_selfsig_role(k->kind, s->type) == PGP_SELFSIG_NONE ||
	    (k->kind == PGP_COMPONENT_SUBKEY && k->key == NULL) || r->tries == 0)
		return 0;
	r->tries--;
	rc = pgp_sig_check_target(s, &target, r->c->primary, e);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		return rc;
	return rc == 0;
}

static int
consider(struct repair *r, const struct pgp_part *part, size_t here, struct error *e)
{
	const struct pgp_cert *c = r->c;
	struct pgp_sig s;
	int rc;

	if (r->tries == 0 || part->type != PGP_SIGNATURE || pgp_sig_parse(part->body, &s, NULL) != 0 ||
	    !pgp_selfsig_claimed(&s, c))
		return 0;
	/* One that cannot belong here is looked for everywhere, which costs something though nothing is verified. */
	if (pgp_selfsig_role(c->components[here].kind, s.type) == PGP_SELFSIG_NONE)
		r->tries--;
	rc = fits(r, &s, &c->components[here], e);
	for (size_t i = 0; rc == 0 && i < c->component_count; i++) {
		rc = i == here ? 0 : fits(r, &s, &c->components[i], e);
		if (rc == 1)
			r->moves[r->count++] = (struct move){ part, i };
	}
	return rc < 0 ? rc : 0;
}

static int
consider_all(struct repair *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->c->component_count; i++)
		for (size_t p = 0; rc == 0 && p < r->c->components[i].part_count; p++)
			rc = consider(r, &r->c->components[i].parts[p], i, e);
	return rc;
}

/* Moves come in the order of the parts, so that one look at the next of them is enough. */
static void
put_staying(const struct repair *r, const struct pgp_component *k, size_t *next, struct buf *out)
{
	(void)buf_put_slice(out, k->packet.raw);
	for (size_t p = 0; p < k->part_count; p++) {
		if (*next < r->count && r->moves[*next].part == &k->parts[p])
			(*next)++;
		else
			(void)buf_put_slice(out, k->parts[p].raw);
	}
}

static int
write_all(const struct repair *r, struct buf *out, struct error *e)
{
	size_t next = 0;

	for (size_t i = 0; i < r->c->component_count; i++) {
		put_staying(r, &r->c->components[i], &next, out);
		for (size_t m = 0; m < r->count; m++)
			if (r->moves[m].to == i)
				(void)buf_put_slice(out, r->moves[m].part->raw);
	}
	return out->err != 0 ? error_set(e, out->err, "no room for the certificate") : 0;
}

int
pgp_cert_repair(const struct pgp_cert *c, struct buf *out, bool *changed_out, struct error *e)
{
	struct repair r = { .c = c, .tries = PGP_REPAIR_TRIES_MAX };
	int rc;

	arena_init(&r.arena, PGP_REPAIR_TRIES_MAX * sizeof *r.moves + 4096);
	r.moves = arena_array(&r.arena, PGP_REPAIR_TRIES_MAX, sizeof *r.moves);
	rc = r.moves == NULL ? error_set(e, r.arena.err, "no room to repair a certificate") : 0;
	if (rc == 0 && c->primary->understood)
		rc = consider_all(&r, e);
	if (rc == 0)
		rc = write_all(&r, out, e);
	if (rc == 0)
		*changed_out = r.count > 0;
	arena_done(&r.arena);
	return rc;
}
