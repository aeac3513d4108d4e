/* SPDX-License-Identifier: ISC */
/*
 * New TLS 1.3 connections as fast as they come: connect, handshake, greeting,
 * LOGIN when a password is given, LOGOUT, close.
 *
 *   bench_tls_login PORT SECONDS WINDOW SOURCE [ACCOUNTS DOMAIN PASSWORD]
 *
 * WINDOW connections are open at once, each new one from another address
 * behind number SOURCE of 127.0.0.0/8. After SECONDS no new one is opened,
 * and those that are there are brought to their end, so that what they cost
 * the server is theirs. Prints "CONNECTIONS SECONDS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_lines.h"

#define WINDOW_MAX 1000u
#define SECONDS_MAX 120u
#define DRAIN_SECONDS 60
#define SOURCES 4096u /* after so many connections an address is used again */

enum step { GREETING, LOGIN, LOGOUT, DONE };

static struct tls_conn conns[WINDOW_MAX];
static unsigned window, source, opened, done, accounts;
static const char *domain, *password;
static double end;

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
open_one(struct tls_lines *t, struct tls_conn *c)
{
	c->index = opened++;
	tls_lines_open(t, c, source + c->index % SOURCES);
}

static void
say_login(struct tls_lines *t, struct tls_conn *c)
{
	char text[600];

	(void)snprintf(text, sizeof text, "a LOGIN \"user%u@%s\" \"%s\"\r\n", c->index % accounts, domain, password);
	tls_lines_say(t, c, text);
}

static void
finished(struct tls_lines *t, struct tls_conn *c)
{
	done++;
	tls_lines_close(c);
	if (now() < end)
		open_one(t, c);
}

static void
on_line(struct tls_lines *t, struct tls_conn *c)
{
	static const char *const wanted[] = { "* ", "a ", "b " };
	static const char *const good[] = { "* OK", "a OK", "b OK" };

	if (strncmp(c->line, wanted[c->step], 2) != 0)
		return;
	if (strncmp(c->line, good[c->step], 4) != 0) {
		(void)fprintf(stderr, "bench_tls_login: connection %u: %s\n", c->index, c->line);
		exit(1);
	}
	if (c->step == LOGOUT) {
		finished(t, c);
	} else if (c->step == GREETING && accounts > 0) {
		c->step = LOGIN;
		say_login(t, c);
	} else {
		c->step = LOGOUT;
		tls_lines_say(t, c, "b LOGOUT\r\n");
	}
}

static void
on_end(struct tls_lines *t, struct tls_conn *c)
{
	(void)t;
	(void)fprintf(stderr, "bench_tls_login: connection %u was closed in step %u\n", c->index, c->step);
	exit(1);
}

static void
run(struct tls_lines *t, double begin, double seconds)
{
	end = begin + seconds;
	for (unsigned i = 0; i < window; i++)
		open_one(t, &conns[i]);
	while (done < opened && now() < end + DRAIN_SECONDS)
		tls_lines_turn(t, 100);
	if (done < opened)
		tls_lines_fail("the last connections come to no end");
}

int
main(int argc, char **argv)
{
	struct tls_lines t;
	double begin, seconds;

	if (argc != 5 && argc != 8) {
		(void)fprintf(stderr, "usage: bench_tls_login PORT SECONDS WINDOW SOURCE [ACCOUNTS DOMAIN PASSWORD]\n");
		return 2;
	}
	seconds = tls_lines_number(argv[2], 1, SECONDS_MAX);
	window = tls_lines_number(argv[3], 1, WINDOW_MAX);
	source = tls_lines_number(argv[4], 0, 1000000);
	if (argc == 8) {
		accounts = tls_lines_number(argv[5], 1, 1000000);
		domain = argv[6];
		password = argv[7];
	}
	tls_lines_descriptors(window + 100);
	tls_lines_start(&t, tls_lines_number(argv[1], 1, 65535));
	t.on_line = on_line;
	t.on_end = on_end;
	begin = now();
	run(&t, begin, seconds);
	(void)printf("%u %.3f\n", done, now() - begin);
	return 0;
}
