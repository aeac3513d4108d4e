/* SPDX-License-Identifier: ISC */
#include "service/relay/internal.h"

#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"

/* ---- which one ---- */

bool
relay_rule_fits(struct slice rule, struct slice domain)
{
	return rule.len > 0 && rule.data[0] == '.' ? slice_ends(domain, rule) : slice_eq(rule, domain);
}

static struct relay_hop
hop_of(const struct relay *r, struct slice domain, bool *smarthost_out)
{
	*smarthost_out = false;
	for (size_t i = 0; i < r->rule_count; i++)
		if (relay_rule_fits(r->rules[i].domain, domain))
			return r->rules[i].hop;
	*smarthost_out = r->smarthost.host.len > 0 && r->user.len > 0;
	return r->smarthost;
}

static const struct relay_tls_rule *
tls_rule_for(const struct relay *r, struct slice name)
{
	for (size_t i = 0; i < r->tls_rule_count; i++)
		if (relay_rule_fits(r->tls_rules[i].domain, name))
			return &r->tls_rules[i];
	return NULL;
}

/*
 * A host that the operator named has a rule by its own name, or the one of the mail's domain; but whose key, and whose DANE,
 * that one means are the domain's own servers, so that of the named host a certificate is asked for.
 */
static struct relay_tls_rule
tls_rule_of(const struct relay *r, struct slice domain, struct slice hop)
{
	const struct relay_tls_rule *own = tls_rule_for(r, hop), *rule = tls_rule_for(r, domain);
	struct relay_tls_rule out = { 0 };

	if (hop.len > 0 && own != NULL)
		rule = own;
	if (rule != NULL)
		out = *rule;
	if (hop.len > 0 && own == NULL && (out.rule == POLICY_OPERATOR_PIN || out.rule == POLICY_OPERATOR_DANE))
		out.rule = POLICY_OPERATOR_VERIFY;
	return out;
}

static size_t
hash_of(struct slice key)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ key.data[i]) * 1099511628211u;
	return h % RELAY_HASH_SIZE;
}

static struct destination *
make(struct relay *r, struct slice domain, struct relay_hop hop, bool smarthost, uint32_t flags, struct buf *key)
{
	struct destination *d = mem_alloc(sizeof *d);
	size_t at = hash_of(buf_slice(key));

	if (d == NULL)
		return NULL;
	d->relay = r;
	d->key = *key;
	buf_init(key, RELAY_KEY_MAX);
	buf_init(&d->sts_text, STS_POLICY_MAX);
	d->domain = slice_sub(buf_slice(&d->key), 0, hop.host.len > 0 ? 0 : domain.len);
	d->hop = hop;
	d->smarthost = smarthost;
	d->tls_rule = tls_rule_of(r, domain, hop.host);
	d->flags = flags;
	d->last = &d->first;
	d->concurrency = RELAY_CONCURRENCY_FIRST;
	d->next = r->hashed[at];
	r->hashed[at] = d;
	d->all_next = r->destinations;
	d->all_back = &r->destinations;
	if (d->all_next != NULL)
		d->all_next->all_back = &d->all_next;
	r->destinations = d;
	return d;
}

static struct destination *
find(struct relay *r, const struct queue_entry *entry)
{
	uint32_t flags = entry->flags & (QUEUE_REQUIRE_TLS | QUEUE_TLS_OPTIONAL);
	bool smarthost;
	struct relay_hop hop = hop_of(r, entry->domain, &smarthost);
	struct destination *d = NULL;
	struct buf key;

	buf_init(&key, RELAY_KEY_MAX);
	(void)buf_put_slice(&key, hop.host.len > 0 ? hop.host : entry->domain);
	(void)buf_putf(&key, " %u %u %u %u %u", hop.host.len > 0, hop.port, smarthost, flags,
	    tls_rule_of(r, entry->domain, hop.host).rule);
	if (key.err == 0) {
		for (d = r->hashed[hash_of(buf_slice(&key))]; d != NULL; d = d->next)
			if (slice_eq(buf_slice(&d->key), buf_slice(&key)))
				break;
		if (d == NULL)
			d = make(r, entry->domain, hop, smarthost, flags, &key);
	}
	buf_done(&key);
	return d;
}

void
destination_add(struct relay *r, struct job *j)
{
	struct destination *d = find(r, j->entry);

	if (d == NULL) {
		job_return(j);
		return;
	}
	j->destination = d;
	d->in_hand++;
	j->next = NULL;
	*d->last = j;
	d->last = &j->next;
	d->waiting++;
	destination_run(d);
}

/* ---- its list ---- */

/* A connection to that host is for it: no host that is preferred, and may take it, is there. */
static bool
is_for(const struct destination *d, const struct job *j, size_t host)
{
	const struct route_host *hosts = d->route == NULL ? NULL : d->route->hosts;
	int64_t now = clock_ms();

	if (host == RELAY_ANY_HOST)
		return true;
	if (hosts == NULL || host >= d->route->host_count || j->host_from > host)
		return false;
	for (size_t i = j->host_from; i < host; i++)
		if (hosts[i].preference != hosts[host].preference && hosts[i].decision.permitted &&
		    hosts[i].address_count > 0 && hosts[i].down_until <= now)
			return false;
	return true;
}

struct job *
destination_take(struct destination *d, size_t host)
{
	for (struct job **at = &d->first; *at != NULL; at = &(*at)->next) {
		struct job *j = *at;

		if (!is_for(d, j, host))
			continue;
		*at = j->next;
		if (d->last == &j->next)
			d->last = at;
		j->next = NULL;
		d->waiting--;
		return j;
	}
	return NULL;
}

void
destination_put_back(struct destination *d, struct job *j)
{
	j->next = d->first;
	if (d->first == NULL)
		d->last = &j->next;
	d->first = j;
	d->waiting++;
}

void
destination_next_host(struct job *j, size_t host, const struct relay_reason *why, const struct queue_facts *facts)
{
	struct destination *d = j->destination;
	struct relay_reason last = *why;

	j->transient = j->transient || why->result == QUEUE_DEFERRED;
	j->host_from = host + 1;
	if (d->route != NULL && j->host_from < d->route->host_count && !d->relay->stopping && !j->lost) {
		destination_put_back(d, j);
		destination_run(d);
		return;
	}
	if (j->transient && last.result == QUEUE_FAILED && !last.from_remote) {
		last.result = QUEUE_DEFERRED; /* another host may take it when it can */
		last.status[0] = '4';
	}
	job_settle(j, JOB_WAITS, &last, facts);
	(void)job_told(j);
}

/* All that wait, and for which nothing but hosts from `from` on is left. */
static void
settle_waiting(struct destination *d, size_t from, const struct relay_reason *why, const struct queue_facts *facts)
{
	struct job *list = d->first, *j;

	d->first = NULL;
	d->last = &d->first;
	d->waiting = 0;
	while ((j = list) != NULL) {
		list = j->next;
		j->next = NULL;
		if (j->host_from < from) {
			*d->last = j;
			d->last = &j->next;
			d->waiting++;
			continue;
		}
		job_settle(j, JOB_WAITS, why, facts);
		(void)job_told(j);
	}
}

/* ---- connections ---- */

static bool
may_connect(const struct relay *r)
{
	return !r->stopping && r->link_count < r->connections_max &&
	    r->connecting < r->connections_max - r->connections_max / RELAY_CONNECTING_PART;
}

/* A connection that waits for more of its own mail makes room. */
static void
end_an_idle_one(struct relay *r)
{
	for (struct destination *d = r->destinations; d != NULL; d = d->all_next)
		for (struct link *l = d->links; l != NULL && d->idle_count > 0; l = l->next)
			if (l->idle) {
				link_stop(l);
				return;
			}
}

static void
be_hungry(struct destination *d)
{
	if (d->hungry)
		return;
	d->hungry = true;
	d->hungry_next = NULL;
	*d->relay->hungry_last = d;
	d->relay->hungry_last = &d->hungry_next;
	if (d->relay->link_count >= d->relay->connections_max)
		end_an_idle_one(d->relay);
}

void
relay_feed_hungry(struct relay *r)
{
	while (r->hungry != NULL && may_connect(r)) {
		struct destination *d = r->hungry;

		r->hungry = d->hungry_next;
		if (r->hungry == NULL)
			r->hungry_last = &r->hungry;
		d->hungry = false;
		destination_run(d);
	}
}

/* RFC 8689 section 4.2.1: of REQUIRETLS that cannot be had. What DNS could not say is another matter. */
static bool
is_told_at_once(const struct destination *d, const struct relay_reason *why)
{
	return (d->flags & (uint32_t)QUEUE_REQUIRE_TLS) != 0 && why->result == QUEUE_DEFERRED &&
	    (strcmp(why->status, "4.7.5") == 0 || strcmp(why->status, "4.7.10") == 0);
}

/* Of the whole domain, when there is no other way and nobody is in. */
static void
unreachable(struct destination *d, size_t from, const struct relay_reason *why, const struct queue_facts *facts)
{
	struct relay *r = d->relay;
	static const struct queue_facts none;
	struct relay_reason last;
	size_t served = 0; /* what can go over a link that stands goes on; there are only no more of them */

	for (const struct link *l = d->links; l != NULL; l = l->next)
		if (l->was_ready && !l->closed && l->at.host >= served)
			served = l->at.host + 1;
	from = served > from ? served : from;
	if (is_told_at_once(d, why)) {
		relay_reason_set(&last, QUEUE_FAILED, "5.7.10", "%s", why->text);
		why = &last;
	}
	log_event(LOG_LEVEL_INFO, "relay.unreachable",
	    log_slice("destination", d->domain.len > 0 ? d->domain : d->hop.host), log_str("reason", why->text));
	/* What TLS stood in the way of stands in the way of such messages, not of those that ask for another kind of it. */
	if (from == 0 && d->hop.host.len == 0 && why->result == QUEUE_DEFERRED && d->waiting > 0 &&
	    strncmp(why->status, "4.7.", 4) != 0) {
		const struct queue_defer_domain in = {
			.domain = d->domain, .reason = slice_str(why->text), .facts = facts != NULL ? *facts : none
		};

		(void)relay_ask(r, r->queue, relay_method(&queue_interface, QUEUE_METHOD_defer_domain), &in,
		    relay_ignore, NULL, NULL);
	}
	settle_waiting(d, from, why, facts);
}

/* Links that will take the first job that waits, or have to do with others. */
static unsigned
available(const struct destination *d)
{
	unsigned n = 0;

	for (const struct link *l = d->links; l != NULL; l = l->next)
		n += l->job == NULL && !l->quitting && !l->closed && is_for(d, d->first, l->at.host);
	return n;
}

static void
open_more(struct destination *d)
{
	while (d->first != NULL && d->waiting > available(d) && d->link_count < d->concurrency) {
		struct attempt at = { .start = d->first->host_from, .host = d->first->host_from };
		struct relay_reason why;

		if (!may_connect(d->relay)) {
			be_hungry(d);
			return;
		}
		if (link_open(d, &at, &why) == NULL) {
			unreachable(d, at.start, &why, NULL);
			return;
		}
	}
}

void
destination_run(struct destination *d)
{
	int64_t now = clock_ms();

	d->used_at = now;
	if (d->first == NULL || d->asking || d->relay->stopping)
		return;
	if (d->route == NULL || d->route->until <= now) {
		route_ask(d);
		return;
	}
	if (d->route->host_count == 0) {
		struct relay_reason why = *d->route->reason;

		settle_waiting(d, 0, &why, NULL);
		return;
	}
	for (struct link *l = d->links; l != NULL && d->idle_count > 0; l = l->next)
		if (l->idle)
			link_wake(l);
	open_more(d);
}

void
destination_routed(struct destination *d, struct route *route)
{
	const struct relay_reason no_memory = { .result = QUEUE_DEFERRED, .status = "4.3.0", .text = "no memory" };

	d->asking = false;
	route_release(d->route);
	d->route = route;
	if (route == NULL) {
		settle_waiting(d, 0, &no_memory, NULL);
		return;
	}
	for (struct job *j = d->first; j != NULL; j = j->next)
		if (j->host_from >= route->host_count)
			j->host_from = 0; /* other hosts than those that it was tried with */
	destination_run(d);
}

void
destination_link_failed(struct destination *d, const struct link *l, const struct relay_reason *why,
    const struct queue_facts *facts, bool clear_next)
{
	struct attempt at = l->at;
	struct relay_reason last = *why;

	if (!clear_next)
		d->concurrency = d->concurrency > 1 ? d->concurrency / 2 : 1;
	if (d->relay->stopping || d->first == NULL)
		return;
	if (l->route != d->route) {
		destination_run(d);
		return;
	}
	at.clear = clear_next;
	if (!clear_next)
		at.address++;
	if (link_open(d, &at, &last) == NULL)
		unreachable(d, at.start, &last, facts);
}

void
destination_succeeded(struct destination *d)
{
	d->proven = true;
	if (d->concurrency < d->relay->concurrency_max && d->waiting > 0)
		d->concurrency++;
}

void
destination_link_gone(struct destination *d, struct link *l)
{
	*l->back = l->next;
	if (l->next != NULL)
		l->next->back = l->back;
	d->link_count--;
	d->relay->link_count--;
	metric_add(METRIC_RELAY_CONNECTIONS, -1);
	destination_run(d);
	relay_feed_hungry(d->relay);
}

/* ---- all of them ---- */

size_t
destinations_full(struct relay *r, struct slice *out, size_t max)
{
	size_t n = 0;

	for (const struct destination *d = r->destinations; d != NULL && n < max; d = d->all_next) {
		size_t enough = d->proven ? (size_t)r->concurrency_max * RELAY_AHEAD : RELAY_CONCURRENCY_FIRST;

		if (d->domain.len > 0 && d->in_hand >= enough)
			out[n++] = d->domain;
	}
	return n;
}

static void
destination_free(struct destination *d)
{
	struct destination **at = &d->relay->hashed[hash_of(buf_slice(&d->key))];

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	*d->all_back = d->all_next;
	if (d->all_next != NULL)
		d->all_next->all_back = d->all_back;
	route_release(d->route);
	buf_done(&d->key);
	buf_done(&d->sts_text);
	mem_free(d);
}

void
destinations_due(struct relay *r, int64_t now)
{
	for (struct destination *d = r->destinations, *next; d != NULL; d = next) {
		next = d->all_next;
		if (d->in_hand == 0 && d->links == NULL && !d->asking && !d->hungry &&
		    now - d->used_at > RELAY_ROUTE_MS)
			destination_free(d);
	}
}

void
destinations_free(struct relay *r)
{
	while (r->destinations != NULL)
		destination_free(r->destinations);
}
