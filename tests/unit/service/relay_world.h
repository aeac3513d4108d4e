/* SPDX-License-Identifier: ISC */
/* A relay between a pretended mail, a pretended resolver, and servers on loopback addresses that do what a row says. */
#ifndef TESTS_UNIT_SERVICE_RELAY_WORLD_H
#define TESTS_UNIT_SERVICE_RELAY_WORLD_H

#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/tls_outgoing.h"
#include "os/clock.h"
#include "service/policy/tally.h"
#include "service/queue/queue.h"
#include "service/relay/relay.h"
#include "service/resolve.h"

#define PATIENCE_MS 20000
#define ENTRIES_MAX 600
#define OUTCOMES_MAX 2000
#define PEERS_MAX 8
#define CONNECTIONS_MAX 400
#define TALLIES_MAX 8

static void
nap(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 5 * 1000000L }, NULL);
}

/* ---- servers ---- */

/* What a server at 127.0.0.NUMBER says. NULL: what is usual. */
struct peer {
	int number;
	const char *greeting, *ehlo, *mail, *data, *end;
	const char *rcpt;     /* to recipients whose address begins with "no" */
	const char *rcpt_all; /* to all */
	int die_at;           /* 'g' before the greeting, 't' in the text, 'e' behind its end, 'm' at the second MAIL */
	unsigned slow_ms;     /* before each answer */
	bool silent;          /* it accepts and says nothing */
	/* what it saw */
	unsigned connections, messages, open, open_most;
	char log[65536];
	size_t log_len;
};

struct connection {
	struct world *world;
	struct peer *peer;
	int fd;
	pthread_t thread;
};

struct outcome {
	uint64_t queue;
	uint32_t position, result;
	char status[QUEUE_STATUS_MAX + 1], text[QUEUE_TEXT_MAX + 1], host[64], address[64];
	bool from_remote, passed_dsn;
	uint32_t retry_s;
};

struct entry {
	struct queue_entry e;
	struct slice text;
	bool leased;
};

struct domain {
	const char *name;
	struct {
		const char *name;
		int numbers[4]; /* addresses 127.0.0.N */
		uint32_t preference;
	} hosts[4];
	bool null_mx;
	int error;
};

struct world {
	pthread_mutex_t lock;
	struct peer *peers;
	size_t peer_count;
	int listeners[PEERS_MAX];
	uint16_t port;
	pthread_t accepting[PEERS_MAX];
	struct connection connections[CONNECTIONS_MAX];
	size_t connection_count;
	bool over;
	struct entry entries[ENTRIES_MAX];
	size_t entry_count;
	struct outcome outcomes[OUTCOMES_MAX];
	size_t outcome_count;
	unsigned settle_refusals; /* so many settlements fail first */
	unsigned deferred_domains;
	const char *sts; /* every domain's MTA-STS policy; NULL: none */
	int sts_error;   /* or why it cannot be had */
	struct {
		char domain[64];
		uint8_t row[TLS_TALLY_ROW_MAX];
		size_t len;
	} tallies[TALLIES_MAX];
	size_t tally_count;
	const struct domain *domains;
	struct port_job *waiting; /* a lease */
	struct port_service queue_service, resolve_service;
	struct port *queue, *resolver;
	struct tls_outgoing *tls;
	struct relay *relay;
};

static bool
say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0 && send(fd, "\r\n", 2, MSG_NOSIGNAL) >= 0;
}

/* A line without its end; false: the end. */
static bool
hear(int fd, char *line, size_t size)
{
	size_t n = 0;
	char c;

	while (recv(fd, &c, 1, 0) == 1) {
		if (c == '\n') {
			line[n > 0 && line[n - 1] == '\r' ? n - 1 : n] = '\0';
			return true;
		}
		if (n + 1 < size)
			line[n++] = c;
	}
	return false;
}

static void
note(struct connection *c, const char *line)
{
	struct peer *p = c->peer;

	(void)pthread_mutex_lock(&c->world->lock);
	if (p->log_len + strlen(line) + 2 < sizeof p->log)
		p->log_len += (size_t)snprintf(p->log + p->log_len, sizeof p->log - p->log_len, "%s\n", line);
	(void)pthread_mutex_unlock(&c->world->lock);
}

static const char *
or_else(const char *said, const char *usual)
{
	return said != NULL ? said : usual;
}

static bool
take_text(struct connection *c)
{
	struct peer *p = c->peer;
	char line[2000];
	unsigned lines = 0;

	do {
		if (!hear(c->fd, line, sizeof line) || (p->die_at == 't' && ++lines == 3))
			return false;
		note(c, line);
	} while (strcmp(line, ".") != 0);
	if (p->die_at == 'e')
		return false;
	(void)pthread_mutex_lock(&c->world->lock);
	p->messages += p->end == NULL;
	(void)pthread_mutex_unlock(&c->world->lock);
	return say(c->fd, or_else(p->end, "250 2.0.0 taken"));
}

static bool
obey(struct connection *c, const char *line, unsigned *mails)
{
	struct peer *p = c->peer;

	if (strncmp(line, "EHLO", 4) == 0)
		return say(c->fd, or_else(p->ehlo, "250-peer.example\r\n250-PIPELINING\r\n250-DSN\r\n250 8BITMIME"));
	if (strncmp(line, "HELO", 4) == 0)
		return say(c->fd, "250 peer.example");
	if (strncmp(line, "MAIL", 4) == 0 && p->die_at == 'm' && ++*mails == 2)
		return false;
	if (strncmp(line, "MAIL", 4) == 0)
		return say(c->fd, or_else(p->mail, "250 2.1.0 ok"));
	if (strncmp(line, "RCPT TO:<no", 11) == 0 && p->rcpt != NULL)
		return say(c->fd, p->rcpt);
	if (strncmp(line, "RCPT", 4) == 0)
		return say(c->fd, or_else(p->rcpt_all, "250 2.1.5 ok"));
	if (strcmp(line, "DATA") == 0)
		return say(c->fd, or_else(p->data, "354 go")) && (p->data != NULL || take_text(c));
	if (strcmp(line, "QUIT") == 0) {
		(void)say(c->fd, "221 bye");
		return false;
	}
	return say(c->fd, strcmp(line, "RSET") == 0 ? "250 ok" : "500 what");
}

static void *
serve(void *ctx)
{
	struct connection *c = ctx;
	struct peer *p = c->peer;
	unsigned mails = 0;
	char line[2000];
	bool on = p->die_at != 'g';

	if (on && !p->silent)
		on = say(c->fd, or_else(p->greeting, "220 peer.example ESMTP"));
	while (on && hear(c->fd, line, sizeof line)) {
		if (p->slow_ms > 0)
			(void)nanosleep(&(struct timespec){ .tv_nsec = p->slow_ms * 1000000L }, NULL);
		note(c, line);
		on = p->silent || obey(c, line, &mails);
	}
	(void)shutdown(c->fd, SHUT_RDWR);
	(void)pthread_mutex_lock(&c->world->lock);
	p->open--;
	(void)pthread_mutex_unlock(&c->world->lock);
	return NULL;
}

static void *
accept_all(void *ctx)
{
	struct world *w = ((void **)ctx)[0];
	size_t i = (size_t)(uintptr_t)((void **)ctx)[1];
	struct peer *p = &w->peers[i];
	int fd;

	free(ctx);
	while ((fd = accept(w->listeners[i], NULL, NULL)) >= 0) {
		struct connection *c;

		(void)pthread_mutex_lock(&w->lock);
		c = &w->connections[w->connection_count++];
		p->connections++;
		p->open_most = ++p->open > p->open_most ? p->open : p->open_most;
		*c = (struct connection){ .world = w, .peer = p, .fd = fd };
		(void)pthread_create(&c->thread, NULL, serve, c);
		(void)pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

static void
listen_at(struct world *w, size_t i)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (uint32_t)w->peers[i].number) };
	socklen_t len = sizeof at;
	void **ctx = malloc(2 * sizeof *ctx);
	const int one = 1;

	w->listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(w->listeners[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	assert_int_equal(bind(w->listeners[i], (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(w->listeners[i], 100), 0);
	assert_int_equal(getsockname(w->listeners[i], (struct sockaddr *)&at, &len), 0);
	w->port = ntohs(at.sin_port);
	ctx[0] = w;
	ctx[1] = (void *)(uintptr_t)i;
	assert_int_equal(pthread_create(&w->accepting[i], NULL, accept_all, ctx), 0);
}

/* ---- mail ---- */

static bool
is_full(const struct queue_lease *in, struct slice domain)
{
	for (size_t i = 0; i < in->full_count; i++)
		if (slice_eq(in->full[i], domain))
			return true;
	return false;
}

/* With the lock. */
static bool
lease_some(struct world *w, struct port_job *job)
{
	const struct queue_lease *in = port_job_request(job);
	static struct queue_entry out[QUEUE_LEASE_MESSAGES_MAX];
	bool hurries = in->wait_ms < 1000;
	size_t n = 0;

	for (size_t i = 0; i < w->entry_count && n < in->messages_max; i++)
		if (!w->entries[i].leased && !is_full(in, w->entries[i].e.domain)) {
			w->entries[i].leased = true;
			out[n++] = w->entries[i].e;
		}
	if (n > 0 || hurries)
		port_reply(job, &(struct queue_leased){ .entries = out, .entry_count = n });
	return n > 0 || hurries;
}

static void
run_lease(void *ctx, struct port_job *job)
{
	struct world *w = ctx;

	(void)pthread_mutex_lock(&w->lock);
	if (w->over || !lease_some(w, job))
		w->waiting = job;
	(void)pthread_mutex_unlock(&w->lock);
}

static void
run_body(void *ctx, struct port_job *job)
{
	const struct queue_body *in = port_job_request(job);
	struct world *w = ctx;
	struct slice text = w->entries[in->queue - 1].text;

	port_reply(
	    job, &(struct queue_body_data){ .data = slice_sub(slice_from(text, (size_t)in->offset), 0, in->length) });
}

static void
run_renew(void *ctx, struct port_job *job)
{
	(void)ctx;
	port_reply(job, &(struct queue_until){ .until = 1 });
}

static void
copy_text(char *out, size_t size, struct slice s)
{
	(void)snprintf(out, size, "%.*s", (int)s.len, (const char *)s.data);
}

static void
run_settle(void *ctx, struct port_job *job)
{
	const struct queue_settle *in = port_job_request(job);
	struct world *w = ctx;
	struct error e;

	(void)pthread_mutex_lock(&w->lock);
	if (w->settle_refusals > 0) {
		w->settle_refusals--;
		(void)pthread_mutex_unlock(&w->lock);
		(void)error_set(&e, ERR_CLOSED, "not now");
		port_fail(job, &e);
		return;
	}
	for (size_t i = 0; i < in->outcome_count; i++) {
		const struct queue_outcome *from = &in->outcomes[i];
		struct outcome *o = &w->outcomes[w->outcome_count++];

		*o = (struct outcome){ .queue = in->queue,
			.position = from->position,
			.result = from->result,
			.from_remote = from->from_remote,
			.passed_dsn = from->passed_dsn };
		copy_text(o->status, sizeof o->status, from->status);
		copy_text(o->text, sizeof o->text, from->text);
		copy_text(o->host, sizeof o->host, from->facts.mx_name);
		copy_text(o->address, sizeof o->address, from->facts.mx_address);
	}
	(void)pthread_mutex_unlock(&w->lock);
	port_reply(job, &(struct queue_nothing){ 0 });
}

static void
run_defer_domain(void *ctx, struct port_job *job)
{
	struct world *w = ctx;

	(void)pthread_mutex_lock(&w->lock);
	w->deferred_domains++;
	(void)pthread_mutex_unlock(&w->lock);
	port_reply(job, &(struct queue_until){ .until = 1 });
}

static void
run_tally(void *ctx, struct port_job *job)
{
	const struct queue_tally *in = port_job_request(job);
	struct world *w = ctx;

	(void)pthread_mutex_lock(&w->lock);
	if (w->tally_count < TALLIES_MAX) {
		copy_text(w->tallies[w->tally_count].domain, sizeof w->tallies[0].domain, in->domain);
		memcpy(w->tallies[w->tally_count].row, in->row.data, in->row.len);
		w->tallies[w->tally_count++].len = in->row.len;
	}
	(void)pthread_mutex_unlock(&w->lock);
	port_reply(job, &(struct queue_nothing){ 0 });
}

static void
run_sts_put(void *ctx, struct port_job *job)
{
	(void)ctx;
	port_reply(job, &(struct queue_nothing){ 0 });
}

/* No policy is known, */
static void
run_sts_get(void *ctx, struct port_job *job)
{
	(void)ctx;
	port_reply(job, &(struct queue_sts){ .expires = 0 });
}

/* ---- the resolver ---- */

/* and there is none, unless a test says so. */
static void
run_sts(void *ctx, struct port_job *job)
{
	const struct world *w = ctx;
	struct error e;

	if (w->sts != NULL) {
		port_reply(job, &(struct resolve_sts_found){ .id = SLICE("1"), .policy = slice_str(w->sts) });
		return;
	}
	(void)error_set(&e, w->sts_error != 0 ? w->sts_error : ERR_NOT_FOUND, "no policy");
	port_fail(job, &e);
}

static void
reply_hosts(const struct domain *d, struct port_job *job)
{
	struct resolve_host hosts[4] = { 0 };
	struct slice addresses[4][4];
	uint8_t octets[4][4][4];
	struct resolve_routed out = { .hosts = hosts, .null_mx = d->null_mx };

	for (size_t i = 0; i < 4 && d->hosts[i].name != NULL; i++) {
		hosts[i] = (struct resolve_host){ .name = slice_str(d->hosts[i].name),
			.preference = d->hosts[i].preference != 0 ? d->hosts[i].preference : (uint32_t)(i + 1) * 10,
			.addresses = addresses[i] };
		for (size_t k = 0; k < 4 && d->hosts[i].numbers[k] != 0; k++) {
			memcpy(octets[i][k], (uint8_t[]){ 127, 0, 0, (uint8_t)d->hosts[i].numbers[k] }, 4);
			addresses[i][k] = slice_of(octets[i][k], 4);
			hosts[i].address_count++;
		}
		out.host_count++;
	}
	port_reply(job, &out);
}

/* The one that operators name. */
static const struct domain named_host = { "hop.example", { { "hop.example", { 1 } } }, 0 };

static void
run_route(void *ctx, struct port_job *job)
{
	const struct resolve_route *in = port_job_request(job);
	struct world *w = ctx;
	struct error e;

	if (in->direct && slice_eq_str(in->domain, named_host.name)) {
		reply_hosts(&named_host, job);
		return;
	}
	for (const struct domain *d = w->domains; d->name != NULL; d++) {
		if (!slice_eq_str(in->domain, d->name))
			continue;
		if (d->error != 0) {
			(void)error_set(&e, d->error, "the resolver's reason");
			port_fail(job, &e);
		} else {
			reply_hosts(d, job);
		}
		return;
	}
	(void)error_set(
	    &e, ERR_NOT_FOUND, "there is no domain %.*s", (int)in->domain.len, (const char *)in->domain.data);
	port_fail(job, &e);
}

/* ---- all together ---- */

static const struct port_handler queue_handlers[] = { { QUEUE_METHOD_lease, run_lease },
	{ QUEUE_METHOD_body, run_body }, { QUEUE_METHOD_renew, run_renew }, { QUEUE_METHOD_settle, run_settle },
	{ QUEUE_METHOD_defer_domain, run_defer_domain }, { QUEUE_METHOD_sts_get, run_sts_get },
	{ QUEUE_METHOD_sts_put, run_sts_put }, { QUEUE_METHOD_tally, run_tally } };
static const struct port_handler resolve_handlers[] = { { RESOLVE_METHOD_route, run_route },
	{ RESOLVE_METHOD_sts, run_sts } };

static struct world *
world_new(struct peer *peers, size_t peer_count, const struct domain *domains, struct relay_options options)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	(void)pthread_mutex_init(&w->lock, NULL);
	w->peers = peers;
	w->peer_count = peer_count;
	w->domains = domains;
	for (size_t i = 0; i < peer_count; i++)
		listen_at(w, i);
	w->queue_service = (struct port_service){ .interface = &queue_interface,
		.handlers = queue_handlers,
		.handler_count = sizeof queue_handlers / sizeof queue_handlers[0],
		.ctx = w };
	w->resolve_service = (struct port_service){ .interface = &resolve_interface,
		.handlers = resolve_handlers,
		.handler_count = sizeof resolve_handlers / sizeof resolve_handlers[0],
		.ctx = w };
	assert_ok(port_open_local(&w->queue_service, &w->queue, &unit_error));
	assert_ok(port_open_local(&w->resolve_service, &w->resolver, &unit_error));
	assert_ok(tls_outgoing_new(NULL, &w->tls, &unit_error));
	options.queue = w->queue;
	options.resolver = w->resolver;
	options.tls = w->tls;
	options.port = w->port;
	options.here_port = options.here_count > 0 ? w->port : 0;
	if (options.hostname.len == 0)
		options.hostname = SLICE("us.example");
	assert_ok(relay_new(&options, &w->relay, &unit_error));
	assert_ok(relay_start(w->relay, &unit_error));
	return w;
}

#define WORLD_RECIPIENTS 4

/* A message for these recipients (until NULL), all at one domain. Its number. */
static uint64_t
put(struct world *w, uint32_t flags, const char *text, const char *const recipients[WORLD_RECIPIENTS])
{
	struct queue_recipient *r = calloc(WORLD_RECIPIENTS, sizeof *r);
	struct port_job *waiting;
	struct entry *one;
	uint64_t queue;

	assert_non_null(r);
	(void)pthread_mutex_lock(&w->lock);
	one = &w->entries[w->entry_count++];
	queue = w->entry_count;
	one->text = slice_str(text);
	one->e = (struct queue_entry){ .queue = queue,
		.lease = queue + 1000,
		.sender = SLICE("from@us.example"),
		.size = one->text.len,
		.flags = flags,
		.recipients = r };
	for (size_t i = 0; i < WORLD_RECIPIENTS && recipients[i] != NULL; i++) {
		r[i] = (struct queue_recipient){ .position = (uint32_t)i, .address = slice_str(recipients[i]) };
		one->e.domain = slice_from(r[i].address, slice_find(r[i].address, '@') + 1);
		one->e.recipient_count++;
	}
	waiting = w->waiting;
	w->waiting = NULL;
	if (waiting != NULL && !lease_some(w, waiting))
		w->waiting = waiting;
	(void)pthread_mutex_unlock(&w->lock);
	return queue;
}

#define TO(...) ((const char *const[WORLD_RECIPIENTS]){ __VA_ARGS__ })

/* Waits until so many recipients are settled in all. */
static void
until_settled(struct world *w, size_t count)
{
	int64_t until = clock_ms() + PATIENCE_MS;
	size_t n;

	do {
		nap();
		(void)pthread_mutex_lock(&w->lock);
		n = w->outcome_count;
		(void)pthread_mutex_unlock(&w->lock);
	} while (n < count && clock_ms() < until);
	assert_int_equal(n, count);
}

static const struct outcome *
outcome_of(struct world *w, uint64_t queue, uint32_t position)
{
	for (size_t i = 0; i < w->outcome_count; i++)
		if (w->outcomes[i].queue == queue && w->outcomes[i].position == position)
			return &w->outcomes[i];
	fail_msg("no outcome of %u of %u", (unsigned)position, (unsigned)queue);
	return NULL;
}

static void
expect(
    struct world *w, uint64_t queue, uint32_t position, enum queue_result result, const char *status, const char *text)
{
	const struct outcome *o = outcome_of(w, queue, position);

	if (o->result != (uint32_t)result || strcmp(o->status, status) != 0 || strstr(o->text, text) == NULL)
		fail_msg("%u/%u: %u %s '%s', not %d %s '%s'", (unsigned)queue, (unsigned)position, (unsigned)o->result,
		    o->status, o->text, (int)result, status, text);
}

static void
world_stop(struct world *w, int64_t wait_ms)
{
	relay_stop(w->relay, wait_ms);
}

static void
world_free(struct world *w)
{
	const struct error e = { .code = ERR_CLOSED };

	(void)pthread_mutex_lock(&w->lock);
	w->over = true;
	if (w->waiting != NULL)
		port_fail(w->waiting, &e);
	w->waiting = NULL;
	(void)pthread_mutex_unlock(&w->lock);
	port_close(w->queue);
	port_close(w->resolver);
	relay_free(w->relay);
	for (size_t i = 0; i < w->peer_count; i++) {
		(void)shutdown(w->listeners[i], SHUT_RDWR);
		(void)pthread_join(w->accepting[i], NULL);
		(void)close(w->listeners[i]);
	}
	for (size_t i = 0; i < w->connection_count; i++) {
		(void)shutdown(w->connections[i].fd, SHUT_RDWR);
		(void)pthread_join(w->connections[i].thread, NULL);
		(void)close(w->connections[i].fd);
	}
	for (size_t i = 0; i < w->entry_count; i++)
		free((void *)(uintptr_t)w->entries[i].e.recipients);
	tls_outgoing_free(w->tls);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

#endif
