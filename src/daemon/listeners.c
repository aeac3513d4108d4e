/* SPDX-License-Identifier: ISC */
#include "daemon/listeners.h"

#include "service/directory.h"
#include "service/imap_session.h"
#include "service/smtp_session.h"

static const struct listener_row {
	enum config_port port;
	enum service_role role;
	bool implicit_tls;
	bool clear; /* no TLS here at all */
	const struct conn_ops *ops;
	int (*open)(void *ctx, struct conn *c, void **session_out, struct error *e);
	const struct slice *refusal;
} rows[] = {
	{ CONFIG_PORT_SMTP, SERVICE_MX, false, false, &smtp_session_ops, smtp_session_open, &smtp_session_refusal },
	{ CONFIG_PORT_SUBMISSION, SERVICE_SUBMISSION, false, false, &smtp_session_ops, smtp_session_open,
	    &smtp_session_refusal },
	{ CONFIG_PORT_SUBMISSIONS, SERVICE_SUBMISSION, true, false, &smtp_session_ops, smtp_session_open, NULL },
	{ CONFIG_PORT_IMAP, SERVICE_IMAP, false, false, &imap_session_ops, imap_session_open, &imap_session_refusal },
	{ CONFIG_PORT_IMAPS, SERVICE_IMAP, true, false, &imap_session_ops, imap_session_open, NULL },
	{ CONFIG_PORT_HKP, SERVICE_DIRECTORY, false, true, &directory_session_ops, directory_session_open,
	    &directory_session_refusal },
	{ CONFIG_PORT_HTTPS, SERVICE_DIRECTORY, true, false, &directory_session_ops, directory_session_open, NULL },
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* The contexts of the open functions: constant but for the service, for the life of the process. */
static struct service_listener contexts[ROW_COUNT];

static int
open_row(struct server *server, size_t row, const char *address, uint16_t port, struct tls_server *tls,
    uint16_t *port_out, struct error *e)
{
	const struct listener_row *r = &rows[row];
	const struct listener_config config = { .address = address,
		.port = port,
		.tls = r->clear ? NULL : tls,
		.implicit_tls = r->implicit_tls,
		.ops = r->ops,
		.open = r->open,
		.ctx = &contexts[row],
		.refusal = r->refusal == NULL ? SLICE_EMPTY : *r->refusal };

	return server_listen(server, &config, port_out, e);
}

static int
open_everywhere(struct server *server, size_t row, const struct config *config, struct tls_server *tls,
    uint16_t *port_out, struct error *e)
{
	uint16_t port = (uint16_t)config->ports[rows[row].port];
	size_t opened = 0;

	for (size_t i = 0; i < config->listen_count; i++) {
		int rc = open_row(server, row, config->listen[i], port, tls, &port, e);

		if (rc == ERR_UNSUPPORTED && config->listen_count > 1)
			continue;
		if (rc != 0)
			return rc;
		opened++;
	}
	*port_out = port;
	return opened > 0 ? 0 : error_set(e, ERR_USAGE, "none of the addresses in 'listen' is one of this machine");
}

int
listeners_open(struct server *server, const struct config *config, struct service *service, struct tls_server *tls,
    uint16_t ports_out[CONFIG_PORT_COUNT], struct error *e)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		int rc;

		ports_out[rows[i].port] = 0;
		if (config->ports[rows[i].port] == CONFIG_PORT_OFF)
			continue;
		contexts[i] = (struct service_listener){ .service = service, .role = rows[i].role };
		rc = open_everywhere(server, i, config, tls, &ports_out[rows[i].port], e);
		if (rc != 0)
			return error_context(e, "%s", config_port_names[rows[i].port]);
	}
	return 0;
}
