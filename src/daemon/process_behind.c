/* SPDX-License-Identifier: ISC */
#include "daemon/process_behind.h"

#include <string.h>

#include "net/trunk.h"
#include "service/milter/filter.h"

/* What mail clients are told of; by name. */
static void
take_port(struct autoconfig_ports *out, const char *name, uint16_t number)
{
	const struct {
		const char *name;
		uint16_t *number;
	} rows[] = {
		{ "imap", &out->imap },
		{ "imaps", &out->imaps },
		{ "pop3", &out->pop3 },
		{ "pop3s", &out->pop3s },
		{ "submission", &out->submission },
		{ "submissions", &out->submissions },
		{ "https", &out->https },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(name, rows[i].name) == 0)
			*rows[i].number = number;
}

struct service_settings
behind_settings(const struct process_setup *s)
{
	struct service_settings out = { .hostname = s->hostname,
		.message_max = s->message_max,
		.idle_ms = s->idle_ms,
		.directory_open = s->directory_open,
		.directory_search = s->directory_search,
		.directory_search_count = s->directory_search_count,
		.directory_reads = s->directory_reads,
		.directory_writes = s->directory_writes,
		.directory_query_log = s->directory_query_log,
		.tokens = s->tokens,
		.sts = (enum sts_mode)s->mta_sts,
		.judge = s->judge,
		.policy = { .dmarc_reject = s->dmarc_reject,
		    .spf_fail = s->spf_fail,
		    .sealers = s->sealers,
		    .sealer_count = s->sealer_count,
		    .forwarders = s->forwarders,
		    .forwarder_count = s->forwarder_count },
		.milter_defers = s->milter_failure == FILTER_FAILURE_DEFER };

	for (size_t i = 0; i < s->port_count; i++)
		take_port(&out.ports, config_port_names[s->ports[i].port], (uint16_t)s->ports[i].number);
	return out;
}

int
behind_start(struct behind *b, const struct service_ports *ports, struct error *e)
{
	const struct process_setup *set = &b->process->setup;
	const struct service_settings settings = behind_settings(set);
	/* Clients are counted where their sockets are. */
	const struct server_limits limits = { .threads = set->threads, .stall_ms = set->stall_ms };
	int rc = service_new(b->process->kind, &settings, ports, &b->service, e);

	if (rc == 0)
		rc = server_new(&limits, &b->server, e);
	return rc != 0 ? rc : server_start(b->server, e);
}

static void
trunk_gone(void *ctx, uint64_t front, bool broken)
{
	struct behind *b = ctx;

	if (broken)
		process_blame(b->process, front);
	if (b->front_gone != NULL)
		b->front_gone(b->ctx, front);
}

int
behind_link(struct behind *b, uint64_t front, int fd, struct error *e)
{
	const struct trunk_far_config config = {
		.tag = front, .open = service_open, .gone = trunk_gone, .ctx = b->service, .gone_ctx = b
	};

	return server_add_trunk(b->server, fd, &config, e);
}

void
behind_stop(struct behind *b)
{
	if (b->server != NULL && !b->stopped)
		server_stop(b->server, PROCESS_STOP_WAIT_MS);
	b->stopped = true;
}

void
behind_free(struct behind *b)
{
	service_free(b->service);
	server_free(b->server);
}

void
behind_port_gone(void *ctx, bool broken)
{
	const struct behind_peer *peer = ctx;

	if (broken)
		process_blame(peer->process, peer->number);
}

void
behind_asker_broken(void *ctx, uint64_t tag)
{
	process_blame(ctx, tag);
}
