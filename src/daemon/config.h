/* SPDX-License-Identifier: ISC */
/*
 * letterlockd's configuration: a file of `name = value` lines (os/settings.h),
 * every setting with a default. A setting that is not known is refused with
 * its line; so is a value that cannot be.
 *
 *   hostname = "mail.example.org"            our name in greetings, Received fields and the certificate
 *   domains = { "example.org" }              whose mail is ours
 *   data = "/var/lib/letterlock"             the folder of everything that is kept
 *   listen = { "0.0.0.0", "::" }             numeric addresses
 *   port_lmtp = -1, lmtp_listen = { "127.0.0.1", "::1" }, lmtp_socket = ""   from a mail server in front of us
 *   port_smtp = 25                           0: any free one; -1: not at all; see config_ports
 *   tls_certificate = "", tls_key = ""       PEM files; both empty: a self-signed one is made in data
 *   directory_open = false                   uploads of strangers are published without an account's password
 *   message_size_max = 52428800              octets
 *   connections = 18000                      of all clients together
 *   connections_peer = 50, connections_prefix = 0 (ten times connections_peer), connections_account = 100
 *   handshake_seconds = 30, stall_seconds = 120, idle_seconds = 300
 *   threads = 0                              event loops of a process behind front; 0: one a core
 *   fronts = 0                               processes that take connections; 0: one a core, more for many connections
 *   processes = "split"                      "one": all in one process, for debugging
 *   user = ""                                whom the processes become when root starts them
 *   resolvers = {}                           DNS servers to ask, "address" or "address@port"; none: the system's
 *   dnssec_anchors = "/usr/share/dns/root.key"   DS or DNSKEY records of DNS's root; empty: nothing is validated
 *   log_level = "info", log_file = ""        empty: standard error
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "os/log.h"
#include "os/settings.h"

#define CONFIG_DEFAULT_PATH "/etc/letterlock/letterlockd.conf"
#define CONFIG_LIST_MAX 64 /* domains, or addresses to listen on */
#define CONFIG_PORT_OFF (-1)

enum config_port {
	CONFIG_PORT_SMTP,
	CONFIG_PORT_SUBMISSION,
	CONFIG_PORT_SUBMISSIONS,
	CONFIG_PORT_IMAP,
	CONFIG_PORT_IMAPS,
	CONFIG_PORT_LMTP,
	CONFIG_PORT_HKP,
	CONFIG_PORT_HTTPS,
	CONFIG_PORT_COUNT,
};

/* "smtp", "submission", ...: the names in port_NAME, in --port NAME=N and in ports.json. */
extern const char *const config_port_names[CONFIG_PORT_COUNT];

struct config {
	const char *hostname;
	const char *domains[CONFIG_LIST_MAX];
	size_t domain_count;
	const char *data;
	const char *listen[CONFIG_LIST_MAX];
	size_t listen_count;
	const char *lmtp_listen[CONFIG_LIST_MAX];
	size_t lmtp_listen_count;
	const char *lmtp_socket; /* NULL: none */
	int32_t ports[CONFIG_PORT_COUNT];
	const char *tls_certificate, *tls_key; /* NULL: make one */
	bool directory_open;
	uint64_t message_size_max;
	uint32_t connections, connections_peer, connections_prefix, connections_account;
	uint32_t handshake_seconds, stall_seconds, idle_seconds;
	unsigned threads, fronts;
	bool one_process;
	const char *user; /* NULL: none */
	const char *resolvers[CONFIG_LIST_MAX];
	size_t resolver_count;      /* at most DNS_SERVERS_MAX */
	const char *dnssec_anchors; /* NULL: none */
	enum log_level log_level;
	const char *log_file;      /* NULL: standard error */
	struct settings *settings; /* holds the texts */
};

/* What the command line says in place of the file. */
struct config_overrides {
	const char *path; /* NULL: CONFIG_DEFAULT_PATH when it is there */
	const char *data; /* NULL: as in the file */
	bool port_given[CONFIG_PORT_COUNT];
	int32_t ports[CONFIG_PORT_COUNT];
};

/* "imap=1143" or "imap=off". ERR_USAGE. */
int config_override_port(struct config_overrides *o, struct slice text, struct error *e);

/* ERR_NOT_FOUND (no such file), ERR_SYNTAX (with file and line), ERR_USAGE (a value that cannot be). Once at a time. */
int config_load(const struct config_overrides *overrides, struct config *config_out, struct error *e);
void config_done(struct config *config);

/* A name of letters, digits, hyphens and dots, as it goes into certificates and protocol lines. */
bool config_is_domain(const char *name);

#endif
