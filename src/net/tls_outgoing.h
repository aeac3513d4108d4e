/* SPDX-License-Identifier: ISC */
/*
 * TLS from server to server (RFC 3207), as its client: whom a connection must
 * meet, and what it met. libssl matches TLSA records (RFC 6698, 7671, 7672)
 * and names (RFC 9525) itself.
 *
 *   ANY   encrypted is enough: whoever answers. When there are names it is still looked whether the certificate is good for
 *         one of them, and said in the facts
 *   NAME  a certificate of an authority, for one of the names
 *   DANE  one of the TLSA records matches. DANE-TA(2): the chain ends at it and the certificate is for one of the names.
 *         DANE-EE(3): the key or certificate is that one; names and dates do not matter (RFC 7672 section 3.1.1)
 *   PIN   the server's key is this one, whatever else its certificate says
 *
 * TLS 1.2 and 1.3 with forward secrecy, as net/tls.h.
 */
#ifndef NET_TLS_OUTGOING_H
#define NET_TLS_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/tls.h"

#define TLS_OUTGOING_NAMES_MAX 8u
#define TLS_OUTGOING_TLSA_MAX 16u

struct tls_outgoing;

/* ca_file: authorities instead of the system's, or NULL. It reads files now and never again. ERR_TLS. */
int tls_outgoing_new(const char *ca_file, struct tls_outgoing **out, struct error *e);
/* The same with authorities as PEM text, for a process that opens no file; empty: no name is valid. */
int tls_outgoing_new_pem(struct slice authorities, struct tls_outgoing **out, struct error *e);
void tls_outgoing_free(struct tls_outgoing *t);

enum tls_outgoing_need {
	TLS_OUTGOING_ANY,
	TLS_OUTGOING_NAME,
	TLS_OUTGOING_DANE,
	TLS_OUTGOING_PIN,
};

struct tls_outgoing_config {
	const struct tls_outgoing *tls;
	enum tls_outgoing_need need;
	struct slice host;         /* for SNI; an A-label name without the last dot. Empty: none (an address literal) */
	const struct slice *names; /* the certificate is to be for one of these; of DANE the TLSA base domain first */
	size_t name_count;         /* at most TLS_OUTGOING_NAMES_MAX */
	const struct slice *tlsa;  /* RDATA */
	size_t tlsa_count;         /* at most TLS_OUTGOING_TLSA_MAX */
	struct slice pin;          /* TLS_PIN_SIZE octets */
};

enum tls_outgoing_verified {
	TLS_OUTGOING_UNVERIFIED,
	TLS_OUTGOING_BY_NAME,
	TLS_OUTGOING_BY_DANE,
	TLS_OUTGOING_BY_PIN,
};

/* Why it is not verified, for programs. */
enum tls_outgoing_fault {
	TLS_OUTGOING_NO_FAULT,
	TLS_OUTGOING_FAULT_NAME,    /* it is another host's */
	TLS_OUTGOING_FAULT_EXPIRED, /* its time, or that of a certificate above it, is over */
	TLS_OUTGOING_FAULT_TRUST,   /* no authority that is known says so, or not rightly */
	TLS_OUTGOING_FAULT_TLSA,    /* no TLSA record matches */
	TLS_OUTGOING_FAULT_OTHER,
};

struct tls_outgoing_facts {
	const char *version; /* "TLSv1.3"; constant. NULL: the handshake did not end */
	const char *cipher;
	enum tls_outgoing_verified verified;
	enum tls_outgoing_fault fault;
	char reason[160]; /* why it is not verified: "self-signed certificate" */
};

/*
 * Whether a TLSA record can be used for SMTP (RFC 7672 section 3.1: usages 2
 * and 3 only), and is one at all.
 */
bool tls_outgoing_tlsa_usable(struct slice rdata);

#endif
