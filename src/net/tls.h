/* SPDX-License-Identifier: ISC */
/*
 * TLS contexts, certificates and pins (RFC 8446, 5246, 9325; pins as in
 * RFC 7469 2.4: the SHA-256 of the certificate's SubjectPublicKeyInfo).
 *
 * A tls_server holds our certificate and key; a tls_client holds what is
 * believed of the other side: one pin, or the certificate authorities of the
 * system together with the name. TLS 1.2 and 1.3 only, forward-secret AEAD
 * suites only, no renegotiation, no compression, no tickets. Contexts are
 * constant after they are made and may be used by many threads.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define TLS_PIN_SIZE 32u

struct tls_server;
struct tls_client;

/* What a server showed of itself, for the person who is asked whether to believe it. All texts NUL-terminated, printable. */
struct tls_peer {
	uint8_t pin[TLS_PIN_SIZE];
	char subject[160];   /* "CN=mail.example.org" */
	char issuer[160];    /* the same as subject when it signed itself */
	char names[240];     /* the host names it is for, with commas between */
	char not_before[40]; /* "Nov  5 12:00:00 2026 GMT" */
	char not_after[40];
	char reason[160]; /* why it is not believed: "self-signed certificate" */
};

/* Loads now what libssl would load with the first context: for a process that opens no files later. ERR_TLS. */
int tls_start(struct error *e);

/* Certificate chain and private key, PEM files. ERR_IO, ERR_TLS (not a certificate; the key is not its key). */
int tls_server_new(const char *certificate_path, const char *key_path, struct tls_server **server_out, struct error *e);
/* The same from PEM text: for a process that opens no files. */
int tls_server_new_pem(struct slice certificates, struct slice key, struct tls_server **server_out, struct error *e);
/* From now on new handshakes use this certificate; those that stand are not touched. Any thread; t stays as it is on failure. */
int tls_server_replace(struct tls_server *t, struct slice certificates, struct slice key, struct error *e);
void tls_server_free(struct tls_server *t);
/* The pin of our own certificate. */
const uint8_t *tls_server_pin(const struct tls_server *t);

struct tls_client_config {
	struct slice
	    pin; /* TLS_PIN_SIZE octets: only a server with this key is believed, whatever else it shows; or empty */
	const char *ca_file; /* PEM file of authorities instead of the system's; NULL permitted */
};

/* ERR_USAGE (a pin of another length), ERR_TLS (the file of authorities). */
int tls_client_new(const struct tls_client_config *config, struct tls_client **client_out, struct error *e);
void tls_client_free(struct tls_client *t);

/*
 * A new ECDSA P-256 key and a certificate that it signs itself for these host
 * names (the first one is the subject's common name too), valid from a day
 * before now (unix seconds) for ten years. Both as PEM, appended.
 */
int tls_self_signed(const char *const *names, size_t name_count, uint64_t now, struct buf *certificate_out,
    struct buf *key_out, struct error *e);
/* The pin of the first certificate of PEM text. */
int tls_certificate_pin(struct slice pem, uint8_t pin_out[TLS_PIN_SIZE], struct error *e);
/*
 * What senders that check DANE will make of a chain (PEM, the server's first)
 * beside TLSA records (RDATA), as RFC 7672 section 3.1 has them. ERR_SYNTAX: this
 * is no certificate.
 */
enum { TLSA_DANE_TA = 2, TLSA_DANE_EE = 3 };              /* the first octet of RDATA: an authority's key, or ours */
enum { TLSA_CERTIFICATE = 0, TLSA_SPKI = 1 };             /* the second: what of it */
enum { TLSA_FULL = 0, TLSA_SHA256 = 1, TLSA_SHA512 = 2 }; /* the third: the octets, or their digest */
enum tls_tlsa {
	TLS_TLSA_UNUSABLE, /* no record can be used: nothing is compared */
	TLS_TLSA_MATCHES,
	TLS_TLSA_FAILS, /* no mail comes from them */
};
int
tls_chain_tlsa(struct slice pem, const struct slice *records, size_t record_count, enum tls_tlsa *out, struct error *e);
/* When its validity ends, in unix seconds. */
int tls_certificate_ends(struct slice pem, uint64_t *unix_out, struct error *e);
/* Whether the first certificate of PEM text is good for a host name (RFC 9525 section 6). ERR_SYNTAX. */
int tls_certificate_covers(struct slice pem, const char *name, bool *covers_out, struct error *e);
/* Whether nobody but itself vouches for it. ERR_SYNTAX. */
int tls_certificate_is_own(struct slice pem, bool *own_out, struct error *e);

/*
 * The name of a protocol version or cipher that another process told, as a
 * constant NUL-terminated text. At most TLS_NAMES_MAX different ones are kept;
 * the others, and what is not printable ASCII without spaces, are "other".
 */
#define TLS_NAMES_MAX 64u
const char *tls_name_keep(struct slice name);

/* 64 lower-case hex digits and a NUL. */
#define TLS_PIN_TEXT (TLS_PIN_SIZE * 2 + 1)
void tls_pin_text(const uint8_t pin[TLS_PIN_SIZE], char text_out[TLS_PIN_TEXT]);
/* Reads 64 hex digits (colons and spaces between are permitted) or "sha256//" and base64. ERR_SYNTAX. */
int tls_pin_parse(struct slice text, uint8_t pin_out[TLS_PIN_SIZE], struct error *e);

#endif
