/* SPDX-License-Identifier: ISC */
/*
 * letterlockd's configuration: a file of `name = value` lines (os/settings.h),
 * every setting with a default. The settings are the rows of one table,
 * daemon/config_table.c; what each means stands in letterlockd.conf(5).
 *
 * To add a setting: a member of struct config below, a row in the table, its
 * part of doc/letterlockd.conf.5.scd and a line in contrib/letterlockd.conf
 * (tests/e2e/test_config.py compares the three). To add a port: a line in
 * CONFIG_PORTS, and the same two. What two settings cannot be together is
 * said in daemon/config_check.c.
 *
 * All that is wrong in a file is found at once, each with its line. A file
 * with any problem is not used at all.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "os/log.h"
#include "os/settings.h"

#define CONFIG_DEFAULT_PATH "/etc/letterlock/letterlockd.conf"
#define CONFIG_LIST_MAX 64     /* domains, or addresses to listen on */
#define CONFIG_ADDRESS_MAX 320 /* octets of an address: STORE_ADDRESS_MAX */
#define CONFIG_PORT_OFF (-1)

/* Every port: its name in port_NAME, in --port NAME=N, in ports.json and of sockets of the service manager; its default. */
#define CONFIG_PORTS(X) \
	X(SMTP, "smtp", 25) \
	X(SUBMISSION, "submission", 587) \
	X(SUBMISSIONS, "submissions", 465) \
	X(IMAP, "imap", 143) \
	X(IMAPS, "imaps", 993) \
	X(POP3, "pop3", 110) \
	X(POP3S, "pop3s", 995) \
	X(LMTP, "lmtp", CONFIG_PORT_OFF) \
	X(HKP, "hkp", 11371) \
	X(HTTPS, "https", 443) \
	X(HTTP, "http", 80) \
	X(METRICS, "metrics", CONFIG_PORT_OFF)

#define CONFIG_PORT_ENUM(id, name, standard) CONFIG_PORT_##id,
enum config_port { CONFIG_PORTS(CONFIG_PORT_ENUM) CONFIG_PORT_COUNT };

/* "smtp", "submission", ... */
extern const char *const config_port_names[CONFIG_PORT_COUNT];
/* "smtp, submission, ...", for sentences. */
extern const char *const config_port_list;

struct config {
	const char *hostname;
	const char *domains[CONFIG_LIST_MAX];
	size_t domain_count;
	const char *postmaster;          /* NULL: nobody is named */
	const char *recipient_separator; /* one character; NULL: none */
	const char *data;
	const char *listen[CONFIG_LIST_MAX];
	size_t listen_count;
	const char *lmtp_listen[CONFIG_LIST_MAX];
	size_t lmtp_listen_count;
	const char *lmtp_socket; /* NULL: none */
	const char *metrics_listen[CONFIG_LIST_MAX];
	size_t metrics_listen_count;
	int32_t ports[CONFIG_PORT_COUNT];      /* 0: any free one; CONFIG_PORT_OFF: not at all */
	const char *tls_certificate, *tls_key; /* NULL: make one */
	const char *keys_folder;               /* NULL: in data */
	bool directory_open;
	const char *directory_search[CONFIG_LIST_MAX];
	size_t directory_search_count;
	uint32_t directory_reads, directory_writes;
	bool directory_query_log;
	const char *directory_mirrors[CONFIG_LIST_MAX];
	size_t directory_mirror_count;
	bool directory_mirror_user_ids;
	const char *directory_mirror_authorities; /* NULL: the system's */
	bool scram_main_password;
	const char *oauth_keys; /* NULL: no tokens are taken */
	const char *oauth_issuer, *oauth_audience, *oauth_claim, *oauth_type, *oauth_scope, *oauth_discovery;
	uint64_t message_size_max;
	uint32_t queue_lifetime_seconds, queue_warn_seconds, account_messages_hour;
	uint64_t queue_size_max;
	const char *forward_domain; /* NULL: that of the address that leads elsewhere */
	uint32_t connections, connections_peer, connections_prefix, connections_account;
	uint32_t handshake_seconds, stall_seconds, idle_seconds;
	unsigned threads, fronts;
	bool one_process;
	const char *user; /* NULL: none */
	const char *resolvers[CONFIG_LIST_MAX];
	size_t resolver_count;      /* at most DNS_SERVERS_MAX */
	const char *dnssec_anchors; /* NULL: none */
	bool relay;
	const char *smarthost, *smarthost_user, *smarthost_password_file; /* NULL: none */
	const char *relay_tls[CONFIG_LIST_MAX];
	size_t relay_tls_count;
	const char *relay_routes[CONFIG_LIST_MAX];
	size_t relay_route_count;
	const char *relay_source[CONFIG_LIST_MAX];
	size_t relay_source_count; /* at most 2 */
	uint32_t relay_port, relay_connections, relay_connections_destination;
	const char *authorities; /* PEM file: whom other servers' certificates may come from; NULL: the system's */
	bool mail_authentication;
	uint32_t dmarc_reject; /* enum judge_dmarc */
	uint32_t spf_fail;     /* enum judge_spf */
	const char *trusted_sealers[CONFIG_LIST_MAX];
	size_t trusted_sealer_count;
	const char *trusted_forwarders[CONFIG_LIST_MAX];
	size_t trusted_forwarder_count;
	bool dmarc_reports;
	bool tls_reports;
	uint32_t mta_sts;        /* enum sts_mode: of our own policy */
	const char *milter;      /* NULL: none */
	uint32_t milter_failure; /* enum milter_failure */
	enum log_level log_level;
	const char *log_file;      /* NULL: standard error */
	struct settings *settings; /* holds the texts */
};

/* The octet before a detail; 0: none. */
static inline uint32_t
config_separator(const struct config *c)
{
	return c->recipient_separator == NULL ? 0 : (uint8_t)c->recipient_separator[0];
}

/* What the command line says in place of the file. */
struct config_overrides {
	const char *path; /* NULL: CONFIG_DEFAULT_PATH when it is there */
	const char *data; /* NULL: as in the file */
	bool port_given[CONFIG_PORT_COUNT];
	int32_t ports[CONFIG_PORT_COUNT];
};

/* "imap=1143" or "imap=off". ERR_USAGE. */
int config_override_port(struct config_overrides *o, struct slice text, struct error *e);

/*
 * 0, or the code of the first problem: ERR_NOT_FOUND (no such file), ERR_SYNTAX, ERR_USAGE (a value, or values together,
 * that cannot be). All problems are in problems_out. Once at a time; reads no file but the configuration.
 */
int config_load(
    const struct config_overrides *overrides, struct config *config_out, struct settings_problems *problems_out);
void config_done(struct config *config);
/*
 * What can only be seen from this machine, and is not looked up again while the server runs: that the user is there.
 * Adds to problems.
 */
void config_check_machine(const struct config *config, struct settings_problems *problems);

/* What a server needs and other verbs do not: domains here, or a store that may have some. ERR_USAGE. */
int config_check_serving(const struct config *config, struct error *e);
/* The addresses that a port listens on. */
const char *const *config_addresses(const struct config *config, enum config_port port, size_t *count_out);

/*
 * What only a start brings about gets its value of old in fresh; each setting that differs is said by its name. The texts
 * remain those of old, which must be there as long as fresh.
 */
void
config_keep_fixed(const struct config *old, struct config *fresh, void (*say)(void *ctx, const char *name), void *ctx);
/* Every setting as a line of the file, with a comment that says where it comes from. */
int config_write(const struct config *config, const struct config_overrides *overrides, struct buf *out);

/* A name of letters, digits, hyphens and dots, as it goes into certificates and protocol lines. */
bool config_is_domain(const char *name);

/* A text that may be NULL, for none. */
static inline struct slice
config_slice(const char *text)
{
	return text == NULL ? SLICE_EMPTY : slice_str(text);
}

#endif
