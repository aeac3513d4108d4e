/* SPDX-License-Identifier: ISC */
/*
 * A store that grows, and what it costs at each size; all through the store's own door.
 *
 *   bench_store_grow FOLDER DOMAIN
 *
 * Reads commands, one a line, from standard input; answers each with one line of "name value" pairs. Everything that
 * looks random comes from seeds, so that two runs make the same mail.
 *
 *   accounts COUNT             makes so many, when there are none: 1user@DOMAIN and so on, which cannot sign in
 *   fill MESSAGES MAILBOXES    delivers until so many messages are there; each body of 1 to 20 KiB is in so many INBOXes
 *   rate IN_FLIGHT MESSAGES    delivers so many more, each with a body of its own and one receiver
 *   list COUNT                 looks at so many INBOXes: the state, and the last 50 rows
 *   sync OCTETS COUNT          the disk: so many times {append OCTETS to a file, fdatasync}
 *   run IN_FLIGHT MAILBOXES    delivers until it is killed; a line for each thousand that were answered
 *
 * Answered are the messages there before, elapsed and CPU seconds of the whole process, octets written and read.
 */
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/clock.h"
#include "store/engine.h"
#include "store/store.h"

#define BODY_MIN 1024u
#define BODY_MAX 20480u
#define ACCOUNTS_MAX 1000000u
#define STRIDE 7919u        /* a prime */
#define MAILBOXES_MAX 100u  /* of one body while filling */
#define FILL_IN_FLIGHT 20u  /* calls, so that a batch is about a thousand rows */
#define IN_FLIGHT_MAX 1000u /* a thousand of the largest requests fit what a port may have unanswered */
#define SEED_FILL 1u
#define SEED_RATE 2u
#define SEED_LIST 3u
#define LIST_ROWS 50u
#define PROGRESS_EVERY 100000u /* messages */

struct grow {
	struct port *port;
	const char *folder;
	const char *domain;
	uint64_t *accounts;
	uint64_t account_count;
	uint64_t messages; /* answered or on their way */
	uint64_t state;    /* of the generator */
	char *text;
	sem_t room;
	atomic_ullong answered;
	atomic_uint failures;
	bool tell; /* run: progress on standard output */
};

struct usage {
	int64_t elapsed;
	double cpu;
	uint64_t written;
	uint64_t read;
};

static void
must(int rc, const struct error *e)
{
	if (rc == 0)
		return;
	(void)fprintf(stderr, "bench_store_grow: %s\n", e->text);
	exit(1);
}

/* splitmix64 */
static uint64_t
next(struct grow *g)
{
	uint64_t z = g->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void
seed(struct grow *g, uint64_t kind, uint64_t number)
{
	g->state = kind << 56 ^ number;
}

/* ---- the mail ---- */

/* A message whose size and text follow from the generator's state; its header's octets. */
static uint32_t
write_message(struct grow *g, size_t *octets_out)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz      eeaaoittnnsrhl,.ABCDEFGHIJKLMNOP";
	size_t octets = BODY_MIN + next(g) % (BODY_MAX - BODY_MIN + 1);
	uint64_t name = next(g), letters = 0;
	int head = snprintf(g->text, octets,
	    "From: Sender %u <sender%u@client.test>\r\nTo: undisclosed-recipients:;\r\nSubject: message %016llx\r\n"
	    "Date: Mon, 23 Nov 2026 %02u:%02u:%02u +0000\r\nMessage-ID: <%016llx@client.test>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n",
	    (unsigned)(name % 97), (unsigned)(name % 97), (unsigned long long)name, (unsigned)(name / 3600 % 24),
	    (unsigned)(name / 60 % 60), (unsigned)(name % 60), (unsigned long long)name);

	for (size_t at = (size_t)head; at < octets; at++) {
		if (at % 10 == 0)
			letters = next(g);
		g->text[at] = alphabet[letters & 63];
		letters >>= 6;
	}
	for (size_t at = (size_t)head + 76; at + 1 < octets; at += 78) {
		g->text[at] = '\r';
		g->text[at + 1] = '\n';
	}
	*octets_out = octets;
	return (uint32_t)head;
}

static void
delivered(void *ctx, const void *reply, const struct error *e)
{
	struct grow *g = ctx;
	unsigned long long answered = atomic_fetch_add(&g->answered, 1) + 1;

	if (reply == NULL && atomic_fetch_add(&g->failures, 1) == 0)
		(void)fprintf(stderr, "bench_store_grow: %s\n", e->text);
	if (g->tell && answered % 1000 == 0) {
		(void)printf("answered %llu\n", answered);
		(void)fflush(stdout);
	}
	(void)sem_post(&g->room);
}

/* The next message, into so many INBOXes: neighbours, so that none is there twice. */
static void
deliver(struct grow *g, uint64_t mailboxes)
{
	struct store_target targets[MAILBOXES_MAX] = { 0 };
	struct store_deliver in = { .targets = targets, .target_count = mailboxes };
	uint64_t first = next(g) % g->account_count;
	size_t octets;
	struct error e;

	in.content.header_size = write_message(g, &octets);
	in.content.data = slice_of((const uint8_t *)g->text, octets);
	for (uint64_t i = 0; i < mailboxes; i++)
		targets[i].account = g->accounts[(first + i) % g->account_count];
	(void)sem_wait(&g->room);
	must(store_deliver_submit(g->port, &in, delivered, g, &e), &e);
	g->messages += mailboxes;
}

static void
wait_for_all(struct grow *g, unsigned in_flight)
{
	for (unsigned i = 0; i < in_flight; i++)
		(void)sem_wait(&g->room);
	if (atomic_load(&g->failures) > 0)
		exit(1);
}

/* ---- what it takes ---- */

/* "rchar" or "wchar": octets that went through read() or write(), of this process so far. */
static uint64_t
octets_of(const char *name)
{
	FILE *f = fopen("/proc/self/io", "re");
	size_t len = strlen(name);
	uint64_t octets = 0;
	char line[100];

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			octets = strtoull(line + len + 1, NULL, 10);
	}
	if (f != NULL)
		(void)fclose(f);
	return octets;
}

static struct usage
usage_now(void)
{
	struct usage u = { .elapsed = clock_ns(), .written = octets_of("wchar"), .read = octets_of("rchar") };
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	u.cpu =
	    (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
	return u;
}

static void
tell(uint64_t messages, const struct usage *from)
{
	struct usage to = usage_now();

	(void)printf("messages %llu elapsed %.6f cpu %.6f written %llu read %llu\n", (unsigned long long)messages,
	    (double)(to.elapsed - from->elapsed) / 1e9, to.cpu - from->cpu,
	    (unsigned long long)(to.written - from->written), (unsigned long long)(to.read - from->read));
}

/* ---- the commands ---- */

static void
account_made(void *ctx, const void *reply, const struct error *e)
{
	struct grow *g = ctx;

	if (reply == NULL && atomic_fetch_add(&g->failures, 1) == 0)
		(void)fprintf(stderr, "bench_store_grow: %s\n", e->text);
	(void)sem_post(&g->room);
}

/* Whatever is there. */
static void
load_accounts(struct grow *g)
{
	struct store_account_list in = { 0 };
	struct store_account_rows rows;
	struct error e;

	g->account_count = 0;
	do {
		struct arena a ARENA_OWNED = { 0 };

		arena_init(&a, (size_t)64 << 20);
		must(store_account_list(g->port, &in, &a, &rows, &e), &e);
		for (size_t i = 0; i < rows.row_count && g->account_count < ACCOUNTS_MAX; i++)
			in.after = g->accounts[g->account_count++] = rows.rows[i].account;
	} while (rows.more);
}

/* Neighbours by name are not neighbours in the database: a load that goes by names is spread like real mail. */
static void
make_accounts(struct grow *g, uint64_t count, uint64_t unused)
{
	struct arena a ARENA_OWNED = { 0 };
	struct store_nothing none;
	struct error e;

	(void)unused;
	arena_init(&a, 1 << 20);
	must(store_domain_add(g->port, &(struct store_domain){ slice_str(g->domain) }, &a, &none, &e), &e);
	(void)sem_init(&g->room, 0, IN_FLIGHT_MAX);
	for (uint64_t i = 0; i < count && g->account_count == 0; i++) {
		struct arena one ARENA_OWNED = { 0 };
		struct store_account_create in = { 0 };

		arena_init(&one, 4096);
		in.address = arena_printf(&one, "%lluuser@%s", (unsigned long long)(i * STRIDE % count + 1), g->domain);
		(void)sem_wait(&g->room);
		must(store_account_create_submit(g->port, &in, account_made, g, &e), &e);
	}
	wait_for_all(g, IN_FLIGHT_MAX);
	load_accounts(g);
	(void)printf("accounts %llu\n", (unsigned long long)g->account_count);
}

static void
fill(struct grow *g, uint64_t messages, uint64_t mailboxes)
{
	struct usage from = usage_now();
	uint64_t shown = g->messages;

	if (mailboxes > g->account_count)
		mailboxes = g->account_count;
	seed(g, SEED_FILL, g->messages);
	(void)sem_init(&g->room, 0, FILL_IN_FLIGHT);
	while (g->messages < messages) {
		uint64_t left = messages - g->messages;

		deliver(g, left < mailboxes ? left : mailboxes);
		if (g->messages - shown >= PROGRESS_EVERY) {
			shown = g->messages;
			(void)fprintf(stderr, "\r  %llu messages, %.0f s ", (unsigned long long)shown,
			    (double)(clock_ns() - from.elapsed) / 1e9);
		}
	}
	wait_for_all(g, FILL_IN_FLIGHT);
	tell(g->messages, &from);
}

static void
rate(struct grow *g, uint64_t in_flight, uint64_t messages)
{
	uint64_t there = g->messages;
	struct usage from;

	seed(g, SEED_RATE, 0);
	(void)sem_init(&g->room, 0, (unsigned)in_flight);
	from = usage_now();
	for (uint64_t i = 0; i < messages; i++)
		deliver(g, 1);
	wait_for_all(g, (unsigned)in_flight);
	tell(there, &from);
}

static void
look(struct grow *g, uint64_t account)
{
	struct store_mailbox_state state;
	struct store_message_rows rows;
	struct store_message_list list = { .account = account };
	struct arena a ARENA_OWNED = { 0 };
	struct error e;

	arena_init(&a, (size_t)4 << 20);
	must(store_mailbox_get(g->port, &(struct store_mailbox_get){ account, 0, SLICE("INBOX") }, &a, &state, &e), &e);
	list.mailbox = state.mailbox.mailbox;
	list.first = state.mailbox.uidnext > LIST_ROWS ? state.mailbox.uidnext - LIST_ROWS : 1;
	must(store_message_list(g->port, &list, &a, &rows, &e), &e);
}

static void
list(struct grow *g, uint64_t count, uint64_t unused)
{
	struct usage from;

	(void)unused;
	seed(g, SEED_LIST, 0);
	from = usage_now();
	for (uint64_t i = 0; i < count; i++)
		look(g, g->accounts[next(g) % g->account_count]);
	tell(g->messages, &from);
}

static void
sync_rate(struct grow *g, uint64_t octets, uint64_t count)
{
	char path[4096], *data = calloc(1, octets);
	struct usage from;
	int fd;

	(void)snprintf(path, sizeof path, "%s/sync-rate", g->folder);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	from = usage_now();
	for (uint64_t i = 0; i < count && fd >= 0 && data != NULL; i++) {
		if (write(fd, data, octets) != (ssize_t)octets || fdatasync(fd) != 0)
			exit(1);
	}
	tell(g->messages, &from);
	free(data);
	(void)close(fd);
	(void)unlink(path);
}

static void
run(struct grow *g, uint64_t in_flight, uint64_t mailboxes)
{
	seed(g, SEED_FILL, g->messages);
	(void)sem_init(&g->room, 0, (unsigned)in_flight);
	g->tell = true;
	for (;;)
		deliver(g, mailboxes < g->account_count ? mailboxes : g->account_count);
}

static const struct command {
	const char *name;
	void (*act)(struct grow *g, uint64_t first, uint64_t second);
	uint64_t first_max, second_max;
} commands[] = {
	{ "accounts", make_accounts, ACCOUNTS_MAX, 0 },
	{ "fill", fill, UINT32_MAX, MAILBOXES_MAX },
	{ "rate", rate, IN_FLIGHT_MAX, UINT32_MAX },
	{ "list", list, UINT32_MAX, 0 },
	{ "sync", sync_rate, (uint64_t)1 << 30, UINT32_MAX },
	{ "run", run, IN_FLIGHT_MAX, MAILBOXES_MAX },
};

/* False: a line that is no command. */
static bool
act(struct grow *g, char *line)
{
	char *end = strchr(line, ' ');
	uint64_t first, second;

	if (end == NULL)
		return false;
	*end++ = 0;
	first = strtoull(end, &end, 10);
	second = strtoull(end, &end, 10);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct command *c = &commands[i];

		if (strcmp(line, c->name) != 0)
			continue;
		if (first == 0 || first > c->first_max || second > c->second_max || (second == 0 && c->second_max > 0))
			return false;
		if (g->account_count == 0 && c->act != make_accounts)
			return false;
		c->act(g, first, second);
		(void)fflush(stdout);
		return true;
	}
	return false;
}

static void
count_messages(struct grow *g)
{
	struct arena a ARENA_OWNED = { 0 };
	struct store_info info;
	struct error e;

	arena_init(&a, 1 << 20);
	must(store_info(g->port, &(struct store_nothing){ 0 }, &a, &info, &e), &e);
	g->messages = info.messages;
	(void)printf("messages %llu bodies %llu\n", (unsigned long long)info.messages, (unsigned long long)info.bodies);
	(void)fflush(stdout);
}

static void
say(void *ctx, const char *line)
{
	(void)ctx;
	(void)fprintf(stderr, "bench_store_grow: %s\n", line);
}

int
main(int argc, char **argv)
{
	struct grow g = { 0 };
	char line[200];
	struct store *s;
	struct error e;
	bool right = true;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: bench_store_grow FOLDER DOMAIN\n");
		return 2;
	}
	g.folder = argv[1];
	g.domain = argv[2];
	g.accounts = calloc(ACCOUNTS_MAX, sizeof *g.accounts);
	g.text = malloc(BODY_MAX);
	if (g.accounts == NULL || g.text == NULL)
		return 1;
	must(store_open(&(struct store_options){ .folder = argv[1], .say = say }, &s, &e), &e);
	must(port_open_local(store_service(s), &g.port, &e), &e);
	load_accounts(&g);
	count_messages(&g);
	while (right && fgets(line, sizeof line, stdin) != NULL)
		right = act(&g, line);
	if (!right)
		(void)fprintf(stderr, "bench_store_grow: '%s' is no command, or needs other numbers\n", line);
	port_close(g.port);
	store_close(s);
	free(g.accounts);
	free(g.text);
	return right ? 0 : 2;
}
