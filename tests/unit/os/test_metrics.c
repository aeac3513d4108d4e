/* SPDX-License-Identifier: ISC */
#include "os/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* Every row has its own numbers, all are used, and names are those that Prometheus takes. */
static void
rows(void **state)
{
	unsigned next = 0;

	(void)state;
	for (size_t i = 0; i < metrics_table_count; i++) {
		const struct metric_row *row = &metrics_table[i];
		size_t len = strlen(row->name);

		assert_int_equal(row->slot, next);
		next += row->first->count * row->second->count;
		assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), len);
		/* Counters end with _total, and nothing else does. */
		assert_int_equal(len > 6 && strcmp(row->name + len - 6, "_total") == 0, row->kind == METRIC_COUNTER);
		assert_true(row->help[strlen(row->help) - 1] == '.' && strchr(row->help, '\n') == NULL);
		for (unsigned w = 0; row->first->words != NULL && w < row->first->count; w++)
			assert_non_null(row->first->words[w]);
		for (unsigned w = 0; row->second->words != NULL && w < row->second->count; w++)
			assert_non_null(row->second->words[w]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(row->name, metrics_table[j].name);
	}
	assert_int_equal(next, METRIC_COUNT);
	for (size_t i = 1; i < METRIC_N_SECONDS - 2; i++)
		assert_true(metric_bounds[i - 1] < metric_bounds[i]);
}

static uint64_t
own(unsigned slot)
{
	return atomic_load(&atomic_load(&metrics_here)->values[slot]);
}

static void
counting(void **state)
{
	(void)state;
	metric_add(METRIC_CONNECTIONS + METRIC_IMAP, 3);
	metric_add(METRIC_CONNECTIONS + METRIC_IMAP, -1);
	assert_int_equal(own(METRIC_CONNECTIONS + METRIC_IMAP), 2);
	metric_set(METRIC_STARTED, 77);
	assert_int_equal(own(METRIC_STARTED), 77);
	assert_int_equal(METRIC_PAIR(METRIC_IMAP, REASON, METRIC_REASON_ABSENT), 2 * 3 + 2);
	/* Bounds belong to the bucket below. */
	metric_time(METRIC_SYNC_SECONDS, 500);
	metric_time(METRIC_SYNC_SECONDS, 501);
	metric_time(METRIC_SYNC_SECONDS, 5000000);
	metric_time(METRIC_SYNC_SECONDS, 5000001);
	metric_time(METRIC_SYNC_SECONDS, UINT32_MAX);
	assert_int_equal(own(METRIC_SYNC_SECONDS), 1);
	assert_int_equal(own(METRIC_SYNC_SECONDS + 1), 1);
	assert_int_equal(own(METRIC_SYNC_SECONDS + METRIC_N_SECONDS - 3), 1);
	assert_int_equal(own(METRIC_SYNC_SECONDS + METRIC_N_SECONDS - 2), 2);
	assert_int_equal(
	    own(METRIC_SYNC_SECONDS + METRIC_N_SECONDS - 1), 500 + 501 + 5000000ull + 5000001 + UINT32_MAX);
}

/* Two processes as two pages: the sum; what a dead one leaves; the one that follows it. */
static void
pages(void **state)
{
	struct metrics_share parent, child;
	uint64_t sums[METRIC_COUNT], fact[FACT_COUNT];
	int status;
	pid_t pid;

	(void)state;
	assert_ok(metrics_share_open(&parent, &unit_error));
	assert_ok(metrics_share_open(&child, &unit_error));
	assert_ok(metrics_use(parent.fd, &unit_error)); /* what was counted before comes along */
	assert_int_equal(own(METRIC_CONNECTIONS + METRIC_IMAP), 2);
	metrics_look_here();
	metrics_look_here(); /* counts once all the same */
	assert_ok(metrics_look(child.look_fd, &unit_error));
	for (int life = 1; life <= 2; life++) {
		pid = fork();
		if (pid == 0) {
			if (metrics_use(child.fd, NULL) != 0)
				_exit(1);
			metric_add(METRIC_DELIVERIES_TOTAL, 5);
			metric_add(METRIC_CONNECTIONS + METRIC_IMAP, 7);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		metrics_sum(sums);
		assert_int_equal(sums[METRIC_DELIVERIES_TOTAL], life * 5);
		assert_int_equal(sums[METRIC_CONNECTIONS + METRIC_IMAP], 9);
		metrics_share_ended(&child);
		metrics_sum(sums);
		assert_int_equal(sums[METRIC_DELIVERIES_TOTAL], life * 5);
		assert_int_equal(sums[METRIC_CONNECTIONS + METRIC_IMAP], 2);
	}
	/* Facts are the first page's, whatever others write. */
	assert_false(metrics_process(0, fact));
	atomic_store(&child.page->facts[0][FACT_STARTED], 1);
	assert_false(metrics_process(0, fact));
	atomic_store(&atomic_load(&metrics_here)->facts[3][FACT_STARTED], 9);
	assert_true(metrics_process(3, fact));
	assert_int_equal(fact[FACT_STARTED], 9);
	assert_false(metrics_process(METRICS_PAGES_MAX, fact));
	assert_false(metrics_process(SIZE_MAX, fact));
	metrics_share_close(&child);
}

/* Not by its name either, for another user: the processes are others than the parent. */
static void
reopening_fails(int fd)
{
	char name[40];
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	pid = fork();
	if (pid == 0)
		_exit(setuid(65534) != 0 || open(name, O_RDWR) >= 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
what_only_looks_cannot_write(void **state)
{
	struct metrics_share s;
	uint64_t one = 1;

	(void)state;
	assert_ok(metrics_share_open(&s, &unit_error));
	assert_true(mmap(NULL, sizeof *s.page, PROT_READ | PROT_WRITE, MAP_SHARED, s.look_fd, 0) == MAP_FAILED);
	assert_int_equal(write(s.look_fd, &one, sizeof one), -1);
	reopening_fails(s.look_fd);
	/* Nobody makes it smaller, and others' reading fail. */
	assert_int_equal(ftruncate(s.fd, 0), -1);
	assert_int_equal(ftruncate(s.fd, 1 << 20), -1);
	metrics_share_close(&s);
}

static void
no_pages_are_refused(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(metrics_use(fds[0], &unit_error), ERR_USAGE);
	assert_int_equal(metrics_look(fds[0], &unit_error), ERR_USAGE);
	assert_int_equal(metrics_use(-1, &unit_error), ERR_USAGE);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
there_is_a_bound(void **state)
{
	struct metrics_share s;
	int rc = 0;

	(void)state;
	assert_ok(metrics_share_open(&s, &unit_error));
	for (unsigned i = 0; i <= METRICS_PAGES_MAX && rc == 0; i++)
		rc = metrics_look(s.look_fd, &unit_error);
	assert_int_equal(rc, ERR_LIMIT);
	metrics_share_close(&s);
}

UNIT_MAIN(UNIT_TEST(rows), UNIT_TEST(counting), UNIT_TEST(pages), UNIT_TEST(what_only_looks_cannot_write),
    UNIT_TEST(no_pages_are_refused), UNIT_TEST(there_is_a_bound))
