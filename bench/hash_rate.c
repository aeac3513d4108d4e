/* SPDX-License-Identifier: ISC */
/*
 * How many Argon2id hashes a second this machine makes on so many cores.
 *
 *   bench_hash_rate MEMORY-KIB PASSES LANES SECONDS THREADS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/kdf.h"
#include "os/clock.h"

#define THREADS_MAX 64u

static struct kdf_argon2 cost;
static int64_t end_ns;

static void *
work(void *arg)
{
	static const uint8_t salt[16] = "sixteen octets.";
	unsigned *count = arg;
	uint8_t out[32];

	for (; clock_ns() < end_ns; ++*count)
		if (kdf_argon2id(&cost, SLICE("pass"), slice_of(salt, sizeof salt), out, sizeof out, NULL) != 0)
			exit(1);
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	unsigned counts[THREADS_MAX] = { 0 }, total = 0, n;
	int64_t begin = clock_ns();

	if (argc != 6 || (n = (unsigned)strtoul(argv[5], NULL, 10)) == 0 || n > THREADS_MAX) {
		(void)fprintf(stderr, "usage: bench_hash_rate MEMORY-KIB PASSES LANES SECONDS THREADS\n");
		return 2;
	}
	cost.memory_kib = (uint32_t)strtoul(argv[1], NULL, 10);
	cost.passes = (uint32_t)strtoul(argv[2], NULL, 10);
	cost.lanes = (uint32_t)strtoul(argv[3], NULL, 10);
	end_ns = begin + (int64_t)(strtod(argv[4], NULL) * 1e9);
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, work, &counts[i]) != 0)
			return 1;
	for (unsigned i = 0; i < n; i++) {
		(void)pthread_join(threads[i], NULL);
		total += counts[i];
	}
	(void)printf("%.2f\n", total / ((double)(clock_ns() - begin) / 1e9));
	return 0;
}
