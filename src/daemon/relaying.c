/* SPDX-License-Identifier: ISC */
#include "daemon/relaying.h"

#include "daemon/process.h"
#include "os/file.h"
#include "os/log.h"

#define PASSWORD_FILE_MAX 4096u

static void
read_password(const struct config *config, struct relaying *out)
{
	struct slice rest;
	struct error e;

	if (config->smarthost_password_file == NULL)
		return;
	if (file_read(config->smarthost_password_file, &out->password_file, &e) != 0) {
		log_event(LOG_LEVEL_ERROR, "relay.no_password", log_error(&e));
		return;
	}
	out->password = slice_split(buf_slice(&out->password_file), '\n', &rest);
	if (slice_ends(out->password, SLICE("\r")))
		out->password.len--;
	out->password = slice_sub(out->password, 0, RELAYING_PASSWORD_MAX);
}

static void
read_here(const struct listening *listening, struct relaying *out)
{
	out->here_port = listening->ports[CONFIG_PORT_SMTP];
	for (size_t i = 0; i < listening->count && out->here_count < CONFIG_LIST_MAX; i++) {
		char *text = out->here_texts[out->here_count];

		if (listening->sockets[i].port == CONFIG_PORT_SMTP && server_address_of(listening->sockets[i].fd, text))
			out->here[out->here_count++] = slice_str(text);
	}
}

void
relaying_read(const struct config *config, const struct listening *listening, struct relaying *out)
{
	*out = (struct relaying){ .read = true };
	buf_init(&out->password_file, PASSWORD_FILE_MAX);
	for (size_t i = 0; i < config->relay_route_count; i++)
		out->routes[i] = slice_str(config->relay_routes[i]);
	for (size_t i = 0; i < config->relay_tls_count; i++)
		out->tls[i] = slice_str(config->relay_tls[i]);
	for (size_t i = 0; i < config->relay_source_count; i++)
		out->sources[i] = slice_str(config->relay_source[i]);
	read_here(listening, out);
	read_password(config, out);
}

struct process_relay
relaying_setup(const struct config *config, const struct relaying *r)
{
	return (struct process_relay){ .on = config->relay,
		.smarthost = slice_str(config->smarthost),
		.user = slice_str(config->smarthost_user),
		.password = r->password,
		.routes = (struct slice *)(uintptr_t)r->routes,
		.route_count = config->relay_route_count,
		.tls = (struct slice *)(uintptr_t)r->tls,
		.tls_count = config->relay_tls_count,
		.sources = (struct slice *)(uintptr_t)r->sources,
		.source_count = config->relay_source_count,
		.here = (struct slice *)(uintptr_t)r->here,
		.here_count = r->here_count,
		.here_port = r->here_port,
		.port = config->relay_port,
		.connections = config->relay_connections,
		.connections_destination = config->relay_connections_destination };
}

void
relaying_done(struct relaying *r)
{
	if (!r->read)
		return;
	buf_wipe_done(&r->password_file);
	r->read = false;
}
