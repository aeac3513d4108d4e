/* SPDX-License-Identifier: ISC */
/* letterlockd run: everything is started in one order, and stopped in the opposite one. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/listeners.h"
#include "daemon/place.h"
#include "daemon/process_control.h"
#include "daemon/verbs.h"
#include "os/clock.h"

#define STOP_WAIT_MS 3000      /* connections may finish what they say */
#define DESCRIPTORS_ASIDE 200u /* what is open besides connections */

struct run {
	const struct config *config;
	struct place place;
	struct tls_server *tls;
	struct service *service;
	struct server *server;
	struct control *control;
	uint16_t ports[CONFIG_PORT_COUNT];
	sigset_t signals;
};

/* Before any thread: they inherit the mask, and only wait_for_end() takes these signals. */
static void
block_signals(struct run *r)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&r->signals);
	(void)sigaddset(&r->signals, SIGTERM);
	(void)sigaddset(&r->signals, SIGINT);
	(void)sigaddset(&r->signals, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &r->signals, NULL);
}

/* The soft limit is 1024 on common systems; each connection is one descriptor, the store and the log have theirs. */
static void
raise_descriptors(const struct config *c)
{
	rlim_t wanted = c->connections + DESCRIPTORS_ASIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
		log_event(LOG_LEVEL_WARNING, "daemon.descriptors", log_u64("wanted", wanted),
		    log_u64("permitted", limit.rlim_cur));
}

static int
start_service(struct run *r, struct error *e)
{
	const struct config *c = r->config;
	const struct service_settings settings = { .hostname = slice_str(c->hostname),
		.message_max = c->message_size_max,
		.idle_ms = c->idle_seconds * 1000,
		.directory_open = c->directory_open };

	return service_new(&settings, r->place.port, &r->service, e);
}

static int
start_server(struct run *r, struct error *e)
{
	const struct config *c = r->config;
	const struct server_limits limits = { .threads = c->threads,
		.connections = c->connections,
		.connections_peer = c->connections_peer,
		.handshake_ms = c->handshake_seconds * 1000,
		.stall_ms = c->stall_seconds * 1000 };
	int rc = server_new(&limits, &r->server, e);

	if (rc == 0)
		rc = listeners_open(r->server, c, r->service, r->tls, r->ports, e);
	if (rc == 0)
		rc = server_start(r->server, e);
	return rc;
}

static int
start(struct run *r, struct error *e)
{
	int rc = place_open(r->config, &r->place, e);

	raise_descriptors(r->config);
	if (rc == 0)
		place_remove_ports(r->config); /* left from a run that was killed */
	if (rc == 0)
		rc = place_tls(r->config, clock_unix(), &r->tls, e);
	if (rc == 0)
		rc = start_service(r, e);
	if (rc == 0)
		rc = start_server(r, e);
	if (rc == 0)
		rc = control_open(r->config->data, store_service(r->place.store), &r->control, e);
	if (rc == 0)
		rc = place_write_ports(r->config, r->ports, tls_server_pin(r->tls), e);
	return rc;
}

static void
stop(struct run *r)
{
	if (r->place.store != NULL)
		place_remove_ports(r->config); /* not that of a server that has the folder */
	control_close(r->control);
	if (r->server != NULL)
		server_stop(r->server, STOP_WAIT_MS);
	service_free(r->service);
	server_free(r->server);
	tls_server_free(r->tls);
	place_close(&r->place);
}

static void
say_ready(const struct run *r)
{
	char pin[TLS_PIN_TEXT];

	tls_pin_text(tls_server_pin(r->tls), pin);
	for (int i = 0; i < CONFIG_PORT_COUNT; i++)
		if (r->ports[i] != 0)
			log_event(LOG_LEVEL_INFO, "daemon.listens", log_str("for", config_port_names[i]),
			    log_u64("port", r->ports[i]));
	log_event(LOG_LEVEL_INFO, "daemon.ready", log_str("hostname", r->config->hostname),
	    log_str("data", r->config->data), log_str("pin", pin));
}

static void
wait_for_end(const struct run *r)
{
	int number = 0;

	while (sigwait(&r->signals, &number) != 0 || number == SIGHUP)
		(void)log_reopen(NULL);
	log_event(LOG_LEVEL_INFO, "daemon.stops", log_str("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
}

int
verb_run(const struct verb_input *in)
{
	struct run r = { .config = in->config };
	struct error e;
	int rc;

	if (in->word_count > 0) {
		(void)error_set(&e, ERR_USAGE, "run takes no words, only options");
		return verb_failed(&e);
	}
	block_signals(&r);
	rc = log_open(in->config->log_level, in->config->log_file, &e);
	if (rc == 0)
		rc = start(&r, &e);
	if (rc == 0) {
		say_ready(&r);
		wait_for_end(&r);
	}
	stop(&r);
	if (rc != 0)
		return verb_failed(&e);
	return place_failed() ? EXIT_COULD_NOT : EXIT_DONE;
}
