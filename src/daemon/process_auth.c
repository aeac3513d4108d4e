/* SPDX-License-Identifier: ISC */
/* auth: checks passwords. It, and not front, tells mail which connection is whose. */
#include <sys/resource.h>

#include "base/mem.h"
#include "crypto/start.h"
#include "daemon/process_behind.h"
#include "daemon/tokens.h"
#include "os/log.h"
#include "service/ask.h"
#include "service/signin/auth.h"
#include "service/limits.h"
#include "service/signin/signin.h"

#define NICENESS 19 /* a flood of wrong passwords takes only what processor time the mail leaves */

struct auth {
	struct port *mail;
	struct behind_peer mail_peer;
	struct signin *signin;
	struct port_server *server;
	struct permit_service front, web;
};

static int
auth_prepare(struct process *p, struct error *e)
{
	(void)e;
	/* Signatures of tokens: libcrypto loads its providers now, not in the sandbox. */
	crypto_start();
	if (p->alone)
		(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	return 0;
}

/* What the parent read: it has been looked at there, so what is wrong with it now is our fault. */
static int
take_tokens(struct auth *a, const struct process_setup *setup, struct error *e)
{
	const struct jwt_options options = tokens_options(&setup->oauth);
	struct token_validator *v = NULL;
	int rc = setup->tokens ? jwt_validator_new(&options, &v, e) : 0;

	if (rc == 0)
		signin_set_tokens(a->signin, v);
	return rc;
}

static int
auth_start(struct process *p, int fd, struct error *e)
{
	struct auth *a = p->self = mem_alloc(sizeof *a);
	const struct signin_options options = { .scram_iterations = auth_scram_iterations(p->setup.scram_main_password),
		.lookup_ms = SERVICE_LOOKUP_MS };
	int rc;

	(void)fd;
	if (a == NULL)
		return error_nomem(e);
	a->mail_peer.process = p;
	rc = port_open_waiting(&ask_interface, &a->mail, e);
	if (rc == 0)
		rc = signin_new(a->mail, &options, &a->signin, e);
	if (rc == 0)
		rc = take_tokens(a, &p->setup, e);
	if (rc == 0)
		rc = port_server_new(signin_service(a->signin), &a->server, e);
	if (rc != 0)
		return rc;
	port_on_gone(a->mail, behind_port_gone, &a->mail_peer);
	port_server_on_broken(a->server, behind_asker_broken, p);
	permit_only(&a->front, signin_service(a->signin), PROCESS_FRONT, PROCESS_AUTH);
	permit_only(&a->web, signin_service(a->signin), PROCESS_WEB, PROCESS_AUTH);
	return 0;
}

static int
auth_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct auth *a = p->self;

	if (in->link == LINK_AUTH_MAIL) {
		a->mail_peer.number = in->peer;
		return port_attach(a->mail, fd, e);
	}
	return port_server_add(
	    a->server, fd, in->link == LINK_WEB_AUTH ? &a->web.service : &a->front.service, in->peer, e);
}

static void
auth_settings(struct process *p, const struct process_setup *fresh)
{
	struct error e;

	if (take_tokens(p->self, fresh, &e) != 0)
		log_event(LOG_LEVEL_ERROR, "auth.tokens", log_error(&e));
}

static void
auth_stop(struct process *p)
{
	struct auth *a = p->self;

	port_server_free(a->server);
	signin_free(a->signin);
	port_close(a->mail);
	mem_free(a);
}

const struct process_ops process_auth_ops = {
	.profile = SANDBOX_AUTH,
	.prepare = auth_prepare,
	.start = auth_start,
	.link = auth_link,
	.settings = auth_settings,
	.stop = auth_stop,
};
