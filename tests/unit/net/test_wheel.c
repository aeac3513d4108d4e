/* SPDX-License-Identifier: ISC */
#include "net/wheel.h"

#include <stdio.h>
#include <time.h>

#include "base/machine.h"
#include "base/mem.h"
#include "unit.h"

#define SLACK (WHEEL_TICK_MS - 1) /* how late the first tick after a deadline may be */

struct fired {
	struct wheel *wheel;
	struct wheel_entry *last, *clear, *again;
	int64_t again_at;
	unsigned count;
	bool free;
};

static void
note(void *ctx, struct wheel_entry *entry)
{
	struct fired *f = ctx;

	assert_false(wheel_is_set(entry));
	f->count++;
	f->last = entry;
	if (f->clear != NULL)
		wheel_clear(f->clear);
	if (f->again != NULL)
		wheel_set(f->wheel, f->again, f->again_at);
	if (f->free)
		mem_free(entry);
}

/* Advances as a loop does, at every time that wheel_next() names, up to the given one. */
static void
run_to(struct fired *f, int64_t to)
{
	for (int64_t next; (next = wheel_next(f->wheel)) <= to;)
		wheel_advance(f->wheel, next, note, f);
	wheel_advance(f->wheel, to, note, f);
}

static void
fires_once_and_never_early(void **state)
{
	static const int64_t starts[] = { 0, 1, 127, 128, 1000003 };
	static const int64_t waits[] = { -500, 0, 1, 127, 128, 129, 5000, 65535, 65536, 65537, 1800000, 86400000 };

	(void)state;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		for (size_t j = 0; j < sizeof waits / sizeof *waits; j++) {
			struct wheel w;
			struct fired f = { .wheel = &w };
			struct wheel_entry e = { 0 };
			int64_t at = starts[i] + waits[j];

			wheel_init(&w, starts[i]);
			assert_true(wheel_next(&w) == MACHINE_NEVER);
			wheel_set(&w, &e, at);
			run_to(&f, at - 1 > starts[i] ? at - 1 : starts[i]);
			assert_int_equal(f.count, 0);
			run_to(&f, (at > starts[i] ? at : starts[i] + 1) + SLACK);
			assert_int_equal(f.count, 1);
			assert_true(wheel_next(&w) == MACHINE_NEVER);
		}
	}
}

static void
moves(void **state)
{
	struct wheel w;
	struct fired f = { .wheel = &w };
	struct wheel_entry e = { 0 };

	(void)state;
	wheel_init(&w, 0);
	wheel_set(&w, &e, 1000);
	wheel_set(&w, &e, 300000); /* later: noted only */
	run_to(&f, 299999);
	assert_int_equal(f.count, 0);
	wheel_set(&w, &e, 400000);
	wheel_set(&w, &e, 301000); /* earlier again */
	run_to(&f, 301000 + SLACK);
	assert_int_equal(f.count, 1);

	wheel_set(&w, &e, 302000);
	wheel_set(&w, &e, MACHINE_NEVER);
	assert_false(wheel_is_set(&e));
	assert_true(wheel_next(&w) == MACHINE_NEVER);
	wheel_clear(&e);
	run_to(&f, 500000);
	assert_int_equal(f.count, 1);
}

static void
clock_jumps(void **state)
{
	struct wheel w;
	struct fired f = { .wheel = &w };
	struct wheel_entry e[3] = { 0 };

	(void)state;
	wheel_init(&w, 100000);
	wheel_set(&w, &e[0], 100500);
	wheel_advance(&w, 50, note, &f); /* back: nothing */
	assert_int_equal(f.count, 0);
	wheel_set(&w, &e[1], 200000);
	wheel_set(&w, &e[2], INT64_MAX - 1);
	wheel_advance(&w, INT64_C(1) << 50, note, &f); /* far ahead: each once, without walking there */
	assert_int_equal(f.count, 2);
	assert_true(wheel_is_set(&e[2]));
	wheel_advance(&w, INT64_MAX - 1, note, &f);
	assert_int_equal(f.count, 3);
}

/* From within the call: set the same one, clear another that is due in the same slot, free. */
static void
changes_from_within(void **state)
{
	struct wheel w;
	struct wheel_entry e[2] = { 0 };
	struct fired f = { .wheel = &w, .again = &e[0], .again_at = 0 };

	(void)state;
	wheel_init(&w, 0);
	wheel_set(&w, &e[0], 200);
	wheel_advance(&w, 256, note, &f);
	assert_int_equal(f.count, 1); /* set to the past again: not in the same call, so that a call ends */
	wheel_advance(&w, 384, note, &f);
	assert_int_equal(f.count, 2);
	wheel_clear(&e[0]);

	f = (struct fired){ .wheel = &w };
	wheel_set(&w, &e[0], 1000);
	wheel_set(&w, &e[1], 1000);
	f.clear = &e[0]; /* e[1] was set last and comes first */
	wheel_advance(&w, 2000, note, &f);
	assert_int_equal(f.count, 1);
	assert_ptr_equal(f.last, &e[1]);

	f = (struct fired){ .wheel = &w, .free = true };
	for (int i = 0; i < 10; i++)
		wheel_set(&w, mem_alloc(sizeof(struct wheel_entry)), 3000 + i % 3);
	run_to(&f, 4000);
	assert_int_equal(f.count, 10);
}

/* ---- against a model: an array of times ---- */

#define MODEL 300

static uint64_t
draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct model {
	struct wheel w;
	struct wheel_entry entries[MODEL];
	int64_t at[MODEL]; /* MACHINE_NEVER: not set */
	int64_t now;
	uint64_t random;
	unsigned fired;
};

static void model_set(struct model *m, size_t i);

static void
model_fire(void *ctx, struct wheel_entry *entry)
{
	struct model *m = ctx;
	size_t i = (size_t)(entry - m->entries);

	assert_true(m->at[i] <= m->now);
	m->at[i] = MACHINE_NEVER;
	m->fired++;
	if (draw(&m->random) % 2 == 0)
		model_set(m, i);
	if (draw(&m->random) % 4 == 0)
		model_set(m, draw(&m->random) % MODEL);
	if (draw(&m->random) % 4 == 0) {
		i = draw(&m->random) % MODEL;
		wheel_clear(&m->entries[i]);
		m->at[i] = MACHINE_NEVER;
	}
}

static void
model_set(struct model *m, size_t i)
{
	static const uint64_t spans[] = { 300, 5000, 70000, 2000000 };

	m->at[i] = m->now + 1 + (int64_t)(draw(&m->random) % spans[draw(&m->random) % 4]);
	wheel_set(&m->w, &m->entries[i], m->at[i]);
}

static void
model_check(struct model *m)
{
	int64_t first = MACHINE_NEVER, next = wheel_next(&m->w);

	for (size_t i = 0; i < MODEL; i++) {
		assert_int_equal(wheel_is_set(&m->entries[i]), m->at[i] != MACHINE_NEVER);
		assert_true(m->at[i] == MACHINE_NEVER || m->at[i] + WHEEL_TICK_MS > m->now);
		first = m->at[i] < first ? m->at[i] : first;
	}
	assert_true(first == MACHINE_NEVER ? next == MACHINE_NEVER : next <= first + SLACK);
	assert_true(next > m->now - WHEEL_TICK_MS);
}

static void
against_a_model(void **state)
{
	static struct model m;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&m, 0, sizeof m);
		m.random = seed * 0x9E3779B97F4A7C15u;
		m.now = (int64_t)(draw(&m.random) % 1000000);
		wheel_init(&m.w, m.now);
		for (size_t i = 0; i < MODEL; i++)
			m.at[i] = MACHINE_NEVER;
		for (int step = 0; step < 3000; step++) {
			uint64_t choice = draw(&m.random);

			if (choice % 3 != 0)
				model_set(&m, draw(&m.random) % MODEL);
			else
				m.now += (int64_t)(draw(&m.random) % (choice % 100 == 0 ? 200000 : 400));
			wheel_advance(&m.w, m.now, model_fire, &m);
			model_check(&m);
		}
		assert_true(m.fired > 500);
	}
}

/* A hundred thousand idle deadlines of half an hour, each moved on now and then, cost nothing that one would notice. */
static void
many_idle(void **state)
{
	enum { COUNT = 100000, SECONDS = 600, IDLE = 30 * 60000 };
	struct wheel_entry *entries = mem_array(COUNT, sizeof *entries);
	struct wheel w;
	struct fired f = { .wheel = &w };
	uint64_t random = 1;
	unsigned wakes = 0;
	clock_t start;
	double us;

	(void)state;
	assert_non_null(entries);
	wheel_init(&w, 0);
	for (size_t i = 0; i < COUNT; i++)
		wheel_set(&w, &entries[i], IDLE + (int64_t)(draw(&random) % 60000));
	start = clock();
	for (int64_t now = 0; now < SECONDS * 1000; now += WHEEL_TICK_MS) {
		if (wheel_next(&w) <= now)
			wakes++;
		wheel_advance(&w, now, note, &f);
		for (int i = 0; i < 10; i++)
			wheel_set(&w, &entries[draw(&random) % COUNT], now + IDLE);
	}
	us = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / SECONDS;
	printf("# 100,000 idle entries: %.0f us and %.1f wakes a second\n", us, (double)wakes / SECONDS);
	assert_int_equal(f.count, 0);
	assert_true(us < 20000); /* two hundredths of a core, under sanitizers on a busy machine */
	mem_free(entries);
}

UNIT_MAIN(UNIT_TEST(fires_once_and_never_early), UNIT_TEST(moves), UNIT_TEST(clock_jumps),
    UNIT_TEST(changes_from_within), UNIT_TEST(against_a_model), UNIT_TEST(many_idle))
