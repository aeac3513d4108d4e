/* SPDX-License-Identifier: ISC */
#include "net/peers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static const struct peers_limits wide = { .total = 1000000, .each = 50, .prefix = 1000000 };

static struct peer_key
v4(uint32_t address)
{
	return (struct peer_key){ 4,
		{ (uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address } };
}

/* The n-th of many addresses, each in a prefix of its own. */
static struct peer_key
apart(uint32_t n)
{
	return v4(n << 8 | 7);
}

static struct peer_key
v6(uint8_t octet5, uint8_t octet7)
{
	return (struct peer_key){ 6, { 0x20, 0x01, 0x0d, 0xb8, 0, octet5, 0, octet7 } };
}

static void
keys(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(0xC0000201) } };
	struct sockaddr_in6 b = { .sin6_family = AF_INET6,
		.sin6_addr = { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 } } } };
	struct sockaddr_in6 c = { .sin6_family = AF_INET6,
		.sin6_addr = { { { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } } } };
	struct sockaddr d = { .sa_family = AF_UNIX };
	struct peer_key want = v4(0xC0000201), got;

	(void)state;
	got = peer_key_of((struct sockaddr *)&a);
	assert_memory_equal(&got, &want, sizeof got);
	got = peer_key_of((struct sockaddr *)&b);
	assert_memory_equal(&got, &want, sizeof got);
	want = (struct peer_key){ 6, { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4 } };
	got = peer_key_of((struct sockaddr *)&c);
	assert_memory_equal(&got, &want, sizeof got);
	want = (struct peer_key){ 0 };
	got = peer_key_of(&d);
	assert_memory_equal(&got, &want, sizeof got);
}

static void
limits(void **state)
{
	struct peers *p;
	struct error e;

	(void)state;
	assert_ok(peers_new(&(struct peers_limits){ 5, 2, 3 }, &p, &unit_error));
	assert_ok(peers_add(p, v4(0x0A000001), &unit_error));
	assert_ok(peers_add(p, v4(0x0A000001), &unit_error));
	assert_int_equal(peers_add(p, v4(0x0A000001), &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "this address has 2"));
	assert_ok(peers_add(p, v4(0x0A000002), &unit_error));
	assert_int_equal(peers_add(p, v4(0x0A000003), &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "network"));
	assert_ok(peers_add(p, v6(0, 1), &unit_error));
	assert_ok(peers_add(p, v6(0, 2), &unit_error));
	assert_int_equal(peers_add(p, v4(0x0B000001), &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "all 5"));
	assert_int_equal(peers_total(p), 5);
	peers_limits_set(p, &(struct peers_limits){ 100, 2, 3 });
	assert_ok(peers_add(p, v6(0, 3), &unit_error));
	assert_int_equal(peers_add(p, v6(0, 4), NULL), ERR_LIMIT); /* the /48 is full */
	assert_ok(peers_add(p, v6(1, 4), &unit_error));
	peers_remove(p, v4(0x0A000001));
	assert_ok(peers_add(p, v4(0x0A000003), &unit_error));
	assert_int_equal(peers_total(p), 7);
	assert_int_equal(peers_mine(p), 7);
	peers_free(p);
}

static void
open_views(int fd, uint32_t count, struct peers **p, const struct peers_limits *l)
{
	for (uint32_t i = 0; i < count; i++)
		assert_ok(peers_open(fd, i, l, &p[i], &unit_error));
}

static void
shared_and_cleared(void **state)
{
	struct peers *p[3], *parent, *none;
	int fd, files[2];

	(void)state;
	assert_int_equal(peers_share(0, &fd, NULL), ERR_USAGE);
	assert_int_equal(peers_share(65, &fd, NULL), ERR_USAGE);
	assert_ok(peers_share(3, &fd, &unit_error));
	open_views(fd, 3, p, &wide);
	assert_ok(peers_open(fd, PEERS_FRONT_NONE, &wide, &parent, &unit_error));
	assert_int_equal(peers_open(fd, 3, &wide, &none, NULL), ERR_USAGE);
	assert_int_equal(pipe(files), 0);
	assert_int_equal(peers_open(files[0], 0, &wide, &none, NULL), ERR_USAGE);
	assert_int_equal(peers_add(parent, apart(1), NULL), ERR_USAGE);

	for (uint32_t i = 0; i < 50; i++)
		assert_ok(peers_add(p[i % 3], apart(1), &unit_error));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(peers_add(p[i], apart(1), NULL), ERR_LIMIT);
	assert_int_equal(peers_total(parent), 50);
	assert_int_equal(peers_mine(p[2]), 16);
	peers_free(p[2]);
	peers_clear(parent, 2);
	peers_clear(parent, 77);
	assert_int_equal(peers_total(parent), 34);
	for (uint32_t i = 0; i < 16; i++)
		assert_ok(peers_add(p[0], apart(1), &unit_error));
	assert_int_equal(peers_add(p[1], apart(1), NULL), ERR_LIMIT);
	peers_free(p[0]);
	peers_free(p[1]);
	peers_free(parent);
	for (int i = 0; i < 2; i++)
		(void)close(files[i]);
	(void)close(fd);
}

/* ---- threads and processes ---- */

#define THREADS 8

struct hammer {
	struct peers *p;
	_Atomic int *inside;
	uint32_t seed;
};

/* Everybody wants one address that has room for half of them: never may more be inside. */
static void *
hammer(void *ctx)
{
	struct hammer *h = ctx;

	for (uint32_t i = 0; i < 4000; i++) {
		struct peer_key other = apart(h->seed * 5000 + i);

		if (peers_add(h->p, apart(1), NULL) == 0) {
			assert_true(++*h->inside <= THREADS / 2);
			--*h->inside;
			peers_remove(h->p, apart(1));
		}
		if (peers_add(h->p, other, NULL) == 0)
			peers_remove(h->p, other);
	}
	return NULL;
}

static void
threads(void **state)
{
	struct peers *p[2];
	struct hammer h[THREADS];
	pthread_t t[THREADS];
	_Atomic int inside = 0;
	int fd;

	(void)state;
	assert_ok(peers_share(2, &fd, &unit_error));
	open_views(fd, 2, p, &(struct peers_limits){ 1000, THREADS / 2, 1000 });
	for (uint32_t i = 0; i < THREADS; i++) {
		h[i] = (struct hammer){ p[i % 2], &inside, i + 1 };
		assert_int_equal(pthread_create(&t[i], NULL, hammer, &h[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	assert_int_equal(peers_total(p[0]), 0);
	peers_limits_set(p[0], &(struct peers_limits){ 1000, 1, 1 });
	assert_ok(peers_add(p[0], apart(1), &unit_error)); /* nothing was left behind in any cell */
	peers_free(p[0]);
	peers_free(p[1]);
	(void)close(fd);
}

/* Four fronts fill one address, die without a word, and everything is given back. */
static void
processes(void **state)
{
	struct peers *parent;
	pid_t children[4];
	int fd, status;

	(void)state;
	assert_ok(peers_share(4, &fd, &unit_error));
	assert_ok(peers_open(fd, PEERS_FRONT_NONE, &wide, &parent, &unit_error));
	for (uint32_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct peers *p;
			int in = 0;

			if (peers_open(fd, i, &wide, &p, NULL) != 0)
				_exit(200);
			for (int n = 0; n < 1000; n++)
				in += peers_add(p, apart(9), NULL) == 0;
			_exit(in);
		}
	}
	for (uint32_t i = 0, sum = 0; i < 4; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		sum += (uint32_t)WEXITSTATUS(status);
		if (i == 3) {
			assert_int_equal(sum, 50);
			assert_int_equal(peers_total(parent), 50);
		}
	}
	for (uint32_t i = 0; i < 4; i++)
		peers_clear(parent, i);
	assert_int_equal(peers_total(parent), 0);
	peers_free(parent);
	(void)close(fd);
}

/* ---- a front that was taken over ---- */

static void
nonsense_in_the_mapping(void **state)
{
	struct peers *p[3];
	struct stat st;
	int fd;

	(void)state;
	assert_ok(peers_share(2, &fd, &unit_error));
	open_views(fd, 2, p, &wide);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_not_equal(ftruncate(fd, 0), 0); /* or the others would die of SIGBUS */
	assert_int_not_equal(ftruncate(fd, st.st_size * 2), 0);
	for (int round = 0; round < 3; round++) {
		uint8_t *all = mmap(NULL, (size_t)st.st_size, PROT_WRITE, MAP_SHARED, fd, 0);

		assert_true(all != MAP_FAILED);
		for (uint32_t i = 0; i < 20; i++)
			(void)peers_add(p[i % 2], apart(i), NULL);
		memset(all, round == 0 ? 0xff : round == 1 ? 0 : 0xa5, (size_t)st.st_size);
		for (uint32_t i = 0; i < 200; i++)
			if (peers_add(p[i % 2], apart(i), NULL) == 0 || i % 3 == 0)
				peers_remove(p[i % 2], apart(i));
		assert_ok(peers_open(fd, 1, &wide, &p[2], &unit_error));
		(void)peers_add(p[2], apart(1), NULL);
		peers_free(p[2]);
		peers_clear(p[0], 0);
		peers_clear(p[0], 1);
		assert_int_equal(peers_total(p[0]), 0);
		while (peers_mine(p[0]) > 0)
			peers_remove(p[0], apart(1)); /* stops at nothing */
		assert_ok(peers_add(p[0], apart(3), &unit_error));
		(void)munmap(all, (size_t)st.st_size);
	}
	peers_free(p[0]);
	peers_free(p[1]);
	(void)close(fd);
}

/* ---- how wrong it is with 100,000 connections ---- */

static void
false_refusals(void **state)
{
	static const struct {
		uint32_t addresses, each;
	} rows[] = { { 100000, 1 }, { 10000, 10 }, { 4000, 25 }, { 2000, 50 } };
	enum { FRONTS = 8, NEWCOMERS = 20000 };

	(void)state;
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct peers *p[FRONTS];
		uint32_t refused = 0, places = 0;
		int fd;

		assert_ok(peers_share(FRONTS, &fd, &unit_error));
		open_views(fd, FRONTS, p, &wide);
		for (uint32_t i = 0; i < rows[r].addresses; i++)
			for (uint32_t n = 0; n < rows[r].each; n++)
				(void)peers_add(p[(i + n) % FRONTS], apart(i), NULL);
		assert_true(peers_total(p[0]) > 98000); /* some near the limit get one fewer */
		for (uint32_t i = 0; i < NEWCOMERS; i++) {
			if (peers_add(p[i % FRONTS], apart(1000000 + i), NULL) != 0)
				refused++;
			else
				peers_remove(p[i % FRONTS], apart(1000000 + i));
		}
		for (uint32_t i = 0; i < 100; i++) {
			uint32_t n = 0;

			while (n < 50 && peers_add(p[0], apart(2000000 + i), NULL) == 0)
				n++;
			places += n;
			while (n-- > 0)
				peers_remove(p[0], apart(2000000 + i));
		}
		printf("# %u addresses with %u: %u of %u newcomers refused, %.2f places on average\n",
		    rows[r].addresses, rows[r].each, refused, NEWCOMERS, places / 100.0);
		assert_int_equal(refused, 0);
		assert_true(places > 4750);
		for (size_t i = 0; i < FRONTS; i++)
			peers_free(p[i]);
		(void)close(fd);
	}
}

UNIT_MAIN(UNIT_TEST(keys), UNIT_TEST(limits), UNIT_TEST(shared_and_cleared), UNIT_TEST(threads), UNIT_TEST(processes),
    UNIT_TEST(nonsense_in_the_mapping), UNIT_TEST(false_refusals))
