/* SPDX-License-Identifier: ISC */
/*
 * Where mail for a domain goes: its MX records, their hosts' addresses, and for
 * DANE their TLSA records, asked one behind the other. The first question is
 * asked by the port's thread; everything else happens on the DNS loop's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "service/limits.h"
#include "service/resolve_internal.h"
#include "smtp/path.h"

#define ROUTE_ARENA_MAX (512u << 10)

struct route;

struct way { /* to one host */
	struct route *route;
	struct resolve_host host;
	struct slice addresses[RESOLVE_ADDRESSES_MAX];
	struct slice canonical; /* behind CNAMEs */
	unsigned pending;       /* address look-ups */
	bool secure;            /* as far as answered */
	bool unknown;           /* one of its address look-ups has no answer */
	bool canonical_asked;   /* the TLSA records of the canonical name are asked for */
	uint16_t tie;           /* its place among those of the same preference */
};

struct route {
	struct dns *dns;
	struct port_job *job;
	struct arena arena;
	struct resolve_routed out;
	uint32_t port;
	unsigned pending; /* look-ups, and one while they are begun */
	size_t count;
	struct way ways[RESOLVE_HOSTS_MAX];
};

static void
end(struct route *r, const struct error *e)
{
	if (e == NULL)
		port_reply(r->job, &r->out);
	else
		port_fail(r->job, e);
	arena_done(&r->arena);
	mem_free(r);
}

static void
fail(struct route *r, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	end(r, &e);
}

/* A copy that lives as long as the route; a record too many for the budget is as if it were not known. */
static struct slice
keep(struct route *r, struct slice s)
{
	return arena_copy(&r->arena, s);
}

static int
by_preference(const void *a, const void *b)
{
	const struct way *x = a, *y = b;

	if (x->host.preference != y->host.preference)
		return x->host.preference < y->host.preference ? -1 : 1;
	return x->tie < y->tie ? -1 : x->tie > y->tie;
}

static void
finish(struct route *r)
{
	struct resolve_host *hosts = arena_array(&r->arena, r->count, sizeof *hosts);

	if (r->arena.err != 0 || (hosts == NULL && r->count > 0)) {
		fail(r, ERR_LIMIT, "its records are more than a route may have");
		return;
	}
	for (size_t i = 0; i < r->count; i++) {
		hosts[i] = r->ways[i].host;
		hosts[i].addresses = r->ways[i].addresses;
	}
	r->out.hosts = hosts;
	r->out.host_count = r->count;
	if (r->out.implicit && hosts[0].address_count == 0 && hosts[0].failure.len > 0)
		fail(r, ERR_NET, arena_cstr(&r->arena, hosts[0].failure));
	else if (r->out.implicit && hosts[0].address_count == 0)
		fail(
		    r, ERR_NOT_FOUND, "there is no mail server for this domain: it has neither MX nor address records");
	else
		end(r, NULL);
}

static void
leave(struct route *r)
{
	if (--r->pending == 0)
		finish(r);
}

/* ---- TLSA ---- */

static void on_tlsa(void *ctx, const struct dns_answer *answer, const struct error *e);

/* _25._tcp.HOST (RFC 7672 section 2.2.1). */
static bool
ask_tlsa(struct way *w, struct slice base)
{
	struct slice name = arena_printf(
	    &w->route->arena, "_%u._tcp.%.*s", (unsigned)w->route->port, (int)base.len, (const char *)base.data);

	w->host.tlsa_base = base;
	w->route->pending++;
	if (name.len > 0 && dns_lookup(w->route->dns, name, DNS_TLSA, on_tlsa, w, NULL) == 0)
		return true;
	w->route->pending--;
	w->host.tlsa = RESOLVE_TLSA_FAILED;
	return false;
}

static void
take_tlsa(struct way *w, const struct dns_answer *answer)
{
	struct slice *records = arena_array(&w->route->arena, answer->record_count, sizeof *records);
	size_t usable = 0;

	/* The one that would match may be among those left out, or be all that speaks against whoever answers. */
	if (records == NULL || answer->record_count > RESOLVE_TLSA_MAX) {
		w->host.tlsa = RESOLVE_TLSA_FAILED;
		return;
	}
	for (size_t i = 0; i < answer->record_count; i++) {
		records[i] = keep(w->route, answer->records[i]);
		usable += tls_outgoing_tlsa_usable(records[i]);
	}
	w->host.tlsa = usable > 0 ? RESOLVE_TLSA_USABLE : RESOLVE_TLSA_BAD;
	w->host.tlsa_records = records;
	w->host.tlsa_count = usable > 0 ? answer->record_count : 0;
}

/* First those of the name behind CNAMEs, then those of the name itself (section 2.2.2). */
static void
on_tlsa(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct way *w = ctx;

	(void)e;
	if (answer == NULL || answer->security == DNS_BOGUS)
		w->host.tlsa = RESOLVE_TLSA_FAILED;
	else if (answer->security == DNS_SECURE && answer->record_count > 0)
		take_tlsa(w, answer);
	else if (w->canonical_asked) {
		w->canonical_asked = false;
		(void)ask_tlsa(w, w->host.name);
	}
	leave(w->route);
}

/* ---- addresses ---- */

/* The alias itself: when it is signed, the name that is one may have TLSA records, whatever it leads to (section 2.2.2). */
static void
on_alias(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct way *w = ctx;

	(void)e;
	if (answer == NULL || answer->security == DNS_BOGUS)
		w->host.tlsa = RESOLVE_TLSA_FAILED;
	else if (answer->security == DNS_SECURE)
		(void)ask_tlsa(w, w->host.name);
	leave(w->route);
}

/* Its addresses are not signed. */
static void
ask_alias(struct way *w)
{
	w->route->pending++;
	if (dns_lookup(w->route->dns, w->host.name, DNS_CNAME, on_alias, w, NULL) == 0)
		return;
	w->route->pending--;
	w->host.tlsa = RESOLVE_TLSA_FAILED;
}

static void
addresses_known(struct way *w)
{
	bool renamed = w->canonical.len > 0 && !slice_ieq(w->canonical, w->host.name);

	w->host.secure = w->secure && !w->unknown && w->route->out.secure;
	if (w->host.address_count > 0)
		w->host.failure = SLICE_EMPTY;
	if (w->route->out.secure && !w->secure && renamed)
		ask_alias(w);
	if (!w->route->out.secure || !w->secure)
		return;
	/* One kind of address is known to be signed, the other could not be asked: whoever stops it must not stop DANE. */
	if (w->unknown) {
		w->host.tlsa = RESOLVE_TLSA_FAILED;
		return;
	}
	if (w->host.address_count == 0)
		return;
	w->canonical_asked = renamed;
	(void)ask_tlsa(w, renamed ? w->canonical : w->host.name);
}

static void
on_addresses(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct way *w = ctx;
	struct route *r = w->route;

	if (answer == NULL || answer->security == DNS_BOGUS) {
		w->unknown = true;
		w->host.failure = answer == NULL
		    ? arena_printf(&r->arena, "the addresses of %.*s are not known now: %s", (int)w->host.name.len,
			  (const char *)w->host.name.data, e->text)
		    : arena_printf(&r->arena, "the addresses of %.*s are forged or wrongly signed (DNSSEC): %.*s",
			  (int)w->host.name.len, (const char *)w->host.name.data, (int)answer->reason.len,
			  (const char *)answer->reason.data);
	} else {
		w->secure = w->secure && answer->security == DNS_SECURE;
		if (answer->record_count > 0)
			w->canonical = keep(r, answer->canonical);
		for (size_t i = 0; i < answer->record_count && w->host.address_count < RESOLVE_ADDRESSES_MAX; i++)
			if (answer->records[i].len == 4 || answer->records[i].len == 16)
				w->addresses[w->host.address_count++] = keep(r, answer->records[i]);
	}
	if (--w->pending == 0)
		addresses_known(w);
	leave(r);
}

static void
ask_addresses(struct way *w)
{
	static const uint16_t types[] = { DNS_AAAA, DNS_A };

	w->secure = true;
	w->pending = 2;
	w->route->pending += 2;
	for (size_t i = 0; i < 2; i++) {
		struct error e;

		if (dns_lookup(w->route->dns, w->host.name, types[i], on_addresses, w, &e) != 0)
			on_addresses(w, NULL, &e);
	}
}

/* ---- MX ---- */

static bool
add_way(struct route *r, struct slice name, uint32_t preference)
{
	struct way *w = &r->ways[r->count];

	*w = (struct way){ .route = r, .host = { .name = keep(r, name), .preference = preference } };
	if (w->host.name.len == 0 || random_bytes(&w->tie, sizeof w->tie, NULL) != 0)
		return false;
	r->count++;
	return true;
}

struct mx { /* as a record has it */
	uint32_t preference;
	struct slice name;
};

static int
by_number(const void *a, const void *b)
{
	const struct mx *x = a, *y = b;

	return x->preference < y->preference ? -1 : x->preference > y->preference;
}

/* Those that are host names, the most preferred first. Names that are none are passed over: an address is no MX. */
static size_t
read_mx(struct route *r, const struct dns_answer *answer, struct mx *out)
{
	size_t n = 0;

	for (size_t i = 0; i < answer->record_count; i++) {
		struct slice rdata = answer->records[i];
		struct buf text;

		buf_init(&text, DNS_TEXT_MAX);
		if (rdata.len > 2 && dns_name_text(slice_from(rdata, 2), &text, NULL) == 0) {
			struct slice name = buf_slice(&text);

			if (slice_eq_str(name, "."))
				r->out.null_mx = answer->record_count == 1; /* RFC 7505 section 3 */
			else if (smtp_domain_valid(name))
				out[n++] = (struct mx){ .preference = (uint32_t)rdata.data[0] << 8 | rdata.data[1],
					.name = keep(r, name) };
		}
		buf_done(&text);
	}
	qsort(out, n, sizeof *out, by_number);
	return n;
}

static void
ask_ways(struct route *r)
{
	r->pending = 1;
	for (size_t i = 0; i < r->count; i++)
		ask_addresses(&r->ways[i]);
	leave(r);
}

static void
take_mx(struct route *r, const struct dns_answer *answer, struct slice domain)
{
	struct mx *all = arena_array(&r->arena, answer->record_count + 1, sizeof *all);
	size_t n = all == NULL ? 0 : read_mx(r, answer, all);

	r->out.secure = answer->security == DNS_SECURE;
	if (answer->record_count == 0) {
		r->out.implicit = true;
		(void)add_way(r, domain, 0);
	}
	for (size_t i = 0; i < n && r->count < RESOLVE_HOSTS_MAX; i++)
		(void)add_way(r, all[i].name, all[i].preference);
	qsort(r->ways, r->count, sizeof r->ways[0], by_preference);
	if (r->count == 0 && !r->out.null_mx)
		fail(r, ERR_NOT_FOUND, "the MX records of this domain name no host");
	else
		ask_ways(r);
}

static void
on_mx(void *ctx, const struct dns_answer *answer, const struct error *e)
{
	struct route *r = ctx;
	const struct resolve_route *q = port_job_request(r->job);

	if (answer == NULL) {
		end(r, e);
	} else if (answer->security == DNS_BOGUS) {
		struct error bogus;

		(void)error_set(&bogus, ERR_POLICY,
		    "the MX records of this domain are forged or wrongly signed (DNSSEC): %.*s",
		    (int)answer->reason.len, (const char *)answer->reason.data);
		end(r, &bogus);
	} else if (answer->rcode == DNS_NXDOMAIN) {
		fail(r, ERR_NOT_FOUND, "there is no such domain");
	} else {
		take_mx(r, answer, q->domain);
	}
}

static void
go_direct(struct route *r, struct slice host)
{
	r->out.secure = r->out.implicit = true;
	if (add_way(r, host, 0))
		ask_ways(r);
	else
		fail(r, ERR_NOMEM, "no memory");
}

void
resolve_route_run(struct dns *d, struct port_job *job)
{
	const struct resolve_route *q = port_job_request(job);
	struct route *r = mem_alloc(sizeof *r);
	struct error e;

	if (r == NULL) {
		(void)error_nomem(&e);
		port_fail(job, &e);
		return;
	}
	*r = (struct route){ .dns = d, .job = job, .port = q->port == 0 ? 25 : q->port };
	arena_init(&r->arena, ROUTE_ARENA_MAX);
	if (q->direct)
		go_direct(r, q->domain);
	else if (dns_lookup(d, q->domain, DNS_MX, on_mx, r, &e) != 0)
		end(r, &e);
}
