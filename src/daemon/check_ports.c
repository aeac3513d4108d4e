/* SPDX-License-Identifier: ISC */
/* Whether the ports are answered: from here, where only this machine's own rules are in the way. */
#include <string.h>

#include "daemon/check.h"
#include "daemon/place.h"
#include "daemon/records.h"
#include "net/client.h"

#define PATIENCE_MS 5000

static const struct port_row {
	const char *name;
	bool tls;          /* from the first octet */
	uint16_t standard; /* others come to no other; 0: they are told which */
	const char *why;
} rows[] = {
	{ "smtp", false, 25, "Mail of other servers comes to port 25" },
	{ "submission", false, 0, NULL },
	{ "submissions", true, 0, NULL },
	{ "imap", false, 0, NULL },
	{ "imaps", true, 0, NULL },
	{ "pop3", false, 0, NULL },
	{ "pop3s", true, 0, NULL },
	{ "https", true, 443, "Mail clients and OpenPGP programs ask at port 443 for settings and certificates" },
	{ "http", false, 80, "Some mail clients ask at port 80 for settings" },
};

static const char *
address_to_try(const struct config *c)
{
	if (c->listen_count == 0 || strcmp(c->listen[0], "0.0.0.0") == 0)
		return "127.0.0.1";
	return strcmp(c->listen[0], "::") == 0 ? "::1" : c->listen[0];
}

static void
try_port(struct check *c, const struct port_row *row, uint16_t port)
{
	const struct client_config config = { .host = address_to_try(c->config),
		.port = port,
		.implicit_tls = row->tls,
		.pin = c->pin == NULL ? SLICE_EMPTY : slice_of(c->pin, TLS_PIN_SIZE),
		.timeout_ms = PATIENCE_MS };
	struct check_line line = { .what = "port",
		.name = slice_str(row->name),
		.found = arena_printf(c->arena, "%s port %u", config.host, port) };
	struct client *client;
	struct error e;

	if (client_connect(&config, &client, NULL, &e) == 0) {
		client_close(client);
	} else {
		line.result = CHECK_DIFFERENT;
		line.why = e.text;
	}
	check_say(c, &line);
}

void
check_ports(struct check *c)
{
	bool served = place_is_served(c->config);

	if (!served)
		check_say(c,
		    &(struct check_line){ .result = CHECK_ADVICE,
			.what = "port",
			.why = "No server runs on the data folder: its ports were not tried" });
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint16_t port = records_port(c->config, rows[i].name);

		if (port != 0 && served)
			try_port(c, &rows[i], port);
		if (rows[i].standard != 0 && port != rows[i].standard)
			check_say(c,
			    &(struct check_line){ .result = CHECK_ADVICE,
				.what = "port",
				.name = slice_str(rows[i].name),
				.found = port == 0 ? SLICE("none") : arena_printf(c->arena, "%u", port),
				.wanted = arena_printf(c->arena, "%u", rows[i].standard),
				.why = rows[i].why });
	}
}
