/* SPDX-License-Identifier: ISC */
/*
 * letterlockd domain dkim: keys of a domain, from the first ones through each
 * change. New keys wait until DNS has their records (or --now), then they sign
 * and those before them are retired; these stay in DNS, for mail that is under
 * way, until they are let go.
 */
#include <stdio.h>
#include <string.h>

#include "base/idn.h"
#include "daemon/dkim.h"
#include "daemon/place.h"
#include "daemon/records.h"
#include "daemon/resolving.h"
#include "net/dns.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)
#define TEXT_MAX 4096u

struct dkim_verb {
	const struct verb_input *in;
	struct slice domain; /* A-labels, ours */
	struct arena *a;
	struct dkim_keys keys;
};

/* ---- saying ---- */

static void
print_line(const struct dkim_kept *k)
{
	BUF_OWNED struct buf data = { 0 }, rdata = { 0 };

	buf_init(&data, TEXT_MAX);
	buf_init(&rdata, TEXT_MAX);
	(void)records_text_put(k->record, &rdata);
	(void)dns_record_text(DNS_TXT, buf_slice(&rdata), &data, NULL);
	(void)printf("%.*s. %u IN TXT %.*s\n", (int)k->name.len, (const char *)k->name.data, RECORDS_TTL, (int)data.len,
	    (const char *)data.data);
}

static void
print_records(const struct dkim_verb *v, enum keys_dkim_state s)
{
	for (size_t i = 0; i < v->keys.count; i++)
		if (v->keys.list[i].state == s)
			print_line(&v->keys.list[i]);
}

static void
print_key(const struct dkim_verb *v, const struct dkim_kept *k)
{
	struct json_value *o;

	if (!v->in->json) {
		(void)printf("%.*s\t%.*s\t%s\t%zu bits\t%s\n", (int)v->domain.len, (const char *)v->domain.data,
		    (int)k->selector.len, (const char *)k->selector.data, dkim_algorithm_name(k->algorithm), k->bits,
		    keys_dkim_state_name(k->state));
		return;
	}
	o = json_value_object();
	json_value_set_text(o, "domain", v->domain);
	json_value_set_text(o, "selector", k->selector);
	json_value_set_str(o, "algorithm", dkim_algorithm_name(k->algorithm));
	json_value_set_i64(o, "bits", (int64_t)k->bits);
	json_value_set_str(o, "state", keys_dkim_state_name(k->state));
	json_value_set_text(o, "name", k->name);
	json_value_set_text(o, "record", k->record);
	verb_print_json(o);
}

static void
print_keys(const struct dkim_verb *v)
{
	for (size_t i = 0; i < v->keys.count; i++)
		print_key(v, &v->keys.list[i]);
}

static int
read_again(struct dkim_verb *v, struct error *e)
{
	return dkim_keys_read(v->in->config, v->domain, v->a, &v->keys, e);
}

/* ---- what DNS has ---- */

static bool
is_in(const struct dns_answer *answer, const struct dkim_kept *k)
{
	for (size_t i = 0; i < answer->record_count; i++) {
		BUF_OWNED struct buf text = { 0 };

		buf_init(&text, TEXT_MAX);
		if (records_text_get(answer->records[i], &text) == 0 &&
		    keys_dkim_record_is(k->record, buf_slice(&text)))
			return true;
	}
	return false;
}

static int
ask_one(const struct dkim_verb *v, struct dns *dns, const struct dkim_kept *k, struct error *e)
{
	struct dns_answer answer;
	int rc = dns_ask(dns, k->name, DNS_TXT, v->a, &answer, e);

	if (rc != 0)
		return error_context(
		    e, "DNS could not be asked for %.*s", (int)k->name.len, (const char *)k->name.data);
	if (answer.security == DNS_BOGUS)
		return error_set(e, ERR_ORDER, "what DNS says of %.*s is forged, or its signatures are over",
		    (int)k->name.len, (const char *)k->name.data);
	if (!is_in(&answer, k))
		return error_set(e, ERR_ORDER,
		    "DNS does not have the record of %.*s yet%s; nothing is changed. It may take until the time "
		    "to live of an older answer is over, and --now does not wait for it",
		    (int)k->name.len, (const char *)k->name.data, answer.record_count > 0 ? ", but another one" : "");
	return 0;
}

/* All keys that wait have their records there, so that nobody takes the first signatures for forged. */
static int
ask_dns(const struct dkim_verb *v, struct error *e)
{
	struct resolving resolving;
	struct dns *dns = NULL;
	int rc;

	resolving_read(v->in->config, &resolving);
	rc = dns_new(&(struct dns_config){ .servers = resolving.servers,
			 .server_count = resolving.server_count,
			 .anchors = buf_slice(&resolving.anchors) },
	    &dns, e);
	if (rc == 0)
		rc = dns_start(dns, e);
	for (size_t i = 0; i < v->keys.count && rc == 0; i++)
		if (v->keys.list[i].state == KEYS_DKIM_WAITS)
			rc = ask_one(v, dns, &v->keys.list[i], e);
	dns_free(dns);
	resolving_done(&resolving);
	return rc;
}

/* ---- the words ---- */

static int
word_list(struct dkim_verb *v, struct error *e)
{
	(void)e;
	if (v->in->print)
		for (size_t i = 0; i < v->keys.count; i++)
			print_line(&v->keys.list[i]);
	else if (v->keys.count == 0 && !v->in->json)
		(void)printf("%.*s has no DKIM key: its mail is not signed. 'letterlockd domain dkim new %.*s' makes "
			     "one.\n",
		    (int)v->domain.len, (const char *)v->domain.data, (int)v->domain.len, (const char *)v->domain.data);
	else
		print_keys(v);
	return 0;
}

static int
move_all(struct dkim_verb *v, enum keys_dkim_state from, enum keys_dkim_state to, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < v->keys.count && rc == 0; i++)
		if (v->keys.list[i].state == from)
			rc = dkim_keys_move(v->in->config, v->domain, &v->keys.list[i], to, e);
	return rc;
}

/* Those that sign are retired last: when it breaks off in between, both sign, which is right too. */
static int
activate(struct dkim_verb *v, struct error *e)
{
	struct dkim_keys before = v->keys;
	int rc = move_all(v, KEYS_DKIM_WAITS, KEYS_DKIM_SIGNS, e);

	if (rc == 0)
		rc = move_all(v, KEYS_DKIM_SIGNS, KEYS_DKIM_RETIRED, e);
	if (rc == 0)
		rc = read_again(v, e);
	if (rc == 0 && v->in->json)
		print_keys(v);
	if (rc != 0 || v->in->print || v->in->json)
		return rc;
	(void)printf("Mail of %.*s is signed with the new keys within seconds.\n", (int)v->domain.len,
	    (const char *)v->domain.data);
	if (dkim_keys_in(&before, KEYS_DKIM_SIGNS) > 0)
		(void)printf("Leave the records of those before in DNS for a week, for mail that is under way; then "
			     "'letterlockd domain dkim retire %.*s' lets them go.\n",
		    (int)v->domain.len, (const char *)v->domain.data);
	return 0;
}

static int
make(struct dkim_verb *v, struct error *e)
{
	int rc = dkim_keys_make(v->in->config, v->domain, &v->keys, KEYS_DKIM_WAITS, e);

	if (rc == 0)
		rc = read_again(v, e);
	if (rc != 0)
		return rc;
	if (v->in->json) {
		if (!v->in->now)
			print_keys(v);
	} else {
		if (!v->in->print)
			(void)printf("; New keys of %.*s. Put these records into DNS:\n", (int)v->domain.len,
			    (const char *)v->domain.data);
		print_records(v, KEYS_DKIM_WAITS);
		if (!v->in->print && !v->in->now)
			(void)printf("; Nothing is signed with them yet. When the records are there,\n"
				     "; 'letterlockd domain dkim activate %.*s' looks whether they are, and begins.\n",
			    (int)v->domain.len, (const char *)v->domain.data);
	}
	return v->in->now ? activate(v, e) : 0;
}

static int
word_new(struct dkim_verb *v, struct error *e)
{
	if (v->keys.count > 0)
		return error_set(e, ERR_ORDER,
		    "%.*s has DKIM keys already: 'domain dkim list' tells which, and 'domain dkim rotate' makes the "
		    "next ones",
		    (int)v->domain.len, (const char *)v->domain.data);
	return make(v, e);
}

static int
word_rotate(struct dkim_verb *v, struct error *e)
{
	if (dkim_keys_in(&v->keys, KEYS_DKIM_WAITS) > 0)
		return error_set(
		    e, ERR_ORDER, "new keys wait for their records already: 'domain dkim activate' is the next step");
	if (dkim_keys_in(&v->keys, KEYS_DKIM_RETIRED) > 0)
		return error_set(e, ERR_ORDER,
		    "the keys before these are still kept for their records: 'domain dkim retire' lets them go first");
	if (dkim_keys_in(&v->keys, KEYS_DKIM_SIGNS) == 0)
		return error_set(e, ERR_ORDER, "there is no key yet: 'domain dkim new' makes the first ones");
	return make(v, e);
}

static int
word_activate(struct dkim_verb *v, struct error *e)
{
	int rc;

	if (dkim_keys_in(&v->keys, KEYS_DKIM_WAITS) == 0)
		return error_set(
		    e, ERR_ORDER, "no key of %.*s waits", (int)v->domain.len, (const char *)v->domain.data);
	rc = v->in->now ? 0 : ask_dns(v, e);
	return rc != 0 ? rc : activate(v, e);
}

static int
word_retire(struct dkim_verb *v, struct error *e)
{
	int rc;

	if (dkim_keys_in(&v->keys, KEYS_DKIM_RETIRED) == 0)
		return error_set(e, ERR_ORDER, "no key of %.*s is retired; those that sign are, when others take over",
		    (int)v->domain.len, (const char *)v->domain.data);
	rc = move_all(v, KEYS_DKIM_RETIRED, KEYS_DKIM_NONE, e);
	if (rc == 0 && v->in->json)
		print_keys(v);
	if (rc != 0 || v->in->json)
		return rc;
	(void)printf("; These keys are gone for good; take their records out of DNS:\n");
	print_records(v, KEYS_DKIM_RETIRED);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct dkim_verb *v, struct error *e);
} words[] = {
	{ "list", word_list },
	{ "new", word_new },
	{ "rotate", word_rotate },
	{ "activate", word_activate },
	{ "retire", word_retire },
};

/* Which domain is meant; NULL: all of them, for the list. */
static int
run_for(struct dkim_verb *v, const char *name, int (*run)(struct dkim_verb *v, struct error *e), struct error *e)
{
	struct slice *domains;
	struct place place;
	size_t count;
	int rc = place_reach(v->in->config, false, &place, e);

	if (rc != 0)
		return rc;
	rc = records_domains(&place, v->in->config, v->a, &domains, &count, e);
	place_close(&place);
	if (rc == 0 && name != NULL) {
		domains[0] = records_find(domains, count, name);
		count = 1;
		if (domains[0].len == 0)
			rc = error_set(
			    e, ERR_NOT_FOUND, "%s is none of our domains; 'letterlockd domain add' makes it one", name);
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		v->domain = domains[i];
		rc = read_again(v, e);
		if (rc == 0)
			rc = run(v, e);
	}
	return rc;
}

int
verb_domain_dkim(const struct verb_input *in)
{
	ARENA_OWNED struct arena a = { 0 };
	struct dkim_verb v = { .in = in, .a = &a };
	struct error e;
	int rc;

	arena_init(&a, REPLY_BUDGET);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		bool all = words[i].run == word_list && in->word_count == 1;

		if ((in->word_count != 2 && !all) || strcmp(in->words[0], words[i].name) != 0)
			continue;
		rc = run_for(&v, all ? NULL : in->words[1], words[i].run, &e);
		if (rc == ERR_ORDER)
			return verb_refused(&e);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)error_set(&e, ERR_USAGE, "say domain dkim list, new, rotate, activate or retire, and a domain");
	return verb_failed(&e);
}
