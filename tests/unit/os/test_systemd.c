/* SPDX-License-Identifier: ISC */
/* Plays the service manager: a child gets sockets from descriptor 3 on and the variables that go with them. */
#include "unit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/systemd.h"

#define FAILED 100

static int
listening(int family)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_un local = { .sun_family = AF_UNIX };
	int fd = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET)
		assert_int_equal(bind(fd, (const struct sockaddr *)&v4, sizeof v4), 0);
	else
		assert_int_equal(bind(fd, (const struct sockaddr *)&local, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void
set_number(const char *name, long number)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%ld", number);
	if (setenv(name, text, 1) != 0)
		_exit(FAILED);
}

/* In the child: the descriptors to 3 and up, then what check says. */
static void
be_activated(const int *fds, int count, const char *names, int (*check)(void))
{
	int high[4];

	for (int i = 0; i < count; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 50);
	for (int i = 0; i < count; i++)
		if (dup2(high[i], 3 + i) < 0)
			_exit(FAILED);
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", count);
	if (names != NULL && setenv("LISTEN_FDNAMES", names, 1) != 0)
		_exit(FAILED);
	_exit(check());
}

static int
result_of(const int *fds, int count, const char *names, int (*check)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		be_activated(fds, count, names, check);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct systemd_socket sockets[SYSTEMD_SOCKETS_MAX];

static int
two_sockets(void)
{
	size_t n = 0;

	if (systemd_sockets(sockets, &n, &unit_error) != 0 || n != 2)
		return 1;
	if (sockets[0].fd != 3 || strcmp(sockets[0].name, "imaps") != 0 || sockets[0].port == 0)
		return 2;
	if (sockets[1].fd != 4 || strcmp(sockets[1].name, "control") != 0 || sockets[1].port != 0)
		return 3;
	for (size_t i = 0; i < 2; i++)
		if (fcntl(sockets[i].fd, F_GETFD) != FD_CLOEXEC || (fcntl(sockets[i].fd, F_GETFL) & O_NONBLOCK) == 0)
			return 4;
	/* Once. */
	return systemd_sockets(sockets, &n, &unit_error) == 0 && n == 0 && getenv("LISTEN_FDS") == NULL ? 0 : 5;
}

static int
refused_and_closed(void)
{
	size_t n = 7;

	if (systemd_sockets(sockets, &n, &unit_error) != ERR_USAGE || n != 0)
		return 1;
	return fcntl(3, F_GETFD) < 0 && fcntl(4, F_GETFD) < 0 ? 0 : 2;
}

static void
sockets_are_taken(void **state)
{
	int tcp = listening(AF_INET), local = listening(AF_UNIX), plain = open("/dev/null", O_RDONLY);
	const int good[] = { tcp, local }, bad[] = { tcp, plain };

	(void)state;
	assert_int_equal(result_of(good, 2, "imaps:control", two_sockets), 0);
	assert_int_equal(result_of(bad, 2, "imaps:control", refused_and_closed), 0);
	(void)close(tcp);
	(void)close(local);
	(void)close(plain);
}

static void
without_a_manager_nothing_happens(void **state)
{
	size_t n = 7;

	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_ok(systemd_sockets(sockets, &n, &unit_error));
	assert_int_equal(n, 0);
	systemd_ready("x");
	systemd_stopping();
}

static void
expect_message(int fd, const char *expected, size_t compared)
{
	char text[1024];
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	assert_true(n > 0);
	text[n] = '\0';
	assert_true((size_t)n + 1 >= compared);
	assert_memory_equal(text, expected, compared);
}

#define EXPECT(fd, text) expect_message(fd, text, sizeof(text))
#define EXPECT_BEGIN(fd, text) expect_message(fd, text, sizeof(text) - 1)

static void
the_manager_is_told(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)state;
	(void)snprintf(name.sun_path, sizeof name.sun_path, "/tmp/letterlock-notify-%ld", (long)getpid());
	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name.sun_path, 1), 0);
	systemd_ready("7 ports\nMAINPID=1");
	EXPECT(fd, "READY=1\nSTATUS=7 ports?MAINPID=1");
	systemd_reloading();
	EXPECT_BEGIN(fd, "RELOADING=1\nMONOTONIC_USEC=");
	systemd_status("waits");
	EXPECT(fd, "STATUS=waits");
	systemd_stopping();
	EXPECT(fd, "STOPPING=1\nSTATUS=Stopping");
	assert_int_equal(unlink(name.sun_path), 0);
	(void)close(fd);
}

UNIT_MAIN(UNIT_TEST(sockets_are_taken), UNIT_TEST(without_a_manager_nothing_happens), UNIT_TEST(the_manager_is_told))
