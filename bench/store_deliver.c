/* SPDX-License-Identifier: ISC */
/*
 * How many messages a second the store takes durably, beside what the disk
 * can sync.
 *
 *   bench_store_deliver FOLDER [OCTETS [SECONDS]]
 *
 * FOLDER must be on the disk in question; it is made and left there. Prints
 * the rate of {append OCTETS to a file, fdatasync}, then of deliveries with
 * 1, 10, 100 and 1,000 calls in flight, and of looking at what was delivered,
 * with the CPU of each.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/clock.h"
#include "store/engine.h"
#include "store/store.h"

#define ACCOUNTS 20u

static uint8_t message[1 << 20];
static uint64_t accounts[ACCOUNTS];
static unsigned failures;

static void
must(int rc, const struct error *e)
{
	if (rc == 0)
		return;
	(void)fprintf(stderr, "bench: %s\n", e->text);
	exit(1);
}

static double
cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
sync_rate(const char *folder, size_t octets, double seconds)
{
	int64_t begin = clock_ns(), end = begin + (int64_t)(seconds * 1e9);
	char path[4096];
	unsigned n = 0;
	int fd;

	(void)snprintf(path, sizeof path, "%s/sync-rate", folder);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	for (; fd >= 0 && clock_ns() < end; n++) {
		if (write(fd, message, octets) != (ssize_t)octets || fdatasync(fd) != 0)
			break;
	}
	(void)printf("%-28s %9.0f /s\n", "append and fdatasync", n / ((double)(clock_ns() - begin) / 1e9));
	if (fd >= 0)
		(void)close(fd);
	(void)unlink(path);
}

static void
delivered(void *ctx, const void *reply, const struct error *e)
{
	(void)e;
	if (reply == NULL)
		failures++;
	(void)sem_post(ctx);
}

static void
deliver_rate(struct port *p, size_t octets, unsigned in_flight, double seconds)
{
	int64_t begin = clock_ns(), end = begin + (int64_t)(seconds * 1e9);
	double cpu = cpu_seconds(), took;
	unsigned n = 0;
	sem_t room;

	(void)sem_init(&room, 0, in_flight);
	while (clock_ns() < end) {
		struct store_target target = { accounts[n % ACCOUNTS], 0, 0 };
		struct store_deliver in = { .content = { .data = { message, octets }, .header_size = 100 },
			.targets = &target,
			.target_count = 1 };
		struct error e;

		(void)sem_wait(&room);
		must(store_deliver_submit(p, &in, delivered, &room, &e), &e);
		n++;
	}
	for (unsigned i = 0; i < in_flight; i++)
		(void)sem_wait(&room);
	took = (double)(clock_ns() - begin) / 1e9;
	(void)printf("deliver, %4u in flight        %9.0f /s   %6.1f us CPU each\n", in_flight, n / took,
	    (cpu_seconds() - cpu) * 1e6 / n);
}

static void
read_rate(struct port *p, double seconds)
{
	struct store_message_list list = { .account = accounts[0] };
	struct store_message_rows rows;
	struct store_mailbox_state state;
	struct arena a ARENA_OWNED = { 0 };
	int64_t begin = clock_ns();
	double cpu = cpu_seconds();
	unsigned n = 0;
	struct error e;

	arena_init(&a, (size_t)256 << 20);
	must(store_mailbox_get(p, &(struct store_mailbox_get){ accounts[0], 0, SLICE("INBOX") }, &a, &state, &e), &e);
	list.mailbox = state.mailbox.mailbox;
	for (; n == 0 || clock_ns() < begin + (int64_t)(seconds * 1e9); n += (unsigned)rows.row_count) {
		arena_done(&a);
		must(store_message_list(p, &list, &a, &rows, &e), &e);
	}
	(void)printf("list %6zu rows             %9.0f /s   %6.2f us CPU a row\n", rows.row_count,
	    n / ((double)(clock_ns() - begin) / 1e9), (cpu_seconds() - cpu) * 1e6 / n);
	n = 0;
	begin = clock_ns();
	cpu = cpu_seconds();
	for (; clock_ns() < begin + (int64_t)(seconds * 1e9); n++) {
		struct store_body_read in = { rows.rows[n % rows.row_count].body, 0, STORE_PIECE_MAX };
		struct store_body_data out;
		struct arena one ARENA_OWNED = { 0 };

		arena_init(&one, (size_t)4 << 20);
		must(store_body_read(p, &in, &one, &out, &e), &e);
	}
	(void)printf("read a body                 %9.0f /s   %6.1f us CPU each\n",
	    n / ((double)(clock_ns() - begin) / 1e9), (cpu_seconds() - cpu) * 1e6 / n);
}

static void
make_accounts(struct port *p)
{
	struct store_nothing none;
	struct store_account_id id;
	struct arena a ARENA_OWNED = { 0 };
	struct error e;

	arena_init(&a, 1 << 20);
	must(store_domain_add(p, &(struct store_domain){ SLICE("bench.example") }, &a, &none, &e), &e);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		struct store_account_create in = {
			.address = arena_printf(&a, "u%u-%d@bench.example", i, (int)getpid()), .verifier = SLICE("x")
		};

		must(store_account_create(p, &in, &a, &id, &e), &e);
		accounts[i] = id.account;
	}
}

int
main(int argc, char **argv)
{
	static const unsigned in_flight[] = { 1, 10, 100, 1000 };
	size_t octets = argc > 2 ? strtoul(argv[2], NULL, 10) : 20480;
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 3;
	struct store *s;
	struct port *p;
	struct error e;

	if (argc < 2 || octets == 0 || octets > sizeof message) {
		(void)fprintf(stderr, "usage: bench_store_deliver FOLDER [OCTETS [SECONDS]]\n");
		return 2;
	}
	for (size_t i = 0; i < octets; i++)
		message[i] = (uint8_t)(' ' + i * 31 % 90);
	must(store_open(&(struct store_options){ .folder = argv[1] }, &s, &e), &e);
	must(port_open_local(store_service(s), &p, &e), &e);
	make_accounts(p);
	sync_rate(argv[1], octets, seconds);
	for (size_t i = 0; i < sizeof in_flight / sizeof in_flight[0]; i++)
		deliver_rate(p, octets, in_flight[i], seconds);
	read_rate(p, seconds);
	port_close(p);
	store_close(s);
	if (failures > 0)
		(void)fprintf(stderr, "bench: %u deliveries failed\n", failures);
	return failures > 0;
}
