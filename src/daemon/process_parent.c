/* SPDX-License-Identifier: ISC */
#include "daemon/process_parent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/process_authorities.h"
#include "daemon/counting.h"
#include "daemon/process_keys_folder.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/privileges.h"
#include "os/systemd.h"
#include "os/thread.h"

#define STOP_MS 8000 /* for one kind of child to end in order */
#define NOBODY "nobody"

/* ---- what a child is told ---- */

/* The parent waits for nobody: a child that does not read what it is told is of no use. */
static void
tell(struct child *c, enum process_message type, const void *message, int fd)
{
	if (c->control >= 0 &&
	    message_send(c->control, (uint16_t)type, 0, process_rules[type].schema, message, fd, NULL) != 0)
		(void)shutdown(c->control, SHUT_RDWR); /* heard as its end, and then it is ended */
}

static uint32_t
front_share(const struct parent *p)
{
	uint32_t fronts = p->front_count, share = (p->config->connections + fronts - 1) / fronts * 2;

	/* Accepting is not even: each may have twice its part, but never more than its descriptors. */
	return share < PROCESS_FRONT_MAX ? share : PROCESS_FRONT_MAX;
}

static struct process_tokens
tokens_of(const struct parent *p, const struct child *c)
{
	const struct config *f = p->config;
	const struct process_tokens none = { .keys = SLICE_EMPTY };

	if (c->kind != PROCESS_AUTH || f->oauth_keys == NULL)
		return none;
	return (struct process_tokens){ .keys = buf_slice(&p->oauth_keys),
		.issuer = config_slice(f->oauth_issuer),
		.audience = config_slice(f->oauth_audience),
		.claim = config_slice(f->oauth_claim),
		.type = config_slice(f->oauth_type),
		.scope = config_slice(f->oauth_scope),
		.discovery = config_slice(f->oauth_discovery) };
}

/* A milter's socket may be a file. */
static bool
keeps_root(const struct parent *p, const struct child *c)
{
	return c->kind == PROCESS_MAIL || (c->kind == PROCESS_FILTER && strncmp(p->config->milter, "unix:", 5) == 0);
}

static uint32_t
connections_of(const struct parent *p, const struct child *c)
{
	if (c->kind == PROCESS_FRONT)
		return front_share(p);
	return c->kind == PROCESS_RELAY ? p->config->relay_connections : 0;
}

static struct process_setup
setup_of(const struct parent *p, const struct child *c)
{
	const struct config *f = p->config;
	static const struct process_relay no_relay;
	bool resolver = c->kind == PROCESS_RESOLVER, web = c->kind == PROCESS_WEB;
	bool tells_ports = web || c->kind == PROCESS_MAIL; /* in letters that verify an address */
	const char *user = f->user != NULL ? f->user : c->kind == PROCESS_MAIL ? NULL : NOBODY;

	return (struct process_setup){ .number = c->number,
		.user = privileges_are_roots() ? slice_str(user) : SLICE_EMPTY,
		.jail = keeps_root(p, c) || !privileges_are_roots() ? SLICE_EMPTY : slice_str(p->jail),
		.hostname = slice_str(f->hostname),
		.data = slice_str(f->data),
		.domains = (struct slice *)(uintptr_t)p->domains,
		.domain_count = f->domain_count,
		.message_max = f->message_size_max,
		.queue_lifetime_s = f->queue_lifetime_seconds,
		.queue_warn_s = f->queue_warn_seconds,
		.account_hour = f->account_messages_hour,
		.queue_max = f->queue_size_max,
		.forward = config_slice(f->forward_domain),
		.connections = f->connections,
		.connections_peer = f->connections_peer,
		.connections_prefix = f->connections_prefix,
		.connections_account = f->connections_account,
		.connections_here = connections_of(p, c),
		.handshake_ms = f->handshake_seconds * 1000,
		.stall_ms = f->stall_seconds * 1000,
		.idle_ms = f->idle_seconds * 1000,
		.threads = f->threads,
		.front = c->index,
		.log_level = (uint32_t)f->log_level,
		.directory_open = f->directory_open,
		.directory_search = web ? (struct slice *)(uintptr_t)p->searched : NULL,
		.directory_search_count = web ? f->directory_search_count : 0,
		.directory_reads = f->directory_reads,
		.directory_writes = f->directory_writes,
		.directory_query_log = f->directory_query_log,
		.postmaster = slice_str(f->postmaster),
		.separator = config_separator(f),
		.resolvers = resolver ? (struct slice *)(uintptr_t)p->resolving.servers : NULL,
		.resolver_count = resolver ? p->resolving.server_count : 0,
		.anchors = resolver ? buf_slice(&p->resolving.anchors) : SLICE_EMPTY,
		.ports = tells_ports ? (struct process_port *)(uintptr_t)p->ports : NULL,
		.port_count = tells_ports ? p->port_count : 0,
		.relay = c->kind == PROCESS_RELAY ? relaying_setup(f, &p->relaying) : no_relay,
		.tokens = f->oauth_keys != NULL,
		.scram_main_password = f->scram_main_password,
		.oauth = tokens_of(p, c) };
}

/* What mx and the process filter are told about judging mail. */
static void
add_judging(const struct parent *p, const struct child *c, struct process_setup *out)
{
	const struct config *f = p->config;

	out->judge = f->mail_authentication;
	out->dmarc_reject = f->dmarc_reject;
	out->spf_fail = f->spf_fail;
	out->dmarc_reports = f->dmarc_reports;
	out->mta_sts = f->mta_sts;
	out->tls_reports = f->tls_reports;
	out->milter_failure = f->milter_failure;
	if (c->kind == PROCESS_MX || c->kind == PROCESS_FILTER)
		out->milter = config_slice(f->milter);
	if (c->kind != PROCESS_MX)
		return;
	out->sealers = (struct slice *)(uintptr_t)p->sealers;
	out->sealer_count = f->trusted_sealer_count;
	out->forwarders = (struct slice *)(uintptr_t)p->forwarders;
	out->forwarder_count = f->trusted_forwarder_count;
}

/* Who can ask DNS looks whether it fits what is published, where strangers bring mail. */
static void
add_chain(const struct parent *p, const struct child *c, struct process_setup *out)
{
	if (c->kind == PROCESS_RESOLVER && p->listening->ports[CONFIG_PORT_SMTP] != 0)
		out->chain = buf_slice(&p->certificate);
}

static void
tell_certificate(struct parent *p, struct child *c)
{
	const struct process_certificate out = { buf_slice(&p->certificate), buf_slice(&p->key) };

	tell(c, MESSAGE_CERTIFICATE, &out, -1);
}

static void
tell_all_it_needs(struct parent *p, struct child *c)
{
	struct process_setup setup = setup_of(p, c);
	int authorities = process_connects(c->kind) ? authorities_open(p->config) : -1;

	add_judging(p, c, &setup);
	add_chain(p, c, &setup);
	tell(c, MESSAGE_SETUP, &setup, c->kind == PROCESS_FRONT ? p->peers_fd : authorities);
	if (authorities >= 0)
		(void)close(authorities);
	if (!p->config->one_process)
		counting_tell(p, c, tell);
	if (c->kind == PROCESS_KEYS)
		p->keys_stamp = keys_folder_tell(p->config, c, tell);
	if (c->kind != PROCESS_FRONT)
		return;
	tell_certificate(p, c);
	for (size_t i = 0; i < p->listening->count; i++)
		tell(c, MESSAGE_LISTENER, &(struct process_listener){ p->listening->sockets[i].port },
		    p->listening->sockets[i].fd);
}

/* Both ends of one link, when both are there. */
static void
link_pair(enum process_link_kind kind, struct child *asking, struct child *asked)
{
	int fds[2];

	if (asking->control < 0 || asked->control < 0 || asking->stopping || asked->stopping)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return;
	tell(asked, MESSAGE_LINK, &(struct process_link){ kind, asking->number }, fds[1]);
	tell(asking, MESSAGE_LINK, &(struct process_link){ kind, asked->number }, fds[0]);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
link_with_all(struct parent *p, struct child *c)
{
	for (int k = 0; k < LINK_COUNT; k++) {
		const struct process_link_row *row = &process_links[k];

		for (size_t i = 0; i < p->count; i++) {
			struct child *other = &p->children[i];

			if (c->kind == row->asking && other->kind == row->asked)
				link_pair((enum process_link_kind)k, c, other);
			else if (c->kind == row->asked && other->kind == row->asking)
				link_pair((enum process_link_kind)k, other, c);
		}
	}
}

/* ---- starting ---- */

/* Whoever starts it: the one whose sandbox permits what it does. */
static int
start_process(struct parent *p, struct child *c, int control, struct error *e)
{
	int rc = 0;

	if (process_connects(c->kind))
		rc = starter_start(&p->starter, c->kind, p->config->log_level, control, &c->pid, e);
	else if ((c->pid = fork()) == 0)
		process_become(process_names[c->kind], control, log_descriptor());
	else if (c->pid < 0)
		rc = error_set_errno(e, ERR_IO, errno, "no process for %s", process_names[c->kind]);
	(void)close(control);
	return rc;
}

static int
child_start(struct parent *p, struct child *c, struct error *e)
{
	int fds[2], rc = message_pair(fds, e);

	if (rc != 0)
		return rc;
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	if (c->kind == PROCESS_RESOLVER) { /* what the system says of name servers changes */
		resolving_done(&p->resolving);
		resolving_read(p->config, &p->resolving);
	}
	if (c->kind == PROCESS_RELAY) {
		relaying_done(&p->relaying);
		relaying_read(p->config, p->listening, &p->relaying);
	}
	c->number = process_number(c->kind, ++p->serial);
	c->ready = c->stopping = false;
	c->pinged_at = 0;
	c->starts++;
	c->seen = 0;
	c->started_at = clock_ms();
	if (p->config->one_process) {
		c->thread = (struct process_thread){ .kind = c->kind, .control = fds[1] };
		rc = thread_start(&c->thread.thread, process_names[c->kind], process_thread_main, &c->thread, e);
	} else {
		rc = start_process(p, c, fds[1], e);
	}
	if (rc != 0) {
		(void)close(fds[0]);
		return rc;
	}
	c->control = fds[0];
	counting_started(p, c);
	tell_all_it_needs(p, c);
	link_with_all(p, c);
	return 0;
}

/* An empty folder that nobody can write to. */
static int
make_jail(struct parent *p, struct error *e)
{
	int rc;

	if (p->config->one_process || !privileges_are_roots())
		return 0;
	rc = path_join(p->jail, p->config->data, "empty", e);
	if (rc == 0 && mkdir(p->jail, 0555) != 0 && errno != EEXIST)
		rc = error_set_errno(e, ERR_IO, errno, "'%s' cannot be made", p->jail);
	return rc;
}

static unsigned
front_count(const struct config *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned needed = (c->connections + PROCESS_FRONT_MAX - 1) / PROCESS_FRONT_MAX, wanted = c->fronts;

	if (wanted == 0)
		wanted = cores < 1 ? 1 : (unsigned)cores;
	if (wanted < needed)
		wanted = needed;
	return wanted > PEERS_FRONTS_MAX ? PEERS_FRONTS_MAX : wanted;
}

static void
note_ports(struct parent *p)
{
	p->port_count = 0;
	for (uint32_t i = 0; i < CONFIG_PORT_COUNT; i++)
		if (p->listening->ports[i] != 0)
			p->ports[p->port_count++] = (struct process_port){ i, p->listening->ports[i] };
}

int
parent_start(struct parent *p, const struct config *config, struct listening *listening, struct error *e)
{
	static const enum process_kind behind[] = { PROCESS_MAIL, PROCESS_AUTH, PROCESS_RESOLVER, PROCESS_KEYS,
		PROCESS_MX, PROCESS_WEB, PROCESS_RELAY };
	unsigned fronts = front_count(config);
	const struct peers_limits limits = { .total = config->connections };
	int rc;

	p->config = config;
	p->listening = listening;
	note_ports(p);
	for (size_t i = 0; i < config->domain_count; i++)
		p->domains[i] = slice_str(config->domains[i]);
	for (size_t i = 0; i < config->directory_search_count; i++)
		p->searched[i] = slice_str(config->directory_search[i]);
	for (size_t i = 0; i < config->trusted_sealer_count; i++)
		p->sealers[i] = slice_str(config->trusted_sealers[i]);
	for (size_t i = 0; i < config->trusted_forwarder_count; i++)
		p->forwarders[i] = slice_str(config->trusted_forwarders[i]);
	p->front_count = fronts;
	for (unsigned i = 0; i < CHILDREN_BEHIND + fronts; i++)
		p->children[p->count++] = (struct child){ .kind = i < CHILDREN_BEHIND ? behind[i] : PROCESS_FRONT,
			.index = i < CHILDREN_BEHIND ? 0 : i - CHILDREN_BEHIND,
			.control = -1,
			.counts = { .fd = -1, .look_fd = -1 } };
	if (config->milter != NULL)
		p->children[p->count++] =
		    (struct child){ .kind = PROCESS_FILTER, .control = -1, .counts = { .fd = -1, .look_fd = -1 } };
	p->peers_fd = -1;
	rc = make_jail(p, e);
	if (rc == 0)
		rc = counting_open(p, e);
	if (rc == 0)
		rc = peers_share(fronts, &p->peers_fd, e);
	if (rc == 0)
		rc = peers_open(p->peers_fd, PEERS_FRONT_NONE, &limits, &p->peers, e);
	for (size_t i = 0; rc == 0 && i < p->count; i++)
		rc = child_start(p, &p->children[i], e);
	return rc;
}

/* ---- what children say ---- */

static struct child *
child_of(struct parent *p, uint64_t number)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].control >= 0 && p->children[i].number == number)
			return &p->children[i];
	return NULL;
}

static bool
are_linked(const struct child *a, const struct child *b)
{
	for (int k = 0; k < LINK_COUNT; k++)
		if ((a->kind == process_links[k].asking && b->kind == process_links[k].asked) ||
		    (b->kind == process_links[k].asking && a->kind == process_links[k].asked))
			return true;
	return false;
}

static bool
blames_too_much(struct child *by)
{
	int64_t now = clock_ms();

	if (now - by->blames_since > CHILD_BLAMES_MS) {
		by->blames_since = now;
		by->blames = 0;
	}
	return ++by->blames > CHILD_BLAMES_MAX;
}

/* Without the starter its children are gone, and their numbers may be others'. */
static bool
is_there(const struct parent *p, const struct child *c)
{
	return c->pid > 0 && (!process_connects(c->kind) || p->starter.control >= 0);
}

static void
kill_child(const struct parent *p, const struct child *c)
{
	if (is_there(p, c))
		(void)kill(c->pid, SIGKILL);
}

/* Its status, as waitpid() gives it. */
static int
reap(struct parent *p, const struct child *c)
{
	int status = 0;

	if (process_connects(c->kind))
		return starter_reap(&p->starter, c->pid);
	kill_child(p, c);
	(void)waitpid(c->pid, &status, 0);
	return status;
}

static void
take_blame(struct parent *p, struct child *by, uint64_t number)
{
	struct child *c = child_of(p, number);

	if (blames_too_much(by)) {
		log_event(LOG_LEVEL_ERROR, "parent.blames_too_much", log_str("child", process_names[by->kind]));
		kill_child(p, by);
		return;
	}
	if (c == NULL || !are_linked(c, by))
		return;
	log_event(LOG_LEVEL_ERROR, "parent.blamed", log_str("child", process_names[c->kind]),
	    log_u64("index", c->index), log_str("by", process_names[by->kind]));
	kill_child(p, c);
}

static void
take_failed(struct parent *p, struct child *c, const struct process_failed *in)
{
	struct error e;

	(void)error_set(&e, in->code < 0 && in->code > -1000 ? (int)in->code : ERR_INTERNAL, "%.*s", (int)in->text.len,
	    (const char *)in->text.data);
	log_event(LOG_LEVEL_ERROR, "parent.child_failed", log_str("child", process_names[c->kind]), log_error(&e));
	if (!p->failed && (!p->going || p->config->one_process)) {
		p->failed = true;
		p->error = e;
	}
	c->stopping = true;
	tell(c, MESSAGE_STOP, &(struct process_nothing){ 0 }, -1);
}

/* Unasked it is no answer, and a flood. */
static void
take_pong(struct parent *p, struct child *c)
{
	if (c->pinged_at == 0) {
		log_event(LOG_LEVEL_ERROR, "parent.child_lies", log_str("child", process_names[c->kind]),
		    log_u64("message", MESSAGE_PONG));
		kill_child(p, c);
	}
	c->pinged_at = 0;
}

union said {
	struct process_failed failed;
	struct process_blame blame;
	struct process_nothing nothing;
};

static void
child_says(struct parent *p, struct child *c, const struct message *m)
{
	struct arena a ARENA_OWNED = { 0 };
	union said in;
	struct error e;

	arena_init(&a, 1 << 16);
	if (!process_permits(m->type, false, c->kind, m->fd >= 0, &c->seen) ||
	    codec_decode(process_rules[m->type].schema, m->body, &a, &in, &e) != 0) {
		log_event(LOG_LEVEL_ERROR, "parent.child_lies", log_str("child", process_names[c->kind]),
		    log_u64("message", m->type));
		kill_child(p, c);
	} else if (m->type == MESSAGE_READY) {
		c->ready = true;
	} else if (m->type == MESSAGE_PONG) {
		take_pong(p, c);
	} else if (m->type == MESSAGE_FAILED) {
		take_failed(p, c, &in.failed);
	} else {
		take_blame(p, c, in.blame.number);
	}
}

static void
child_ended(struct parent *p, struct child *c)
{
	int status = 0;
	int64_t now = clock_ms();

	(void)close(c->control);
	c->control = -1;
	if (p->config->one_process)
		(void)pthread_join(c->thread.thread, NULL);
	else
		status = reap(p, c); /* its socket is gone: it cannot be of use */
	c->pid = 0;
	counting_ended(p, c);
	if (c->kind == PROCESS_FRONT)
		peers_clear(p->peers, c->index);
	c->wait_ms = now - c->started_at >= CHILD_STEADY_MS ? 0 : c->wait_ms == 0 ? 100 : c->wait_ms * 2;
	if (c->wait_ms > CHILD_WAIT_MAX_MS)
		c->wait_ms = CHILD_WAIT_MAX_MS;
	c->start_at = now + c->wait_ms;
	log_event(c->stopping ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, "parent.child_ended",
	    log_str("child", process_names[c->kind]), log_u64("index", c->index),
	    log_u64("signal", WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0),
	    log_u64("status", WIFEXITED(status) ? (uint64_t)WEXITSTATUS(status) : 0));
	if (!p->failed && (!p->going || p->config->one_process)) {
		p->failed = true;
		(void)error_set(
		    &p->error, ERR_INTERNAL, "the process '%s' ended; the log says more", process_names[c->kind]);
	}
}

/* False: it is gone. */
static void
hear(struct parent *p, struct child *c)
{
	struct message m;

	if (message_receive(c->control, &m, NULL) != 0) {
		child_ended(p, c);
		return;
	}
	child_says(p, c, &m);
	if (m.fd >= 0)
		(void)close(m.fd);
	message_done(&m);
}

/* ---- turns ---- */

/* It is not running, and can be made to. */
static bool
can_start(const struct parent *p, const struct child *c)
{
	return c->control < 0 && (p->config->one_process || !process_connects(c->kind) || p->starter.control >= 0);
}

static void
start_due(struct parent *p, int64_t now)
{
	for (size_t i = 0; i < p->count; i++) {
		struct child *c = &p->children[i];
		struct error e;

		if (!can_start(p, c) || c->start_at > now)
			continue;
		if (child_start(p, c, &e) != 0) {
			log_event(LOG_LEVEL_ERROR, "parent.cannot_start", log_error(&e));
			c->start_at = now + CHILD_WAIT_MAX_MS;
		} else if (p->going && c->kind == PROCESS_FRONT) {
			tell(c, MESSAGE_GO, &(struct process_nothing){ 0 }, -1);
		}
	}
}

/* Who hangs is ended as who has ended; the others are asked. As threads they cannot be ended. */
static void
ask_all(struct parent *p, int64_t now)
{
	for (size_t i = 0; i < p->count; i++) {
		struct child *c = &p->children[i];

		if (c->control < 0 || !c->ready || c->stopping)
			continue;
		if (c->pinged_at == 0) {
			c->pinged_at = now;
			tell(c, MESSAGE_PING, &(struct process_nothing){ 0 }, -1);
		} else if (now - c->pinged_at > CHILD_SILENT_MS) {
			log_event(LOG_LEVEL_ERROR, "parent.child_silent", log_str("child", process_names[c->kind]),
			    log_u64("index", c->index));
			kill_child(p, c);
		}
	}
}

bool
parent_is_well(const struct parent *p)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < p->count; i++) {
		const struct child *c = &p->children[i];

		if (c->control >= 0 && c->pinged_at != 0 && now - c->pinged_at > CHILD_SILENT_MS + 2 * PARENT_TICK_MS)
			return false;
	}
	return true;
}

/* A CA was made, or one is gone: keys hears it without being started anew. */
static void
look_for_keys(struct parent *p)
{
	if (keys_folder_stamp(p->config) == p->keys_stamp)
		return;
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].kind == PROCESS_KEYS && p->children[i].control >= 0 && !p->children[i].stopping)
			p->keys_stamp = keys_folder_tell(p->config, &p->children[i], tell);
}

static void
tick(struct parent *p, int64_t now)
{
	if (now < p->tick_at)
		return;
	p->tick_at = now + PARENT_TICK_MS;
	if (!p->config->one_process)
		ask_all(p, now);
	counting_look(p);
	look_for_keys(p);
	if (parent_is_well(p))
		systemd_alive();
}

static int
time_left(const struct parent *p, int64_t now)
{
	int64_t left = p->tick_at > now ? p->tick_at - now : 0;

	for (size_t i = 0; i < p->count; i++) {
		const struct child *c = &p->children[i];
		int64_t wait = c->start_at > now ? c->start_at - now : 0;

		if (can_start(p, c) && (left < 0 || wait < left))
			left = wait;
	}
	return (int)left;
}

/* Hears children until then; -1: until something comes. */
static void
listen_to_all(struct parent *p, int extra_fd, int timeout_ms)
{
	struct pollfd fds[CHILDREN_MAX + 2];

	for (size_t i = 0; i < p->count; i++)
		fds[i] = (struct pollfd){ .fd = p->children[i].control, .events = POLLIN };
	fds[p->count] = (struct pollfd){ .fd = extra_fd, .events = POLLIN };
	fds[p->count + 1] = (struct pollfd){ .fd = p->starter.control, .events = POLLIN };
	if (poll(fds, p->count + 2, timeout_ms) <= 0)
		return;
	if (fds[p->count + 1].revents != 0) /* it speaks only when it is asked */
		starter_lost(&p->starter);
	for (size_t i = 0; i < p->count; i++)
		if (fds[i].fd >= 0 && fds[i].revents != 0)
			hear(p, &p->children[i]);
}

int
parent_turn(struct parent *p, int extra_fd)
{
	listen_to_all(p, extra_fd, time_left(p, clock_ms()));
	if (p->failed)
		return ERR_CLOSED;
	start_due(p, clock_ms());
	tick(p, clock_ms());
	return 0;
}

bool
parent_is_ready(const struct parent *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (!p->children[i].ready)
			return false;
	return true;
}

void
parent_go(struct parent *p)
{
	p->going = true;
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].kind == PROCESS_FRONT)
			tell(&p->children[i], MESSAGE_GO, &(struct process_nothing){ 0 }, -1);
}

void
parent_tell_settings(struct parent *p)
{
	starter_tell_log(&p->starter, p->config->log_level);
	for (size_t i = 0; i < p->config->domain_count; i++)
		p->domains[i] = slice_str(p->config->domains[i]);
	for (size_t i = 0; i < p->config->directory_search_count; i++)
		p->searched[i] = slice_str(p->config->directory_search[i]);
	for (size_t i = 0; i < p->count; i++) {
		struct child *c = &p->children[i];
		struct process_setup setup = setup_of(p, c);

		add_judging(p, c, &setup);
		add_chain(p, c, &setup);
		tell(c, MESSAGE_LOG, &(struct process_nothing){ 0 }, log_descriptor());
		tell(c, MESSAGE_SETTINGS, &setup, -1);
		if (c->kind == PROCESS_FRONT)
			tell_certificate(p, c);
	}
}

/* ---- the end ---- */

static bool
any_left(const struct parent *p, unsigned kinds)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].control >= 0 && (kinds >> p->children[i].kind & 1) != 0)
			return true;
	return false;
}

static void
stop_kinds(struct parent *p, unsigned kinds)
{
	int64_t until = clock_ms() + STOP_MS, now;

	for (size_t i = 0; i < p->count; i++) {
		struct child *c = &p->children[i];

		if ((kinds >> c->kind & 1) != 0 && !c->stopping)
			tell(c, MESSAGE_STOP, &(struct process_nothing){ 0 }, -1);
		c->stopping = c->stopping || (kinds >> c->kind & 1) != 0;
	}
	while (any_left(p, kinds) && (now = clock_ms()) < until)
		listen_to_all(p, -1, (int)(until - now));
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].control >= 0 && (kinds >> p->children[i].kind & 1) != 0 && p->children[i].pid > 0)
			child_ended(p, &p->children[i]);
}

void
parent_stop(struct parent *p)
{
	p->going = true; /* an end is no failure any more */
	/* Answers under way come from behind the fronts, and those of mx from mail: all end their sessions together. */
	for (size_t i = 0; i < p->count; i++)
		if (p->children[i].kind == PROCESS_MAIL && !p->children[i].stopping)
			tell(&p->children[i], MESSAGE_DRAIN, &(struct process_nothing){ 0 }, -1);
	stop_kinds(p, 1u << PROCESS_FRONT | 1u << PROCESS_MX | 1u << PROCESS_WEB | 1u << PROCESS_RELAY);
	stop_kinds(p, 1u << PROCESS_AUTH | 1u << PROCESS_RESOLVER | 1u << PROCESS_KEYS | 1u << PROCESS_FILTER);
	stop_kinds(p, 1u << PROCESS_MAIL);
	starter_end(&p->starter);
	resolving_done(&p->resolving);
	relaying_done(&p->relaying);
	counting_close(p);
	peers_free(p->peers);
	if (p->peers_fd >= 0)
		(void)close(p->peers_fd);
	buf_done(&p->certificate);
	buf_wipe_done(&p->key);
}
