/* SPDX-License-Identifier: ISC */
/*
 * Holds many IMAP connections that selected INBOX and are in IDLE.
 *
 *   bench_imap_idle PORT FIRST COUNT ACCOUNTS PER-SOURCE WINDOW DOMAIN PASSWORD
 *
 * Connection n, from FIRST on, belongs to userM@DOMAIN with M = n modulo
 * ACCOUNTS; PER-SOURCE connections come from one address of 127.0.0.0/8;
 * WINDOW of them are on their way at once. When all are in IDLE it says
 * "ready SECONDS", and then takes commands from standard input:
 *
 *   clear          forgets which EXISTS came
 *   wait SECONDS   until each connection had an EXISTS; answers with lines
 *                  "CONNECTION NANOSECONDS" (CLOCK_MONOTONIC, the first one),
 *                  then "got N of M"
 *   quit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls_lines.h"

#define COUNT_MAX 18000u
#define READY_SECONDS 1500 /* an IDLE may end after 29 minutes */
#define QUIET_SECONDS 60   /* not one connection became ready for so long */

enum step { GREETING, LOGIN, SELECT, IDLE, IDLING };

static struct {
	struct tls_lines t;
	struct tls_conn *conns;
	int64_t *exists;
	unsigned first, count, accounts, per_source, window;
	unsigned opened, ready, told;
	int64_t last_ready, deadline; /* deadline 0: nobody waits */
	const char *domain, *password;
	bool quit;
} load;

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
open_more(void)
{
	while (load.opened < load.count && load.opened - load.ready < load.window) {
		struct tls_conn *c = &load.conns[load.opened++];

		c->index = load.first + (uint32_t)(c - load.conns);
		tls_lines_open(&load.t, c,
		    c->index % ((load.count + load.per_source - 1) / load.per_source) + load.first / load.per_source);
	}
}

static bool
begins(const struct tls_conn *c, const char *with)
{
	return strncmp(c->line, with, strlen(with)) == 0;
}

static void
refused(const struct tls_conn *c)
{
	(void)fprintf(stderr, "bench_imap_idle: connection %u: %s\n", c->index, c->line);
	exit(1);
}

static void
say_login(struct tls_lines *t, struct tls_conn *c)
{
	char text[600];

	(void)snprintf(text, sizeof text, "a LOGIN \"user%u@%s\" \"%s\"\r\n", c->index % load.accounts, load.domain,
	    load.password);
	tls_lines_say(t, c, text);
}

static void
note_exists(const struct tls_conn *c)
{
	int64_t *at = &load.exists[c - load.conns];
	size_t len = strlen(c->line);

	if (*at != 0 || len < 9 || strcmp(c->line + len - 7, " EXISTS") != 0)
		return;
	*at = now_ns();
	load.told++;
}

static void
on_line(struct tls_lines *t, struct tls_conn *c)
{
	static const char *const wanted[] = { "* OK", "a ", "b ", "+ " };
	static const char *const good[] = { "* OK", "a OK", "b OK", "+ " };

	if (c->step == IDLING) {
		note_exists(c);
		return;
	}
	if (!begins(c, wanted[c->step]) && (c->step != IDLE || !begins(c, "c ")))
		return;
	if (!begins(c, good[c->step]))
		refused(c);
	switch ((enum step)c->step++) {
	case GREETING:
		say_login(t, c);
		break;
	case LOGIN:
		tls_lines_say(t, c, "b SELECT INBOX\r\n");
		break;
	case SELECT:
		tls_lines_say(t, c, "c IDLE\r\n");
		break;
	case IDLE:
	case IDLING:
		load.ready++;
		load.last_ready = now_ns();
		break;
	}
}

static void
on_end(struct tls_lines *t, struct tls_conn *c)
{
	(void)t;
	c->line[c->length] = '\0';
	(void)fprintf(stderr, "bench_imap_idle: connection %u was closed in step %u\n", c->index, c->step);
	exit(1);
}

static void
answer_wait(void)
{
	for (unsigned i = 0; i < load.count; i++)
		if (load.exists[i] != 0)
			(void)printf("%u %lld\n", load.first + i, (long long)load.exists[i]);
	(void)printf("got %u of %u\n", load.told, load.count);
	(void)fflush(stdout);
	load.deadline = 0;
}

static void
on_input(struct tls_lines *t)
{
	char text[100];
	ssize_t n = read(STDIN_FILENO, text, sizeof text - 1);

	(void)t;
	text[n < 0 ? 0 : n] = '\0';
	if (n <= 0 || strncmp(text, "quit", 4) == 0) {
		load.quit = true;
	} else if (strncmp(text, "clear", 5) == 0) {
		memset(load.exists, 0, load.count * sizeof *load.exists);
		load.told = 0;
		(void)printf("cleared\n");
		(void)fflush(stdout);
	} else if (strncmp(text, "wait ", 5) == 0) {
		load.deadline = now_ns() + (int64_t)(strtod(text + 5, NULL) * 1e9);
	} else {
		tls_lines_fail("a command that is none");
	}
}

static void
set_up(void)
{
	int64_t begin = now_ns();

	load.last_ready = begin;
	while (load.ready < load.count) {
		open_more();
		tls_lines_turn(&load.t, 1000);
		if (now_ns() - load.last_ready > QUIET_SECONDS * (int64_t)1000000000 ||
		    now_ns() - begin > READY_SECONDS * (int64_t)1000000000)
			tls_lines_fail("the connections take too long");
	}
	(void)printf("ready %.2f\n", (double)(now_ns() - begin) / 1e9);
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	if (argc != 9) {
		(void)fprintf(
		    stderr, "usage: bench_imap_idle PORT FIRST COUNT ACCOUNTS PER-SOURCE WINDOW DOMAIN PASSWORD\n");
		return 2;
	}
	load.first = tls_lines_number(argv[2], 0, 1000000);
	load.count = tls_lines_number(argv[3], 1, COUNT_MAX);
	load.accounts = tls_lines_number(argv[4], 1, 1000000);
	load.per_source = tls_lines_number(argv[5], 1, COUNT_MAX);
	load.window = tls_lines_number(argv[6], 1, 1000);
	load.domain = argv[7];
	load.password = argv[8];
	load.conns = calloc(load.count, sizeof *load.conns);
	load.exists = calloc(load.count, sizeof *load.exists);
	if (load.conns == NULL || load.exists == NULL)
		return 1;
	tls_lines_descriptors(load.count + 100);
	tls_lines_start(&load.t, tls_lines_number(argv[1], 1, 65535));
	load.t.on_line = on_line;
	load.t.on_end = on_end;
	load.t.on_input = on_input;
	set_up();
	tls_lines_watch_input(&load.t);
	while (!load.quit) {
		tls_lines_turn(&load.t, load.deadline == 0 ? -1 : 50);
		if (load.deadline != 0 && (load.told == load.count || now_ns() > load.deadline))
			answer_wait();
	}
	for (unsigned i = 0; i < load.count; i++)
		tls_lines_close(&load.conns[i]);
	return 0;
}
