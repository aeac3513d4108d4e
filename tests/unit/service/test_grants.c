/* SPDX-License-Identifier: ISC */
#include "service/grants.h"

#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#define NOW INT64_C(1000000)

enum step_kind {
	END,
	PUT,   /* want: 0 or an error code */
	WEB,   /* the same, uncounted */
	TAKE,  /* want: the account */
	LEAVE, /* want is not used */
	RECENT,
	FORGET,
	MAX, /* account: the new maximum */
};

struct step {
	enum step_kind kind;
	int64_t after; /* of NOW */
	uint64_t process, connection, account;
	int64_t want;
};

static int64_t
carry_out(struct grants *g, const struct step *s)
{
	const struct grant_in in = { s->process, s->connection, s->account, s->kind == PUT };
	struct error e = { 0 };
	int rc;

	switch (s->kind) {
	case END:
		break;
	case PUT:
	case WEB:
		rc = grants_put(g, &in, NOW + s->after, &e);
		assert_true(rc == 0 || (e.code == rc && e.text[0] != '\0'));
		return rc;
	case TAKE:
		return (int64_t)grants_take(g, s->process, s->connection, 0, NOW + s->after);
	case LEAVE:
		grants_leave(g, s->account);
		break;
	case RECENT:
		return grants_recent(g, s->process, s->account, NOW + s->after);
	case FORGET:
		grants_forget(g, s->process);
		break;
	case MAX:
		grants_set_max(g, (uint32_t)s->account);
		break;
	}
	return s->want;
}

/* Two connections of one account at once. Rows {kind, after, process, connection, account, want}. */
static const struct {
	const char *name;
	struct step steps[12];
} rows[] = {
	{ "taken once", { { PUT, 0, 1, 7, 100, 0 }, { TAKE, 0, 1, 7, 0, 100 }, { TAKE, 0, 1, 7, 0, 0 } } },
	{ "nobody spoke for it", { { TAKE, 0, 1, 7, 0, 0 } } },
	{ "another connection", { { PUT, 0, 1, 7, 100, 0 }, { TAKE, 0, 1, 8, 0, 0 }, { TAKE, 0, 1, 7, 0, 100 } } },
	{ "another process", { { PUT, 0, 1, 7, 100, 0 }, { TAKE, 0, 2, 7, 0, 0 }, { TAKE, 0, 1, 7, 0, 100 } } },
	{ "each its own",
	    { { PUT, 0, 1, 7, 100, 0 }, { PUT, 0, 2, 7, 200, 0 }, { PUT, 0, 1, 8, 300, 0 }, { TAKE, 0, 2, 7, 0, 200 },
		{ TAKE, 0, 1, 8, 0, 300 }, { TAKE, 0, 1, 7, 0, 100 } } },
	{ "no account is no grant", { { PUT, 0, 1, 7, 0, ERR_USAGE }, { TAKE, 0, 1, 7, 0, 0 } } },
	{ "the last moment", { { PUT, 0, 1, 7, 100, 0 }, { TAKE, GRANTS_MS - 1, 1, 7, 0, 100 } } },
	{ "run out", { { PUT, 0, 1, 7, 100, 0 }, { TAKE, GRANTS_MS, 1, 7, 0, 0 } } },
	{ "one runs out, the next does not",
	    { { PUT, 0, 1, 7, 100, 0 }, { PUT, 10, 1, 8, 100, 0 }, { TAKE, GRANTS_MS + 5, 1, 7, 0, 0 },
		{ TAKE, GRANTS_MS + 5, 1, 8, 0, 100 } } },
	{ "a clock that goes back", { { PUT, 10, 1, 7, 100, 0 }, { TAKE, 0, 1, 7, 0, 100 } } },
	{ "those that wait count",
	    { { PUT, 0, 1, 7, 100, 0 }, { PUT, 0, 1, 8, 100, 0 }, { PUT, 0, 1, 9, 100, ERR_LIMIT },
		{ PUT, 0, 1, 9, 200, 0 }, { TAKE, 0, 1, 9, 0, 200 } } },
	{ "those that are open count",
	    { { PUT, 0, 1, 7, 100, 0 }, { TAKE, 0, 1, 7, 0, 100 }, { PUT, 0, 1, 8, 100, 0 }, { TAKE, 0, 1, 8, 0, 100 },
		{ PUT, 0, 2, 9, 100, ERR_LIMIT }, { TAKE, 0, 2, 9, 0, 0 } } },
	{ "open and waiting count together",
	    { { PUT, 0, 1, 7, 100, 0 }, { TAKE, 0, 1, 7, 0, 100 }, { PUT, 0, 1, 8, 100, 0 },
		{ PUT, 0, 1, 9, 100, ERR_LIMIT } } },
	{ "what ran out counts no more",
	    { { PUT, 0, 1, 7, 100, 0 }, { PUT, 0, 1, 8, 100, 0 }, { PUT, GRANTS_MS, 1, 9, 100, 0 } } },
	{ "who leaves makes room",
	    { { PUT, 0, 1, 7, 100, 0 }, { TAKE, 0, 1, 7, 0, 100 }, { PUT, 0, 1, 8, 100, 0 }, { TAKE, 0, 1, 8, 0, 100 },
		{ LEAVE, 0, 0, 0, 100, 0 }, { PUT, 0, 1, 9, 100, 0 }, { PUT, 0, 1, 10, 100, ERR_LIMIT } } },
	{ "leaving takes no grant away",
	    { { PUT, 0, 1, 7, 100, 0 }, { LEAVE, 0, 0, 0, 100, 0 }, { PUT, 0, 1, 8, 100, 0 },
		{ PUT, 0, 1, 9, 100, ERR_LIMIT }, { TAKE, 0, 1, 7, 0, 100 } } },
	{ "leaving what nobody entered",
	    { { LEAVE, 0, 0, 0, 100, 0 }, { PUT, 0, 1, 7, 100, 0 }, { PUT, 0, 1, 8, 100, 0 },
		{ PUT, 0, 1, 9, 100, ERR_LIMIT } } },
	{ "forgotten with its process",
	    { { PUT, 0, 1, 7, 100, 0 }, { PUT, 0, 2, 7, 100, 0 }, { FORGET, 0, 1, 0, 0, 0 }, { TAKE, 0, 1, 7, 0, 0 },
		{ PUT, 0, 3, 1, 100, 0 }, { PUT, 0, 3, 2, 100, ERR_LIMIT }, { TAKE, 0, 2, 7, 0, 100 } } },
	{ "forgotten: the last of the list",
	    { { PUT, 0, 2, 7, 100, 0 }, { PUT, 0, 1, 7, 200, 0 }, { PUT, 0, 1, 8, 200, 0 }, { FORGET, 0, 1, 0, 0, 0 },
		{ PUT, 0, 3, 1, 300, 0 }, { TAKE, 0, 2, 7, 0, 100 }, { TAKE, 0, 3, 1, 0, 300 } } },
	{ "forgetting leaves open ones counted",
	    { { PUT, 0, 1, 7, 100, 0 }, { TAKE, 0, 1, 7, 0, 100 }, { FORGET, 0, 1, 0, 0, 0 }, { PUT, 0, 2, 1, 100, 0 },
		{ PUT, 0, 2, 2, 100, ERR_LIMIT }, { LEAVE, 0, 0, 0, 100, 0 }, { PUT, 0, 2, 2, 100, 0 } } },
	{ "a lower maximum holds from now on",
	    { { PUT, 0, 1, 7, 100, 0 }, { MAX, 0, 0, 0, 1, 0 }, { PUT, 0, 1, 8, 100, ERR_LIMIT },
		{ TAKE, 0, 1, 7, 0, 100 }, { MAX, 0, 0, 0, 2, 0 }, { PUT, 0, 1, 8, 100, 0 } } },
	{ "web is not counted",
	    { { WEB, 0, 4, 1, 100, 0 }, { WEB, 0, 4, 2, 100, 0 }, { WEB, 0, 4, 3, 100, 0 }, { PUT, 0, 1, 7, 100, 0 },
		{ PUT, 0, 1, 8, 100, 0 }, { WEB, 0, 4, 4, 100, 0 }, { RECENT, 0, 4, 0, 100, 1 } } },
	{ "web has no connection that could be taken",
	    { { WEB, 0, 4, 1, 100, 0 }, { TAKE, 0, 4, 1, 0, 0 }, { RECENT, 0, 4, 0, 100, 1 } } },
	{ "recent: whose, where, until when",
	    { { WEB, 0, 4, 1, 100, 0 }, { RECENT, 0, 4, 0, 200, 0 }, { RECENT, 0, 5, 0, 100, 0 },
		{ RECENT, GRANTS_MS - 1, 4, 0, 100, 1 }, { RECENT, GRANTS_MS, 4, 0, 100, 0 } } },
	{ "recent: the newer one holds",
	    { { WEB, 0, 4, 1, 100, 0 }, { WEB, 50, 4, 2, 100, 0 }, { RECENT, GRANTS_MS + 10, 4, 0, 100, 1 },
		{ RECENT, GRANTS_MS + 50, 4, 0, 100, 0 } } },
	{ "recent: forgotten", { { WEB, 0, 4, 1, 100, 0 }, { FORGET, 0, 4, 0, 0, 0 }, { RECENT, 0, 4, 0, 100, 0 } } },
};

static void
dialogues(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct grants *g;

		assert_ok(grants_new(2, &g, &unit_error));
		for (const struct step *s = rows[i].steps; s->kind != END; s++) {
			int64_t got = carry_out(g, s);

			if (got != s->want)
				fail_msg("%s, step %td: %lld", rows[i].name, s - rows[i].steps + 1, (long long)got);
		}
		grants_free(g);
	}
}

/* In all no more than GRANTS_WAITING_MAX wait, whosever they are; time and taking make room. */
static void
bounds(void **state)
{
	struct grants *g;

	(void)state;
	assert_ok(grants_new(UINT32_MAX, &g, &unit_error));
	for (uint64_t i = 1; i <= GRANTS_WAITING_MAX; i++)
		assert_ok(grants_put(g, &(struct grant_in){ 1, i, 1 + i % 3, true }, NOW, &unit_error));
	assert_int_equal(grants_put(g, &(struct grant_in){ 1, 0, 9, true }, NOW, NULL), ERR_LIMIT);
	assert_int_equal(grants_put(g, &(struct grant_in){ 1, 0, 9, false }, NOW, NULL), ERR_LIMIT);
	assert_int_equal(grants_take(g, 1, GRANTS_WAITING_MAX, 0, NOW), 1 + GRANTS_WAITING_MAX % 3);
	assert_ok(grants_put(g, &(struct grant_in){ 1, 0, 9, false }, NOW, &unit_error));
	assert_int_equal(grants_put(g, &(struct grant_in){ 1, 1, 9, true }, NOW, NULL), ERR_LIMIT);
	assert_ok(grants_put(g, &(struct grant_in){ 1, 1, 9, true }, NOW + GRANTS_MS, &unit_error));
	grants_free(g);
}

/* Accounts that share a bucket are kept apart. */
static void
neighbours(void **state)
{
	struct grants *g;

	(void)state;
	assert_ok(grants_new(1, &g, &unit_error));
	for (uint64_t i = 0; i < 4; i++)
		assert_ok(grants_put(g, &(struct grant_in){ 1, i, 5 + (i << 32), true }, NOW, &unit_error));
	for (uint64_t i = 0; i < 4; i++) {
		assert_int_equal(grants_put(g, &(struct grant_in){ 1, 9, 5 + (i << 32), true }, NOW, NULL), ERR_LIMIT);
		assert_true(grants_take(g, 1, i, 0, NOW) == 5 + (i << 32));
		grants_leave(g, 5 + (i << 32));
		assert_ok(grants_put(g, &(struct grant_in){ 1, i, 5 + (i << 32), true }, NOW, &unit_error));
	}
	grants_free(g);
	grants_free(NULL);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 3000u
#define SHARED 3u /* the most connections of the account that all threads have */

struct racer {
	struct grants *g;
	uint64_t process;
	atomic_uint *open;
	unsigned wrong;
};

static void *
race(void *ctx)
{
	struct racer *r = ctx;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		const struct grant_in in = { r->process, i, 77, true };

		if (grants_put(r->g, &in, NOW, NULL) != 0)
			continue;
		r->wrong += !grants_recent(r->g, r->process, 77, NOW);
		if (i % 5 == 4) {
			grants_forget(r->g, r->process);
			continue;
		}
		/* Another process asks for the same, in vain. */
		r->wrong += grants_take(r->g, r->process + 100, i, 0, NOW) != 0;
		r->wrong += grants_take(r->g, r->process, i, 0, NOW) != 77;
		r->wrong += atomic_fetch_add(r->open, 1) >= SHARED;
		(void)atomic_fetch_sub(r->open, 1);
		grants_leave(r->g, 77);
	}
	return NULL;
}

static void
threads(void **state)
{
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	atomic_uint open;
	struct grants *g;

	(void)state;
	atomic_init(&open, 0);
	assert_ok(grants_new(SHARED, &g, &unit_error));
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ .g = g, .process = i + 1, .open = &open };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(racers[i].wrong, 0);
	}
	/* Nothing is left counted. */
	for (uint64_t i = 0; i < SHARED; i++)
		assert_ok(grants_put(g, &(struct grant_in){ 50, i, 77, true }, NOW, &unit_error));
	assert_int_equal(grants_put(g, &(struct grant_in){ 50, 9, 77, true }, NOW, NULL), ERR_LIMIT);
	grants_free(g);
}

UNIT_MAIN(UNIT_TEST(dialogues), UNIT_TEST(bounds), UNIT_TEST(neighbours), UNIT_TEST(threads))
