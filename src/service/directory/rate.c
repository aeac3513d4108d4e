/* SPDX-License-Identifier: ISC */
#include "service/directory/rate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "crypto/random.h"

#define SETS (RATE_BUCKETS / RATE_WAYS)
#define MINUTE_MS 60000u
#define KEY_SIZE 9u
/* One request costs a minute's milliseconds, and each millisecond brings per_minute of them: no fractions. */
#define COST ((uint64_t)MINUTE_MS)

struct bucket {
	uint64_t name; /* hash of the address; 0: nobody's */
	uint64_t left; /* in COST */
	int64_t at_ms; /* when left was true */
};

struct rate {
	uint64_t per_minute;
	uint8_t key[SIPHASH_KEY_SIZE];
	pthread_mutex_t mutex;
	struct bucket buckets[SETS][RATE_WAYS];
};

int
rate_new(uint32_t per_minute, struct rate **rate_out, struct error *e)
{
	struct rate *r = mem_alloc(sizeof *r);
	int rc;

	if (r == NULL)
		return error_nomem(e);
	rc = random_bytes(r->key, sizeof r->key, e);
	if (rc != 0) {
		mem_free(r);
		return rc;
	}
	r->per_minute = per_minute < RATE_PER_MINUTE_MAX ? per_minute : RATE_PER_MINUTE_MAX;
	(void)pthread_mutex_init(&r->mutex, NULL);
	*rate_out = r;
	return 0;
}

void
rate_free(struct rate *r)
{
	if (r == NULL)
		return;
	(void)pthread_mutex_destroy(&r->mutex);
	mem_free(r);
}

/* What of an address has a bucket: a family, and 4 or 8 octets. IPv4 mapped into IPv6 is IPv4. */
static void
key_of(struct slice peer, uint8_t key[KEY_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };
	char text[INET6_ADDRSTRLEN];
	uint8_t octets[16];
	size_t zone = slice_find(peer, '%'), len = zone < peer.len ? zone : peer.len;

	memset(key, 0, KEY_SIZE);
	if (len >= sizeof text)
		return;
	memcpy(text, peer.data, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, octets) == 1) {
		key[0] = 4;
		memcpy(key + 1, octets, 4);
	} else if (inet_pton(AF_INET6, text, octets) == 1 && memcmp(octets, mapped, sizeof mapped) == 0) {
		key[0] = 4;
		memcpy(key + 1, octets + 12, 4);
	} else if (inet_pton(AF_INET6, text, octets) == 1) {
		key[0] = 6;
		memcpy(key + 1, octets, 8);
	}
}

static void
fill(const struct rate *r, struct bucket *b, int64_t now_ms)
{
	uint64_t full = r->per_minute * COST;
	uint64_t passed = now_ms > b->at_ms ? (uint64_t)(now_ms - b->at_ms) : 0;

	b->left =
	    passed >= MINUTE_MS || b->left + passed * r->per_minute > full ? full : b->left + passed * r->per_minute;
	b->at_ms = now_ms > b->at_ms ? now_ms : b->at_ms;
}

/* With the mutex: the bucket of that name, filled up to now. */
static struct bucket *
bucket_find(struct rate *r, uint64_t name, int64_t now_ms)
{
	struct bucket *set = r->buckets[name % SETS], *fullest = set;

	for (size_t i = 0; i < RATE_WAYS; i++) {
		struct bucket *b = &set[i];

		if (b->name == name) {
			fill(r, b, now_ms);
			return b;
		}
		if (b->name != 0)
			fill(r, b, now_ms);
		if (fullest->name != 0 && (b->name == 0 || b->left > fullest->left))
			fullest = b;
	}
	*fullest = (struct bucket){ .name = name, .left = r->per_minute * COST, .at_ms = now_ms };
	return fullest;
}

uint32_t
rate_take(struct rate *r, struct slice peer, int64_t now_ms)
{
	uint8_t key[KEY_SIZE];
	struct bucket *b;
	uint64_t name, wait = 0;

	if (r->per_minute == 0)
		return 0;
	key_of(peer, key);
	name = siphash(r->key, slice_of(key, sizeof key)) | 1ull << 63;
	(void)pthread_mutex_lock(&r->mutex);
	b = bucket_find(r, name, now_ms);
	if (b->left >= COST)
		b->left -= COST;
	else
		wait = (COST - b->left) / r->per_minute + 1;
	(void)pthread_mutex_unlock(&r->mutex);
	return (uint32_t)((wait + 999) / 1000);
}
