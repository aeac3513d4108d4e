/* SPDX-License-Identifier: ISC */
#include "service/grants.h"

#include <pthread.h>

#include "base/mem.h"

#define BUCKETS 4096u /* a power of two; keys are our own numbers */

struct grant {
	struct grant *next;
	struct grant_in in;
	int64_t until;
};

/* An account with connections. */
struct member {
	struct member *next;
	uint64_t account;
	uint32_t open;    /* taken and not left */
	uint32_t waiting; /* granted and not taken */
};

struct grants {
	pthread_mutex_t lock;
	uint32_t account_max;
	size_t waiting;
	/* In the order in which they run out: all live equally long. */
	struct grant *first, **last;
	struct member *members[BUCKETS];
};

int
grants_new(uint32_t account_max, struct grants **grants_out, struct error *e)
{
	struct grants *g = mem_alloc(sizeof *g);

	if (g == NULL)
		return error_nomem(e);
	(void)pthread_mutex_init(&g->lock, NULL);
	g->account_max = account_max;
	g->last = &g->first;
	*grants_out = g;
	return 0;
}

void
grants_free(struct grants *g)
{
	if (g == NULL)
		return;
	while (g->first != NULL) {
		struct grant *gone = g->first;

		g->first = gone->next;
		mem_free(gone);
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		while (g->members[i] != NULL) {
			struct member *gone = g->members[i];

			g->members[i] = gone->next;
			mem_free(gone);
		}
	}
	(void)pthread_mutex_destroy(&g->lock);
	mem_free(g);
}

void
grants_set_max(struct grants *g, uint32_t account_max)
{
	(void)pthread_mutex_lock(&g->lock);
	g->account_max = account_max;
	(void)pthread_mutex_unlock(&g->lock);
}

/* ---- with the lock ---- */

static struct member **
member_find(struct grants *g, uint64_t account)
{
	struct member **at = &g->members[account & (BUCKETS - 1)];

	while (*at != NULL && (*at)->account != account)
		at = &(*at)->next;
	return at;
}

static void
member_tidy(struct member **at)
{
	struct member *m = *at;

	if (m->open > 0 || m->waiting > 0)
		return;
	*at = m->next;
	mem_free(m);
}

/* Takes the grant out; its account has one fewer that waits. */
static void
unlink_grant(struct grants *g, struct grant **at)
{
	struct grant *gone = *at;
	struct member **m = member_find(g, gone->in.account);

	*at = gone->next;
	if (gone->next == NULL)
		g->last = at;
	g->waiting--;
	if (gone->in.counted) {
		(*m)->waiting--;
		member_tidy(m);
	}
	mem_free(gone);
}

static void
expire(struct grants *g, int64_t now_ms)
{
	while (g->first != NULL && g->first->until <= now_ms)
		unlink_grant(g, &g->first);
}

static struct grant **
find_recent(struct grants *g, uint64_t process, uint64_t account)
{
	struct grant **at = &g->first;

	while (*at != NULL && ((*at)->in.process != process || (*at)->in.account != account))
		at = &(*at)->next;
	return at;
}

/* One more of the account's connections is to come. */
static int
count_one(struct grants *g, uint64_t account, struct error *e)
{
	struct member **m = member_find(g, account);

	if (*m != NULL && (*m)->open + (*m)->waiting >= g->account_max)
		return error_set(e, ERR_LIMIT, "this account has %u connections already", g->account_max);
	if (*m == NULL) {
		*m = mem_alloc(sizeof **m);
		if (*m == NULL)
			return error_nomem(e);
		(*m)->account = account;
	}
	(*m)->waiting++;
	return 0;
}

static int
put_locked(struct grants *g, const struct grant_in *in, int64_t now_ms, struct error *e)
{
	struct grant **old = find_recent(g, in->process, in->account);
	struct grant *fresh;
	int rc;

	if (!in->counted && *old != NULL)
		unlink_grant(g, old);
	if (g->waiting >= GRANTS_WAITING_MAX)
		return error_set(e, ERR_LIMIT, "too many are signing in: try again later");
	fresh = mem_alloc(sizeof *fresh);
	if (fresh == NULL)
		return error_nomem(e);
	rc = in->counted ? count_one(g, in->account, e) : 0;
	if (rc != 0) {
		mem_free(fresh);
		return rc;
	}
	fresh->in = *in;
	fresh->until = now_ms + GRANTS_MS;
	*g->last = fresh;
	g->last = &fresh->next;
	g->waiting++;
	return 0;
}

/* ---- */

int
grants_put(struct grants *g, const struct grant_in *in, int64_t now_ms, struct error *e)
{
	int rc;

	/* 0 is what grants_take() says of a connection that is nobody's. */
	if (in->account == 0)
		return error_set(e, ERR_USAGE, "a connection is granted to an account");
	(void)pthread_mutex_lock(&g->lock);
	expire(g, now_ms);
	rc = put_locked(g, in, now_ms, e);
	(void)pthread_mutex_unlock(&g->lock);
	return rc;
}

uint64_t
grants_take(struct grants *g, uint64_t process, uint64_t connection, uint32_t right, int64_t now_ms)
{
	uint64_t account = 0;
	struct member **m;

	(void)pthread_mutex_lock(&g->lock);
	expire(g, now_ms);
	for (struct grant **at = &g->first; *at != NULL; at = &(*at)->next) {
		if ((*at)->in.process != process || (*at)->in.connection != connection || !(*at)->in.counted ||
		    ((*at)->in.rights & right) != right)
			continue;
		account = (*at)->in.account;
		m = member_find(g, account);
		(*m)->open++;
		unlink_grant(g, at);
		break;
	}
	(void)pthread_mutex_unlock(&g->lock);
	return account;
}

void
grants_leave(struct grants *g, uint64_t account)
{
	struct member **m;

	(void)pthread_mutex_lock(&g->lock);
	m = member_find(g, account);
	if (*m != NULL && (*m)->open > 0) {
		(*m)->open--;
		member_tidy(m);
	}
	(void)pthread_mutex_unlock(&g->lock);
}

bool
grants_recent(struct grants *g, uint64_t process, uint64_t account, int64_t now_ms)
{
	bool found;

	(void)pthread_mutex_lock(&g->lock);
	expire(g, now_ms);
	found = *find_recent(g, process, account) != NULL;
	(void)pthread_mutex_unlock(&g->lock);
	return found;
}

void
grants_forget(struct grants *g, uint64_t process)
{
	(void)pthread_mutex_lock(&g->lock);
	for (struct grant **at = &g->first; *at != NULL;) {
		if ((*at)->in.process == process)
			unlink_grant(g, at);
		else
			at = &(*at)->next;
	}
	(void)pthread_mutex_unlock(&g->lock);
}
