/* SPDX-License-Identifier: ISC */
#include "service/signin/throttle.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "crypto/random.h"
#include "service/limits.h"

#define WAYS 8u
#define ONE 1024u                /* a failure, in the counts' fixed point */
#define POINTS_MAX (1000u * ONE) /* far beyond every cap; an hour or two after an attack it is below the free ones */
#define DECAY_STEPS 16u          /* of a half-life; time passes in such steps, so that rounding cannot add up */
#define DECAY_STEP_MS (THROTTLE_HALF_MS / (int64_t)DECAY_STEPS)

enum kind {
	PAIR,
	ADDRESS,
	PREFIX,
	ACCOUNT,
	KINDS,
};

struct rule {
	uint32_t sets; /* a power of two; times WAYS entries */
	uint32_t free, doubles;
};

static const struct rule rules[KINDS] = {
	[PAIR] = { 2048, 3, 1 },
	[ADDRESS] = { 2048, 10, 2 },
	[PREFIX] = { 1024, 50, 10 },
	[ACCOUNT] = { 2048, 20, 10 },
};

#define KNOWN_SETS 2048u

struct score {
	uint64_t id;  /* a hash; never 0 */
	int64_t at;   /* when points were what they are */
	int64_t next; /* the next check may start then, if these are spaced */
	uint32_t points;
};

/* An account and the places it was signed in to from. */
struct known {
	uint64_t account;
	int64_t used; /* the latest of the times */
	uint64_t places[THROTTLE_PLACES];
	int64_t times[THROTTLE_PLACES];
};

struct throttle {
	pthread_mutex_t lock;
	uint8_t key[SIPHASH_KEY_SIZE];
	struct score *scores[KINDS];
	struct known *known;
	struct peers *strangers, *owners; /* checks waiting or running */
};

/* ---- making ---- */

int
throttle_new(struct throttle **t_out, struct error *e)
{
	static const struct peers_limits limits = {
		.total = THROTTLE_CHECKS, .each = THROTTLE_ADDRESS_CHECKS, .prefix = THROTTLE_PREFIX_CHECKS
	};
	struct throttle *t = mem_alloc(sizeof *t);
	int rc;

	if (t == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&t->lock, NULL);
	rc = random_bytes(t->key, sizeof t->key, e);
	for (int kind = 0; kind < KINDS && rc == 0; kind++)
		if ((t->scores[kind] = mem_array((size_t)rules[kind].sets * WAYS, sizeof(struct score))) == NULL)
			rc = error_nomem(e);
	if (rc == 0 && (t->known = mem_array((size_t)KNOWN_SETS * WAYS, sizeof *t->known)) == NULL)
		rc = error_nomem(e);
	if (rc == 0)
		rc = peers_new(&limits, &t->strangers, e);
	if (rc == 0)
		rc = peers_new(&limits, &t->owners, e);
	if (rc != 0)
		throttle_free(t);
	else
		*t_out = t;
	return rc;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	for (int kind = 0; kind < KINDS; kind++)
		mem_free(t->scores[kind]);
	mem_free(t->known);
	peers_free(t->strangers);
	peers_free(t->owners);
	(void)pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

/* ---- one count ---- */

/* What is left of points; moves the time on with it. */
static uint32_t
decay(struct score *s, int64_t now)
{
	/* 65536 * 2^(-n/16) */
	static const uint32_t factors[DECAY_STEPS] = { 65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393, 46341,
		44376, 42495, 40693, 38968, 37316, 35734, 34219 };
	int64_t steps;

	if (now < s->at)
		s->at = now; /* the clock went back: from here on time passes again */
	steps = (now - s->at) / DECAY_STEP_MS;
	s->at += steps * DECAY_STEP_MS;
	if (steps / DECAY_STEPS >= 31)
		s->points = 0;
	else
		s->points =
		    (uint32_t)((uint64_t)(s->points >> steps / DECAY_STEPS) * factors[steps % DECAY_STEPS] >> 16);
	return s->points;
}

/* NULL: no failures are remembered. */
static struct score *
find(struct throttle *t, enum kind kind, uint64_t id, int64_t now)
{
	struct score *set = &t->scores[kind][(id & (rules[kind].sets - 1)) * WAYS];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].id == id) {
			(void)decay(&set[i], now);
			return &set[i];
		}
	}
	return NULL;
}

static void
subtract(struct throttle *t, enum kind kind, uint64_t id, uint32_t points, int64_t now)
{
	struct score *s = find(t, kind, id, now);

	if (s != NULL)
		s->points -= s->points < points ? s->points : points;
}

static int64_t
delay_of(enum kind kind, const struct score *s)
{
	const struct rule *r = &rules[kind];
	uint32_t over;

	if (s == NULL || s->points < r->free * ONE)
		return 0;
	over = (s->points / ONE - r->free) / r->doubles;
	return over >= 5 ? THROTTLE_CAP_MS : (int64_t)THROTTLE_FIRST_MS << over;
}

static int64_t
longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How long to wait for the turn of one whose checks are spaced. */
static int64_t
wait_of(enum kind kind, struct score *s, int64_t now)
{
	int64_t space = delay_of(kind, s);

	if (space == 0)
		return 0;
	if (s->next > now + INT64_C(2) * THROTTLE_CAP_MS)
		s->next = now + space; /* no turn is given that far ahead: the clock went back */
	return s->next > now ? s->next - now : 0;
}

static void
take_turn(enum kind kind, struct score *s, int64_t start)
{
	if (s != NULL)
		s->next = start + delay_of(kind, s);
}

static void
add_failure(struct throttle *t, enum kind kind, uint64_t id, int64_t now)
{
	struct score *set = &t->scores[kind][(id & (rules[kind].sets - 1)) * WAYS], *s = find(t, kind, id, now);

	if (s == NULL) {
		s = set;
		for (size_t i = 1; i < WAYS; i++)
			if (decay(&set[i], now) < decay(s, now))
				s = &set[i];
		*s = (struct score){ .id = id, .at = now };
	}
	s->points = s->points > POINTS_MAX - ONE ? POINTS_MAX : s->points + ONE;
	s->next = longer(s->next, now + delay_of(kind, s));
}

/* ---- known places ---- */

static struct known *
known_set(struct throttle *t, uint64_t account)
{
	return &t->known[(account & (KNOWN_SETS - 1)) * WAYS];
}

static struct known *
known_find(struct throttle *t, uint64_t account)
{
	struct known *set = known_set(t, account);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].account == account)
			return &set[i];
	return NULL;
}

static bool
is_known(struct throttle *t, uint64_t account, uint64_t place, int64_t now)
{
	const struct known *k = known_find(t, account);

	for (size_t i = 0; k != NULL && i < THROTTLE_PLACES; i++)
		if (k->places[i] == place)
			return now - k->times[i] < THROTTLE_KNOWN_MS;
	return false;
}

/* Only a right password comes here, so strangers push nothing out, and one account fills no other's places. */
static void
remember(struct throttle *t, uint64_t account, uint64_t place, int64_t now)
{
	struct known *set = known_set(t, account), *k = known_find(t, account);
	size_t at = 0;

	if (k == NULL) {
		k = set;
		for (size_t i = 1; i < WAYS; i++)
			if (set[i].used < k->used)
				k = &set[i];
		*k = (struct known){ .account = account };
	}
	for (size_t i = 0; i < THROTTLE_PLACES; i++) {
		if (k->places[i] == place) {
			at = i;
			break;
		}
		if (k->times[i] < k->times[at])
			at = i;
	}
	k->places[at] = place;
	k->times[at] = k->used = now;
}

/* ---- tickets ---- */

static uint64_t
hash(const struct throttle *t, const void *data, size_t len)
{
	uint64_t h = siphash(t->key, slice_of(data, len));

	return h == 0 ? 1 : h; /* 0 is an entry that was never used */
}

static uint64_t
account_id(const struct throttle *t, struct slice account)
{
	uint8_t in[2 + SERVICE_IDENTITY_MAX] = { 'a', account.len > SERVICE_IDENTITY_MAX };
	size_t len = size_min(account.len, SERVICE_IDENTITY_MAX);

	for (size_t i = 0; i < len; i++)
		in[2 + i] = ascii_lower(account.data[i]);
	return hash(t, in, 2 + len);
}

static uint64_t
peer_id(const struct throttle *t, struct peer_key peer, uint8_t kind, size_t octets)
{
	uint8_t in[2 + sizeof peer.bytes] = { kind, peer.family };

	memcpy(in + 2, peer.bytes, octets);
	return hash(t, in, sizeof in);
}

static struct throttle_ticket
ticket_of(const struct throttle *t, struct slice account, struct peer_key peer)
{
	struct throttle_ticket k = { .account = account_id(t, account), .peer = peer };

	k.address = peer_id(t, peer, 'i', peer.family == 4 ? 4 : 8);
	k.prefix = peer_id(t, peer, 'n', peer.family == 4 ? 3 : 6);
	k.pair = hash(t, (const uint64_t[]){ k.account, k.address }, 2 * sizeof k.account);
	return k;
}

/* Takes the turn, unless it is too far away. */
static int64_t
delay_for(struct throttle *t, const struct throttle_ticket *k, int64_t now)
{
	struct score *pair = find(t, PAIR, k->pair, now),
		     *address = k->known ? NULL : find(t, ADDRESS, k->address, now);
	int64_t wait = longer(wait_of(PAIR, pair, now), wait_of(ADDRESS, address, now));

	if (!k->known) {
		wait = longer(wait, delay_of(PREFIX, find(t, PREFIX, k->prefix, now)));
		wait = longer(wait, delay_of(ACCOUNT, find(t, ACCOUNT, k->account, now)));
	}
	if (wait <= THROTTLE_CAP_MS) {
		take_turn(PAIR, pair, now + wait);
		take_turn(ADDRESS, address, now + wait);
	}
	return wait;
}

int
throttle_before(struct throttle *t, struct slice account, struct peer_key peer, int64_t now_ms, int64_t *delay_ms_out,
    struct throttle_ticket *ticket_out, struct error *e)
{
	struct throttle_ticket k = ticket_of(t, account, peer);
	struct peers *checks;
	int64_t delay = 0;
	int rc;

	(void)pthread_mutex_lock(&t->lock);
	k.known = is_known(t, k.account, k.address, now_ms);
	checks = k.known ? t->owners : t->strangers;
	rc = peers_add(checks, peer, NULL);
	if (rc == 0 && (delay = delay_for(t, &k, now_ms)) > THROTTLE_CAP_MS) {
		peers_remove(checks, peer);
		rc = ERR_LIMIT;
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (rc != 0)
		return error_set(e, ERR_LIMIT, "too many sign-ins wait from this address; try again in a minute");
	*delay_ms_out = delay;
	*ticket_out = k;
	return 0;
}

static void
failed(struct throttle *t, const struct throttle_ticket *k, int64_t now)
{
	add_failure(t, PAIR, k->pair, now);
	add_failure(t, ADDRESS, k->address, now);
	add_failure(t, PREFIX, k->prefix, now);
	if (!k->known)
		add_failure(t, ACCOUNT, k->account, now);
}

static void
succeeded(struct throttle *t, const struct throttle_ticket *k, int64_t now)
{
	struct score *pair = find(t, PAIR, k->pair, now);

	remember(t, k->account, k->address, now);
	if (pair == NULL)
		return;
	subtract(t, ADDRESS, k->address, pair->points, now);
	subtract(t, PREFIX, k->prefix, pair->points, now);
	pair->points = 0;
}

void
throttle_after(struct throttle *t, const struct throttle_ticket *ticket, enum throttle_result result, int64_t now_ms)
{
	(void)pthread_mutex_lock(&t->lock);
	peers_remove(ticket->known ? t->owners : t->strangers, ticket->peer);
	if (result == THROTTLE_WRONG)
		failed(t, ticket, now_ms);
	else if (result == THROTTLE_RIGHT)
		succeeded(t, ticket, now_ms);
	(void)pthread_mutex_unlock(&t->lock);
}
