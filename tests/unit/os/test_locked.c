/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/locked.h"

#define SIZE 10000u

enum where { BELOW, INSIDE, ABOVE };

static int
look(const struct locked *l, enum where where)
{
	const volatile uint8_t *p = l->data;

	(void)signal(SIGSEGV, SIG_DFL);
	return where == BELOW ? p[-1] : where == ABOVE ? p[l->size] : p[0];
}

/* Whether a forked child that looks there dies of it. */
static bool
kills(const struct locked *l, enum where where)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(look(l, where) < 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void
a_forked_child_has_none_of_it(void **state)
{
	(void)state;
	for (int no_memfd = 0; no_memfd < 2; no_memfd++) {
		struct locked l;

		assert_ok(locked_new(SIZE, no_memfd != 0, &l, &unit_error));
		assert_true(l.size >= SIZE && l.size % (size_t)sysconf(_SC_PAGESIZE) == 0);
		for (size_t i = 0; i < l.size; i++)
			assert_int_equal(((uint8_t *)l.data)[i], 0);
		memset(l.data, 0xa5, l.size);
		assert_true(kills(&l, INSIDE));
		if (no_memfd)
			assert_int_not_equal(l.kind, LOCKED_SECRET);
		print_message("# %s\n", locked_kind_name(l.kind));
		locked_free(&l);
		assert_null(l.data);
	}
}

/* In the same process: the guards are there whatever a fork leaves out. */
static void
guards_stand_on_both_sides(void **state)
{
	(void)state;
	for (int where = BELOW; where <= ABOVE; where++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			struct locked l;

			if (locked_new(SIZE, true, &l, NULL) != 0)
				_exit(2);
			_exit(look(&l, (enum where)where) != 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (where == INSIDE)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		else
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

UNIT_MAIN(UNIT_TEST(a_forked_child_has_none_of_it), UNIT_TEST(guards_stand_on_both_sides))
