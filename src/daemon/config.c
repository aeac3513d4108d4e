/* SPDX-License-Identifier: ISC */
#include "daemon/config.h"

#include <stdio.h>
#include <string.h>

#include "net/dns.h"
#include "os/file.h"

#define PORT(word, standard) \
	{ \
		.name = "port_" word, .kind = SETTING_NUMBER, .number = (standard), .min = CONFIG_PORT_OFF, \
		.max = 65535 \
	}
#define NUMBER(setting, standard, least, most) \
	{ \
		.name = (setting), .kind = SETTING_NUMBER, .number = (standard), .min = (least), .max = (most) \
	}

static const struct setting table[] = {
	{ .name = "hostname", .kind = SETTING_TEXT, .text = "localhost" },
	{ .name = "domains", .kind = SETTING_LIST, .text = "{}" },
	{ .name = "data", .kind = SETTING_TEXT, .text = "/var/lib/letterlock" },
	{ .name = "listen", .kind = SETTING_LIST, .text = "{\"0.0.0.0\", \"::\"}" },
	PORT("smtp", 25),
	PORT("submission", 587),
	PORT("submissions", 465),
	PORT("imap", 143),
	PORT("imaps", 993),
	PORT("lmtp", CONFIG_PORT_OFF),
	{ .name = "lmtp_listen", .kind = SETTING_LIST, .text = "{\"127.0.0.1\", \"::1\"}" },
	{ .name = "lmtp_socket", .kind = SETTING_TEXT, .text = "" },
	PORT("hkp", 11371),
	PORT("https", 443),
	{ .name = "tls_certificate", .kind = SETTING_TEXT, .text = "" },
	{ .name = "tls_key", .kind = SETTING_TEXT, .text = "" },
	{ .name = "directory_open", .kind = SETTING_FLAG },
	NUMBER("message_size_max", 50L << 20, 1L << 16, 1L << 32),
	NUMBER("connections", 18000, 1, 1000000),
	NUMBER("connections_peer", 50, 1, 1000000),
	NUMBER("connections_prefix", 0, 0, 1000000),
	NUMBER("connections_account", 100, 1, 1000000),
	NUMBER("handshake_seconds", 30, 1, 600),
	NUMBER("stall_seconds", 120, 1, 3600),
	NUMBER("idle_seconds", 300, 1, 3600),
	NUMBER("threads", 0, 0, 64),
	NUMBER("fronts", 0, 0, 64),
	{ .name = "processes", .kind = SETTING_TEXT, .text = "split" },
	{ .name = "user", .kind = SETTING_TEXT, .text = "" },
	{ .name = "resolvers", .kind = SETTING_LIST, .text = "{}" },
	{ .name = "dnssec_anchors", .kind = SETTING_TEXT, .text = "/usr/share/dns/root.key" },
	{ .name = "log_level", .kind = SETTING_TEXT, .text = "info" },
	{ .name = "log_file", .kind = SETTING_TEXT, .text = "" },
};

const char *const config_port_names[CONFIG_PORT_COUNT] = {
	[CONFIG_PORT_SMTP] = "smtp",
	[CONFIG_PORT_SUBMISSION] = "submission",
	[CONFIG_PORT_SUBMISSIONS] = "submissions",
	[CONFIG_PORT_IMAP] = "imap",
	[CONFIG_PORT_IMAPS] = "imaps",
	[CONFIG_PORT_LMTP] = "lmtp",
	[CONFIG_PORT_HKP] = "hkp",
	[CONFIG_PORT_HTTPS] = "https",
};

int
config_override_port(struct config_overrides *o, struct slice text, struct error *e)
{
	struct slice value, name = slice_split(text, '=', &value);
	uint64_t number = 0;

	for (int i = 0; i < CONFIG_PORT_COUNT; i++) {
		if (!slice_eq_str(name, config_port_names[i]))
			continue;
		if (!slice_eq_str(value, "off") && !slice_to_u64(value, 65535, &number))
			return error_set(e, ERR_USAGE, "a port is a number from 0 to 65535, or off: --port %s=N",
			    config_port_names[i]);
		o->port_given[i] = true;
		o->ports[i] = slice_eq_str(value, "off") ? CONFIG_PORT_OFF : (int32_t)number;
		return 0;
	}
	return error_set(e, ERR_USAGE,
	    "--port takes NAME=N with NAME one of smtp, submission, submissions, imap, imaps, lmtp, hkp, https");
}

bool
config_is_domain(const char *name)
{
	size_t len = strlen(name), label = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = ascii_lower((uint8_t)name[i]);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';

		if (!plain && (c != '.' || label == 0))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return len > 0 && len <= 253 && label > 0;
}

static const char *
text_or_null(const struct settings *s, const char *name)
{
	const char *text = settings_text(s, name);

	return text == NULL || text[0] == '\0' ? NULL : text;
}

static int
take_list(
    const struct settings *s, const char *name, const char *out[CONFIG_LIST_MAX], size_t *count_out, struct error *e)
{
	size_t n = settings_list_count(s, name);

	if (n > CONFIG_LIST_MAX)
		return error_set(e, ERR_USAGE, "'%s' takes at most %d values", name, CONFIG_LIST_MAX);
	for (size_t i = 0; i < n; i++)
		out[i] = settings_list_item(s, name, i);
	*count_out = n;
	return 0;
}

static int
take_names(const struct settings *s, struct config *c, struct error *e)
{
	int rc = take_list(s, "domains", c->domains, &c->domain_count, e);

	if (rc == 0)
		rc = take_list(s, "listen", c->listen, &c->listen_count, e);
	if (rc == 0)
		rc = take_list(s, "lmtp_listen", c->lmtp_listen, &c->lmtp_listen_count, e);
	if (rc != 0)
		return rc;
	c->lmtp_socket = text_or_null(s, "lmtp_socket");
	c->hostname = settings_text(s, "hostname");
	if (!config_is_domain(c->hostname))
		return error_set(e, ERR_USAGE, "'hostname' is not a host name: %s", c->hostname);
	for (size_t i = 0; i < c->domain_count; i++)
		if (!config_is_domain(c->domains[i]))
			return error_set(e, ERR_USAGE, "'domains' has what is not a domain: %s", c->domains[i]);
	return 0;
}

static int
take_resolvers(const struct settings *s, struct config *c, struct error *e)
{
	int rc = take_list(s, "resolvers", c->resolvers, &c->resolver_count, e);

	if (rc != 0)
		return rc;
	if (c->resolver_count > DNS_SERVERS_MAX)
		return error_set(e, ERR_USAGE, "'resolvers' takes at most %u values", DNS_SERVERS_MAX);
	for (size_t i = 0; i < c->resolver_count; i++)
		if (!dns_server_valid(slice_str(c->resolvers[i])))
			return error_set(e, ERR_USAGE,
			    "'resolvers' takes numeric addresses, with @ and a port behind if it is not 53: %s",
			    c->resolvers[i]);
	c->dnssec_anchors = text_or_null(s, "dnssec_anchors");
	return 0;
}

static void
take_numbers(const struct settings *s, const struct config_overrides *o, struct config *c)
{
	char name[32];

	for (int i = 0; i < CONFIG_PORT_COUNT; i++) {
		(void)snprintf(name, sizeof name, "port_%s", config_port_names[i]);
		c->ports[i] = o->port_given[i] ? o->ports[i] : (int32_t)settings_number(s, name);
	}
	c->message_size_max = (uint64_t)settings_number(s, "message_size_max");
	c->connections = (uint32_t)settings_number(s, "connections");
	c->connections_peer = (uint32_t)settings_number(s, "connections_peer");
	c->connections_prefix = (uint32_t)settings_number(s, "connections_prefix");
	c->connections_account = (uint32_t)settings_number(s, "connections_account");
	c->fronts = (unsigned)settings_number(s, "fronts");
	c->handshake_seconds = (uint32_t)settings_number(s, "handshake_seconds");
	c->stall_seconds = (uint32_t)settings_number(s, "stall_seconds");
	c->idle_seconds = (uint32_t)settings_number(s, "idle_seconds");
	c->threads = (unsigned)settings_number(s, "threads");
}

static int
take_values(const struct settings *s, const struct config_overrides *o, struct config *c, struct error *e)
{
	int level = log_level_parse(slice_str(settings_text(s, "log_level")));

	take_numbers(s, o, c);
	if (level < 0)
		return error_set(e, ERR_USAGE, "'log_level' is debug, info, warning, error or fatal, not %s",
		    settings_text(s, "log_level"));
	c->log_level = (enum log_level)level;
	if (strcmp(settings_text(s, "processes"), "one") != 0 && strcmp(settings_text(s, "processes"), "split") != 0)
		return error_set(
		    e, ERR_USAGE, "'processes' is \"split\" or \"one\", not %s", settings_text(s, "processes"));
	c->one_process = strcmp(settings_text(s, "processes"), "one") == 0;
	c->user = text_or_null(s, "user");
	c->log_file = text_or_null(s, "log_file");
	c->data = o->data != NULL ? o->data : settings_text(s, "data");
	c->directory_open = settings_flag(s, "directory_open");
	c->tls_certificate = text_or_null(s, "tls_certificate");
	c->tls_key = text_or_null(s, "tls_key");
	if ((c->tls_certificate == NULL) != (c->tls_key == NULL))
		return error_set(e, ERR_USAGE, "'tls_certificate' and 'tls_key' go together: set both or none");
	if (take_resolvers(s, c, e) != 0)
		return ERR_USAGE;
	return take_names(s, c, e);
}

int
config_load(const struct config_overrides *overrides, struct config *config_out, struct error *e)
{
	const char *path = overrides->path;
	struct config c = { 0 };
	int rc;

	if (path == NULL && file_exists(CONFIG_DEFAULT_PATH))
		path = CONFIG_DEFAULT_PATH;
	rc = settings_read(path, table, sizeof table / sizeof table[0], &c.settings, e);
	if (rc == 0)
		rc = take_values(c.settings, overrides, &c, e);
	if (rc != 0)
		config_done(&c);
	else
		*config_out = c;
	return rc;
}

void
config_done(struct config *config)
{
	settings_free(config->settings);
	*config = (struct config){ 0 };
}
