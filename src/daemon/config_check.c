/* SPDX-License-Identifier: ISC */
/* What two settings cannot be together. Each is said with the line of the one that makes it so. */
#include <stdio.h>
#include <string.h>

#include "daemon/config_table.h"
#include "os/file.h"
#include "os/privileges.h"

/* The later line of two settings: what was there before was right until then. */
static const char *
later(const struct settings *s, const char *a, const char *b)
{
	return settings_line(s, b) > settings_line(s, a) ? b : a;
}

static void
check_tls(const struct config *c, struct settings_problems *problems)
{
	if ((c->tls_certificate == NULL) != (c->tls_key == NULL))
		settings_problem(c->settings, problems, c->tls_key == NULL ? "tls_certificate" : "tls_key", ERR_USAGE,
		    "'tls_certificate' and 'tls_key' go together: set both or none");
}

static void
check_tokens(const struct config *c, struct settings_problems *problems)
{
	if (c->oauth_keys != NULL && (c->oauth_issuer == NULL || c->oauth_audience == NULL))
		settings_problem(c->settings, problems, "oauth_keys", ERR_USAGE,
		    "'oauth_keys' needs 'oauth_issuer' and 'oauth_audience': whose tokens, and for whom");
	if (c->oauth_keys == NULL && (c->oauth_issuer != NULL || c->oauth_audience != NULL))
		settings_problem(c->settings, problems, c->oauth_issuer != NULL ? "oauth_issuer" : "oauth_audience",
		    ERR_USAGE, "'oauth_issuer' and 'oauth_audience' mean nothing without 'oauth_keys'");
}

static void
check_smarthost(const struct config *c, struct settings_problems *problems)
{
	if ((c->smarthost_user == NULL) != (c->smarthost_password_file == NULL))
		settings_problem(c->settings, problems,
		    c->smarthost_user != NULL ? "smarthost_user" : "smarthost_password_file", ERR_USAGE,
		    "'smarthost_user' and 'smarthost_password_file' go together: set both or none");
	if (c->smarthost_user != NULL && c->smarthost == NULL)
		settings_problem(c->settings, problems, "smarthost_user", ERR_USAGE,
		    "'smarthost_user' means nothing without 'smarthost'");
}

static void
check_twice(
    const struct config *c, const char *name, const char *const *list, size_t count, struct settings_problems *problems)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (slice_ieq_str(slice_str(list[i]), list[j]))
				settings_problem(
				    c->settings, problems, name, ERR_USAGE, "'%s' has %s twice", name, list[i]);
}

/* ---- ports ---- */

const char *const *
config_addresses(const struct config *c, enum config_port port, size_t *count_out)
{
	switch ((int)port) {
	case CONFIG_PORT_LMTP:
		*count_out = c->lmtp_listen_count;
		return c->lmtp_listen;
	case CONFIG_PORT_METRICS:
		*count_out = c->metrics_listen_count;
		return c->metrics_listen;
	default:
		*count_out = c->listen_count;
		return c->listen;
	}
}

/* One address of both, or all addresses of a family that both have. */
static bool
addresses_meet(const char *a, const char *b)
{
	bool six = strchr(a, ':') != NULL;

	if (six != (strchr(b, ':') != NULL))
		return false;
	return strcmp(a, b) == 0 || strcmp(a, six ? "::" : "0.0.0.0") == 0 || strcmp(b, six ? "::" : "0.0.0.0") == 0;
}

static bool
ports_meet(const struct config *c, enum config_port a, enum config_port b)
{
	size_t na, nb;
	const char *const *of_a = config_addresses(c, a, &na), *const *of_b = config_addresses(c, b, &nb);

	if (c->ports[a] <= 0 || c->ports[a] != c->ports[b])
		return false;
	for (size_t i = 0; i < na; i++)
		for (size_t j = 0; j < nb; j++)
			if (addresses_meet(of_a[i], of_b[j]))
				return true;
	return false;
}

static void
check_ports(const struct config *c, const struct config_overrides *o, struct settings_problems *problems)
{
	for (int b = 0; b < CONFIG_PORT_COUNT; b++)
		for (int a = 0; a < b; a++) {
			char names[2][32];

			if (!ports_meet(c, (enum config_port)a, (enum config_port)b))
				continue;
			(void)snprintf(names[0], sizeof names[0], "port_%s", config_port_names[a]);
			(void)snprintf(names[1], sizeof names[1], "port_%s", config_port_names[b]);
			settings_problem(c->settings, problems,
			    o->port_given[a] || o->port_given[b] ? NULL : later(c->settings, names[0], names[1]),
			    ERR_USAGE, "'%s' and '%s' are both %d on one address", names[0], names[1],
			    (int)c->ports[a]);
		}
}

/* Ports with addresses of their own; those of 'listen' may all come from the service manager. */
static void
check_listens(const struct config *c, struct settings_problems *problems)
{
	static const struct {
		enum config_port port;
		const char *name, *listen;
	} rows[] = {
		{ CONFIG_PORT_LMTP, "port_lmtp", "lmtp_listen" },
		{ CONFIG_PORT_METRICS, "port_metrics", "metrics_listen" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t count;

		(void)config_addresses(c, rows[i].port, &count);
		if (c->ports[rows[i].port] != CONFIG_PORT_OFF && count == 0)
			settings_problem(c->settings, problems, later(c->settings, rows[i].name, rows[i].listen),
			    ERR_USAGE, "'%s' is set and '%s' is empty: nothing could listen", rows[i].name,
			    rows[i].listen);
	}
}

void
config_check(const struct config *config, const struct config_overrides *overrides, struct settings_problems *problems)
{
	check_tls(config, problems);
	check_tokens(config, problems);
	check_smarthost(config, problems);
	check_twice(config, "domains", config->domains, config->domain_count, problems);
	check_twice(config, "listen", config->listen, config->listen_count, problems);
	check_twice(config, "lmtp_listen", config->lmtp_listen, config->lmtp_listen_count, problems);
	check_twice(config, "metrics_listen", config->metrics_listen, config->metrics_listen_count, problems);
	check_ports(config, overrides, problems);
	check_listens(config, problems);
}

void
config_check_machine(const struct config *config, struct settings_problems *problems)
{
	struct privileges_user user;
	struct error e;

	if (config->user != NULL && privileges_find(config->user, &user, &e) != 0)
		settings_problem(config->settings, problems, "user", ERR_USAGE, "'user': %s", e.text);
}

int
config_check_serving(const struct config *config, struct error *e)
{
	char path[FILE_PATH_MAX];

	if (config->domain_count > 0)
		return 0;
	/* In a store there may be others (letterlockd domain add). */
	if (path_join(path, config->data, "store.db", e) == 0 && file_exists(path))
		return 0;
	return error_set(e, ERR_USAGE, "'domains' is empty: no mail would be ours");
}
