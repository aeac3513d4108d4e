/* SPDX-License-Identifier: ISC */
/*
 * Every attempt of a table, made in a process of its own that entered a
 * profile, is permitted, refused or deadly exactly as the table says: alone,
 * and below the profile of who starts it, as in the daemon. An attempt that fails
 * without any sandbox too proves nothing and is skipped.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/sandbox.h"
#include "os/sandbox_attempts.h"

/*
 * Columns: parent, front, worker, auth, mail, resolver, relay,
 * starter, agent, launcher. y permitted, -
 * refused (EPERM, EACCES), l refused by Landlock alone, 3, 4, 6 refused by
 * Landlock from that version on and permitted before, 2 permitted by Landlock
 * from its version 2 on, K killed, a "no such call", o "not supported".
 */
static const struct row {
	const char *name;
	const char *expected;
	int (*attempt)(const struct scene *);
} rows[] = {
	{ "read a file outside", "y---l---y-y", read_outside },
	{ "read /proc/self/maps", "y---l---y-y", read_own_maps },
	{ "make a file outside", "y---l---l-y", make_outside },
	{ "truncate a file outside", "y-------3-y", truncate_outside },
	{ "cut a file outside by opening it", "y-------3-y", cut_outside },
	{ "make a file in the data folder", "y---y---l-y", make_inside },
	{ "cut a file in the data folder", "y---y---l-y", cut_inside },
	{ "rename between folders of the data folder", "y---2---l-y", rename_inside },
	{ "space and copies in the data folder", "y---y---l-y", store_calls },
	{ "make a symbolic link in the data folder", "y-------l-y", link_inside },
	{ "make a FIFO in the data folder", "y-------l-y", fifo_inside },
	{ "read /dev/urandom", "y---y---y-y", read_urandom },
	{ "a converter that is loaded late", "y---y---y-y", iconv_late },
	{ "SQLite commits", "y---y---l-y", sqlite_commits },
	{ "connect by TCP", "-----yyyy-y", connect_tcp },
	{ "sendto() with fast open", "----------y", sendto_fastopen },
	{ "sendmsg() with fast open", "-----o----y", sendmsg_fastopen },
	{ "connect to a unix socket", "-----6666-y", connect_unix },
	{ "socket(AF_INET)", "y----yyyy-y", socket_inet },
	{ "socket(AF_UNIX)", "y-------y-y", socket_unix },
	{ "socket(AF_NETLINK)", "----------y", socket_netlink },
	{ "the same with a dirty upper half", "----------y", socket_netlink_dirty },
	{ "a pair of stream sockets", "yyyyyyyyyyy", pair_stream },
	{ "a pair of datagram sockets", "y-------y-y", pair_datagram },
	{ "bind", "y----4y-y-y", bind_inherited },
	{ "bind to a certain port", "y----44-4-y", bind_certain },
	{ "listen", "y---------y", listen_inherited },
	{ "accept on an inherited socket", "yy--y----yy", accept_inherited },
	{ "descriptors in messages", "yyyyyyyyyyy", pass_descriptor },
	{ "a socket of UDP over IPv6, connected", "-----y--y-y", udp_connected },
	{ "bind by UDP", "y----y--y-y", bind_udp },
	{ "IP_MTU_DISCOVER", "y----y--y-y", set_mtu_discover },
	{ "socket(AF_INET) of MPTCP", "y-------y-y", socket_mptcp },
	{ "TCP_NODELAY", "yy----yyy-y", set_nodelay },
	{ "TCP_FASTOPEN_CONNECT", "y-------y-y", set_fastopen },
	{ "execute another program", "lKKKKKKKlKy", execute_true },
	{ "execute itself", "yKKKKKKKyKy", execute_self },
	{ "fork", "y-------y-y", try_fork },
	{ "clone3", "aaaaaaaaaay", try_clone3 },
	{ "a user namespace by clone", "----------y", clone_user },
	{ "a mount namespace", "----------y", unshare_mounts },
	{ "a thread with 32 MiB", "yyyyyyyyyyy", thread_and_memory },
	{ "writable and executable memory", "y-------y-y", map_both },
	{ "memory made executable", "y-------y-y", protect_exec },
	{ "a file mapped executable", "y---y---y-y", map_file_exec },
	{ "epoll, eventfd, timerfd", "yyyyyyyyyyy", wait_for_events },
	{ "getrandom", "yyyyyyyyyyy", get_random },
	{ "fstat", "yyyyyyyyyyy", fstat_inherited },
	{ "isatty", "yyyyyyyyyyy", ask_terminal },
	{ "name a thread", "yyyyyyyyyyy", name_thread },
	{ "look at a limit", "yyyyyyyyyyy", get_limit },
	{ "set a limit", "y-------y-y", set_limit },
	{ "become dumpable", "y-------y-y", set_dumpable },
	{ "F_SETOWN", "y-------y-y", set_owner },
	{ "signal itself", "yyyyyyyyyyy", signal_self },
	{ "kill a sibling", "y-------6-y", kill_sibling },
	{ "tgkill a sibling", "y-------6-y", tgkill_sibling },
	{ "ptrace a sibling", "KKKKKKKKKK-", ptrace_sibling },
	{ "read a sibling's memory", "KKKKKKKKKK-", vm_read_sibling },
	{ "chroot", "y-------y-y", try_chroot },
	{ "setuid", "y-------y-y", try_setuid },
	{ "setgroups", "y-------y-y", try_setgroups },
	{ "mount", "KKKKKKKKKK-", try_mount },
	{ "keyctl", "KKKKKKKKKK-", try_keyctl },
	{ "bpf", "KKKKKKKKKK-", try_bpf },
	{ "io_uring", "KKKKKKKKKK-", try_io_uring },
	{ "perf_event_open", "KKKKKKKKKK-", try_perf },
	{ "userfaultfd", "KKKKKKKKKK-", try_userfaultfd },
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

#define FAILED_TO_ENTER 250
#define KILLED 251
#define DIED 252

static int
enter(const struct scene *s, enum sandbox_profile profile, struct sandbox_state *state)
{
	const char *const write[] = { s->data };
	const char *const read[] = { "/dev/urandom", SANDBOX_GCONV_FOLDERS };
	const struct sandbox_paths paths = { write, 1, read, sizeof read / sizeof read[0] };
	struct error e;
	int rc = sandbox_enter(profile, &paths, state, &e);

	if (rc != 0)
		print_error("%s: %s\n", sandbox_profile_name(profile), e.text);
	return rc;
}

enum way { FREE, ALONE, BELOW }; /* below the profile of who starts it */

static enum sandbox_profile
starter_of(enum sandbox_profile profile)
{
	return profile == SANDBOX_RESOLVER || profile == SANDBOX_RELAY || profile == SANDBOX_FILTER ? SANDBOX_STARTER
												    : SANDBOX_PARENT;
}

static void
be_child(const struct row *row, const struct scene *s, enum sandbox_profile profile, enum way way)
{
	struct sandbox_state state;

	if (way == BELOW && enter(s, starter_of(profile), &state) != 0)
		_exit(FAILED_TO_ENTER);
	if (way != FREE && enter(s, profile, &state) != 0)
		_exit(FAILED_TO_ENTER);
	_exit(row->attempt(s));
}

/* What the attempt gives in a process of its own: 0, an errno, or one of the above. */
static int
result_of(const struct row *row, enum sandbox_profile profile, enum way way)
{
	struct scene s;
	int status;
	pid_t pid;

	scene_make(&s);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_child(row, &s, profile, way);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	scene_end(&s);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : DIED;
	return WEXITSTATUS(status);
}

static bool
as_expected(char expected, int result, int landlock_abi)
{
	if (expected >= '3' && expected <= '6' && landlock_abi < expected - '0')
		return result == 0;
	if (expected == 'y' || expected == '2')
		return result == 0;
	if (expected == 'K')
		return result == KILLED;
	if (expected == 'a' || expected == 'o')
		return result == (expected == 'a' ? ENOSYS : EOPNOTSUPP);
	return result == EPERM || result == EACCES;
}

static struct sandbox_state
state_here(void)
{
	struct sandbox_state state = { false, 0 };
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		_exit(sandbox_enter(SANDBOX_FRONT, NULL, &state, NULL) != 0 ||
		    write(fd[1], &state, sizeof state) != sizeof state);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(fd[0], &state, sizeof state), sizeof state);
	(void)close(fd[0]);
	(void)close(fd[1]);
	return state;
}

struct count {
	unsigned cells, wrong, skipped;
};

static void
check_cell(const struct row *row, enum sandbox_profile profile, enum way way, const struct sandbox_state *state,
    struct count *c)
{
	char expected = row->expected[profile];
	int result = result_of(row, profile, way);

	c->cells++;
	if (as_expected(expected, result, state->landlock_abi))
		return;
	c->wrong++;
	print_error("%s in %s%s: expected %c, got %d (%s)\n", row->name, sandbox_profile_name(profile),
	    way == BELOW ? " below its starter" : "", expected, result, result == KILLED ? "killed" : strerror(result));
}

static void
check_row(const struct row *row, const struct sandbox_state *state, struct count *c)
{
	int control = result_of(row, SANDBOX_FRONT, FREE);

	for (int p = 0; p < SANDBOX_PROFILE_COUNT; p++) {
		char expected = row->expected[p];

		if (!state->seccomp || (expected == 'l' && state->landlock_abi == 0) ||
		    (expected == '2' && state->landlock_abi == 1) || (control != 0 && expected != 'K')) {
			c->skipped++;
			continue;
		}
		check_cell(row, (enum sandbox_profile)p, ALONE, state, c);
		if (p != SANDBOX_PARENT && p != SANDBOX_STARTER && p < SANDBOX_AGENT)
			check_cell(row, (enum sandbox_profile)p, BELOW, state, c);
	}
	if (control != 0)
		print_message("# without a sandbox: %s: %s\n", row->name, strerror(control));
}

static void
each_profile_permits_what_the_table_says(void **unused)
{
	struct sandbox_state state = state_here();
	struct count c = { 0, 0, 0 };

	(void)unused;
	for (size_t i = 0; i < ROW_COUNT; i++)
		check_row(&rows[i], &state, &c);
	print_message("# %u cells, %u skipped; seccomp %s, Landlock version %d\n", c.cells, c.skipped,
	    state.seccomp ? "yes" : "no", state.landlock_abi);
	if (c.skipped > 0)
		print_message("# skipped %u cells that this kernel or user cannot show\n", c.skipped);
	assert_int_equal(c.wrong, 0);
}

static void
doors_are_closed(void **unused)
{
	int status;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		struct sandbox_state state;
		struct rlimit core;

		_exit(sandbox_enter(SANDBOX_AUTH, NULL, &state, NULL) != 0 ||
		    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
		    getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *
wait_on(void *fd)
{
	char c;

	return read(*(const int *)fd, &c, 1) == 1 ? NULL : fd;
}

static void
threads_and_missing_folders_are_refused(void **unused)
{
	const char *const missing[] = { "/no/such/folder" };
	const struct sandbox_paths paths = { .write = missing, .write_count = 1 };
	struct sandbox_state state = state_here();
	int fd[2], status;
	pthread_t thread;
	struct error e;
	pid_t pid;

	(void)unused;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_on, &fd[0]), 0);
	assert_int_equal(sandbox_enter(SANDBOX_FRONT, NULL, &state, &e), ERR_ORDER);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(sandbox_enter(SANDBOX_MAIL, &paths, &state, &e) == ERR_NOT_FOUND ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(status == 0 || state.landlock_abi == 0);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

#ifdef __SANITIZE_ADDRESS__
/* What a sanitizer finds inside is told on standard error and ends the process, in every profile. */
static void
a_sanitizer_can_report(void **unused)
{
	char text[4096];

	(void)unused;
	for (int p = 0; p < SANDBOX_PROFILE_COUNT; p++) {
		ssize_t n, len = 0;
		int fd[2], status;
		pid_t pid;

		assert_int_equal(pipe(fd), 0);
		pid = fork();
		if (pid == 0) {
			struct sandbox_state state;
			volatile size_t beyond = 8;
			volatile char *octets = malloc(8);

			(void)dup2(fd[1], STDERR_FILENO);
			(void)sandbox_enter((enum sandbox_profile)p, NULL, &state, NULL);
			_exit(octets[beyond]);
		}
		(void)close(fd[1]);
		while ((n = read(fd[0], text + len, sizeof text - 1 - (size_t)len)) > 0)
			len += n;
		text[len] = '\0';
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_non_null(strstr(text, "heap-buffer-overflow"));
		(void)close(fd[0]);
	}
}
#endif

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(each_profile_permits_what_the_table_says),
		UNIT_TEST(doors_are_closed),
		UNIT_TEST(threads_and_missing_folders_are_refused),
#ifdef __SANITIZE_ADDRESS__
		UNIT_TEST(a_sanitizer_can_report),
#endif
	};

	/* "execute itself" ends here. */
	if (argc > 1 && strcmp(argv[1], "true") == 0)
		return 0;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scenery_begin, scenery_end);
}
