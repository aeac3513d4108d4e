/* SPDX-License-Identifier: ISC */
/*
 * libunbound on a loop of its own. A look-up that has taken too long is told
 * so and given up, but libunbound still has it, and there is no safe way to
 * take it back (ub_cancel() is not for its event interface): it stays counted
 * until libunbound lets go of it.
 */
#include "net/dns.h"

#include <pthread.h>
#include <string.h>

#include <event2/event.h>
#include <unbound-event.h>
#include <unbound.h>

#include "base/mem.h"
#include "net/dns_alive.h"
#include "net/dns_packet.h"
#include "net/loop.h"

#define ANSWER_BUDGET (256u << 10)
#define SECURITY_SECURE 2 /* as unbound-event.h counts */
#define SECURITY_BOGUS 1

struct query {
	struct dns *dns;
	struct query *next, **back;
	struct loop_task task;
	struct event *timer;
	dns_done_fn *done; /* NULL: it was told */
	void *ctx;
	uint16_t type;
	int64_t left_ms; /* of its time, behind the timer */
	char name[];
};

struct dns {
	struct loop *loop;
	struct ub_ctx *ctx;
	int64_t timeout_ms;
	unsigned max;
	bool ending;             /* the loop has stopped */
	struct dns_alive *alive; /* NULL: there are no servers, the root is asked */
	struct query *handing;   /* is being given to libunbound, which may answer it at once */
	void (*on_silence)(void *ctx, bool silent);
	void *on_silence_ctx;
	pthread_mutex_t lock;
	struct query *first; /* with the lock */
	unsigned count;
};

/* ---- one look-up ---- */

static struct query *
query_new(struct dns *d, struct slice name, struct error *e)
{
	struct query *q = mem_alloc(sizeof *q + name.len + 1);

	if (q == NULL) {
		(void)error_nomem(e);
		return NULL;
	}
	memcpy(q->name, name.data, name.len);
	q->dns = d;
	(void)pthread_mutex_lock(&d->lock);
	if (d->count >= d->max) {
		(void)pthread_mutex_unlock(&d->lock);
		mem_free(q);
		(void)error_set(e, ERR_LIMIT, "too many names are being looked up");
		return NULL;
	}
	d->count++;
	q->next = d->first;
	q->back = &d->first;
	if (q->next != NULL)
		q->next->back = &q->next;
	d->first = q;
	(void)pthread_mutex_unlock(&d->lock);
	return q;
}

static void
query_free(struct query *q)
{
	struct dns *d = q->dns;

	(void)pthread_mutex_lock(&d->lock);
	d->count--;
	*q->back = q->next;
	if (q->next != NULL)
		q->next->back = q->back;
	(void)pthread_mutex_unlock(&d->lock);
	mem_free(q);
}

static void
tell(struct query *q, const struct dns_answer *answer, const struct error *e)
{
	dns_done_fn *done = q->done;

	if (q->timer != NULL)
		event_free(q->timer);
	q->timer = NULL;
	q->done = NULL;
	if (done != NULL)
		done(q->ctx, answer, e);
}

static void
tell_failed(struct query *q, int code, const char *text)
{
	struct error e;

	(void)error_set(&e, code, "%s", text);
	tell(q, NULL, &e);
}

/* A piece of its time: behind each it is asked whether the servers are there. */
static int
wait_on(struct query *q)
{
	int64_t ms = q->left_ms < DNS_SUSPECT_MS ? q->left_ms : DNS_SUSPECT_MS;
	const struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	q->left_ms -= ms;
	return evtimer_add(q->timer, &limit);
}

static void
took_long(evutil_socket_t fd, short what, void *ctx)
{
	struct query *q = ctx;

	(void)fd;
	(void)what;
	dns_alive_suspect(q->dns->alive);
	if (q->left_ms == 0 || wait_on(q) != 0)
		tell_failed(q, ERR_TIMEOUT, "no name server answered in time");
}

static void
tell_silence(struct query *q)
{
	tell_failed(q, ERR_NET, "none of the name servers answers anything");
}

/* A look-up that libunbound has, and whose asker waits; NULL: there is none. */
static struct query *
find_waiting(struct dns *d)
{
	struct query *q;

	(void)pthread_mutex_lock(&d->lock);
	for (q = d->first; q != NULL && q->timer == NULL; q = q->next)
		;
	(void)pthread_mutex_unlock(&d->lock);
	return q;
}

/* Who waits need not wait on. */
static void
alive_changed(void *ctx, bool silent)
{
	struct dns *d = ctx;
	struct query *q;

	while (silent && (q = find_waiting(d)) != NULL)
		tell_silence(q);
	if (d->on_silence != NULL)
		d->on_silence(d->on_silence_ctx, silent);
}

static void
tell_packet(struct query *q, struct slice packet, int security)
{
	struct arena a ARENA_OWNED = { 0 };
	struct dns_answer answer = { .security = security == SECURITY_SECURE ? DNS_SECURE : DNS_INSECURE };
	struct error e;

	arena_init(&a, ANSWER_BUDGET);
	if (dns_packet_read(packet, q->type, &a, &answer, &e) != 0)
		tell(q, NULL, &e);
	else if (answer.rcode != DNS_NOERROR && answer.rcode != DNS_NXDOMAIN)
		tell_failed(q, ERR_NET, "no name server could answer");
	else
		tell(q, &answer, NULL);
}

static void
tell_bogus(struct query *q, const char *why)
{
	const struct dns_answer answer = { .security = DNS_BOGUS,
		.reason = slice_sub(slice_str(why), 0, DNS_REASON_MAX) };

	tell(q, &answer, NULL);
}

/* SERVFAIL is libunbound's own word too. */
static bool
is_failure(struct slice packet)
{
	unsigned rcode = packet.len > 3 ? packet.data[3] & 15u : DNS_NOERROR + 2u;

	return rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN;
}

/* libunbound's. With an rcode of its own there is no packet to be looked at. */
static void
answered(void *ctx, int rcode, void *packet, int len, int security, char *why, int ratelimited)
{
	struct query *q = ctx;
	struct dns *d = q->dns;
	bool remembered = d->handing == q, failed = rcode != 0 || packet == NULL || len < 0;

	(void)ratelimited;
	if (d->ending)
		return; /* dns_free() tells and frees all */
	if (remembered)
		d->handing = NULL;
	/* What is remembered says nothing of the servers; that nothing is signed rightly may be for want of an answer. */
	if (failed || security == SECURITY_BOGUS || is_failure(slice_of(packet, (size_t)len)))
		dns_alive_suspect(d->alive);
	else if (!remembered)
		dns_alive_heard(d->alive);
	if (security == SECURITY_BOGUS)
		tell_bogus(q, why);
	else if (failed)
		tell_failed(q, ERR_NET, "no name server could answer");
	else
		tell_packet(q, slice_of(packet, (size_t)len), security);
	query_free(q);
}

/* While the servers are silent libunbound tries some, as many as it may hold up; what it remembers is still had. */
static bool
is_crowded(struct dns *d)
{
	bool crowded;

	(void)pthread_mutex_lock(&d->lock);
	crowded = d->count > DNS_SILENT_TRIES_MAX;
	(void)pthread_mutex_unlock(&d->lock);
	return crowded;
}

static void
ask(void *ctx)
{
	struct query *q = ctx;
	struct dns *d = q->dns;
	int rc;

	if (d->ending)
		return;
	if (dns_alive_silent(d->alive) && is_crowded(d)) {
		tell_silence(q);
		query_free(q);
		return;
	}
	q->left_ms = d->timeout_ms;
	q->timer = evtimer_new(loop_base(d->loop), took_long, q);
	if (q->timer == NULL || wait_on(q) != 0) {
		tell_failed(q, ERR_NOMEM, "no memory");
		query_free(q);
		return;
	}
	d->handing = q;
	rc = ub_resolve_event(d->ctx, q->name, q->type, 1, q, answered, NULL); /* it may be answered and gone now */
	if (rc != 0) {
		tell_failed(q, rc == UB_SYNTAX ? ERR_SYNTAX : ERR_NET, ub_strerror(rc));
		query_free(q);
	} else if (d->handing == q && dns_alive_silent(d->alive)) {
		tell_silence(q); /* it is asked all the same: the answer of one may be the first sign of life */
	}
	d->handing = NULL;
}

int
dns_lookup(struct dns *d, struct slice name, uint16_t type, dns_done_fn *done, void *ctx, struct error *e)
{
	struct query *q;

	if (name.len == 0 || name.len > DNS_TEXT_MAX)
		return error_set(e, ERR_SYNTAX, "a name has 1 to %u octets", DNS_TEXT_MAX);
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] > 126)
			return error_set_at(e, ERR_SYNTAX, i, "a name has no such octet");
	if ((q = query_new(d, name, e)) == NULL)
		return e == NULL ? ERR_LIMIT : e->code;
	q->done = done;
	q->ctx = ctx;
	q->type = type;
	q->task = (struct loop_task){ .run = ask, .ctx = q };
	loop_post(d->loop, &q->task);
	return 0;
}

/* ---- libunbound's settings ---- */

struct option {
	const char *name, *value;
};

static const struct option options[] = {
	{ "outgoing-range:", "256" }, /* sockets; more look-ups wait for one */
	{ "outgoing-num-tcp:", "16" },
	{ "msg-cache-size:", "8m" },
	{ "rrset-cache-size:", "16m" },
	{ "key-cache-size:", "4m" },
	{ "infra-cache-max-rtt:", "4000" }, /* who is silent is given up within seconds, and tried again in */
	{ "infra-host-ttl:", "60" },        /* a minute */
	{ "use-syslog:", "no" },
};

static const struct option forwarding[] = {
	{ "do-not-query-localhost:", "no" },
	/* What they say of private addresses is theirs to know: it is not answered here, and not in any signed zone. */
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	{ "domain-insecure:", "127.in-addr.arpa." },
};

static int
set_options(struct dns *d, const struct option *list, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		int rc = ub_ctx_set_option(d->ctx, list[i].name, list[i].value);

		if (rc != 0)
			return error_set(
			    e, ERR_INTERNAL, "libunbound does not take %s %s", list[i].name, ub_strerror(rc));
	}
	return 0;
}

static int
add_servers(struct dns *d, const struct dns_config *config, struct error *e)
{
	for (size_t i = 0; i < config->server_count; i++) {
		char text[96] = "";

		if (!dns_server_valid(config->servers[i]))
			return error_set(e, ERR_USAGE, "a name server is an address, or address@port");
		memcpy(text, config->servers[i].data, config->servers[i].len); /* so it is shorter than that */
		if (ub_ctx_set_fwd(d->ctx, text) != 0)
			return error_set(e, ERR_USAGE, "%s cannot be asked", text);
	}
	return 0;
}

/* Line by line, without what is behind ';'. */
static int
add_anchors(struct dns *d, struct slice text, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };

	arena_init(&a, 4 * DNS_ANCHORS_MAX);
	while (text.len > 0) {
		struct slice comment, line = slice_split(slice_split(text, '\n', &text), ';', &comment);
		const char *copy;

		line = slice_trim(line);
		if (line.len == 0)
			continue;
		copy = arena_cstr(&a, line);
		if (copy == NULL || ub_ctx_add_ta(d->ctx, copy) != 0)
			return error_set(e, ERR_USAGE, "a trust anchor is a DS or DNSKEY record on one line");
	}
	return 0;
}

/* This settles all settings: nothing can be set behind it. */
static int
begin(struct dns *d, bool forwards, struct error *e)
{
	/* libunbound answers for "test." itself unless told otherwise. */
	int rc = ub_ctx_zone_add(d->ctx, "test.", "transparent");

	/* And for this one, which the option for private zones leaves out. */
	if (rc == 0 && forwards)
		rc = ub_ctx_zone_remove(d->ctx, "127.in-addr.arpa.");
	return rc == 0
	    ? 0
	    : error_set(e, ERR_USAGE, "libunbound cannot begin: %s; are the trust anchors right?", ub_strerror(rc));
}

static int
configure(struct dns *d, const struct dns_config *config, struct error *e)
{
	int rc;

	/* It says on standard error what comes back as answers too. */
	(void)ub_ctx_debugout(d->ctx, NULL);
	rc = set_options(d, options, sizeof options / sizeof options[0], e);
	if (rc == 0 && config->server_count > 0)
		rc = set_options(d, forwarding, sizeof forwarding / sizeof forwarding[0], e);
	if (rc == 0)
		rc = add_servers(d, config, e);
	if (rc == 0)
		rc = add_anchors(d, config->anchors, e);
	if (rc != 0)
		return rc;
	return begin(d, config->server_count > 0, e);
}

/* ---- life ---- */

int
dns_new(const struct dns_config *config, struct dns **dns_out, struct error *e)
{
	struct dns *d = mem_alloc(sizeof *d);
	int rc;

	if (d == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&d->lock, NULL);
	d->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : DNS_LOOKUP_MS;
	d->max = config->in_flight > 0 && config->in_flight < DNS_IN_FLIGHT_MAX ? config->in_flight : DNS_IN_FLIGHT_MAX;
	d->on_silence = config->on_silence;
	d->on_silence_ctx = config->on_silence_ctx;
	rc = loop_new(&d->loop, e);
	if (rc == 0 && (d->ctx = ub_ctx_create_event(loop_base(d->loop))) == NULL)
		rc = error_nomem(e);
	if (rc == 0)
		rc = configure(d, config, e);
	if (rc == 0 && config->server_count > 0)
		rc = dns_alive_new(d->loop, config->servers, config->server_count, alive_changed, d, &d->alive, e);
	if (rc != 0)
		dns_free(d);
	else
		*dns_out = d;
	return rc;
}

int
dns_start(struct dns *d, struct error *e)
{
	return loop_start(d->loop, e);
}

void
dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	if (d->loop != NULL)
		loop_join(d->loop);
	d->ending = true;
	if (d->ctx != NULL)
		ub_ctx_delete(d->ctx); /* it may call answered() */
	while (d->first != NULL) {
		tell_failed(d->first, ERR_CLOSED, "the resolver ends");
		query_free(d->first);
	}
	dns_alive_free(d->alive);
	loop_free(d->loop);
	(void)pthread_mutex_destroy(&d->lock);
	mem_free(d);
}
