/* SPDX-License-Identifier: ISC */
/* mail: the store, and the sessions of people who have signed in. Of files it reaches the data folder. */
#include <unistd.h>

#include "base/charset.h"
#include "base/mem.h"
#include "daemon/place.h"
#include "daemon/process_behind.h"
#include "daemon/process_control.h"
#include "os/log.h"
#include "service/ask.h"
#include "service/directory/guard.h"
#include "service/directory/verify.h"
#include "service/grants.h"
#include "service/keys/certifier.h"
#include "service/keys/keys.h"
#include "service/queue/queue.h"
#include "service/report/report.h"
#include "service/resolve.h"
#include "service/sign/sign.h"

#define PATIENCE_MS 3000
#define PATIENCE_STEP_MS 50

struct mail {
	struct behind behind;
	char data[FILE_PATH_MAX];
	int control_fd; /* bound before the sandbox */
	struct place place;
	struct grants *grants;
	struct ask *ask_end;
	struct port *ask; /* for our own sessions */
	struct port_server *server;
	struct permit_service auth, mx, relay, verify;
	struct verifier *verifier;
	struct port *keys, *resolver;
	struct behind_peer keys_peer, resolver_peer;
	struct certifier *certifier;
	struct signer *signer;
	struct queue *queue;
	struct reporter *reporter;
	struct directory_guard web;
	struct control *control;
};

static void
store_stopped(void *ctx, const char *why)
{
	struct error e;

	(void)error_set(&e, ERR_IO, "the store stopped: %s", why);
	process_fail(ctx, &e);
}

/* A server that was killed leaves a process that is about to end: it still has the folder for a moment. */
static int
patiently(int (*try)(struct mail *m, struct error *e), struct mail *m, struct error *e)
{
	int rc = try(m, e);

	for (int i = 0; rc == ERR_ORDER && i < PATIENCE_MS / PATIENCE_STEP_MS; i++) {
		(void)usleep(PATIENCE_STEP_MS * 1000);
		rc = try(m, e);
	}
	return rc;
}

static int
listen_for_control(struct mail *m, struct error *e)
{
	return control_listen(m->data, &m->control_fd, e);
}

/* iconv's converters are loaded late and the control socket is made: neither could be done in the sandbox. */
static int
mail_prepare(struct process *p, struct error *e)
{
	struct mail *m = p->self = mem_alloc(sizeof *m);
	struct slice data = p->setup.data;
	int rc;

	if (m == NULL)
		return error_nomem(e);
	m->control_fd = -1;
	m->behind.process = m->keys_peer.process = m->resolver_peer.process = p;
	for (size_t i = 0; i < data.len && i + 1 < sizeof m->data; i++)
		m->data[i] = (char)data.data[i];
	charset_open_all();
	rc = dir_check_private(m->data, e);
	return rc != 0 ? rc : patiently(listen_for_control, m, e);
}

static void
front_gone(void *ctx, uint64_t front)
{
	struct mail *m = ctx;

	grants_forget(m->grants, front);
}

static int
open_place(struct mail *m, struct error *e)
{
	const struct process_setup *set = &m->behind.process->setup;
	const struct place_options options = { .data = m->data,
		.domains = set->domains,
		.domain_count = set->domain_count,
		.stopped = store_stopped,
		.ctx = m->behind.process };

	return place_open(&options, &m->place, e);
}

static int
sign_own(void *ctx, struct slice domain, struct slice message, struct buf *fields_out, struct error *e)
{
	return sign_whole(((struct mail *)ctx)->signer, domain, message, fields_out, e);
}

static int
seal_forwarded(void *ctx, const struct sign_sealed *in, sign_done_fn *done, void *done_ctx, struct error *e)
{
	return sign_seal(((struct mail *)ctx)->signer, in, done, done_ctx, e);
}

static struct queue_options
queue_options_of(struct mail *m, const struct process_setup *set)
{
	return (struct queue_options){ .store = m->place.port,
		.hostname = set->hostname,
		.forward = set->forward,
		.lifetime_s = set->queue_lifetime_s,
		.warn_s = set->queue_warn_s,
		.account_hour = set->account_hour,
		.octets_max = set->queue_max,
		.separator = (uint8_t)set->separator,
		.postmaster = set->postmaster,
		.data = m->data,
		.sign = sign_own,
		.seal = seal_forwarded,
		.sign_ctx = m };
}

static int
open_queue(struct mail *m, struct error *e)
{
	const struct queue_options options = queue_options_of(m, &m->behind.process->setup);
	int rc = queue_new(&options, &m->queue, e);

	if (rc == 0)
		ask_set_queue(m->ask_end, m->queue);
	return rc;
}

static int
open_reporter(struct mail *m, struct error *e)
{
	const struct process_setup *set = &m->behind.process->setup;
	struct reporter_options options = { .queue = m->queue,
		.store = m->place.port,
		.hostname = set->hostname,
		.sign = sign_own,
		.sign_ctx = m,
		.tls = set->tls_reports,
		.dmarc = set->dmarc_reports };
	int rc = port_open_waiting(&resolve_interface, &m->resolver, e);

	if (rc != 0)
		return rc;
	port_on_gone(m->resolver, behind_port_gone, &m->resolver_peer);
	options.resolver = m->resolver;
	rc = reporter_new(&options, &m->reporter, e);
	return rc == 0 ? reporter_start(m->reporter, e) : rc;
}

static void
set_rules(struct mail *m, const struct process_setup *set)
{
	const struct queue_options options = queue_options_of(m, set);

	if (m->queue != NULL)
		queue_set_options(m->queue, &options);
	ask_set_rules(
	    m->ask_end, &(struct ask_rules){ .separator = (char)set->separator, .postmaster = set->postmaster });
}

static int
open_verifier(struct mail *m, struct error *e)
{
	const struct service_settings set = behind_settings(&m->behind.process->setup);
	const struct verifier_options options = { .store = m->place.port,
		.ask = m->ask,
		.queue = m->queue,
		.hostname = set.hostname,
		.https = set.ports.https };

	return verifier_new(&options, &m->verifier, e);
}

static int
open_store(struct mail *m, struct error *e)
{
	int rc = patiently(open_place, m, e);

	if (rc == 0 && !place_has_domains(m->place.port))
		log_event(LOG_LEVEL_WARNING, "mail.no_domains",
		    log_str("do", "set domains in the configuration, or letterlockd domain add"));
	if (rc == 0)
		rc = grants_new(m->behind.process->setup.connections_account, &m->grants, e);
	if (rc == 0)
		rc = ask_new(m->place.port, m->grants, &m->ask_end, e);
	if (rc == 0)
		set_rules(m, &m->behind.process->setup);
	if (rc == 0)
		rc = port_open_waiting(&keys_interface, &m->keys, e);
	if (rc == 0)
		port_on_gone(m->keys, behind_port_gone, &m->keys_peer);
	if (rc == 0)
		rc = signer_new(m->keys, &m->signer, e);
	if (rc == 0)
		rc = open_queue(m, e);
	if (rc == 0)
		rc = port_open_local(ask_service(m->ask_end), &m->ask, e);
	if (rc == 0)
		rc = open_verifier(m, e);
	return rc;
}

static int
open_askers(struct mail *m, struct error *e)
{
	const struct port_service *ask = ask_service(m->ask_end), *store = store_service(m->place.store);
	int rc = port_server_new(ask, &m->server, e), fd = m->control_fd;

	if (rc != 0)
		return rc;
	port_server_on_broken(m->server, behind_asker_broken, m->behind.process);
	permit_only(&m->auth, ask, PROCESS_AUTH, PROCESS_MAIL);
	permit_only(&m->mx, ask, PROCESS_MX, PROCESS_MAIL);
	permit_only(&m->relay, queue_service(m->queue), PROCESS_RELAY, PROCESS_MAIL);
	permit_only(&m->verify, verifier_service(m->verifier), PROCESS_WEB, PROCESS_MAIL);
	directory_guard_init(&m->web, store, m->grants, m->behind.process->setup.directory_open);
	m->control_fd = -1;
	return control_open(fd, m->data, store, &m->control, e);
}

static int
mail_start(struct process *p, int fd, struct error *e)
{
	struct mail *m = p->self;
	int rc = open_store(m, e);

	(void)fd;
	if (rc == 0)
		rc = behind_start(&m->behind,
		    &(struct service_ports){
			.store = m->place.port, .ask = m->ask, .grants = m->grants, .signer = m->signer },
		    e);
	m->behind.front_gone = front_gone;
	m->behind.ctx = m;
	if (rc == 0)
		rc = certifier_new(m->place.port, m->keys, &m->certifier, e);
	if (rc == 0)
		rc = open_reporter(m, e);
	return rc != 0 ? rc : open_askers(m, e);
}

static int
link_resolver(struct mail *m, uint64_t peer, int fd, struct error *e)
{
	int rc;

	m->resolver_peer.number = peer;
	rc = port_attach(m->resolver, fd, e);
	if (rc == 0)
		reporter_wake(m->reporter);
	return rc;
}

static int
mail_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct mail *m = p->self;

	switch (in->link) {
	case LINK_FRONT_MAIL:
		return behind_link(&m->behind, in->peer, fd, e);
	case LINK_AUTH_MAIL:
		return port_server_add(m->server, fd, &m->auth.service, in->peer, e);
	case LINK_MAIL_KEYS:
		m->keys_peer.number = in->peer;
		return port_attach(m->keys, fd, e);
	case LINK_MAIL_RESOLVER:
		return link_resolver(m, in->peer, fd, e);
	case LINK_MX_MAIL:
		return port_server_add(m->server, fd, &m->mx.service, in->peer, e);
	case LINK_RELAY_MAIL:
		return port_server_add(m->server, fd, &m->relay.service, in->peer, e);
	case LINK_WEB_VERIFY:
		return port_server_add(m->server, fd, &m->verify.service, in->peer, e);
	default:
		return port_server_add(m->server, fd, &m->web.permitted.service, in->peer, e);
	}
}

static void
mail_settings(struct process *p, const struct process_setup *fresh)
{
	struct mail *m = p->self;
	struct error e;

	grants_set_max(m->grants, fresh->connections_account);
	m->web.open = fresh->directory_open;
	set_rules(m, fresh);
	if (place_add_domains(m->place.port, fresh->domains, fresh->domain_count, &e) != 0)
		log_event(LOG_LEVEL_ERROR, "mail.domains", log_error(&e));
}

/* mx still delivers what is under way. */
static void
mail_drain(struct process *p)
{
	behind_stop(&((struct mail *)p->self)->behind);
}

static void
mail_stop(struct process *p)
{
	struct mail *m = p->self;

	reporter_stop(m->reporter);
	control_close(m->control);
	certifier_free(m->certifier);
	if (m->control_fd >= 0)
		(void)close(m->control_fd);
	behind_stop(&m->behind);
	port_server_free(m->server);
	behind_free(&m->behind);
	verifier_free(m->verifier);
	signer_stop(m->signer);
	port_close(m->resolver);
	reporter_free(m->reporter);
	port_close(m->ask);
	ask_free(m->ask_end);
	queue_free(m->queue);
	port_close(m->keys);
	signer_free(m->signer);
	grants_free(m->grants);
	place_close(&m->place);
	mem_free(m);
}

const struct process_ops process_mail_ops = {
	.profile = SANDBOX_MAIL,
	.prepare = mail_prepare,
	.start = mail_start,
	.link = mail_link,
	.settings = mail_settings,
	.drain = mail_drain,
	.stop = mail_stop,
};
