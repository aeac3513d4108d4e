/* SPDX-License-Identifier: ISC */
#include "service/relay/internal.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "service/resolve.h"

#define ROUTE_BUDGET (4u << 20)

struct asking {
	struct destination *destination;
	struct route *route;
	uint32_t type; /* of a hop: what is asked for now */
};

void
route_release(struct route *route)
{
	if (route == NULL || --route->refs > 0)
		return;
	arena_done(&route->arena);
	mem_free(route);
}

static struct route *
route_new(size_t hosts)
{
	struct route *route = mem_alloc(sizeof *route);

	if (route == NULL)
		return NULL;
	route->refs = 1;
	route->until = clock_ms() + RELAY_ROUTE_MS;
	arena_init(&route->arena, ROUTE_BUDGET);
	route->reason = arena_alloc(&route->arena, sizeof *route->reason);
	route->hosts = arena_array(&route->arena, hosts > 0 ? hosts : 1, sizeof *route->hosts);
	if (route->reason != NULL && route->hosts != NULL)
		return route;
	route_release(route);
	return NULL;
}

/* Octets of A and AAAA as text. */
static void
add_address(struct route *route, struct route_host *h, struct slice octets)
{
	char *text = arena_alloc(&route->arena, INET6_ADDRSTRLEN);
	int family = octets.len == 4 ? AF_INET : AF_INET6;

	if (text == NULL || (octets.len != 4 && octets.len != 16) || h->address_count == RESOLVE_ADDRESSES_MAX * 2 ||
	    inet_ntop(family, octets.data, text, INET6_ADDRSTRLEN) == NULL)
		return;
	h->addresses[h->address_count++] = text;
}

static bool
begin_host(struct route *route, struct route_host *h, struct slice name, uint16_t port)
{
	*h = (struct route_host){ .name = arena_copy(&route->arena, name), .port = port };
	h->addresses = arena_array(&route->arena, RESOLVE_ADDRESSES_MAX * 2, sizeof *h->addresses);
	return h->addresses != NULL;
}

static void
done(struct destination *d, struct route *route)
{
	if (route != NULL && route->host_count == 0 && route->reason->text[0] == '\0')
		relay_reason_set(route->reason, QUEUE_DEFERRED, "4.4.4", "no host that takes mail is known");
	destination_routed(d, route);
}

/* ---- by MX ---- */

static void
take_rule(const struct destination *d, struct policy_domain *out)
{
	const struct relay *r = d->relay;

	for (size_t i = 0; i < r->tls_rule_count; i++)
		if (relay_rule_fits(r->tls_rules[i].domain, d->domain)) {
			out->rule = r->tls_rules[i].rule;
			memcpy(out->pin, r->tls_rules[i].pin, sizeof out->pin);
			return;
		}
}

/* What it borrows goes into the route's memory. */
static void
decide(struct destination *d, struct route *route, const struct resolve_host *in, bool sure, struct route_host *h)
{
	struct arena *a = &route->arena;
	static const enum policy_sts modes[] = {
		[STS_NONE] = POLICY_STS_NONE, [STS_TESTING] = POLICY_STS_TESTING, [STS_ENFORCE] = POLICY_STS_ENFORCE
	};
	struct policy_domain domain = {
		.domain = d->domain, .sts = modes[d->sts.mode], .mx = d->sts.mx, .mx_count = d->sts.mx_count
	};
	struct policy_decision *out = &h->decision;
	struct slice *tlsa;

	take_rule(d, &domain);
	policy_decide(&(struct policy_input){ .domain = &domain, .host = in, .sure = sure, .flags = d->flags }, out);
	for (size_t i = 0; i < out->name_count; i++)
		out->names[i] = arena_copy(a, out->names[i]);
	tlsa = arena_array(a, out->tlsa_count, sizeof *tlsa);
	for (size_t i = 0; tlsa != NULL && i < out->tlsa_count; i++)
		tlsa[i] = arena_copy(a, out->tlsa[i]);
	out->tlsa = tlsa;
	out->pin = arena_copy(a, out->pin);
	if (in->failure.len > 0) {
		out->permitted = false;
		(void)snprintf(out->why, sizeof out->why, "%.*s", (int)in->failure.len, (const char *)in->failure.data);
	}
	if (a->err != 0)
		out->permitted = false;
}

static void
take_hosts(struct destination *d, const struct resolve_routed *in, struct route *route)
{
	uint32_t ours = UINT32_MAX;

	for (size_t i = 0; i < in->host_count; i++)
		if (slice_ieq(in->hosts[i].name, d->relay->hostname) && in->hosts[i].preference < ours)
			ours = in->hosts[i].preference;
	for (size_t i = 0; i < in->host_count && in->hosts[i].preference < ours; i++) {
		struct route_host *h = &route->hosts[route->host_count];

		if (!begin_host(route, h, in->hosts[i].name, d->relay->port))
			return;
		h->preference = in->hosts[i].preference;
		for (size_t k = 0; k < in->hosts[i].address_count; k++)
			add_address(route, h, in->hosts[i].addresses[k]);
		decide(d, route, &in->hosts[i], in->secure || in->implicit, h);
		route->host_count++;
	}
	if (route->host_count == 0 && ours != UINT32_MAX)
		relay_reason_set(route->reason, QUEUE_FAILED, "5.4.6",
		    "mail for this domain would loop: we are its best host, but have no such domain");
}

static struct route *
failed(const struct error *e)
{
	struct route *route = route_new(0);

	if (route == NULL)
		return NULL;
	if (e->code == ERR_NOT_FOUND)
		relay_reason_set(route->reason, QUEUE_FAILED, "5.1.2", "%s", e->text);
	else
		relay_reason_set(
		    route->reason, QUEUE_DEFERRED, e->code == ERR_POLICY ? "4.7.0" : "4.4.3", "%s", e->text);
	return route;
}

static void
routed(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	const struct resolve_routed *in = reply;
	struct destination *d = ctx;
	struct route *route;

	(void)a;
	if (in == NULL) {
		done(d, failed(e));
		return;
	}
	route = route_new(in->host_count);
	if (route != NULL && in->null_mx)
		relay_reason_set(route->reason, QUEUE_FAILED, "5.1.10", "the domain takes no mail (null MX)");
	else if (route != NULL)
		take_hosts(d, in, route);
	done(d, route);
}

/* ---- a host that the operator named ---- */

/* The operator said whom. With a password it must be that host, surely. */
static void
decide_hop(const struct destination *d, struct route_host *h)
{
	struct policy_decision *out = &h->decision;

	out->permitted = true;
	out->must_tls = d->smarthost || (d->flags & QUEUE_REQUIRE_TLS) != 0;
	out->must_require_tls = (d->flags & QUEUE_REQUIRE_TLS) != 0;
	out->need = out->must_tls ? TLS_OUTGOING_NAME : TLS_OUTGOING_ANY;
	out->names[0] = h->name;
	out->name_count = 1;
	out->policy = out->must_tls ? QUEUE_POLICY_OPERATOR : QUEUE_POLICY_NONE;
	h->signs_in = d->smarthost;
	if (out->must_tls)
		memcpy(out->source, "smarthost", sizeof "smarthost");
}

static void ask_hop(struct asking *q);

static void
hop_found(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	const struct dns_answer *in = reply;
	struct asking *q = ctx;
	struct destination *d = q->destination;
	struct route *route = q->route;

	(void)a;
	for (size_t i = 0; in != NULL && i < in->record_count; i++)
		add_address(route, &route->hosts[0], in->records[i]);
	if (in == NULL)
		relay_reason_set(route->reason, QUEUE_DEFERRED, "4.4.3", "%s", e->text);
	if (q->type == DNS_AAAA) {
		q->type = DNS_A;
		ask_hop(q);
		return;
	}
	mem_free(q);
	if (route->hosts[0].address_count > 0)
		route->host_count = 1;
	else if (route->reason->text[0] == '\0')
		relay_reason_set(route->reason, QUEUE_DEFERRED, "4.4.4", "%.*s has no address", (int)d->hop.host.len,
		    (const char *)d->hop.host.data);
	done(d, route);
}

static void
ask_hop(struct asking *q)
{
	const struct resolve_lookup in = { .name = q->destination->hop.host, .type = q->type };
	struct relay *r = q->destination->relay;
	struct error e;

	if (relay_ask(r, r->resolver, relay_method(&resolve_interface, RESOLVE_METHOD_lookup), &in, hop_found, q, &e) ==
	    0)
		return;
	relay_reason_set(q->route->reason, QUEUE_DEFERRED, "4.4.3", "%s", e.text);
	q->type = DNS_A;
	hop_found(q, NULL, NULL, &e);
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]". False: it is none. */
static bool
take_literal(struct slice text, struct route *route, struct route_host *h)
{
	uint8_t octets[16];
	char *copy;

	if (text.len < 3 || text.data[0] != '[' || text.data[text.len - 1] != ']')
		return false;
	text = slice_sub(text, 1, text.len - 2);
	if (slice_istarts(text, SLICE("IPv6:")))
		text = slice_from(text, 5);
	copy = arena_cstr(&route->arena, text);
	if (copy == NULL)
		return true;
	if (inet_pton(AF_INET, copy, octets) == 1)
		add_address(route, h, slice_of(octets, 4));
	else if (inet_pton(AF_INET6, copy, octets) == 1)
		add_address(route, h, slice_of(octets, 16));
	return true;
}

static void
begin_hop(struct destination *d, struct slice host, uint16_t port)
{
	struct route *route = route_new(1);
	struct asking *q;

	if (route == NULL || !begin_host(route, &route->hosts[0], host, port)) {
		route_release(route);
		done(d, NULL);
		return;
	}
	decide_hop(d, &route->hosts[0]);
	if (take_literal(host, route, &route->hosts[0])) {
		route->host_count = route->hosts[0].address_count > 0;
		done(d, route);
		return;
	}
	q = mem_alloc(sizeof *q);
	if (q == NULL) {
		done(d, route);
		return;
	}
	*q = (struct asking){ .destination = d, .route = route, .type = DNS_AAAA };
	ask_hop(q);
}

void
route_fail(struct destination *d, const struct error *e)
{
	done(d, failed(e));
}

void
route_ask_hosts(struct destination *d)
{
	const struct resolve_route in = { .domain = d->domain, .port = d->relay->port };
	struct relay *r = d->relay;
	struct error e;

	if (relay_ask(r, r->resolver, relay_method(&resolve_interface, RESOLVE_METHOD_route), &in, routed, d, &e) != 0)
		route_fail(d, &e);
}

void
route_ask(struct destination *d)
{
	struct relay *r = d->relay;

	d->asking = true;
	if (d->hop.host.len > 0)
		begin_hop(d, d->hop.host, d->hop.port);
	else if (d->domain.len > 0 && d->domain.data[0] == '[')
		begin_hop(d, d->domain, r->port);
	else
		sts_ask(d);
}
