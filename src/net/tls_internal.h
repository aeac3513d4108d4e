/* SPDX-License-Identifier: ISC */
/*
 * libssl for net's own files: one TLS connection's SSL object and its
 * input and output, with every result turned into one enum.
 */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "net/conn.h"
#include "net/tls.h"
#include "net/tls_outgoing.h"

enum io_result {
	IO_OK,
	IO_WANT_READ,
	IO_WANT_WRITE,
	IO_EOF,   /* the peer said that it ends */
	IO_ERROR, /* the connection is lost, or TLS is broken */
};

/* A server's or client's SSL for a connected, non-blocking socket; it does not own the socket. NULL without memory. */
SSL *tls_accept_new(struct tls_server *t, int fd);
/* host: for SNI and the certificate's name. */
SSL *tls_connect_new(const struct tls_client *t, int fd, const char *host);

/*
 * The client's SSL that is to meet such a server (net/tls_outgoing.h). NULL without memory, or when a name or all TLSA records
 * cannot be used. After the handshake, before anything is sent: ERR_TLS when it is not what was needed; facts in both cases.
 */
SSL *tls_outgoing_ssl(const struct tls_outgoing_config *config, int fd);
int tls_outgoing_check(
    const struct tls_outgoing_config *config, SSL *ssl, struct tls_outgoing_facts *facts_out, struct error *e);
/* A client's context without authorities. NULL: libssl makes none. */
SSL_CTX *tls_client_context(void);
/* The pin of a certificate; not 0: it has none. */
int tls_pin_of(X509 *x, uint8_t pin_out[TLS_PIN_SIZE]);

/* Connects ssl with the socket, such that writing to a closed one is an error and no signal. */
bool tls_attach(SSL *ssl, int fd);

enum io_result tls_handshake(SSL *ssl);
enum io_result tls_read(SSL *ssl, void *data, size_t len, size_t *got);
enum io_result tls_write(SSL *ssl, const void *data, size_t len, size_t *put);
/* Sends close_notify as far as the socket takes it. */
void tls_shutdown(SSL *ssl);

/*
 * Channel binding data of the connection, the same at both ends: octets written (CONN_EXPORTER_SIZE; at most
 * CONN_END_POINT_MAX), or 0 when it has none. The handshake is done.
 */
size_t tls_exporter(SSL *ssl, uint8_t *out);
size_t tls_end_point(SSL *ssl, uint8_t *out);

/* The same for the bare socket. */
enum io_result fd_read(int fd, void *data, size_t len, size_t *got);
enum io_result fd_write(int fd, const void *data, size_t len, size_t *put);

/*
 * After the client's handshake, before anything is sent: is it the server that
 * is meant? ERR_TLS when not; *peer_out (NULL permitted) describes it in both cases.
 */
int tls_check_peer(const struct tls_client *t, SSL *ssl, const char *host, struct tls_peer *peer_out, struct error *e);
/* Fills *peer from a certificate, its texts made harmless. */
void tls_describe(X509 *x, const char *reason, struct tls_peer *peer);
/* The last error of libcrypto or libssl as text, and the queue emptied. */
const char *tls_error_text(void);

#endif
