/* SPDX-License-Identifier: ISC */
#include "net/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/siphash.h"

#define ROWS_MAX PEERS_ADDRESS_ROWS
#define CELLS (PEERS_ADDRESS_ROWS * PEERS_ADDRESS_CELLS + PEERS_PREFIX_ROWS * PEERS_PREFIX_CELLS)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* A cell's counters of all fronts stand side by side: a look at one cell is a look at one or two cache lines. */
struct table {
	_Alignas(4096) uint8_t key[SIPHASH_KEY_SIZE];
	struct {
		_Alignas(64) _Atomic uint32_t count;
	} totals[PEERS_FRONTS_MAX];
	_Alignas(4096) _Atomic uint16_t counters[]; /* CELLS times the number of fronts */
};

struct peers {
	struct table *table;
	size_t size;
	uint32_t fronts, front;        /* our own copies: nothing of this is taken from the mapping again */
	uint8_t key[SIPHASH_KEY_SIZE]; /* likewise */
	_Atomic uint32_t mine;
	_Atomic uint32_t total_max, each_max, prefix_max;
};

/* One of the two sketches. */
struct sketch {
	uint8_t id;
	uint32_t rows, cells; /* cells of a row, a power of two up to 65536 */
	size_t first;         /* cells of the table before it */
	size_t v4_octets, v6_octets;
};

static const struct sketch by_address = { 0, PEERS_ADDRESS_ROWS, PEERS_ADDRESS_CELLS, 0, 4, 8 };
static const struct sketch by_prefix = { 1, PEERS_PREFIX_ROWS, PEERS_PREFIX_CELLS,
	(size_t)PEERS_ADDRESS_ROWS *PEERS_ADDRESS_CELLS, 3, 6 };

/* ---- making ---- */

static size_t
table_size(uint32_t fronts)
{
	return sizeof(struct table) + (size_t)fronts * CELLS * sizeof(uint16_t);
}

/* The file's size is sealed, so it can say how many fronts there are; what is in it could not. */
static uint32_t
fronts_of(int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0)
		for (uint32_t n = 1; n <= PEERS_FRONTS_MAX; n++)
			if ((size_t)st.st_size == table_size(n))
				return n;
	return 0;
}

static int
random_key(uint8_t key[SIPHASH_KEY_SIZE], struct error *e)
{
	if (getrandom(key, SIPHASH_KEY_SIZE, 0) != (ssize_t)SIPHASH_KEY_SIZE)
		return error_set(e, ERR_IO, "the system gives no random octets");
	return 0;
}

/* fd -1: memory of this process alone. */
static int
map(int fd, uint32_t fronts, struct table **table_out, struct error *e)
{
	void *table = mmap(NULL, table_size(fronts), PROT_READ | PROT_WRITE,
	    fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);

	if (table == MAP_FAILED)
		return error_set_errno(e, ERR_NOMEM, errno, "no memory for counting connections");
	*table_out = table;
	return 0;
}

static int
view_new(int fd, uint32_t fronts, uint32_t front, const struct peers_limits *limits, struct peers **peers_out,
    struct error *e)
{
	struct peers *p = mem_alloc(sizeof *p);
	int rc;

	if (p == NULL)
		return error_nomem(e);
	rc = map(fd, fronts, &p->table, e);
	if (rc == 0 && fd < 0)
		rc = random_key(p->table->key, e);
	if (rc != 0) {
		if (p->table != NULL)
			(void)munmap(p->table, table_size(fronts));
		mem_free(p);
		return rc;
	}
	p->size = table_size(fronts);
	p->fronts = fronts;
	p->front = front;
	memcpy(p->key, p->table->key, sizeof p->key);
	peers_limits_set(p, limits);
	*peers_out = p;
	return 0;
}

int
peers_new(const struct peers_limits *limits, struct peers **peers_out, struct error *e)
{
	return view_new(-1, 1, 0, limits, peers_out, e);
}

/* Size, seals and the key. */
static int
fill(int fd, uint32_t fronts, struct error *e)
{
	uint8_t key[SIPHASH_KEY_SIZE];
	int rc = random_key(key, e);

	if (rc != 0)
		return rc;
	if (ftruncate(fd, (off_t)table_size(fronts)) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0 ||
	    pwrite(fd, key, sizeof key, offsetof(struct table, key)) != (ssize_t)sizeof key)
		return error_set_errno(e, ERR_IO, errno, "no shared memory for counting connections");
	return 0;
}

int
peers_share(uint32_t fronts, int *fd_out, struct error *e)
{
	int fd, rc;

	if (fronts == 0 || fronts > PEERS_FRONTS_MAX)
		return error_set(
		    e, ERR_USAGE, "%u processes cannot share their counts: 1 to %u can", fronts, PEERS_FRONTS_MAX);
	fd = memfd_create("letterlock-peers", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_set_errno(e, ERR_IO, errno, "no shared memory for counting connections");
	rc = fill(fd, fronts, e);
	if (rc != 0)
		(void)close(fd);
	else
		*fd_out = fd;
	return rc;
}

int
peers_open(int fd, uint32_t front, const struct peers_limits *limits, struct peers **peers_out, struct error *e)
{
	uint32_t fronts = fronts_of(fd);

	if (fronts == 0)
		return error_set(e, ERR_USAGE, "this descriptor is no shared count of connections");
	if (front != PEERS_FRONT_NONE && front >= fronts)
		return error_set(e, ERR_USAGE, "there are %u counts of connections, and none for %u", fronts, front);
	return view_new(fd, fronts, front, limits, peers_out, e);
}

void
peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	(void)munmap(p->table, p->size);
	mem_free(p);
}

void
peers_limits_set(struct peers *p, const struct peers_limits *limits)
{
	atomic_store(&p->total_max, limits->total);
	atomic_store(&p->each_max, limits->each);
	atomic_store(&p->prefix_max, limits->prefix);
}

struct peer_key
peer_key_of(const struct sockaddr *address)
{
	struct peer_key key = { 0 };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->sa_family == AF_INET) {
		key.family = 4;
		memcpy(&v4, address, sizeof v4);
		memcpy(key.bytes, &v4.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof v6);
		key.family = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? 4 : 6;
		if (key.family == 4)
			memcpy(key.bytes, v6.sin6_addr.s6_addr + 12, 4);
		else
			memcpy(key.bytes, v6.sin6_addr.s6_addr, 8);
	}
	return key;
}

/* ---- one sketch ---- */

/* An address's cells: for each row the index of its first front's counter. */
struct places {
	size_t at[ROWS_MAX];
};

static struct places
places_of(const struct peers *p, const struct sketch *s, struct peer_key key)
{
	uint8_t in[3 + sizeof key.bytes] = { s->id, 0, key.family };
	struct places places;
	uint64_t hash = 0;

	memcpy(in + 3, key.bytes, key.family == 4 ? s->v4_octets : s->v6_octets);
	for (uint32_t row = 0; row < s->rows; row++, hash >>= 16) {
		if (row % 4 == 0) { /* 16 bits a row: a hash is good for four */
			in[1] = (uint8_t)row;
			hash = siphash(p->key, slice_of(in, sizeof in));
		}
		places.at[row] = (s->first + (size_t)row * s->cells + (hash & (s->cells - 1))) * p->fronts;
	}
	return places;
}

/* False when it is full. */
static bool
count_up(_Atomic uint16_t *counter)
{
	uint16_t now = atomic_load(counter);

	do
		if (now == UINT16_MAX)
			return false;
	while (!atomic_compare_exchange_weak(counter, &now, (uint16_t)(now + 1)));
	return true;
}

static void
count_down(_Atomic uint16_t *counter)
{
	uint16_t now = atomic_load(counter);

	do
		if (now == 0)
			return;
	while (!atomic_compare_exchange_weak(counter, &now, (uint16_t)(now - 1)));
}

static void
sketch_remove(struct peers *p, const struct places *places, uint32_t rows)
{
	for (uint32_t row = 0; row < rows; row++)
		count_down(&p->table->counters[places->at[row] + p->front]);
}

static bool
sketch_add(struct peers *p, const struct places *places, uint32_t rows)
{
	for (uint32_t row = 0; row < rows; row++) {
		if (!count_up(&p->table->counters[places->at[row] + p->front])) {
			sketch_remove(p, places, row);
			return false;
		}
	}
	return true;
}

static uint32_t
sketch_count(const struct peers *p, const struct places *places, uint32_t rows)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t row = 0; row < rows; row++) {
		uint32_t sum = 0; /* 64 times 16 bits fit */

		for (uint32_t front = 0; front < p->fronts; front++)
			sum += atomic_load(&p->table->counters[places->at[row] + front]);
		least = sum < least ? sum : least;
	}
	return least;
}

/* Counts, and takes it back if that was one too many. */
static bool
sketch_try(struct peers *p, const struct sketch *s, struct peer_key key, uint32_t max)
{
	struct places places = places_of(p, s, key);

	if (!sketch_add(p, &places, s->rows))
		return false;
	if (sketch_count(p, &places, s->rows) <= max)
		return true;
	sketch_remove(p, &places, s->rows);
	return false;
}

/* ---- all ---- */

uint32_t
peers_total(const struct peers *p)
{
	uint64_t sum = 0;

	for (uint32_t front = 0; front < p->fronts; front++)
		sum += atomic_load(&p->table->totals[front].count);
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

uint32_t
peers_mine(const struct peers *p)
{
	return atomic_load(&p->mine);
}

/* Wrapping is harmless: a total that somebody wrote nonsense into is nonsense either way. */
static void
total_up(struct peers *p)
{
	(void)atomic_fetch_add(&p->mine, 1);
	(void)atomic_fetch_add(&p->table->totals[p->front].count, 1);
}

static void
total_down(struct peers *p)
{
	_Atomic uint32_t *count = &p->table->totals[p->front].count;
	uint32_t now = atomic_load(count);

	(void)atomic_fetch_sub(&p->mine, 1);
	while (now > 0 && !atomic_compare_exchange_weak(count, &now, now - 1))
		;
}

bool
peers_are_all(const struct peers *p)
{
	return peers_total(p) >= atomic_load(&p->total_max);
}

int
peers_add(struct peers *p, struct peer_key key, struct error *e)
{
	uint32_t total = atomic_load(&p->total_max), each = atomic_load(&p->each_max),
		 prefix = atomic_load(&p->prefix_max);

	if (p->front == PEERS_FRONT_NONE)
		return error_set(e, ERR_USAGE, "this process accepts no connections");
	total_up(p);
	if (peers_total(p) > total || peers_mine(p) > PEERS_MINE_MAX) {
		(void)error_set(e, ERR_LIMIT, "all %u connections are in use", total);
	} else if (key.family == PEERS_TRUSTED) {
		return 0;
	} else if (!sketch_try(p, &by_address, key, each)) {
		(void)error_set(e, ERR_LIMIT, "this address has %u connections already", each);
	} else if (!sketch_try(p, &by_prefix, key, prefix)) {
		struct places places = places_of(p, &by_address, key);

		sketch_remove(p, &places, by_address.rows);
		(void)error_set(e, ERR_LIMIT, "this address's network (/24 or /48) has %u connections already", prefix);
	} else {
		return 0;
	}
	total_down(p);
	return ERR_LIMIT;
}

void
peers_remove(struct peers *p, struct peer_key key)
{
	struct places address = places_of(p, &by_address, key), prefix = places_of(p, &by_prefix, key);

	if (peers_mine(p) == 0)
		return;
	if (key.family != PEERS_TRUSTED) {
		sketch_remove(p, &address, by_address.rows);
		sketch_remove(p, &prefix, by_prefix.rows);
	}
	total_down(p);
}

void
peers_clear(struct peers *p, uint32_t front)
{
	if (front >= p->fronts)
		return;
	for (size_t cell = 0; cell < CELLS; cell++)
		if (atomic_load(&p->table->counters[cell * p->fronts + front]) != 0)
			atomic_store(&p->table->counters[cell * p->fronts + front], 0);
	atomic_store(&p->table->totals[front].count, 0);
}
