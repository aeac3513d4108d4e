/* SPDX-License-Identifier: ISC */
/*
 * Many TLS 1.3 connections of one load process that speak lines: one epoll
 * loop, one SSL object and the beginning of the line under way for each.
 * Whom it connects to and from where is on 127.0.0.0/8, always. The other
 * side's certificate is not looked at. What it cannot do ends the process
 * with a sentence.
 *
 *   tls_lines_start(&t, port); t.on_line = ...; t.on_end = ...;
 *   tls_lines_open(&t, &conn, source);       source: a number for the address it comes from
 *   while (...) tls_lines_turn(&t, milliseconds);
 */
#ifndef BENCH_TLS_LINES_H
#define BENCH_TLS_LINES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#define TLS_LINES_KEPT 120u /* octets of a line that are kept; the rest is dropped */

struct tls_conn {
	SSL *ssl;
	int fd;
	uint32_t life;  /* how often it was opened and closed: a freed SSL's address comes back */
	uint32_t index; /* the caller's */
	uint8_t step;   /* the caller's; 0 when it is opened */
	bool up;        /* the handshake is done */
	uint8_t length;
	char line[TLS_LINES_KEPT + 1];
};

struct tls_lines {
	int epoll;
	SSL_CTX *ctx;
	struct sockaddr_in server;
	/* A line without its CRLF, NUL-terminated. May close the connection. */
	void (*on_line)(struct tls_lines *t, struct tls_conn *c);
	/* The other side closed, or the network failed; it is closed here already. */
	void (*on_end)(struct tls_lines *t, struct tls_conn *c);
	/* Standard input has something; NULL: it is not looked at. */
	void (*on_input)(struct tls_lines *t);
};

void tls_lines_start(struct tls_lines *t, unsigned port);
void tls_lines_watch_input(struct tls_lines *t);
void tls_lines_open(struct tls_lines *t, struct tls_conn *c, uint32_t source);
/* Short texts only: what the socket does not take at once is a failure. */
void tls_lines_say(struct tls_lines *t, struct tls_conn *c, const char *text);
void tls_lines_close(struct tls_conn *c);
void tls_lines_turn(struct tls_lines *t, int wait_ms);
/* Raises the limit of descriptors; a sentence when the system does not let it. */
void tls_lines_descriptors(unsigned count);

_Noreturn void tls_lines_fail(const char *what) __attribute__((cold));
/* A number of the command line, from least to most. */
unsigned tls_lines_number(const char *text, unsigned least, unsigned most);

#endif
