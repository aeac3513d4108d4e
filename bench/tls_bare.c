/* SPDX-License-Identifier: ISC */
/*
 * What libssl itself can do: takes TLS 1.3 connections, greets, reads one
 * line, says goodbye. The limit of script/bench login.
 *
 *   bench_tls_bare CERTIFICATE KEY THREADS
 *
 * Listens on a free port of 127.0.0.1 and says "port N"; ends with standard
 * input. Each thread has one connection at a time.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_lines.h"

#define THREADS_MAX 64u
#define BACKLOG 512
#define STACK_SIZE (256u << 10)

static const char greeting[] = "* OK ready\r\n", goodbye[] = "* BYE\r\nb OK\r\n";
static SSL_CTX *ctx;
static int listening;

static void
serve(int fd)
{
	SSL *ssl = SSL_new(ctx);
	char line[200];

	if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
	    SSL_write(ssl, greeting, sizeof greeting - 1) > 0 && SSL_read(ssl, line, sizeof line) > 0 &&
	    SSL_write(ssl, goodbye, sizeof goodbye - 1) > 0)
		(void)SSL_shutdown(ssl);
	SSL_free(ssl);
}

static void *
work(void *arg)
{
	int one = 1;

	(void)arg;
	for (;;) {
		int fd = accept(listening, NULL, NULL);

		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		serve(fd);
		(void)close(fd);
	}
	return NULL;
}

static void
make_context(const char *certificate, const char *key)
{
	ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1 || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		tls_lines_fail("no TLS context");
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

static void
start_listening(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof here;

	listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listening < 0 || bind(listening, (struct sockaddr *)&here, sizeof here) != 0 ||
	    listen(listening, BACKLOG) != 0 || getsockname(listening, (struct sockaddr *)&here, &len) != 0)
		tls_lines_fail("no listening socket");
	(void)printf("port %u\n", ntohs(here.sin_port));
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	pthread_attr_t attributes;
	pthread_t thread;
	unsigned threads;
	char c;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: bench_tls_bare CERTIFICATE KEY THREADS\n");
		return 2;
	}
	threads = tls_lines_number(argv[3], 1, THREADS_MAX);
	(void)signal(SIGPIPE, SIG_IGN);
	make_context(argv[1], argv[2]);
	start_listening();
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&thread, &attributes, work, NULL) != 0)
			return 1;
	while (read(STDIN_FILENO, &c, 1) > 0) {
	}
	return 0;
}
