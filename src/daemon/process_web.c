/* SPDX-License-Identifier: ISC */
/* web: strangers' HTTP, and the certificates that they upload. It asks mail about certificates, and auth for passwords. */
#include "base/mem.h"
#include "daemon/process_behind.h"
#include "service/ask.h"
#include "service/directory/verify.h"
#include "store/store.h"

struct web {
	struct behind behind;
	struct port *store, *auth, *verify;
	struct behind_peer mail, checker;
};

static int
web_start(struct process *p, int fd, struct error *e)
{
	struct web *web = p->self = mem_alloc(sizeof *web);
	int rc;

	(void)fd;
	if (web == NULL)
		return error_nomem(e);
	web->behind.process = web->mail.process = web->checker.process = p;
	rc = port_open_waiting(&store_interface, &web->store, e);
	if (rc == 0)
		rc = port_open_waiting(&ask_interface, &web->auth, e);
	if (rc == 0)
		rc = port_open_waiting(&verify_interface, &web->verify, e);
	if (rc != 0)
		return rc;
	port_on_gone(web->store, behind_port_gone, &web->mail);
	port_on_gone(web->auth, behind_port_gone, &web->checker);
	port_on_gone(web->verify, behind_port_gone, &web->mail);
	return behind_start(
	    &web->behind, &(struct service_ports){ .store = web->store, .auth = web->auth, .verify = web->verify }, e);
}

static int
web_link(struct process *p, const struct process_link *in, int fd, struct error *e)
{
	struct web *web = p->self;

	if (in->link == LINK_FRONT_WEB)
		return behind_link(&web->behind, in->peer, fd, e);
	if (in->link == LINK_WEB_AUTH) {
		web->checker.number = in->peer;
		return port_attach(web->auth, fd, e);
	}
	web->mail.number = in->peer;
	return port_attach(in->link == LINK_WEB_VERIFY ? web->verify : web->store, fd, e);
}

static void
web_stop(struct process *p)
{
	struct web *web = p->self;

	behind_stop(&web->behind);
	behind_free(&web->behind); /* waits for requests under way */
	port_close(web->auth);
	port_close(web->verify);
	port_close(web->store);
	mem_free(web);
}

const struct process_ops process_web_ops = {
	.profile = SANDBOX_WORKER,
	.start = web_start,
	.link = web_link,
	.stop = web_stop,
};
