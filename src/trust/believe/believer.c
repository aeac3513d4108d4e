/* SPDX-License-Identifier: ISC */
/* Who is trusted, by which model, and what certifications come to by that. */
#include <string.h>

#include "base/mem.h"
#include "trust/believe/believe_internal.h"
#include "trust/believe/classic.h"
#include "trust/records.h"

const char *
believe_model_name(enum believe_model m)
{
	static const char *const names[BELIEVE_MODELS] = {
		[BELIEVE_SEQUOIA] = "sequoia", [BELIEVE_PGP] = "pgp", [BELIEVE_DIRECT] = "direct"
	};

	return (unsigned)m < BELIEVE_MODELS ? names[m] : "unknown";
}

bool
believe_model_parse(struct slice name, enum believe_model *out)
{
	for (unsigned i = 0; i < BELIEVE_MODELS; i++) {
		if (slice_ieq_str(name, believe_model_name((enum believe_model)i))) {
			*out = (enum believe_model)i;
			return true;
		}
	}
	return false;
}

/* ---- roots ---- */

int
believer_set_roots(struct believer *b, const struct believe_root *roots, size_t count, struct error *e)
{
	struct believe_root *own;

	if (count > BELIEVE_ROOTS_MAX)
		return error_set(e, ERR_LIMIT, "more than %u introducers", BELIEVE_ROOTS_MAX);
	own = mem_array(count + 1, sizeof *own);
	if (own == NULL)
		return error_nomem(e);
	if (count > 0)
		memcpy(own, roots, count * sizeof *own);
	mem_free(b->roots);
	b->roots = own;
	b->root_count = count;
	return 0;
}

const struct believe_root *
believer_roots(const struct believer *b, size_t *count)
{
	*count = b->root_count;
	return b->roots;
}

struct gathering {
	struct believe_root *items;
	size_t count;
	bool full;
};

static int
add_own(void *ctx, const struct trust_entry *entry)
{
	struct gathering *g = ctx;

	g->full = g->count == BELIEVE_ROOTS_MAX;
	if (g->full)
		return ERR_LIMIT;
	g->items[g->count++] =
	    (struct believe_root){ .fingerprint = entry->fingerprint, .amount = 120, .depth = 255, .own = true };
	return 0;
}

/* One's own keys, and whom the person named. */
static int
gather_roots(struct believer *b, const struct trust_store *store, struct error *e)
{
	const struct trust_list own = { .own = true };
	MEM_OWNED struct believe_root *items = mem_array(BELIEVE_ROOTS_MAX, sizeof *items);
	struct gathering g = { .items = items };
	struct trust_root *named;
	size_t count;
	int rc;

	if (items == NULL)
		return error_nomem(e);
	rc = trust_store_list(store, &own, add_own, &g, e);
	if (rc == ERR_LIMIT && g.full)
		return error_set(e, rc, "more than %u keys of one's own", BELIEVE_ROOTS_MAX);
	if (rc == 0)
		rc = trust_roots(store, &b->arena, &named, &count, e);
	for (size_t i = 0; rc == 0 && i < count && g.count < BELIEVE_ROOTS_MAX; i++)
		g.items[g.count++] = (struct believe_root){ .fingerprint = named[i].fingerprint,
			.amount = named[i].amount,
			.depth = named[i].depth,
			.regex = named[i].regex };
	return rc == 0 ? believer_set_roots(b, g.items, g.count, e) : rc;
}

static int
read_model(struct believer *b, const struct trust_store *store, struct error *e)
{
	BUF_OWNED struct buf value = { .max = TRUST_SETTING_MAX };
	int rc = trust_setting_get(store, TRUST_SETTING_MODEL, &value, e);

	if (rc != 0 || value.len == 0)
		return rc;
	if (!believe_model_parse(buf_slice(&value), &b->model))
		return error_set(e, ERR_UNSUPPORTED,
		    "the trust model that is set here is not known: say `letterlock key trust --set-model sequoia`");
	return 0;
}

/* ---- life ---- */

int
believer_new(const struct trust_store *store, const struct pgp_policy *policy, struct believer **out, struct error *e)
{
	struct believer *b = mem_alloc(sizeof *b);
	int rc;

	if (b == NULL)
		return error_nomem(e);
	b->store = store;
	b->policy = *policy;
	arena_init(&b->arena, BELIEVE_ROOTS_BUDGET);
	rc = trust_ring_new(store, &b->ring, e);
	if (rc == 0 && store != NULL)
		rc = gather_roots(b, store, e);
	if (rc == 0 && store != NULL)
		rc = read_model(b, store, e);
	if (rc != 0) {
		believer_free(b);
		return rc;
	}
	*out = b;
	return 0;
}

void
believer_free(struct believer *b)
{
	if (b == NULL)
		return;
	pgp_network_free(b->network);
	classic_free(b->classic);
	trust_ring_free(b->ring);
	mem_free(b->roots);
	arena_done(&b->arena);
	mem_free(b);
}

void
believer_set_model(struct believer *b, enum believe_model m)
{
	b->model = m;
}

enum believe_model
believer_model(const struct believer *b)
{
	return b->model;
}

struct trust_ring *
believer_ring(struct believer *b)
{
	return b->ring;
}

const struct believe_root *
believer_root(const struct believer *b, const struct pgp_fingerprint *f)
{
	for (size_t i = 0; i < b->root_count; i++)
		if (pgp_fingerprint_eq(&b->roots[i].fingerprint, f))
			return &b->roots[i];
	return NULL;
}

/* ---- weighing ---- */

static int
weigh_network(struct believer *b, const struct pgp_cert *cert, struct slice user_id, struct pgp_network_result *out,
    struct error *e)
{
	MEM_OWNED struct pgp_network_root *roots = mem_array(b->root_count + 1, sizeof *roots);
	size_t n = 0;
	int rc = roots == NULL ? error_nomem(e) : 0;

	if (rc == 0 && b->network == NULL)
		rc = pgp_network_from(trust_ring_source(b->ring), &b->policy, b->policy.now, &b->network, e);
	for (size_t i = 0; i < b->root_count && rc == 0; i++) {
		const struct believe_root *r = &b->roots[i];
		const struct pgp_cert *known;

		rc = trust_ring_find(b->ring, &r->fingerprint, &known, e);
		if (rc == 0 && known != NULL)
			roots[n++] = (struct pgp_network_root){
				.cert = known, .amount = r->amount, .depth = r->depth, .regex = r->regex
			};
	}
	return rc == 0 ? pgp_network_authenticate(b->network, roots, n, cert, user_id, PGP_NETWORK_FULL, out, e) : rc;
}

static int
weigh_classic(struct believer *b, const struct pgp_cert *cert, struct slice user_id, struct pgp_network_result *out,
    struct error *e)
{
	MEM_OWNED struct classic_owner *owners = mem_array(b->root_count + 1, sizeof *owners);
	size_t n = 0;
	int rc = owners == NULL ? error_nomem(e) : 0;

	if (rc == 0 && b->classic == NULL)
		rc = classic_new(b->ring, &b->policy, b->policy.now, &b->classic, e);
	for (size_t i = 0; i < b->root_count && rc == 0; i++) {
		const struct believe_root *r = &b->roots[i];
		const struct pgp_cert *known;

		rc = trust_ring_find(b->ring, &r->fingerprint, &known, e);
		if (rc == 0 && known != NULL)
			owners[n++] = (struct classic_owner){ known, classic_level_of(r->amount, r->own) };
	}
	return rc == 0 ? classic_authenticate(b->classic, owners, n, cert, user_id, out, e) : rc;
}

/* It stands, and its owner did not take the user ID back. */
static int
is_open(const struct believer *b, const struct pgp_cert *cert, struct slice user_id, bool *open, struct error *e)
{
	struct pgp_cert_judgement j;
	int rc = pgp_cert_judge(cert, &b->policy, b->policy.now, &j, e);

	if (rc != 0)
		return rc;
	*open = j.standing == PGP_STANDING_GOOD;
	for (size_t i = 1; i < j.count; i++)
		if (j.components[i].component->kind == PGP_COMPONENT_USER_ID &&
		    slice_eq(j.components[i].component->packet.body, user_id) &&
		    (j.components[i].standing == PGP_STANDING_REVOKED_HARD ||
			j.components[i].standing == PGP_STANDING_REVOKED_SOFT ||
			j.components[i].standing == PGP_STANDING_EXPIRED))
			*open = false;
	pgp_cert_judgement_done(&j);
	return 0;
}

/* GnuPG's "direct": what the person said of the certificate as a whole. */
static int
weigh_direct(const struct believer *b, const struct pgp_cert *cert, struct slice user_id,
    struct pgp_network_result *out, struct error *e)
{
	const struct believe_root *r = believer_root(b, &cert->primary->fingerprint);
	bool open = false;
	int rc = 0;

	*out = (struct pgp_network_result){ 0 };
	if (r != NULL)
		rc = is_open(b, cert, user_id, &open, e);
	if (open)
		out->amount = r->own ? PGP_NETWORK_FULL : r->amount;
	return rc;
}

int
believer_weigh(struct believer *b, const struct pgp_cert *cert, struct slice user_id, struct pgp_network_result *out,
    struct error *e)
{
	int rc = 0;

	switch (b->model) {
	case BELIEVE_PGP:
		rc = weigh_classic(b, cert, user_id, out, e);
		break;
	case BELIEVE_DIRECT:
		rc = weigh_direct(b, cert, user_id, out, e);
		break;
	case BELIEVE_SEQUOIA:
	case BELIEVE_MODELS:
		rc = weigh_network(b, cert, user_id, out, e);
		break;
	}
	if (rc == 0 && out->amount > PGP_NETWORK_FULL)
		out->amount = PGP_NETWORK_FULL;
	return rc;
}
