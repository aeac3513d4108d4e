/* SPDX-License-Identifier: ISC */
/*
 * What a TLS server would agree to, found out by a ClientHello of our own: it
 * offers one version and some cipher suites, and the ServerHello or the alert
 * that comes back says whether the server takes one of them. So versions and
 * ciphers can be asked for that libssl no longer has. The handshake ends there;
 * nothing is believed and nothing is sent over it (RFC 5246 7.4.1, RFC 8446 4.1,
 * RFC 6101 for SSL 3.0).
 *
 * Pure: octets in, octets out.
 */
#ifndef NET_PROBE_HELLO_H
#define NET_PROBE_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* As they are on the wire. */
enum probe_version {
	PROBE_SSL_3_0 = 0x0300,
	PROBE_TLS_1_0 = 0x0301,
	PROBE_TLS_1_1 = 0x0302,
	PROBE_TLS_1_2 = 0x0303,
	PROBE_TLS_1_3 = 0x0304,
};

/* What is wrong with a suite; bits. */
enum probe_fault {
	PROBE_STATIC = 1,    /* no forward secrecy: who gets the server's key later reads what was recorded */
	PROBE_OLD = 2,       /* RC4, DES, 3DES: broken or nearly (RFC 7465, RFC 9325 4.1) */
	PROBE_EXPORT = 4,    /* made weak on purpose in the 1990s */
	PROBE_NULL = 8,      /* does not encrypt */
	PROBE_ANONYMOUS = 16 /* nobody is authenticated: usual between mail servers that would not check anyway */
};

struct probe_suite {
	uint16_t id;
	uint16_t faults; /* enum probe_fault bits */
	const char *name;
};

/* The name and faults of a suite; a text like "0x1234" for those that are not in the table. */
#define PROBE_SUITE_TEXT 8u
const char *probe_suite_name(uint16_t id, char text_out[PROBE_SUITE_TEXT]);
unsigned probe_suite_faults(uint16_t id);
/* Those with any of these faults, or those with none when faults is 0; at most max. */
size_t probe_suites(unsigned faults, uint16_t *out, size_t max);
#define PROBE_SUITES_MAX 64u

const char *probe_version_text(uint16_t version);

struct probe_hello {
	uint16_t version;
	const uint16_t *suites;
	size_t suite_count;
	const char *name;      /* SNI; NULL: none */
	const uint8_t *random; /* 32 octets */
};

/* Appends the record. Returns out's sticky error. */
int probe_hello_write(const struct probe_hello *h, struct buf *out);

enum probe_answer_what {
	PROBE_MORE,    /* the answer is not whole yet */
	PROBE_AGREED,  /* a ServerHello: version and suite are set */
	PROBE_REFUSED, /* an alert */
	PROBE_CLEAR,   /* this is no TLS: somebody goes on in clear */
};

struct probe_answer {
	enum probe_answer_what what;
	uint16_t version, suite;
	uint8_t alert; /* its description */
};

/* Reads what came so far. ERR_SYNTAX: it began as TLS and is broken. More than PROBE_ANSWER_MAX octets are never needed. */
#define PROBE_ANSWER_MAX (18u << 10)
int probe_answer_read(struct slice in, struct probe_answer *out, struct error *e);

#endif
