/* SPDX-License-Identifier: ISC */
#include "service/relay/internal.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "service/resolve.h"

#define ROUTE_BUDGET (4u << 20)

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

/* What it borrows goes into the route's memory. */
static void
decide(struct destination *d, struct route *route, const struct resolve_host *in, bool sure, struct route_host *h)
{
	struct arena *a = &route->arena;
	static const enum policy_sts modes[] = {
		[STS_NONE] = POLICY_STS_NONE, [STS_TESTING] = POLICY_STS_TESTING, [STS_ENFORCE] = POLICY_STS_ENFORCE
	};
	struct policy_domain domain = { .domain = d->domain.len > 0 ? d->domain : in->name,
		.rule = d->tls_rule.rule,
		.sts = modes[d->sts.mode],
		.mx = d->sts.mx,
		.mx_count = d->sts.mx_count };
	struct policy_decision *out = &h->decision;
	struct slice *tlsa;

	memcpy(domain.pin, d->tls_rule.pin, sizeof domain.pin);
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

/* By its name, or an address of its own. */
static bool
is_ours(const struct relay *r, const struct resolve_host *in)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < in->address_count; i++)
		if ((in->addresses[i].len == 4 || in->addresses[i].len == 16) &&
		    inet_ntop(in->addresses[i].len == 4 ? AF_INET : AF_INET6, in->addresses[i].data, text,
			sizeof text) != NULL &&
		    relay_is_here(r, text, r->port))
			return true;
	return slice_ieq(in->name, r->hostname);
}

static void
take_hosts(struct destination *d, const struct resolve_routed *in, struct route *route)
{
	uint32_t ours = UINT32_MAX;

	for (size_t i = 0; i < in->host_count; i++)
		if (in->hosts[i].preference < ours && is_ours(d->relay, &in->hosts[i]))
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

/* A password is for that host and no other: what is known of it must be proven. */
static void
sign_in(struct route_host *h)
{
	struct policy_decision *out = &h->decision;

	h->signs_in = true;
	if (out->must_tls && out->need != TLS_OUTGOING_ANY)
		return;
	out->must_tls = true;
	out->need = TLS_OUTGOING_NAME;
	out->policy = QUEUE_POLICY_OPERATOR;
	memcpy(out->source, "smarthost", sizeof "smarthost");
}

static void
take_hop(struct destination *d, struct route *route, const struct resolve_host *in)
{
	struct route_host *h = &route->hosts[0];

	for (size_t i = 0; i < in->address_count; i++)
		add_address(route, h, in->addresses[i]);
	for (size_t i = 0; i < h->address_count; i++)
		if (relay_is_here(d->relay, h->addresses[i], h->port)) {
			relay_reason_set(route->reason, QUEUE_FAILED, "5.4.6",
			    "mail for this domain would loop: %.*s is this server itself", (int)h->name.len,
			    (const char *)h->name.data);
			return;
		}
	decide(d, route, in, true, h);
	if (d->smarthost)
		sign_in(h);
	route->host_count = h->address_count > 0;
}

/* What is wrong here is the operator's, and mail waits until it is mended. */
static void
hop_found(void *ctx, const void *reply, struct arena *a, const struct error *e)
{
	const struct resolve_routed *in = reply;
	struct destination *d = ctx;
	struct route *route = route_new(1);

	(void)a;
	if (route == NULL || !begin_host(route, &route->hosts[0], d->hop.host, d->hop.port)) {
		route_release(route);
		done(d, NULL);
		return;
	}
	if (in != NULL && in->host_count == 1)
		take_hop(d, route, &in->hosts[0]);
	else if (in == NULL && e->code != ERR_NOT_FOUND)
		relay_reason_set(
		    route->reason, QUEUE_DEFERRED, e->code == ERR_POLICY ? "4.7.0" : "4.4.3", "%s", e->text);
	else
		relay_reason_set(route->reason, QUEUE_DEFERRED, "4.4.4", "%.*s has no address", (int)d->hop.host.len,
		    (const char *)d->hop.host.data);
	done(d, route);
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
begin_literal(struct destination *d, struct slice host, uint16_t port)
{
	const struct resolve_host in = { .name = host };
	struct route *route = route_new(1);

	if (route == NULL || !begin_host(route, &route->hosts[0], host, port)) {
		route_release(route);
		done(d, NULL);
		return;
	}
	if (take_literal(host, route, &route->hosts[0]))
		take_hop(d, route, &in);
	done(d, route);
}

static void
ask_hop(struct destination *d)
{
	const struct resolve_route in = { .domain = d->hop.host, .port = d->hop.port, .direct = true };
	struct relay *r = d->relay;
	struct error e;

	if (relay_ask(r, r->resolver, relay_method(&resolve_interface, RESOLVE_METHOD_route), &in, hop_found, d, &e) !=
	    0)
		hop_found(d, NULL, NULL, &e);
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
	if (d->hop.host.len > 0 && d->hop.host.data[0] != '[')
		ask_hop(d);
	else if (d->hop.host.len > 0)
		begin_literal(d, d->hop.host, d->hop.port);
	else if (d->domain.len > 0 && d->domain.data[0] == '[')
		begin_literal(d, d->domain, r->port);
	else
		sts_ask(d);
}
