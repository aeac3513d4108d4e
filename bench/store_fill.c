/* SPDX-License-Identifier: ISC */
/*
 * Fills a data folder for a measurement, through the store's own door.
 *
 *   bench_store_fill FOLDER DOMAIN ACCOUNTS MESSAGES OCTETS PASSWORD M T P
 *
 * Makes user0@DOMAIN and so on, whose verifier is Argon2id of PASSWORD with
 * memory M KiB, T passes and P lanes: a verifier carries its own cost, so
 * that a measurement can have cheap logins, or those of a peer. Each of the
 * MESSAGES of OCTETS is in every INBOX, one body for all. Fields differ:
 * "From: sender13@client.test" is in one of 97, "copper" in the subject of
 * one of 20. Accounts that are there already get the messages too.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "store/engine.h"
#include "store/store.h"

#define IN_FLIGHT 64u
#define SENDERS 97u

static const char *const words[] = { "meeting", "invoice", "budget", "harbour", "winter", "signal", "garden", "copper",
	"letter", "window", "planet", "bridge", "silver", "market", "travel", "summer", "orange", "river", "carbon",
	"pocket" };

struct fill {
	struct port *port;
	uint64_t *accounts;
	unsigned account_count, message_count;
	size_t octets;
	sem_t room;
	unsigned failures;
};

static void
must(int rc, const struct error *e)
{
	if (rc == 0)
		return;
	(void)fprintf(stderr, "bench_store_fill: %s\n", e->text);
	exit(1);
}

static unsigned
number(const char *text)
{
	uint64_t n;

	if (!slice_to_u64(slice_str(text), UINT32_MAX, &n)) {
		(void)fprintf(stderr, "bench_store_fill: '%s' is not a number\n", text);
		exit(2);
	}
	return (unsigned)n;
}

static void
put_unpadded(struct buf *out, const uint8_t *data, size_t len)
{
	(void)base64_write(out, slice_of(data, len));
	while (out->len > 0 && out->data[out->len - 1] == '=')
		buf_truncate(out, out->len - 1);
}

/* The PHC string that service/signin/auth.h reads; one salt for all accounts will do here. */
static void
make_verifier(const struct kdf_argon2 *cost, const char *password, struct buf *out)
{
	uint8_t salt[16], hash[32];
	struct error e;

	must(random_bytes(salt, sizeof salt, &e), &e);
	must(kdf_argon2id(cost, slice_str(password), slice_of(salt, sizeof salt), hash, sizeof hash, &e), &e);
	(void)buf_putf(out, "$argon2id$v=19$m=%u,t=%u,p=%u$", cost->memory_kib, cost->passes, cost->lanes);
	put_unpadded(out, salt, sizeof salt);
	(void)buf_put_u8(out, '$');
	put_unpadded(out, hash, sizeof hash);
}

static void
make_accounts(struct fill *f, const char *domain, struct slice verifier)
{
	struct store_nothing none;
	struct arena a ARENA_OWNED = { 0 };
	struct error e;

	arena_init(&a, 1 << 20);
	must(store_domain_add(f->port, &(struct store_domain){ slice_str(domain) }, &a, &none, &e), &e);
	for (unsigned i = 0; i < f->account_count; i++) {
		struct arena one ARENA_OWNED = { 0 };
		struct store_account_create in = { .verifier = verifier };
		struct store_account_id id;
		int rc;

		arena_init(&one, 1 << 20);
		in.address = arena_printf(&one, "user%u@%s", i, domain);
		rc = store_account_create(f->port, &in, &one, &id, &e);
		if (rc == ERR_EXISTS) {
			struct store_account there;

			must(store_account_get(
				 f->port, &(struct store_account_get){ .address = in.address }, &one, &there, &e),
			    &e);
			id.account = there.account;
		} else {
			must(rc, &e);
		}
		f->accounts[i] = id.account;
	}
}

static uint32_t
write_message(char *out, size_t octets, unsigned n)
{
	size_t count = sizeof words / sizeof words[0];
	int head = snprintf(out, octets,
	    "From: Sender %u <sender%u@client.test>\r\nTo: undisclosed-recipients:;\r\n"
	    "Subject: message %u %s\r\nDate: Mon, 23 Nov 2026 %02u:%02u:%02u +0000\r\nMessage-ID: "
	    "<bench.%u@client.test>\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
	    n, n % SENDERS, n, words[n % count], n / 3600 % 24, n / 60 % 60, n % 60, n);
	size_t at = (size_t)head;

	for (unsigned word = n; at < octets; at++) {
		const char *w = words[word % count];
		size_t take = strlen(w);

		if ((word++ - n) % 8 == 7 && at + 2 <= octets) {
			out[at] = '\r';
			out[++at] = '\n';
			continue;
		}
		if (take > octets - at)
			take = octets - at;
		memcpy(out + at, w, take);
		at += take;
		if (at < octets)
			out[at] = ' ';
	}
	return (uint32_t)head;
}

static void
stored(void *ctx, const void *reply, const struct error *e)
{
	struct fill *f = ctx;

	if (reply == NULL) {
		(void)fprintf(stderr, "bench_store_fill: %s\n", e->text);
		f->failures++;
	}
	(void)sem_post(&f->room);
}

static void
deliver(struct fill *f, char *text, unsigned n)
{
	struct store_target targets[STORE_TARGETS_MAX] = { 0 };
	struct store_deliver in = { .content = { .data = { (const uint8_t *)text, f->octets } }, .targets = targets };
	struct error e;

	in.content.header_size = write_message(text, f->octets, n);
	for (unsigned at = 0; at < f->account_count; at += (unsigned)in.target_count) {
		unsigned left = f->account_count - at;

		in.target_count = left < STORE_TARGETS_MAX ? left : STORE_TARGETS_MAX;
		for (unsigned i = 0; i < in.target_count; i++)
			targets[i].account = f->accounts[at + i];
		(void)sem_wait(&f->room);
		must(store_deliver_submit(f->port, &in, stored, f, &e), &e);
	}
}

static void
fill(struct fill *f)
{
	char *text = malloc(f->octets);

	if (text == NULL)
		exit(1);
	(void)sem_init(&f->room, 0, IN_FLIGHT);
	for (unsigned n = 0; n < f->message_count; n++)
		deliver(f, text, n);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		(void)sem_wait(&f->room);
	free(text);
}

int
main(int argc, char **argv)
{
	struct fill f = { 0 };
	struct kdf_argon2 cost;
	struct buf verifier;
	struct store *s;
	struct error e;

	if (argc != 10 || number(argv[5]) < 512 || number(argv[5]) > STORE_INLINE_MAX) {
		(void)fprintf(stderr,
		    "usage: bench_store_fill FOLDER DOMAIN ACCOUNTS MESSAGES OCTETS PASSWORD M T P\n"
		    "OCTETS is from 512 to %u\n",
		    STORE_INLINE_MAX);
		return 2;
	}
	f.account_count = number(argv[3]);
	f.message_count = number(argv[4]);
	f.octets = number(argv[5]);
	f.accounts = calloc(f.account_count + 1, sizeof *f.accounts);
	cost = (struct kdf_argon2){ number(argv[7]), number(argv[8]), number(argv[9]) };
	buf_init(&verifier, STORE_VERIFIER_MAX);
	make_verifier(&cost, argv[6], &verifier);
	must(store_open(&(struct store_options){ .folder = argv[1] }, &s, &e), &e);
	must(port_open_local(store_service(s), &f.port, &e), &e);
	make_accounts(&f, argv[2], buf_slice(&verifier));
	fill(&f);
	port_close(f.port);
	store_close(s);
	buf_done(&verifier);
	free(f.accounts);
	return f.failures > 0;
}
