/* SPDX-License-Identifier: ISC */
/*
 * letterlockd domain. Which domains are ours is what the store says. Those of
 * the configuration are put into it at each start and reload, and stay there
 * when the configuration names them no longer: mail never begins to be refused
 * by a line that is missing somewhere. So a domain goes only by `domain remove`,
 * which refuses one that the next start would bring back.
 */
#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "daemon/dkim.h"
#include "daemon/place.h"
#include "daemon/records.h"
#include "daemon/verbs.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)

/* In A-labels; an empty text is no domain. */
static struct slice
ascii_of(struct arena *a, struct slice domain)
{
	struct buf ascii;
	struct slice copy;

	buf_init(&ascii, IDN_NAME_MAX);
	if (idn_to_ascii(domain, &ascii, NULL) != 0)
		buf_clear(&ascii);
	copy = arena_copy(a, buf_slice(&ascii));
	buf_done(&ascii);
	return copy;
}

static bool
is_configured(const struct config *c, struct arena *a, struct slice domain)
{
	struct slice ascii = ascii_of(a, domain);

	for (size_t i = 0; i < c->domain_count; i++)
		if (slice_ieq_str(ascii, c->domains[i]))
			return true;
	return false;
}

static int
domain_add(struct place *p, const struct verb_input *in, struct error *e)
{
	const struct store_domain request = { .domain = slice_str(in->words[1]) };
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	const char *name;
	int rc;

	arena_init(&a, REPLY_BUDGET);
	name = arena_cstr(&a, ascii_of(&a, request.domain));
	if (name == NULL || !config_is_domain(name))
		return error_set(e, ERR_USAGE, "not a domain: %s", in->words[1]);
	rc = store_domain_add(p->port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("Mail for %s is kept here from now on. 'letterlockd account add' makes accounts in it.\n",
		    in->words[1]);
	return rc;
}

static int
domain_remove(struct place *p, const struct verb_input *in, struct error *e)
{
	const struct store_domain request = { .domain = slice_str(in->words[1]) };
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	if (is_configured(in->config, &a, request.domain))
		return error_set(e, ERR_ORDER,
		    "the configuration names %s, and the next start would bring it back: take it out of 'domains' "
		    "first",
		    in->words[1]);
	rc = store_domain_remove(p->port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("Mail for %s is refused from now on.\n", in->words[1]);
	return rc;
}

static int
domain_list(struct place *p, const struct verb_input *in, struct error *e)
{
	const struct store_nothing request = { 0 };
	struct store_domains reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_domain_list(p->port, &request, &a, &reply, e);
	for (size_t i = 0; rc == 0 && i < reply.domain_count; i++) {
		struct slice domain = reply.domains[i];
		bool configured = is_configured(in->config, &a, domain);
		struct json_value *object;

		if (!in->json) {
			(void)printf("%.*s%s\n", (int)domain.len, (const char *)domain.data,
			    configured ? "\tin the configuration" : "");
			continue;
		}
		object = json_value_object();
		json_value_set_text(object, "domain", domain);
		json_value_set_bool(object, "configured", configured);
		verb_print_json(object);
	}
	return rc;
}

static const struct {
	const char *name;
	int words; /* behind it */
	bool writes;
	int (*run)(struct place *p, const struct verb_input *in, struct error *e);
} words[] = {
	{ "add", 1, true, domain_add },
	{ "list", 0, false, domain_list },
	{ "records", 1, false, domain_records },
	{ "remove", 1, true, domain_remove },
	{ "reports", 1, false, domain_reports },
	{ "reports", 2, false, domain_reports },
	{ "tlsa", 1, false, domain_tlsa },
};

int
verb_domain(const struct verb_input *in)
{
	struct place p;
	struct error e;
	int rc;

	if (in->word_count > 0 && strcmp(in->words[0], "dkim") == 0) {
		struct verb_input rest = *in;

		rest.words++;
		rest.word_count--;
		return verb_domain_dkim(&rest);
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (in->word_count != 1 + words[i].words || strcmp(in->words[0], words[i].name) != 0)
			continue;
		rc = place_reach(in->config, words[i].writes, &p, &e);
		if (rc != 0)
			return verb_failed(&e);
		rc = words[i].run(&p, in, &e);
		place_close(&p);
		if (rc == ERR_ORDER)
			return verb_refused(&e);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)error_set(&e, ERR_USAGE,
	    "say domain add DOMAIN, list, records DOMAIN, remove DOMAIN, reports DOMAIN, tlsa DOMAIN, or dkim and what "
	    "of it");
	return verb_failed(&e);
}
