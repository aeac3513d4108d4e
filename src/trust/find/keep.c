/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "openpgp/cert/merge.h"
#include "openpgp/judge/verify.h"
#include "trust/find/find_internal.h"

static void
set_text(char *out, size_t size, struct slice text)
{
	size_t n = size_min(text.len, size - 1);

	if (n > 0)
		memcpy(out, text.data, n);
	out[n] = '\0';
}

void
find_failed(struct finding *f, enum find_source source, struct slice where, const struct error *e)
{
	struct find_failure *failure = &f->report->failures[f->report->failure_count];

	if (f->report->failure_count == FIND_FAILURES_MAX)
		return;
	f->report->failure_count++;
	*failure = (struct find_failure){ .source = source, .error = *e };
	set_text(failure->from, sizeof failure->from, where);
}

void
find_say(const struct finding *f, const char *what, struct slice where)
{
	BUF_OWNED struct buf text = { .max = 1000 };

	if (f->place->say == NULL)
		return;
	(void)buf_putf(&text, "%s ", what);
	(void)buf_put_slice(&text, slice_sub(where, 0, 800));
	(void)buf_put_u8(&text, 0);
	if (text.err == 0)
		f->place->say(f->place->say_ctx, (const char *)text.data);
}

struct find_result *
find_add(struct finding *f, const struct find_from *from)
{
	struct find_result *r = &f->report->results[f->report->count];

	if (f->report->count == FIND_RESULTS_MAX)
		return NULL;
	f->report->count++;
	*r = (struct find_result){ .source = from->source, .origin = from->origin, .private = from->private };
	set_text(r->from, sizeof r->from, from->where);
	set_text(r->name, sizeof r->name, from->only);
	return r;
}

/* ---- what fits ---- */

bool
find_is_for(const struct pgp_cert *c, struct slice address, const struct pgp_policy *policy)
{
	const struct pgp_key *key;
	struct pgp_cert_judgement j;
	bool found = false;

	if (pgp_cert_judge(c, policy, policy->now, &j, NULL) != 0)
		return false;
	for (size_t i = 0; i < j.count && !found; i++) {
		const struct pgp_component *k = j.components[i].component;

		found = k->kind == PGP_COMPONENT_USER_ID && j.components[i].standing == PGP_STANDING_GOOD &&
		    slice_ieq(pgp_user_id_address(k->packet.body), address);
	}
	found = found && pgp_judged_keys_for(&j, policy, PGP_FLAG_ENCRYPT, &key, 1, NULL) == 1;
	pgp_cert_judgement_done(&j);
	return found;
}

static bool
has_key_id(const struct pgp_cert *c, uint64_t id)
{
	const struct pgp_key *key;

	for (size_t i = 0; (key = pgp_cert_key(c, i)) != NULL; i++) {
		if (key->key_id == id)
			return true;
	}
	return false;
}

/* In the store, and with that address. */
static bool
is_known_for(const struct trust_entry *known, struct slice address)
{
	BUF_OWNED struct buf folded = { .max = TRUST_ADDRESS_MAX };

	if (known == NULL || trust_address_fold(address, &folded) != 0)
		return false;
	for (size_t i = 0; i < known->address_count; i++) {
		if (slice_eq(known->addresses[i], buf_slice(&folded)))
			return true;
	}
	return false;
}

/* One that is known may also have become worse, which must be learnt. */
static bool
fits(const struct finding *f, const struct find_from *from, const struct pgp_cert *c, const struct trust_entry *known)
{
	if (from->fingerprint != NULL && pgp_cert_find_key(c, from->fingerprint) == NULL)
		return false;
	if (from->key_id != 0 && !has_key_id(c, from->key_id))
		return false;
	return from->only.len == 0 || is_known_for(known, from->only) || find_is_for(c, from->only, f->place->policy);
}

/* The certificate with the user IDs of that address only: what somebody says of others was not asked. */
static int
narrow(const struct pgp_cert *c, struct slice only, struct pgp_cert **out, struct error *e)
{
	const struct pgp_export how = { .keep_unhashed = true, .only_address = only, .no_attributes = only.len > 0 };
	BUF_OWNED struct buf bytes = { .max = 2 * TRUST_CERT_MAX };
	int rc = pgp_cert_export(c, &how, &bytes, e);

	return rc == 0 ? pgp_cert_parse(buf_slice(&bytes), out, NULL, e) : rc;
}

static int
put(struct finding *f, const struct find_from *from, const struct pgp_cert *c, bool *changed, struct error *e)
{
	const struct trust_put what = { .cert = c,
		.origin = from->origin,
		.from = slice_sub(from->where, 0, TRUST_FROM_MAX),
		.address = from->only,
		.policy = *f->place->policy };

	return trust_store_put(f->place->store, &what, changed, e);
}

/* Whether it is the certificate's own fault: then the others go on. */
static bool
is_its_fault(int rc)
{
	return rc == ERR_POLICY || rc == ERR_LIMIT || rc == ERR_SYNTAX || rc == ERR_UNSUPPORTED;
}

static int
take_one(struct finding *f, const struct find_from *from, const struct pgp_cert *c, size_t *taken, struct error *e)
{
	const struct pgp_fingerprint print = c->primary->fingerprint;
	const struct trust_entry *entry = trust_store_find(f->place->store, &print);
	bool known = entry != NULL, changed = false;
	struct find_result *r;
	struct pgp_cert *narrowed = NULL;
	int rc;

	if (!fits(f, from, c, entry))
		return 0;
	rc = narrow(c, from->only, &narrowed, e);
	if (rc == 0)
		rc = put(f, from, narrowed, &changed, e);
	pgp_cert_free(narrowed);
	if (rc != 0) {
		if (!is_its_fault(rc))
			return rc;
		find_failed(f, from->source, from->where, e);
		return 0;
	}
	r = find_add(f, from);
	if (r != NULL) {
		r->fingerprint = print;
		r->key_id = c->primary->key_id;
		r->outcome = !known ? FIND_NEW : changed ? FIND_CHANGED : FIND_KNOWN;
	}
	(*taken)++;
	return 0;
}

int
find_take(struct finding *f, const struct find_from *from, struct slice answer, size_t *taken, struct error *e)
{
	struct pgp_certs certs = { 0 };
	int rc = pgp_certs_parse(answer, &certs, e), kept = 0;

	for (size_t i = 0; rc == 0 && kept == 0 && i < size_min(certs.count, TRUST_CANDIDATES_MAX); i++)
		kept = take_one(f, from, certs.items[i], taken, f->e);
	pgp_certs_done(&certs);
	f->fatal = kept;
	return rc;
}
