/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/privileges.h"

#define NOBODY 65534u

static void
users_are_found(void **state)
{
	static const struct {
		const char *name;
		int code;
		uid_t uid;
	} rows[] = {
		{ "root", 0, 0 },
		{ "nobody", 0, NOBODY },
		{ "65534", 0, NOBODY },
		{ "no such user", ERR_NOT_FOUND, 0 },
		{ "", ERR_NOT_FOUND, 0 },
		{ "4294967295", ERR_NOT_FOUND, 0 },
		{ "65534x", ERR_NOT_FOUND, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct privileges_user u = { 1, 1 };

		assert_int_equal(privileges_find(rows[i].name, &u, &unit_error), rows[i].code);
		if (rows[i].code == 0)
			assert_int_equal(u.uid, rows[i].uid);
	}
}

/* Runs check in a process of its own; its result must be 0. */
static void
apart(int (*check)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
drop_in_folder(void)
{
	const struct privileges_user nobody = { NOBODY, NOBODY };
	char folder[] = "/tmp/letterlock-root-XXXXXX", here[64];
	struct stat st;

	if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
		return 1;
	/* As a service manager may do. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return 2;
	if (privileges_drop(&nobody, folder, &unit_error) != 0)
		return 3;
	if (getuid() != NOBODY || getegid() != NOBODY || setuid(0) == 0 || chroot("/") == 0)
		return 4;
	if (getcwd(here, sizeof here) == NULL || strcmp(here, "/") != 0 || stat("/etc", &st) == 0)
		return 5;
	/* Not root any more: there is nothing to drop. */
	return privileges_drop(&nobody, NULL, &unit_error) == ERR_DENIED ? 0 : 6;
}

static int
drop_with_errors(void)
{
	const struct privileges_user root = { 0, 0 }, nobody = { NOBODY, NOBODY };

	if (privileges_drop(&root, NULL, &unit_error) != ERR_USAGE)
		return 1;
	return privileges_drop(&nobody, "/no/such/folder", &unit_error) == ERR_NOT_FOUND ? 0 : 2;
}

/* What is left suffices to become another in a folder and to end it, and for nothing else. */
static int
start_and_end(void)
{
	struct stat st;
	int status;
	pid_t pid;

	if (privileges_keep_for_starting(&unit_error) != 0 || sethostname("x", 1) == 0 ||
	    prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0 || stat("/", &st) != 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		if (drop_in_folder() != 0)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)usleep(50000);
	if (kill(pid, SIGKILL) != 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFSIGNALED(status) ? 0 : 3;
}

static void
starting_needs_little(void **state)
{
	(void)state;
	if (privileges_are_roots())
		apart(start_and_end);
	else
		assert_ok(privileges_keep_for_starting(&unit_error));
}

static void
root_is_left_for_good(void **state)
{
	const struct privileges_user nobody = { NOBODY, NOBODY };

	(void)state;
	if (!privileges_are_roots()) {
		print_message("# skipped: only root can become another user\n");
		assert_int_equal(privileges_drop(&nobody, NULL, &unit_error), ERR_DENIED);
		return;
	}
	apart(drop_in_folder);
	apart(drop_with_errors);
}

UNIT_MAIN(UNIT_TEST(users_are_found), UNIT_TEST(starting_needs_little), UNIT_TEST(root_is_left_for_good))
