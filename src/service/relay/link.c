/* SPDX-License-Identifier: ISC */
/* One connection: its life, and what its machine tells. What becomes of a failure is decided in one place, at its end. */
#include "service/relay/internal.h"

#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/metrics.h"

static const struct route_host *
host_of(const struct link *l)
{
	return &l->route->hosts[l->at.host];
}

void
link_facts(const struct link *l, struct queue_facts *out)
{
	static const uint32_t verified[] = { [TLS_OUTGOING_UNVERIFIED] = QUEUE_TLS_UNVERIFIED,
		[TLS_OUTGOING_BY_NAME] = QUEUE_TLS_NAME,
		[TLS_OUTGOING_BY_DANE] = QUEUE_TLS_DANE,
		[TLS_OUTGOING_BY_PIN] = QUEUE_TLS_PIN };
	const struct tls_outgoing_facts *tls = dial_tls_facts(l->conn);
	const struct route_host *h = host_of(l);

	*out = (struct queue_facts){ .mx_name = h->name,
		.mx_address = slice_str(h->addresses[l->at.address]),
		.policy = h->decision.policy,
		.policy_source = slice_str(h->decision.source) };
	if (tls->version == NULL)
		return;
	out->tls_version = slice_str(tls->version);
	out->tls_cipher = slice_str(tls->cipher);
	out->tls_verified = verified[tls->verified];
}

/* ---- the end ---- */

static void
link_free_unused(struct link *l)
{
	if (!l->gone || l->questions > 0)
		return;
	smtp_client_free(l->m);
	route_release(l->route);
	arena_done(&l->arena);
	buf_done(&l->piece);
	conn_release(l->conn);
	mem_free(l);
}

void
link_answered(struct link *l)
{
	l->questions--;
	link_free_unused(l);
}

void
link_fail(struct link *l, const struct relay_reason *why)
{
	if (l->closed)
		return;
	l->closed = l->failed = true;
	l->failure = *why;
	if (l->m != NULL && smtp_client_says_goodbye(l->m))
		conn_close(l->conn);
	else
		conn_abort(l->conn);
}

static void
name_host(const struct link *l, char out[RELAY_REASON_MAX])
{
	const struct route_host *h = host_of(l);
	const char *address = h->addresses[l->at.address];

	if (h->name.len > 0 && h->name.data[0] == '[')
		(void)snprintf(out, RELAY_REASON_MAX, "%.*s", (int)h->name.len, (const char *)h->name.data);
	else
		(void)snprintf(
		    out, RELAY_REASON_MAX, "%.*s [%s]", (int)h->name.len, (const char *)h->name.data, address);
}

/* In words of ours; the host is named in front. */
static void
fail_because(struct link *l, const char *status, const char *what)
{
	char host[RELAY_REASON_MAX];
	struct relay_reason why;

	name_host(l, host);
	relay_reason_set(&why, QUEUE_DEFERRED, status, "%s: %s", host, what);
	link_fail(l, &why);
}

/* The connection ended by itself. */
static void
note_end(struct link *l)
{
	const struct error *e = dial_why(l->conn);

	if (l->failed)
		return;
	l->closed = false;
	fail_because(l,
	    e->code == ERR_TLS              ? "4.7.5"
		: dial_did_connect(l->conn) ? "4.4.2"
					    : "4.4.1",
	    e->code != 0 ? e->text : "the server ended the connection");
	if (e->code == ERR_TLS)
		l->tls_failed = true;
}

/* Without TLS then, where it is no must: an opportunity that was none (RFC 7435). */
static bool
clear_may_be_next(const struct link *l)
{
	const struct policy_decision *p = &host_of(l)->decision;

	return l->tls_failed && !l->at.clear && !p->must_tls && p->permitted;
}

static void
end_unready(struct link *l)
{
	struct queue_facts facts;
	bool clear = clear_may_be_next(l);

	link_facts(l, &facts);
	if (l->tls_failed)
		tally_session(l);
	log_event(LOG_LEVEL_INFO, "relay.host_failed", log_slice("host", host_of(l)->name),
	    log_str("address", host_of(l)->addresses[l->at.address]), log_str("reason", l->failure.text),
	    log_str("so", clear ? "without_tls" : "next"));
	if (l->loops)
		l->at.host = l->route->host_count; /* nor to those that are less preferred */
	destination_link_failed(l->destination, l, &l->failure, &facts, clear);
}

static void
on_closed(void *session)
{
	struct link *l = session;
	struct destination *d = l->destination;

	note_end(l);
	l->closed = l->gone = true;
	if (l->connecting) {
		l->connecting = false;
		l->relay->connecting--;
	}
	if (l->idle)
		d->idle_count--;
	l->idle = false;
	if (l->job != NULL)
		transaction_lost(l);
	if (!l->was_ready && !l->quitting)
		end_unready(l);
	destination_link_gone(d, l);
	link_free_unused(l);
}

/* ---- what the machine tells ---- */

static bool
is_ourselves(const struct link *l)
{
	return slice_ieq(smtp_client_server_name(l->m), l->relay->hostname);
}

static void
refuse_loop(struct link *l, const char *because)
{
	struct relay_reason why;

	relay_reason_set(&why, l->at.host == l->at.start && l->at.start == 0 ? QUEUE_FAILED : QUEUE_DEFERRED, "5.4.6",
	    "mail for this domain would loop: %.*s %s", (int)host_of(l)->name.len, (const char *)host_of(l)->name.data,
	    because);
	l->loops = true;
	link_fail(l, &why);
}

static void
quit(struct link *l)
{
	l->quitting = true;
	l->since = clock_ms();
	smtp_client_quit(l->m);
}

static void
be_idle(struct link *l, int64_t now)
{
	/* Also when others wait for a connection, of which there are so many only. */
	if (l->relay->stopping || l->sent >= RELAY_MESSAGES_MAX || l->route != l->destination->route ||
	    l->relay->hungry != NULL) {
		quit(l);
		return;
	}
	l->idle = true;
	l->destination->idle_count++;
	l->idle_until = now + RELAY_IDLE_MS;
}

static void
take_next(struct link *l, int64_t now)
{
	struct job *j;

	while (!l->closed && l->job == NULL && !l->relay->stopping && l->sent < RELAY_MESSAGES_MAX &&
	    (j = destination_take(l->destination, l->at.host)) != NULL)
		transaction_begin(l, j);
	if (!l->closed && l->job == NULL)
		be_idle(l, now);
}

static void
count_session(const struct link *l)
{
	static const unsigned proofs[] = { [TLS_OUTGOING_UNVERIFIED] = METRIC_PROOF_NONE,
		[TLS_OUTGOING_BY_NAME] = METRIC_PROOF_NAME,
		[TLS_OUTGOING_BY_DANE] = METRIC_PROOF_DANE,
		[TLS_OUTGOING_BY_PIN] = METRIC_PROOF_PIN };
	const struct tls_outgoing_facts *tls = dial_tls_facts(l->conn);
	unsigned way = !l->shaken                                                  ? METRIC_WAY_CLEAR
	    : tls->version != NULL && slice_eq_str(SLICE("TLSv1.2"), tls->version) ? METRIC_WAY_12
										   : METRIC_WAY_13;

	metric_add(METRIC_RELAY_SESSIONS_TOTAL +
		METRIC_PAIR(way, PROOF, l->shaken ? proofs[tls->verified] : METRIC_PROOF_NONE),
	    1);
}

static void
on_ready(struct link *l, int64_t now)
{
	if (!l->was_ready && is_ourselves(l)) {
		refuse_loop(l, "calls itself by our own name");
		return;
	}
	if (!l->was_ready)
		count_session(l);
	l->was_ready = true;
	tally_session(l);
	if (l->quitting)
		return;
	if (l->job != NULL)
		transaction_go_on(l);
	if (l->job == NULL)
		take_next(l, now);
}

static void
on_failed(struct link *l, const struct smtp_client_event *ev)
{
	struct relay_reason why;
	char host[RELAY_REASON_MAX];

	l->tls_failed = ev->error.code == ERR_TLS;
	if (l->idle) { /* it has said good-bye; nothing was under way */
		l->closed = true;
		conn_abort(l->conn);
		return;
	}
	if (ev->answer.code == 0) {
		fail_because(l, l->tls_failed ? "4.7.5" : "4.5.0", ev->error.text);
		return;
	}
	/* What is said of the whole connection is not about a message, and another host may say something else. */
	relay_reason_of(&why, &ev->answer, "4.4.2");
	why.result = QUEUE_DEFERRED;
	why.status[0] = '4';
	name_host(l, host);
	link_fail(l, &why);
}

static void
start_tls(struct link *l)
{
	struct error e;

	dial_tls(l->conn, &l->tls);
	if (conn_start_tls(l->conn, &e) != 0)
		fail_because(l, "4.7.5", e.text);
}

static void
take_events(struct link *l, int64_t now)
{
	struct smtp_client_event ev;

	while (!l->closed && smtp_client_next(l->m, &ev) != SMTP_CLIENT_NOTHING) {
		switch (ev.what) {
		case SMTP_CLIENT_START_TLS:
			start_tls(l);
			break;
		case SMTP_CLIENT_READY:
			on_ready(l, now);
			break;
		case SMTP_CLIENT_RECIPIENT:
			transaction_recipient(l, &ev);
			break;
		case SMTP_CLIENT_BODY:
			link_text_begin(l);
			break;
		case SMTP_CLIENT_SENT:
			transaction_sent(l, &ev);
			break;
		case SMTP_CLIENT_CLOSED:
			l->closed = true;
			conn_close(l->conn);
			break;
		case SMTP_CLIENT_FAILED:
		case SMTP_CLIENT_NOTHING:
		default:
			on_failed(l, &ev);
		}
	}
}

/* ---- turns ---- */

static int
begin_machine(struct link *l, struct error *e)
{
	const struct policy_decision *p = &host_of(l)->decision;
	struct relay *r = l->relay;
	const struct smtp_client_config config = { .hello = r->hostname,
		.start_tls = p->must_tls,
		.start_tls_if_offered = !p->must_tls && !l->at.clear,
		.credentials = host_of(l)->signs_in ? &l->credentials : NULL };

	l->connecting = false;
	r->connecting--;
	l->credentials = (struct sasl_credentials){ .identity = r->user, .password = r->password };
	l->tls = (struct tls_outgoing_config){ .tls = r->tls,
		.need = p->need,
		.host = host_of(l)->name.len > 0 && host_of(l)->name.data[0] == '[' ? SLICE_EMPTY : host_of(l)->name,
		.names = p->names,
		.name_count = p->name_count,
		.tlsa = p->tlsa,
		.tlsa_count = p->tlsa_count,
		.pin = p->pin };
	return smtp_client_new(&config, &l->m, e);
}

/* The handshake is done: what the machine may know of it. */
static void
secured(struct link *l, struct conn *c)
{
	struct conn_tls_bindings b;
	struct sasl_channel channel = { .tls = true };

	l->shaken = true;
	if (conn_tls_bindings(c, &b)) {
		memcpy(l->exporter, b.exporter, b.exporter_len);
		channel.exporter = slice_of(l->exporter, b.exporter_len);
	}
	smtp_client_sasl(l->m, &channel, 0);
	smtp_client_secured(l->m);
}

static void
look_at_clock(struct link *l, int64_t now)
{
	int64_t patience;

	if (smtp_client_steps(l->m) != l->steps) {
		l->steps = smtp_client_steps(l->m);
		l->since = now;
	}
	patience = l->quitting ? RELAY_QUIT_MS : smtp_client_patience_ms(l->m);
	if (l->idle && now >= l->idle_until) {
		l->idle = false;
		l->destination->idle_count--;
		quit(l);
	} else if (l->quitting && now >= l->since + patience) {
		l->closed = true;
		conn_abort(l->conn);
	} else if (!l->idle && !l->asking && patience != MACHINE_NEVER && now >= l->since + patience) {
		fail_because(l, "4.4.2", "it takes longer to answer than servers may");
	}
}

static void
take_end(struct link *l)
{
	if (!l->idle && !l->quitting) {
		fail_because(l, "4.4.2", "it ended the connection");
		return;
	}
	l->closed = true;
	conn_abort(l->conn);
}

/* What is found idle again has waited since then: its time is not begun anew. */
static void
look_for_work(struct link *l, int64_t now)
{
	int64_t until = l->idle_until;

	l->idle = false;
	l->destination->idle_count--;
	take_events(l, now);
	if (!l->closed)
		take_next(l, now);
	if (l->idle)
		l->idle_until = until;
}

static void
on_run(void *session, struct conn *c, int64_t now)
{
	struct link *l = session;
	struct error e;

	if (l->closed)
		return;
	if (l->m == NULL) {
		l->since = now;
		if (relay_leads_here(l->relay, c, host_of(l)->port)) {
			refuse_loop(l, "is this server itself");
			return;
		}
		if (begin_machine(l, &e) != 0) {
			fail_because(l, "4.3.0", e.text);
			return;
		}
		relay_feed_hungry(l->relay); /* one fewer is connecting */
	}
	if (!l->shaken && conn_is_tls(c))
		secured(l, c);
	if (l->idle && !l->ended)
		look_for_work(l, now);
	do
		take_events(l, now);
	while (!l->closed && link_text_run(l));
	if (!l->closed && l->ended)
		take_end(l);
	if (!l->closed)
		look_at_clock(l, now);
}

static size_t
on_feed(void *session, struct slice in, int64_t now_ms)
{
	struct link *l = session;

	return l->m == NULL ? 0 : smtp_client_feed(l->m, in, now_ms);
}

static struct slice
on_output(void *session)
{
	struct link *l = session;

	return l->m == NULL ? SLICE_EMPTY : smtp_client_output(l->m);
}

static void
on_sent(void *session, size_t len)
{
	smtp_client_sent(((struct link *)session)->m, len);
}

static int64_t
on_deadline(const void *session)
{
	const struct link *l = session;
	int64_t patience = l->m == NULL ? MACHINE_NEVER : l->quitting ? RELAY_QUIT_MS : smtp_client_patience_ms(l->m);

	if (l->idle)
		return l->idle_until;
	return patience == MACHINE_NEVER || l->asking ? MACHINE_NEVER : l->since + patience;
}

static bool
on_busy(const void *session)
{
	const struct link *l = session;

	return !l->closed;
}

static void
on_ended(void *session)
{
	struct link *l = session;

	l->ended = true;
	conn_wake(l->conn);
}

static const struct conn_ops link_ops = {
	.feed = on_feed,
	.run = on_run,
	.output = on_output,
	.sent = on_sent,
	.deadline = on_deadline,
	.closed = on_closed,
	.busy = on_busy,
	.ended = on_ended,
};

/* ---- birth ---- */

static struct link *
begin(struct destination *d, const struct attempt *at, struct relay_reason *why)
{
	const struct route_host *h = &d->route->hosts[at->host];
	const char *address = h->addresses[at->address];
	const struct dial_target target = { .address = address,
		.port = h->port,
		.source = strchr(address, ':') != NULL ? d->relay->source6 : d->relay->source4,
		.connect_ms = RELAY_CONNECT_MS };
	struct link *l = mem_alloc(sizeof *l);
	struct error e;

	if (l == NULL || dial(d->relay->dialer, &target, &link_ops, l, &l->conn, &e) != 0) {
		relay_reason_set(why, QUEUE_DEFERRED, "4.4.1", "%.*s: %s", (int)h->name.len, (const char *)h->name.data,
		    l == NULL ? "no memory" : e.text);
		mem_free(l);
		return NULL;
	}
	conn_hold(l->conn);
	l->relay = d->relay;
	l->destination = d;
	l->route = d->route;
	d->route->refs++;
	l->at = *at;
	l->connecting = true;
	d->relay->connecting++;
	arena_init(&l->arena, RELAY_TRANSACTION_BUDGET);
	buf_init(&l->piece, RELAY_PIECE);
	l->next = d->links;
	l->back = &d->links;
	if (l->next != NULL)
		l->next->back = &l->next;
	d->links = l;
	d->link_count++;
	d->relay->link_count++;
	metric_add(METRIC_RELAY_CONNECTIONS, 1);
	return l;
}

/* Down, and another one is there that is not. */
static bool
is_passed_over(const struct route *route, size_t host, int64_t now)
{
	if (route->hosts[host].down_until <= now)
		return false;
	for (size_t i = host + 1; i < route->host_count; i++)
		if (route->hosts[i].down_until <= now && route->hosts[i].decision.permitted &&
		    route->hosts[i].address_count > 0)
			return true;
	return false;
}

struct link *
link_open(struct destination *d, const struct attempt *from, struct relay_reason *why)
{
	struct attempt at = *from;
	int64_t now = clock_ms();
	struct link *l;

	if (from->tries == 0)
		relay_reason_set(why, QUEUE_DEFERRED, "4.4.1", "no host can be reached");
	for (; at.host < d->route->host_count; at.host++, at.address = 0, at.clear = false) {
		struct route_host *h = &d->route->hosts[at.host];

		if (!h->decision.permitted || h->address_count == 0)
			relay_reason_set(why, QUEUE_DEFERRED,
			    h->decision.permitted      ? "4.4.4"
				: h->decision.for_good ? "4.7.10"
						       : "4.7.0",
			    "%.*s: %s", (int)h->name.len, (const char *)h->name.data,
			    h->decision.permitted ? "it has no address" : h->decision.why);
		if (!h->decision.permitted)
			tally_not_permitted(d, h);
		if (!h->decision.permitted || (at.address == 0 && is_passed_over(d->route, at.host, now)))
			continue;
		for (; at.address < h->address_count; at.address++, at.clear = false) {
			if (at.tries >= RELAY_ADDRESSES_MAX)
				return NULL;
			at.tries++;
			if ((l = begin(d, &at, why)) != NULL)
				return l;
		}
		h->down_until = now + RELAY_HOST_DOWN_MS;
	}
	return NULL;
}

void
link_wake(struct link *l)
{
	conn_wake(l->conn);
}

void
link_stop(struct link *l)
{
	if (l->closed || l->job != NULL)
		return;
	if (l->m == NULL || !l->was_ready) {
		const struct relay_reason stops = { .result = QUEUE_RETURNED };

		link_fail(l, &stops);
		conn_wake(l->conn);
		return;
	}
	if (l->idle) {
		l->idle = false;
		l->destination->idle_count--;
	}
	if (!l->quitting)
		quit(l);
	conn_wake(l->conn);
}
