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

void
relaying_read(const struct config *config, struct relaying *out)
{
	*out = (struct relaying){ .read = true };
	buf_init(&out->password_file, PASSWORD_FILE_MAX);
	for (size_t i = 0; i < config->relay_route_count; i++)
		out->routes[i] = slice_str(config->relay_routes[i]);
	for (size_t i = 0; i < config->relay_tls_count; i++)
		out->tls[i] = slice_str(config->relay_tls[i]);
	for (size_t i = 0; i < config->relay_source_count; i++)
		out->sources[i] = slice_str(config->relay_source[i]);
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
