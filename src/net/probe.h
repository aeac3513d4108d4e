/* SPDX-License-Identifier: ISC */
/*
 * A blocking connection that looks at a server instead of using it: lines in
 * clear, then a handshake that goes through whatever the server shows, and
 * says what that was. Nothing secret may go over it, for nobody is believed.
 * For the audit of other people's servers.
 *
 *   probe_open(&where, &p, &e)
 *   probe_line(p, &line, &e); probe_write(p, ...)    in clear
 *   probe_start_tls(p, &how, &seen, &e)              then lines again, over TLS
 *   or probe_hello(p, &hello, &answer, &e)           one ClientHello of ours, and the connection is of no more use
 *   probe_close(p)
 */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/limits.h"
#include "net/probe_hello.h"
#include "net/tls.h"

struct probe;

struct probe_where {
	const char *address; /* numeric, or a name for the system's resolver */
	uint16_t port;
	int64_t wait_ms;  /* for connecting, for a handshake, for each line */
	int64_t until_ms; /* clock_ms() when all must be over; 0: no such moment */
};

/* ERR_NET (refused, no such address), ERR_TIMEOUT. */
int probe_open(const struct probe_where *where, struct probe **out, struct error *e);
/* The numeric address that was reached. */
const char *probe_address(const struct probe *p);
/* One line without its line end, borrowed until the next call. ERR_CLOSED, ERR_TIMEOUT, ERR_LIMIT (PROBE_LINE_MAX), ERR_NET. */
int probe_line(struct probe *p, struct slice *line_out, struct error *e);
int probe_write(struct probe *p, struct slice octets, struct error *e);
/* Octets came that were not asked for: text behind the answer to STARTTLS is somebody's who is in between, or a server's fault. */
bool probe_has_more(const struct probe *p);

/* One TLSA record (RFC 6698) and what it is worth with this server. */
struct probe_tlsa {
	struct slice rdata;
	bool usable;  /* usage 2 or 3, and a selector and matching type that exist (RFC 7672 3.1) */
	bool matches; /* a certificate of the chain the server showed */
};

struct probe_tls {
	const char *name;    /* SNI, and the name that the certificate should have; NULL: none */
	const char *ca_file; /* NULL: the system's authorities */
	const char
	    *dane_name; /* a second name that fits with usage 2: the domain itself (RFC 7672 3.2.2); NULL: none */
	struct probe_tlsa *tlsa; /* matches is set by the handshake */
	size_t tlsa_count;
};

#define PROBE_TEXT 96u

struct probe_seen {
	struct tls_peer peer; /* reason: why the authorities and the name do not vouch for it; empty: they do */
	uint16_t version;
	uint16_t suite;
	char cipher[PROBE_TEXT];
	char group[PROBE_TEXT]; /* of the key exchange; empty: none */
	bool forward_secret;
	char key[PROBE_TEXT]; /* "RSA", "EC P-256" */
	unsigned key_bits;
	unsigned key_strength;      /* bits of a symmetric key that is as hard to find */
	char signature[PROBE_TEXT]; /* of the certificate: "ecdsa-with-SHA256" */
	bool weak_signature;        /* by a hash that is broken: MD5, SHA-1 */
	int64_t begins, ends;       /* unix seconds */
	bool covers_name;           /* RFC 9525 section 6 */
	bool own;                   /* nobody but itself vouches for it */
	bool chain_good;            /* authorities vouch for it, the name aside */
	char chain_reason[PROBE_TEXT];
	unsigned chain_length; /* certificates that were shown */
	bool dane_good;        /* RFC 7672: with tlsa */
	char dane_reason[PROBE_TEXT];
};

/*
 * ERR_TLS (with libssl's reason), ERR_TIMEOUT, ERR_CLOSED; ERR_INTEGRITY: the
 * other side went on in clear, and e has its words. What came before the handshake and was
 * not read is dropped.
 */
int probe_start_tls(struct probe *p, const struct probe_tls *how, struct probe_seen *seen, struct error *e);
/* ERR_SYNTAX (no TLS that can be understood), ERR_TIMEOUT. A server that closes instead of an alert refused, too. */
int probe_hello(struct probe *p, const struct probe_hello *hello, struct probe_answer *answer, struct error *e);

/* NULL is permitted. */
void probe_close(struct probe *p);

#endif
