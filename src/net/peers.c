/* SPDX-License-Identifier: ISC */
#include "net/peers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

#define BUCKETS 4096u

struct peer {
	struct peer *next;
	struct peer_key key;
	uint32_t count;
};

struct peers {
	pthread_mutex_t lock;
	uint64_t hash_key[2];
	uint32_t total, total_max, each_max;
	struct peer *buckets[BUCKETS];
};

int
peers_new(uint32_t total_max, uint32_t each_max, struct peers **peers_out, struct error *e)
{
	struct peers *p = mem_alloc(sizeof *p);

	if (p == NULL)
		return error_nomem(e);
	if (getrandom(p->hash_key, sizeof p->hash_key, 0) != (ssize_t)sizeof p->hash_key) {
		mem_free(p);
		return error_set(e, ERR_IO, "the system gives no random octets");
	}
	(void)pthread_mutex_init(&p->lock, NULL);
	p->total_max = total_max;
	p->each_max = each_max;
	*peers_out = p;
	return 0;
}

void
peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct peer *x = p->buckets[i], *next; x != NULL; x = next) {
			next = x->next;
			mem_free(x);
		}
	}
	(void)pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

struct peer_key
peer_key_of(const struct sockaddr *address)
{
	struct peer_key key = { .family = 4 };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof v4);
		memcpy(key.bytes, &v4.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof v6);
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
			memcpy(key.bytes, v6.sin6_addr.s6_addr + 12, 4);
		} else {
			key.family = 6;
			memcpy(key.bytes, v6.sin6_addr.s6_addr, 8);
		}
	}
	return key;
}

static struct peer **
bucket_of(struct peers *p, struct peer_key key)
{
	uint64_t x;

	memcpy(&x, key.bytes, sizeof x);
	x = (x ^ p->hash_key[0] ^ key.family) * (p->hash_key[1] | 1);
	x = (x ^ x >> 29) * (p->hash_key[0] | 1);
	return &p->buckets[x >> 40 & (BUCKETS - 1)];
}

static struct peer **
find(struct peers *p, struct peer_key key)
{
	struct peer **at = bucket_of(p, key);

	while (*at != NULL && ((*at)->key.family != key.family || memcmp((*at)->key.bytes, key.bytes, 8) != 0))
		at = &(*at)->next;
	return at;
}

static int
add_locked(struct peers *p, struct peer_key key, struct error *e)
{
	struct peer **at = find(p, key);

	if (p->total >= p->total_max)
		return error_set(e, ERR_LIMIT, "all %u connections are in use", p->total_max);
	if (*at != NULL && (*at)->count >= p->each_max)
		return error_set(e, ERR_LIMIT, "this address has %u connections already", p->each_max);
	if (*at == NULL) {
		*at = mem_alloc(sizeof **at);
		if (*at == NULL)
			return error_nomem(e);
		(*at)->key = key;
	}
	(*at)->count++;
	p->total++;
	return 0;
}

int
peers_add(struct peers *p, struct peer_key key, struct error *e)
{
	int rc;

	(void)pthread_mutex_lock(&p->lock);
	rc = add_locked(p, key, e);
	(void)pthread_mutex_unlock(&p->lock);
	return rc;
}

void
peers_remove(struct peers *p, struct peer_key key)
{
	struct peer **at, *gone;

	(void)pthread_mutex_lock(&p->lock);
	at = find(p, key);
	gone = *at;
	if (gone != NULL) {
		p->total--;
		if (--gone->count == 0) {
			*at = gone->next;
			mem_free(gone);
		}
	}
	(void)pthread_mutex_unlock(&p->lock);
}

uint32_t
peers_total(struct peers *p)
{
	uint32_t total;

	(void)pthread_mutex_lock(&p->lock);
	total = p->total;
	(void)pthread_mutex_unlock(&p->lock);
	return total;
}
