/* SPDX-License-Identifier: ISC */
/*
 * `letterlock audit DOMAIN`: what a sender of mail meets at a domain, and what
 * somebody between the two could do. Durumeric et al. asked this of the whole
 * net in 2015 ("Neither Snow Nor Rain Nor MITM"); here one domain is asked,
 * thoroughly, and each answer comes with what to do.
 *
 *   audit_begin()       resolvers, the moment when it must be over
 *   audit_run()         hosts.c finds the servers, look.c looks at each (some side by side), and
 *                       subject_*.c judge what was seen and what DNS says: findings
 *   audit_conclude()    the verdict in one sentence
 *   print.c, json.c, html.c   say it
 *   audit_done()
 *
 * A finding is a row of checks.c (what was looked at, what to do about it), a
 * result, whose it is, and what was found. All that others said is kept as it
 * came and made harmless where it is printed.
 *
 * Mail is never sent; every connection that gets so far ends with QUIT.
 */
#ifndef CLIENT_AUDIT_AUDIT_H
#define CLIENT_AUDIT_AUDIT_H

#include "base/arena.h"
#include "client/audit/checks.h"
#include "client/common.h"
#include "net/dns.h"
#include "net/probe.h"

#define AUDIT_HOSTS_MAX 8u        /* that are looked at; the others are named */
#define AUDIT_ADDRESSES_MAX 4u    /* of one host that are looked at */
#define AUDIT_RESOLVERS_MAX 4u    /* whose answers are compared */
#define AUDIT_SELECTORS_MAX 16u   /* of DKIM, named by the person */
#define AUDIT_TLSA_MAX 16u        /* records of one host that are tried */
#define AUDIT_FINDINGS_MAX 400u   /* 8 hosts with 4 addresses have some 300 at most */
#define AUDIT_WEAK_MAX 6u         /* suites that should not be agreed to, asked for one after another */
#define AUDIT_SIDE_BY_SIDE 4u     /* addresses looked at at once: nobody is to feel this */
#define AUDIT_HELLO_LINES_MAX 24u /* of an answer to EHLO that are kept */
#define AUDIT_SECONDS 120u        /* the whole audit, unless --timeout says otherwise */
#define AUDIT_SECONDS_MAX 3600u
#define AUDIT_WAIT_MS 10000      /* for one connection, handshake or line */
#define AUDIT_BUDGET (16u << 20) /* octets of memory for all answers */
#define AUDIT_TEXT 160u          /* octets of a server's words that are kept */
#define AUDIT_PORT 25u

enum audit_known { AUDIT_NOT_KNOWN, AUDIT_NO, AUDIT_YES };

#define AUDIT_VERSIONS 5u /* SSL 3.0, TLS 1.0 to 1.3: PROBE_SSL_3_0 + index */

/* What one address of a host was seen to do. Written by the one thread that looks at it. */
struct audit_look {
	char address[CONN_PEER_MAX];
	uint16_t port;
	bool implicit; /* TLS from the first octet */
	bool brief;    /* only the handshake, not every version */
	/* TCP and SMTP in clear */
	struct error failed; /* code 0: the dialogue came as far as the answer to EHLO */
	bool reached;        /* TCP stood */
	char greeting[AUDIT_TEXT];
	char hello[AUDIT_HELLO_LINES_MAX][64]; /* keywords with parameters, without codes */
	size_t hello_count;
	bool offered;    /* STARTTLS is among them */
	char masked[64]; /* the line that something made unreadable; empty: none */
	bool accepted;   /* the command was answered with 220 */
	bool more;       /* and something stood behind that answer */
	char refusal[AUDIT_TEXT];
	/* TLS */
	bool tls; /* the handshake came to its end */
	struct error tls_failed;
	struct probe_seen seen;
	enum audit_known versions[AUDIT_VERSIONS];
	uint16_t weak[AUDIT_WEAK_MAX]; /* suites with PROBE_STATIC … that it agreed to */
	size_t weak_count;
	struct probe_tlsa tlsa[AUDIT_TLSA_MAX];
	size_t tlsa_count;
};

enum audit_dane { AUDIT_DANE_NONE, AUDIT_DANE_INSECURE, AUDIT_DANE_BOGUS, AUDIT_DANE_FAILED, AUDIT_DANE_SECURE };

struct audit_host {
	const char *name;
	uint16_t preference, port;
	bool alias;  /* behind a CNAME */
	bool secure; /* its addresses, by DNSSEC */
	struct audit_look looks[AUDIT_ADDRESSES_MAX];
	size_t look_count, address_count; /* of those that DNS has */
	enum audit_dane dane;
	const struct slice *tlsa;
	size_t tlsa_count;
};

struct audit_finding {
	enum audit_check check;
	enum audit_result result;
	struct slice subject; /* a host, an address, a record's name; empty: the domain */
	struct slice found;
};

struct audit_settings {
	struct slice domain;        /* A-labels; empty: only the named servers */
	struct option_list servers; /* HOST[:PORT] */
	struct option_list resolvers, selectors;
	const char *anchors, *ca_file;
	const char *hello; /* our name for EHLO */
	uint32_t seconds;
	uint16_t port;
	bool say; /* progress on standard error */
};

/* What the verdict and the picture are made of. */
struct audit_state {
	bool asked; /* DNS, or a server, said something */
	bool mx_known, mx_secure, mx_bogus, null_mx, no_mail;
	bool sts_enforced, sts_found;
	size_t hosts_reached, hosts_encrypted, hosts_verified; /* verified: by DANE or by name and authorities */
	size_t hosts_stripped, hosts_dane;
};

struct audit {
	const struct audit_settings *settings;
	struct arena arena;
	struct dns *dns[AUDIT_RESOLVERS_MAX];
	size_t dns_count;
	struct buf resolv_conf, anchors;
	uint64_t now; /* unix seconds */
	int64_t until_ms;
	struct audit_host hosts[AUDIT_HOSTS_MAX];
	size_t host_count;
	struct audit_finding findings[AUDIT_FINDINGS_MAX];
	size_t finding_count;
	struct audit_state state;
	struct slice verdict;
};

/* ERR_USAGE (a resolver or a server that cannot be), ERR_IO (the anchors' file). audit_done() also after an error. */
int audit_begin(struct audit *a, const struct audit_settings *settings, struct error *e);
void audit_run(struct audit *a);
/* What it comes to, and the exit status: 0 good, 1 weaknesses, 3 it could not be asked. */
int audit_conclude(struct audit *a);
void audit_done(struct audit *a);

/* ---- for the subjects ---- */

/* found: printf's. Over AUDIT_FINDINGS_MAX nothing is added. */
void audit_find(struct audit *a, enum audit_check check, enum audit_result result, struct slice subject,
    const char *found, ...) __attribute__((format(printf, 5, 6)));
void audit_progress(const struct audit *a, const char *what, struct slice whom);
bool audit_is_over(const struct audit *a);

enum audit_asked { ASKED_FOUND, ASKED_NONE, ASKED_NO_NAME, ASKED_BOGUS, ASKED_FAILED };
/* prefix and name, one behind the other. e: why it is FAILED or BOGUS. Memory is the audit's. */
enum audit_asked audit_ask(struct audit *a, const char *prefix, struct slice name, enum dns_type type,
    struct dns_answer *out, struct error *e);
/* The same of the n-th resolver. */
enum audit_asked audit_ask_of(struct audit *a, size_t n, const char *prefix, struct slice name, enum dns_type type,
    struct dns_answer *out, struct error *e);
/* TXT: the strings of a record, one behind the other. */
struct slice audit_text(struct audit *a, struct slice rdata);
/* The one TXT record that begins so. The count of those that do; *out is the first. */
size_t audit_records(struct audit *a, const struct dns_answer *answer, const char *begin, struct slice *out);
/*
 * HTTPS GET by our own resolver's address of that host, without redirects. 0 also for a status that is not 200. Errors are
 * fetch()'s, and ERR_NOT_FOUND when DNS has no such host.
 */
int
audit_get(struct audit *a, struct slice host, const char *path, struct buf *body, unsigned *status, struct error *e);

/* hosts.c */
void audit_hosts_find(struct audit *a);
/* run.c: all looks of all hosts. */
void audit_look_at(struct audit *a, struct audit_look **looks, const char *const *names, size_t count);
/* look.c: one address. */
void audit_look(const struct audit *a, const char *name, struct audit_look *look);

/* The subjects, each a file. */
void audit_connection(struct audit *a);
void audit_tls(struct audit *a);
void audit_certificates(struct audit *a);
void audit_dane(struct audit *a);
void audit_sts(struct audit *a);
void audit_tlsrpt(struct audit *a);
void audit_spf(struct audit *a);
void audit_dkim(struct audit *a);
void audit_dmarc(struct audit *a);
void audit_keys(struct audit *a);
void audit_services(struct audit *a);

#define AUDIT_S(s) (int)(s).len, (s).len == 0 ? "" : (const char *)(s).data

#endif
