/* SPDX-License-Identifier: ISC */
#include "client/key/finding.h"

#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "os/file.h"
#include "trust/records.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX (64u << 10)
#define ANCHORS "/usr/share/dns/root.key"

static void
say(void *ctx, const char *text)
{
	BUF_OWNED struct buf b = { .max = 2000 };

	(void)ctx;
	(void)printable_put(&b, slice_str(text), PRINTABLE_LINE, 1500);
	(void)fprintf(stderr, "letterlock: %.*s\n", (int)b.len, b.len == 0 ? "" : (const char *)b.data);
}

/* ---- whom to ask ---- */

static int
add_server(struct finding_place *f, struct slice text, bool allow_clear, struct error *e)
{
	if (f->place.server_count == FIND_SERVERS_MAX)
		return error_set(e, ERR_USAGE, "at most %u key servers are asked", FIND_SERVERS_MAX);
	return find_server_parse(text, allow_clear, &f->servers[f->place.server_count++], e);
}

static int
use_servers(struct finding_place *f, const struct finding_options *o, struct error *e)
{
	int rc = 0;

	f->place.servers = f->servers;
	for (size_t i = 0; i < o->servers.count && rc == 0; i++)
		rc = add_server(f, slice_str(o->servers.items[i]), o->allow_clear, e);
	return rc;
}

/* What is set was permitted when it was set. */
static int
use_settings(struct finding_place *f, const struct finding_options *o, struct error *e)
{
	BUF_OWNED struct buf servers = { .max = TRUST_SETTING_MAX };
	struct slice rest;
	int rc = trust_setting_get(f->place.store, FINDING_SETTING_SERVERS, &servers, e);

	rest = buf_slice(&servers);
	while (rest.len > 0 && rc == 0 && o->servers.count == 0)
		rc = add_server(f, slice_split(rest, '\n', &rest), true, e);
	if (rc == 0 && o->proxy == NULL)
		rc = trust_setting_get(f->place.store, FINDING_SETTING_PROXY, &f->proxy, e);
	if (rc == 0 && f->proxy.len > 0) {
		(void)buf_put_u8(&f->proxy, 0);
		f->place.web.proxy = (const char *)f->proxy.data;
	}
	return rc != 0 ? rc : f->proxy.err != 0 ? error_nomem(e) : 0;
}

static void
use_exchange(struct finding_place *f, const struct account *a)
{
	const char *at = strrchr(a->address, '@');

	if (!account_exchange(a, &f->exchange))
		return;
	f->place.exchange = &f->exchange;
	f->place.exchange_domain = at == NULL ? NULL : at + 1;
}

/* Without anchors nothing can be proven, and then nothing is asked. */
static int
use_dns(struct finding_place *f, const struct finding_options *o, struct error *e)
{
	struct slice servers[DNS_SERVERS_MAX];
	struct dns_config config = { .servers = servers, .timeout_ms = FIND_TIMEOUT_MS };
	const char *anchors = o->anchors != NULL ? o->anchors : ANCHORS;
	int rc = file_read(anchors, &f->anchors, e);

	if (rc != 0)
		return o->anchors != NULL ? rc : 0;
	for (size_t i = 0; i < o->resolvers.count && config.server_count < DNS_SERVERS_MAX; i++)
		servers[config.server_count++] = slice_str(o->resolvers.items[i]);
	if (config.server_count == 0 && file_read(RESOLV_CONF, &f->resolv_conf, NULL) == 0)
		config.server_count = dns_servers_find(buf_slice(&f->resolv_conf), servers);
	config.anchors = buf_slice(&f->anchors);
	rc = dns_new(&config, &f->place.dns, e);
	return rc == 0 ? dns_start(f->place.dns, e) : rc;
}

int
finding_init(struct finding_place *f, struct keyring *k, const struct account *a, const struct finding_options *o,
    struct error *e)
{
	int rc = 0;

	*f = (struct finding_place){ .place = { .store = k->certs,
					 .policy = &k->policy,
					 .sources = FIND_ALL,
					 .not_private = o->by_name,
					 .thorough = o->sources != NULL } };
	buf_init(&f->resolv_conf, RESOLV_CONF_MAX);
	buf_init(&f->anchors, DNS_ANCHORS_MAX);
	buf_init(&f->proxy, TRUST_SETTING_MAX + 1);
	f->place.web = (struct find_web){ .proxy = o->proxy, .ca_file = o->ca_file };
	if (o->verbose)
		f->place.say = say;
	if (a != NULL)
		use_exchange(f, a);
	if (o->sources != NULL)
		rc = find_sources_parse(slice_str(o->sources), &f->place.sources, e);
	else if (o->servers.count > 0)
		f->place.sources = FIND_BIT(FIND_SERVER);
	if (rc == 0)
		rc = use_servers(f, o, e);
	if (rc == 0)
		rc = use_settings(f, o, e);
	/* Who goes through a proxy does not want to be seen asking DNS for the same. */
	if (rc == 0 && f->place.web.proxy == NULL && (f->place.sources & FIND_BIT(FIND_DNS)) != 0)
		rc = use_dns(f, o, e);
	return rc;
}

void
finding_done(struct finding_place *f)
{
	dns_free(f->place.dns);
	f->place.dns = NULL;
	buf_done(&f->resolv_conf);
	buf_done(&f->anchors);
	buf_done(&f->proxy);
}

/* ---- what is said ---- */

const char *
finding_source_words(enum find_source s)
{
	static const char *const words[FIND_SOURCES] = { "here", "the domain's Web Key Directory",
		"the domain's DNS (DNSSEC)", "the directory of your exchange", "a key server" };

	return (unsigned)s < FIND_SOURCES ? words[s] : "somewhere";
}

/* A domain without a Web Key Directory or an answer of DNS is usual. */
static bool
is_trifle(const struct find_failure *f)
{
	bool gone = f->error.code == ERR_NET || f->error.code == ERR_TIMEOUT || f->error.code == ERR_NOT_FOUND;

	return gone && (f->source == FIND_WKD || f->source == FIND_DNS);
}

void
finding_say_failures(const struct find_report *report, bool verbose)
{
	for (size_t i = 0; i < report->failure_count; i++) {
		const struct find_failure *f = &report->failures[i];
		BUF_OWNED struct buf text = { .max = 2000 };

		if (!verbose && is_trifle(f))
			continue;
		(void)printable_put(&text, slice_str(f->error.text), PRINTABLE_LINE, 1500);
		(void)fprintf(stderr, "letterlock: %s: %.*s\n", finding_source_words(f->source), (int)text.len,
		    text.len == 0 ? "" : (const char *)text.data);
	}
}

int
finding_nothing(const struct find_report *report, struct slice who, struct error *e)
{
	for (size_t i = 0; i < report->failure_count; i++) {
		const struct find_failure *f = &report->failures[i];

		if (!is_trifle(f))
			return error_set(e, f->error.code, "nothing was found, and %s could not be asked: %s",
			    finding_source_words(f->source), f->error.text);
	}
	return error_set(e, ERR_NOT_FOUND,
	    "no certificate of %.*s was found; ask its owner for it, or another server with --server",
	    (int)size_min(who.len, 100), who.len == 0 ? "" : (const char *)who.data);
}

/* ---- while a person waits ---- */

#define WAITING_TIMEOUT_MS 8000

static void
say_found(const struct find_report *report, struct slice address)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct find_result *r = &report->results[i];
		BUF_OWNED struct buf who = { .max = 700 }, from = { .max = 600 };

		if (r->source == FIND_STORE)
			continue;
		(void)printable_put(&who, address, PRINTABLE_LINE, 320);
		(void)printable_put(&from, slice_str(r->from), PRINTABLE_LINE, TRUST_FROM_MAX);
		(void)fprintf(stderr, "letterlock: the certificate of %.*s came from %s: %.*s%s\n", (int)who.len,
		    who.len == 0 ? "" : (const char *)who.data, finding_source_words(r->source), (int)from.len,
		    from.len == 0 ? "" : (const char *)from.data, r->private ? " (asked privately)" : "");
	}
}

static int
find_now(struct finding_place *f, struct slice address, bool say_it, struct error *e)
{
	static struct find_report report;
	struct find_query q = { .kind = FIND_ADDRESS, .text = address };
	int rc;

	f->place.stop_at_first = true;
	f->place.web.timeout_ms = WAITING_TIMEOUT_MS;
	rc = find_run(&f->place, &q, &report, e);
	if (rc != 0)
		return rc;
	if (report.count == 0)
		return finding_nothing(&report, address, e);
	if (say_it)
		say_found(&report, address);
	return 0;
}

static int
find_at(
    struct keyring *k, const struct account *a, const char *sources, bool say_it, struct slice address, struct error *e)
{
	const struct finding_options options = { .sources = sources };
	struct finding_place f;
	int rc = finding_init(&f, k, a, &options, e);

	f.place.thorough = false;
	if (rc == 0)
		rc = find_now(&f, address, say_it, e);
	finding_done(&f);
	return rc;
}

int
finding_for_writing(struct keyring *k, const struct account *a, struct slice address, bool again, struct error *e)
{
	if (!again && trust_store_choose(k->certs, address, NULL) != NULL)
		return 0;
	return find_at(k, a, "exchange,wkd,dns,keyserver", true, address, e);
}

int
finding_at_exchange(struct keyring *k, const struct account *a, struct slice address, struct error *e)
{
	return find_at(k, a, "exchange", false, address, e);
}
