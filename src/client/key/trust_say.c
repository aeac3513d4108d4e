/* SPDX-License-Identifier: ISC */
#include "client/key/trust_say.h"

#include <stdio.h>

#include "base/date.h"

#define CERTIFICATIONS_BUDGET (64u << 20)

static void
print_fingerprint(const struct pgp_fingerprint *f)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(f, &hex);
	(void)printf("%.*s", (int)hex.len, (const char *)hex.data);
}

static void
set_fingerprint(struct json_value *o, const char *name, const struct pgp_fingerprint *f)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	(void)pgp_fingerprint_write(f, &hex);
	json_value_set_text(o, name, buf_slice(&hex));
}

static struct slice
name_of(const struct pgp_cert *c)
{
	for (size_t i = 1; i < c->component_count; i++)
		if (c->components[i].kind == PGP_COMPONENT_USER_ID)
			return c->components[i].packet.body;
	return SLICE("(no name)");
}

static void
print_day(const char *before, uint64_t when)
{
	BUF_OWNED struct buf b = { .max = 100 };

	(void)date_write_rfc3339(&b, (int64_t)when);
	(void)printf("%s%.10s", before, (const char *)b.data);
}

/* ---- an answer ---- */

void
trust_say(const struct belief *x, struct slice asked)
{
	struct slice whose = x->user_id.len > 0 ? x->user_id : asked;

	if (x->cert != NULL) {
		print_fingerprint(&x->cert->primary->fingerprint);
		(void)fputs("  ", stdout);
	}
	client_print(whose);
	if (x->amount > 0)
		(void)printf("\n  %s (%u of %u)\n", believe_verdict_name(x->verdict), x->amount, PGP_NETWORK_FULL);
	else
		(void)printf("\n  %s, without certifications\n", believe_verdict_name(x->verdict));
	for (size_t i = 0; i < x->reason_count; i++)
		client_say("  - ", x->reasons[i], "");
	if (x->advice.len > 0)
		client_say("  What to do: ", x->advice, "");
}

static struct json_value *
certification_json(const struct pgp_certification *c)
{
	struct json_value *o = json_value_object();

	set_fingerprint(o, "issuer", &c->issuer->primary->fingerprint);
	json_value_set_text(o, "issuer_user_id", name_of(c->issuer));
	set_fingerprint(o, "target", &c->target->primary->fingerprint);
	if (c->component->kind == PGP_COMPONENT_USER_ID)
		json_value_set_text(o, "user_id", c->component->packet.body);
	json_value_set_i64(o, "created", (int64_t)c->created);
	json_value_set_i64(o, "expires", (int64_t)c->expires);
	json_value_set_i64(o, "amount", c->amount);
	json_value_set_i64(o, "depth", c->depth);
	json_value_set_bool(o, "scoped", c->scoped);
	json_value_set_bool(o, "exportable", c->exportable);
	return o;
}

static struct json_value *
path_json(const struct pgp_network_path *p)
{
	struct json_value *o = json_value_object(), *list = json_value_list();

	json_value_set_i64(o, "amount", p->amount);
	set_fingerprint(o, "root", &p->root->primary->fingerprint);
	for (size_t i = 0; i < p->count; i++)
		json_value_append(list, certification_json(p->edges[i]));
	json_value_set(o, "certifications", list);
	return o;
}

struct json_value *
trust_say_json(const struct believer *b, const struct belief *x, struct slice asked)
{
	struct json_value *o = json_value_object(), *reasons = json_value_list(), *paths = json_value_list();

	if (x->cert != NULL)
		set_fingerprint(o, "fingerprint", &x->cert->primary->fingerprint);
	else
		json_value_set_null(o, "fingerprint");
	json_value_set_text(o, "asked", asked);
	json_value_set_text(o, "user_id", x->user_id);
	json_value_set_str(o, "model", believe_model_name(believer_model(b)));
	json_value_set_i64(o, "amount", x->amount);
	json_value_set_str(o, "verdict", believe_verdict_name(x->verdict));
	json_value_set_bool(o, "enough", believe_is_enough(x->verdict));
	for (size_t i = 0; i < x->reason_count; i++)
		json_value_append_text(reasons, x->reasons[i]);
	json_value_set(o, "reasons", reasons);
	json_value_set_text(o, "advice", x->advice);
	for (size_t i = 0; i < x->paths.count; i++)
		json_value_append(paths, path_json(&x->paths.paths[i]));
	json_value_set(o, "paths", paths);
	return o;
}

/* ---- all certifications ---- */

static void
print_certification(const struct pgp_certification *c)
{
	(void)fputs("  ", stdout);
	client_print(c->component->kind == PGP_COMPONENT_USER_ID ? c->component->packet.body : SLICE("the key itself"));
	(void)fputs("\n    by ", stdout);
	print_fingerprint(&c->issuer->primary->fingerprint);
	(void)fputs("  ", stdout);
	client_print(name_of(c->issuer));
	print_day("\n    on ", c->created);
	if (c->expires != 0)
		print_day(", until ", c->expires);
	(void)printf(", amount %u", c->amount);
	if (c->depth > 0)
		(void)printf(", depth %u", c->depth);
	(void)printf("%s%s\n", c->scoped ? ", scoped" : "", c->exportable ? "" : ", for yourself only");
}

int
trust_say_certifications(struct believer *b, const struct pgp_policy *policy, const struct pgp_cert *cert,
    struct json_value *list, struct error *e)
{
	ARENA_OWNED struct arena a = { .budget = CERTIFICATIONS_BUDGET };
	struct pgp_issuers *issuers;
	int rc = pgp_issuers_from(trust_ring_source(believer_ring(b)), &issuers, e);

	for (size_t i = 0; rc == 0 && i < cert->component_count; i++) {
		const struct pgp_certification_query q = { .target = cert,
			.component = &cert->components[i],
			.issuers = issuers,
			.policy = policy,
			.at = policy->now };
		struct pgp_certification *found = NULL;
		size_t count = 0;

		if (i == 0 || q.component->kind == PGP_COMPONENT_USER_ID)
			rc = pgp_certifications_find(&q, &a, &found, &count, e);
		for (size_t k = 0; rc == 0 && k < count; k++) {
			if (found[k].self)
				continue;
			if (list != NULL)
				json_value_append(list, certification_json(&found[k]));
			else
				print_certification(&found[k]);
		}
	}
	pgp_issuers_free(issuers);
	return rc;
}

/* ---- roots ---- */

static const struct pgp_cert *
cert_of(struct believer *b, const struct believe_root *r)
{
	const struct pgp_cert *c = NULL;

	return trust_ring_find(believer_ring(b), &r->fingerprint, &c, NULL) == 0 ? c : NULL;
}

void
trust_say_roots(struct believer *b)
{
	size_t count;
	const struct believe_root *roots = believer_roots(b, &count);

	(void)printf("The trust model is \"%s\".\n", believe_model_name(believer_model(b)));
	for (size_t i = 0; i < count; i++) {
		const struct pgp_cert *c = cert_of(b, &roots[i]);

		print_fingerprint(&roots[i].fingerprint);
		if (roots[i].own)
			(void)fputs("  your own  ", stdout);
		else
			(void)printf("  amount %u, depth %u  ", roots[i].amount, roots[i].depth);
		client_print(c == NULL ? SLICE("(its certificate is not here)") : name_of(c));
		if (roots[i].regex.len > 0)
			client_say("\n    only for ", roots[i].regex, "");
		else
			(void)fputc('\n', stdout);
	}
}

struct json_value *
trust_say_roots_json(struct believer *b)
{
	size_t count;
	const struct believe_root *roots = believer_roots(b, &count);
	struct json_value *o = json_value_object(), *list = json_value_list();

	json_value_set_str(o, "model", believe_model_name(believer_model(b)));
	for (size_t i = 0; i < count; i++) {
		struct json_value *r = json_value_object();

		set_fingerprint(r, "fingerprint", &roots[i].fingerprint);
		json_value_set_bool(r, "own", roots[i].own);
		json_value_set_i64(r, "amount", roots[i].amount);
		json_value_set_i64(r, "depth", roots[i].depth);
		json_value_set_text(r, "regex", roots[i].regex);
		json_value_append(list, r);
	}
	json_value_set(o, "roots", list);
	return o;
}
