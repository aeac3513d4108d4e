/* SPDX-License-Identifier: ISC */
/*
 * Puts messages into the queue of a data folder for a measurement, through the
 * store's own door.
 *
 *   bench_queue_fill FOLDER DOMAINS MESSAGES OCTETS
 *
 * Message n is of user0@bench.test, has a body of its own of so many octets, and
 * goes to one recipient at dNNN.test, where NNN is n modulo DOMAINS, in three digits
 * at least.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "store/engine.h"
#include "store/store.h"

#define IN_FLIGHT 256u
#define LIFETIME_S (5u * 86400)
#define OCTETS_MIN 512u
#define NAME_MAX_OCTETS 64u

struct fill {
	struct port *port;
	sem_t room;
	unsigned failures;
};

static void
must(int rc, const struct error *e)
{
	if (rc == 0)
		return;
	(void)fprintf(stderr, "bench_queue_fill: %s\n", e->text);
	exit(1);
}

static unsigned
number(const char *text)
{
	uint64_t n;

	if (!slice_to_u64(slice_str(text), UINT32_MAX, &n) || n == 0) {
		(void)fprintf(stderr, "bench_queue_fill: '%s' is not a number above 0\n", text);
		exit(2);
	}
	return (unsigned)n;
}

/* The length of its header. */
static uint32_t
write_message(char *out, size_t octets, unsigned n)
{
	size_t at = (size_t)snprintf(out, octets,
	    "From: user0@bench.test\r\nTo: undisclosed-recipients:;\r\nSubject: message %u\r\n"
	    "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <bench.%u@bench.test>\r\n\r\n",
	    n, n);
	uint32_t head = (uint32_t)at;

	for (; at + 2 <= octets; at += 78) {
		size_t line = octets - at < 78 + 2 ? octets - at : 78;

		memset(out + at, 'x', line - 2);
		memcpy(out + at + line - 2, "\r\n", 2);
		if (line != 78)
			break;
	}
	return head;
}

static void
kept(void *ctx, const void *reply, const struct error *e)
{
	struct fill *f = ctx;

	if (reply == NULL) {
		(void)fprintf(stderr, "bench_queue_fill: %s\n", e->text);
		f->failures++;
	}
	(void)sem_post(&f->room);
}

static void
put(struct fill *f, char *text, size_t octets, unsigned n, unsigned domains)
{
	char address[NAME_MAX_OCTETS * 2], domain[NAME_MAX_OCTETS];
	struct store_queue_to to;
	struct store_queue_letter in = { .content = { .data = { (const uint8_t *)text, octets } } };
	struct error e;

	(void)snprintf(domain, sizeof domain, "d%03u.test", n % domains);
	(void)snprintf(address, sizeof address, "user%u@%s", n, domain);
	to = (struct store_queue_to){ .address = slice_str(address), .domain = slice_str(domain) };
	in.content.header_size = write_message(text, octets, n);
	in.out.sender = SLICE("user0@bench.test");
	in.out.lifetime_s = LIFETIME_S;
	in.out.recipients = &to;
	in.out.recipient_count = 1;
	(void)sem_wait(&f->room);
	must(store_queue_put_submit(f->port, &in, kept, f, &e), &e);
}

int
main(int argc, char **argv)
{
	unsigned domains, messages, octets;
	struct fill f = { 0 };
	struct store *s;
	struct error e;
	char *text;

	if (argc != 5 || (octets = number(argv[4])) < OCTETS_MIN || octets > STORE_INLINE_MAX) {
		(void)fprintf(stderr,
		    "usage: bench_queue_fill FOLDER DOMAINS MESSAGES OCTETS\nOCTETS is from %u to %u\n", OCTETS_MIN,
		    STORE_INLINE_MAX);
		return 2;
	}
	domains = number(argv[2]);
	messages = number(argv[3]);
	if ((text = malloc(octets)) == NULL)
		return 1;
	must(store_open(&(struct store_options){ .folder = argv[1] }, &s, &e), &e);
	must(port_open_local(store_service(s), &f.port, &e), &e);
	(void)sem_init(&f.room, 0, IN_FLIGHT);
	for (unsigned n = 0; n < messages; n++)
		put(&f, text, octets, n, domains);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		(void)sem_wait(&f.room);
	port_close(f.port);
	store_close(s);
	free(text);
	return f.failures > 0;
}
