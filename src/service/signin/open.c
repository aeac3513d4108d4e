/* SPDX-License-Identifier: ISC */
/*
 * Exchanges between two messages. Each connection has one at most, each
 * address and prefix so many, and each waits SERVICE_EXCHANGE_MS for its client
 * at most: the old ones are looked for when a new one begins. Where there is no
 * place for a new one, that which has waited longest gives its own: who begins
 * and says nothing more keeps nobody out, not even behind one address.
 */
#include <string.h>

#include "base/mem.h"
#include "net/peers.h"
#include "os/clock.h"
#include "service/limits.h"
#include "service/signin/internal.h"

static struct check **
bucket(struct signin *s, uint64_t peer, uint64_t connection)
{
	/* Both are our own numbers, which count up. */
	return &s->open[(connection + peer * 31) & (SIGNIN_OPEN_BUCKETS - 1)];
}

static bool
is_of(const struct check *c, uint64_t peer, uint64_t connection)
{
	return c->peer == peer && (connection == 0 || c->connection == connection);
}

/* With the lock: those of the bucket that are too old, or (connection's) gone, go to *gone. */
static void
take_out(struct check **at, int64_t now, bool all, uint64_t peer, uint64_t connection, struct check **gone)
{
	while (*at != NULL) {
		struct check *c = *at;

		if (c->at > now && !(all && is_of(c, peer, connection))) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		c->next = *gone;
		*gone = c;
	}
}

static void
end_all(struct check *gone)
{
	while (gone != NULL) {
		struct check *c = gone;

		gone = c->next;
		signin_open_end(c);
	}
}

int
signin_open_start(struct signin *s, struct error *e)
{
	static const struct peers_limits limits = { .total = SERVICE_EXCHANGES_MAX,
		.each = SERVICE_EXCHANGES_ADDRESS_MAX,
		.prefix = SERVICE_EXCHANGES_PREFIX_MAX };

	return peers_new(&limits, &s->places, e);
}

void
signin_open_stop(struct signin *s)
{
	for (size_t i = 0; i < SIGNIN_OPEN_BUCKETS; i++) {
		end_all(s->open[i]);
		s->open[i] = NULL;
	}
	peers_free(s->places);
}

/* With the lock. */
static struct check *
busy_find(struct signin *s, uint64_t peer, uint64_t connection)
{
	struct check *c = s->busy;

	while (c != NULL && !is_of(c, peer, connection))
		c = c->busy_next;
	return c;
}

static void
busy_leave(struct check *c)
{
	struct check **at = &c->signin->busy;

	while (*at != NULL && *at != c)
		at = &(*at)->busy_next;
	if (*at == c)
		*at = c->busy_next;
	c->busy_next = NULL;
}

static bool
shares(struct peer_key a, struct peer_key b, size_t octets)
{
	return octets == 0 || (a.family == b.family && memcmp(a.bytes, b.bytes, octets) == 0);
}

/* Of the same address, then of the same prefix, then, when there are no more places at all, of any. NULL: none waits. */
static struct check *
take_oldest(struct signin *s, struct peer_key place, int round)
{
	const size_t octets[3] = { place.family == 4 ? 4 : sizeof place.bytes, place.family == 4 ? 3 : 6, 0 };
	struct check **oldest = NULL, *c = NULL;

	if (octets[round] == 0 && !peers_are_all(s->places))
		return NULL;
	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SIGNIN_OPEN_BUCKETS; i++)
		for (struct check **at = &s->open[i]; *at != NULL; at = &(*at)->next)
			if (shares((*at)->place, place, octets[round]) && (oldest == NULL || (*at)->at < (*oldest)->at))
				oldest = at;
	if (oldest != NULL) {
		c = *oldest;
		*oldest = c->next;
		c->next = NULL;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return c;
}

static int
take_place(struct check *c)
{
	struct signin *s = c->signin;
	int rc;

	(void)pthread_mutex_lock(&s->lock);
	rc = peers_add(s->places, c->place, NULL);
	if (rc == 0) {
		c->placed = true;
		c->busy_next = s->busy;
		s->busy = c;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

int
signin_open_begin(struct check *c, struct error *e)
{
	struct signin *s = c->signin;
	struct check *gone = NULL;
	int64_t now = clock_ms();
	bool busy;
	int rc = 0;

	(void)pthread_mutex_lock(&s->lock);
	busy = busy_find(s, c->peer, c->connection) != NULL;
	for (size_t i = 0; i < SIGNIN_OPEN_BUCKETS; i++)
		take_out(&s->open[i], now, !busy, c->peer, c->connection, &gone);
	(void)pthread_mutex_unlock(&s->lock);
	end_all(gone);
	if (busy)
		return error_set(e, ERR_ORDER, "that connection's exchange waits for an answer");
	for (int round = 0; (rc = take_place(c)) != 0 && round < 3; round++)
		end_all(take_oldest(s, c->place, round));
	return rc == 0 ? 0
		       : error_set(e, ERR_LIMIT, "too many are signing in from this address; try again in a minute");
}

struct check *
signin_open_take(struct signin *s, uint64_t peer, uint64_t connection)
{
	struct check **at = bucket(s, peer, connection), *c;

	(void)pthread_mutex_lock(&s->lock);
	while (*at != NULL && !is_of(*at, peer, connection))
		at = &(*at)->next;
	c = *at;
	if (c != NULL) {
		*at = c->next;
		c->busy_next = s->busy;
		s->busy = c;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return c;
}

bool
signin_open_keep(struct check *c)
{
	struct signin *s = c->signin;
	struct check **at = bucket(s, c->peer, c->connection);
	bool gone;

	(void)pthread_mutex_lock(&s->lock);
	gone = c->gone || s->stop;
	if (!gone) {
		busy_leave(c);
		c->at = clock_ms() + SERVICE_EXCHANGE_MS;
		c->job = NULL;
		c->next = *at;
		*at = c;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return !gone;
}

void
signin_open_leave(struct check *c)
{
	struct signin *s = c->signin;

	(void)pthread_mutex_lock(&s->lock);
	busy_leave(c);
	if (c->placed)
		peers_remove(s->places, c->place);
	c->placed = false;
	(void)pthread_mutex_unlock(&s->lock);
}

void
signin_open_end(struct check *c)
{
	signin_open_leave(c);
	check_count(c, THROTTLE_NONE);
	check_free(c);
}

void
signin_open_forget(struct signin *s, uint64_t peer, uint64_t connection)
{
	struct check *gone = NULL;

	(void)pthread_mutex_lock(&s->lock);
	if (connection != 0)
		take_out(bucket(s, peer, connection), INT64_MIN, true, peer, connection, &gone);
	else
		for (size_t i = 0; i < SIGNIN_OPEN_BUCKETS; i++)
			take_out(&s->open[i], INT64_MIN, true, peer, 0, &gone);
	for (struct check *c = s->busy; c != NULL; c = c->busy_next)
		if (is_of(c, peer, connection))
			c->gone = true;
	(void)pthread_mutex_unlock(&s->lock);
	end_all(gone);
}
