/* SPDX-License-Identifier: ISC */
/*
 * Every setting, one row each. NOW: a change counts when the file is read again; RESTART: from the next start on.
 * The ports are in CONFIG_PORTS (daemon/config.h).
 */
#include "daemon/config_table.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "net/dns.h"
#include "service/milter/filter.h"
#include "service/relay/relay.h"

/* ---- what a text must be ---- */

/* A label (RFC 5321 section 4.1.2): letters, digits, and hyphens that do not stand at an edge. */
static bool
is_label(const char *label, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = ascii_lower((uint8_t)label[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c != '-' || i == 0 || i + 1 == len))
			return false;
	}
	return len > 0 && len <= 63;
}

bool
config_is_domain(const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at <= len; at++) {
		size_t label = strcspn(name + at, ".");

		if (!is_label(name + at, label))
			return false;
		at += label;
	}
	return len <= 253;
}

static const char *
host(const char *value)
{
	return config_is_domain(value) ? NULL : "is not a host name";
}

static const char *
domain(const char *value)
{
	if (config_is_domain(value))
		return NULL;
	for (const char *c = value; *c != '\0'; c++)
		if ((uint8_t)*c >= 0x80)
			return "takes names of other letters than ASCII in their form with \"xn--\" only, not";
	return "has what is not a domain";
}

/* IPv6 with the interface of a link-local address behind a "%". */
static const char *
address(const char *value)
{
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr out;
	size_t len = strcspn(value, "%");

	if (inet_pton(AF_INET, value, &out) == 1)
		return NULL;
	if (len < sizeof plain) {
		memcpy(plain, value, len);
		plain[len] = '\0';
		if (inet_pton(AF_INET6, plain, &out) == 1)
			return NULL;
	}
	return "has what is not a numeric address";
}

static const char *
resolver(const char *value)
{
	return dns_server_valid(slice_str(value)) ? NULL
						  : "takes numeric addresses, with @ and a port behind if it is not 53";
}

static const char *
hop(const char *value)
{
	struct relay_hop out;

	return value[0] == '\0' || relay_hop_parse(slice_str(value), &out)
	    ? NULL
	    : "is a host's name, or an address in brackets, perhaps with a colon and a port, not";
}

static const char *
rule(const char *value)
{
	struct relay_rule out;

	return relay_rule_parse(slice_str(value), &out) ? NULL : "takes DOMAIN=HOST or DOMAIN=HOST:PORT";
}

static const char *
tls_rule(const char *value)
{
	struct relay_tls_rule out;

	return relay_tls_rule_parse(slice_str(value), &out)
	    ? NULL
	    : "takes DOMAIN=encrypt, DOMAIN=verify, DOMAIN=dane or DOMAIN=pin:SHA256";
}

static const char *
filled(const char *value)
{
	return value[0] == '\0' ? "must not be empty" : NULL;
}

/* Must be able to stand in a local part (RFC 5321 section 4.1.2), and be no letter of one's name. */
static const char *
separator(const char *value)
{
	bool right = value[0] == '\0' || (value[1] == '\0' && strchr("!#$%&*+-/=?^_`{|}~", value[0]) != NULL);

	return right ? NULL : "is one of !#$%&*+-/=?^_`{|}~ or empty, not";
}

/* "unix:PATH", or a numeric address of this machine and a port, "127.0.0.1:11332" or "[::1]:11332". */
static const char *
milter(const char *value)
{
	struct filter_place place;

	return value[0] == '\0' || filter_place_parse(slice_str(value), &place)
	    ? NULL
	    : "is unix: and a path, or a numeric address of this machine with a colon and a port, not";
}

static const char *
domain_or_none(const char *value)
{
	return value[0] == '\0' ? NULL : domain(value);
}

static const char *
mail_address(const char *value)
{
	struct slice text = slice_str(value);
	size_t at = slice_find_last(text, '@');

	if (text.len > 0 && (at == 0 || at == SIZE_MAX || at + 1 == text.len || text.len > CONFIG_ADDRESS_MAX))
		return "is an address with its domain, not";
	return NULL;
}

static const char *const levels[] = { "debug", "info", "warning", "error", "fatal", NULL };
static const char *const split_or_one[] = { "split", "one", NULL };
static const char *const dmarc_words[] = { "obey", "quarantine", "ignore", NULL };
static const char *const spf_words[] = { "ignore", "quarantine", "reject", NULL };
static const char *const sts_words[] = { "none", "testing", "enforce", NULL };
static const char *const failure_words[] = { "accept", "defer", NULL };

/* ---- the rows ---- */

#define NOW false
#define RESTART true
#define MEMBER(member) .at = offsetof(struct config, member), .size = sizeof(((struct config *)0)->member)
#define TEXT(when, word, member, standard, check) \
	{ \
		.setting = { .name = (word), .kind = SETTING_TEXT, .text = (standard) }, .restart = (when), \
		MEMBER(member), .wrong = (check) \
	}
#define CHOICE(when, word, member, standard, of) \
	{ \
		.setting = { .name = (word), .kind = SETTING_TEXT, .text = (standard) }, .restart = (when), \
		MEMBER(member), .words = (of) \
	}
#define LIST(when, word, member, count, most, standard, check) \
	{ \
		.setting = { .name = (word), .kind = SETTING_LIST, .text = (standard) }, .restart = (when), \
		MEMBER(member), .count_at = offsetof(struct config, count), .count_max = (most), .wrong = (check) \
	}
#define NUMBER(when, word, member, standard, least, most) \
	{ \
		.setting = { .name = (word), \
			.kind = SETTING_NUMBER, \
			.number = (standard), \
			.min = (least), \
			.max = (most) }, \
		.restart = (when), MEMBER(member) \
	}
#define FLAG(when, word, member, standard) \
	{ \
		.setting = { .name = (word), .kind = SETTING_FLAG, .number = (standard) ? 1 : 0 }, .restart = (when), \
		MEMBER(member) \
	}
#define PORT(id, word, standard) \
	NUMBER(RESTART, "port_" word, ports[CONFIG_PORT_##id], standard, CONFIG_PORT_OFF, 65535),

/* clang-format off */
const struct config_row config_table[] = {
	TEXT(RESTART, "hostname", hostname, "localhost", host),
	LIST(NOW, "domains", domains, domain_count, 0, "{}", domain),
	TEXT(NOW, "postmaster", postmaster, "", mail_address),
	TEXT(NOW, "recipient_separator", recipient_separator, "+", separator),
	TEXT(RESTART, "data", data, "/var/lib/letterlock", filled),
	TEXT(RESTART, "user", user, "", NULL),
	LIST(RESTART, "listen", listen, listen_count, 0, "{\"0.0.0.0\", \"::\"}", address),
	CONFIG_PORTS(PORT)
	LIST(RESTART, "lmtp_listen", lmtp_listen, lmtp_listen_count, 0, "{\"127.0.0.1\", \"::1\"}", address),
	TEXT(RESTART, "lmtp_socket", lmtp_socket, "", NULL),
	LIST(RESTART, "metrics_listen", metrics_listen, metrics_listen_count, 0, "{\"127.0.0.1\"}", address),
	TEXT(NOW, "tls_certificate", tls_certificate, "", NULL),
	TEXT(NOW, "tls_key", tls_key, "", NULL),
	TEXT(RESTART, "keys_folder", keys_folder, "", NULL),
	FLAG(NOW, "directory_open", directory_open, false),
	LIST(RESTART, "directory_search", directory_search, directory_search_count, 0, "{}", domain),
	NUMBER(RESTART, "directory_reads", directory_reads, 1200, 0, 1000000),
	NUMBER(RESTART, "directory_writes", directory_writes, 60, 0, 1000000),
	FLAG(RESTART, "directory_query_log", directory_query_log, false),
	LIST(NOW, "directory_mirrors", directory_mirrors, directory_mirror_count, 0, "{}", NULL),
	FLAG(NOW, "directory_mirror_user_ids", directory_mirror_user_ids, false),
	TEXT(NOW, "directory_mirror_authorities", directory_mirror_authorities, "", NULL),
	FLAG(RESTART, "scram_main_password", scram_main_password, false),
	TEXT(RESTART, "oauth_keys", oauth_keys, "", NULL),
	TEXT(NOW, "oauth_issuer", oauth_issuer, "", NULL),
	TEXT(NOW, "oauth_audience", oauth_audience, "", NULL),
	TEXT(NOW, "oauth_claim", oauth_claim, "email", NULL),
	TEXT(NOW, "oauth_type", oauth_type, "at+jwt", NULL),
	TEXT(NOW, "oauth_scope", oauth_scope, "", NULL),
	TEXT(NOW, "oauth_discovery", oauth_discovery, "", NULL),
	NUMBER(RESTART, "message_size_max", message_size_max, 50L << 20, 1L << 16, 1L << 32),
	NUMBER(NOW, "queue_lifetime_seconds", queue_lifetime_seconds, 5L * 86400, 1, 30L * 86400),
	NUMBER(NOW, "queue_warn_seconds", queue_warn_seconds, 4L * 3600, 0, 30L * 86400),
	NUMBER(NOW, "queue_size_max", queue_size_max, 10L << 30, 1L << 16, 1L << 50),
	NUMBER(NOW, "account_messages_hour", account_messages_hour, 200, 0, 1000000),
	TEXT(NOW, "forward_domain", forward_domain, "", domain_or_none),
	NUMBER(NOW, "connections", connections, 18000, 1, 1000000),
	NUMBER(NOW, "connections_peer", connections_peer, 50, 1, 1000000),
	NUMBER(NOW, "connections_prefix", connections_prefix, 0, 0, 1000000),
	NUMBER(NOW, "connections_account", connections_account, 100, 1, 1000000),
	NUMBER(RESTART, "handshake_seconds", handshake_seconds, 30, 1, 600),
	NUMBER(RESTART, "stall_seconds", stall_seconds, 120, 1, 3600),
	NUMBER(RESTART, "idle_seconds", idle_seconds, 300, 1, 3600),
	NUMBER(RESTART, "threads", threads, 0, 0, 64),
	NUMBER(RESTART, "fronts", fronts, 0, 0, 64),
	CHOICE(RESTART, "processes", one_process, "split", split_or_one),
	LIST(RESTART, "resolvers", resolvers, resolver_count, DNS_SERVERS_MAX, "{}", resolver),
	FLAG(RESTART, "relay", relay, true),
	TEXT(RESTART, "smarthost", smarthost, "", hop),
	TEXT(RESTART, "smarthost_user", smarthost_user, "", NULL),
	TEXT(RESTART, "smarthost_password_file", smarthost_password_file, "", NULL),
	LIST(RESTART, "relay_tls", relay_tls, relay_tls_count, 0, "{}", tls_rule),
	LIST(RESTART, "relay_routes", relay_routes, relay_route_count, 0, "{}", rule),
	LIST(RESTART, "relay_source", relay_source, relay_source_count, 2, "{}", address),
	NUMBER(RESTART, "relay_port", relay_port, 25, 1, 65535),
	NUMBER(RESTART, "relay_connections", relay_connections, 1000, 4, 15000),
	NUMBER(RESTART, "relay_connections_destination", relay_connections_destination, 20, 1, 1000),
	TEXT(RESTART, "dnssec_anchors", dnssec_anchors, "/usr/share/dns/root.key", NULL),
	TEXT(RESTART, "authorities", authorities, "/etc/ssl/certs/ca-certificates.crt", NULL),
	FLAG(RESTART, "mail_authentication", mail_authentication, true),
	CHOICE(RESTART, "dmarc_reject", dmarc_reject, "obey", dmarc_words),
	CHOICE(RESTART, "spf_fail", spf_fail, "ignore", spf_words),
	LIST(RESTART, "trusted_sealers", trusted_sealers, trusted_sealer_count, 0, "{}", domain),
	LIST(RESTART, "trusted_forwarders", trusted_forwarders, trusted_forwarder_count, 0, "{}", address),
	FLAG(RESTART, "dmarc_reports", dmarc_reports, true),
	CHOICE(RESTART, "mta_sts", mta_sts, "none", sts_words),
	FLAG(RESTART, "tls_reports", tls_reports, true),
	TEXT(RESTART, "milter", milter, "", milter),
	CHOICE(RESTART, "milter_failure", milter_failure, "accept", failure_words),
	CHOICE(NOW, "log_level", log_level, "info", levels),
	TEXT(RESTART, "log_file", log_file, "", NULL),
};
/* clang-format on */
const size_t config_table_count = sizeof config_table / sizeof config_table[0];

#define PORT_NAME(id, word, standard) [CONFIG_PORT_##id] = (word),
const char *const config_port_names[CONFIG_PORT_COUNT] = { CONFIG_PORTS(PORT_NAME) };
#define PORT_WORD(id, word, standard) ", " word
static const char list[] = CONFIG_PORTS(PORT_WORD);
const char *const config_port_list = list + 2;
