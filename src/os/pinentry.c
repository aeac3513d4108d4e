/* SPDX-License-Identifier: ISC */
#include "os/pinentry.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/spawn.h"
#include "os/terminal.h"

#define GRACE_MS 5000 /* it keeps the time itself; this much later we do */
#define PTS_MAJOR_FIRST 136u
#define PTS_MAJOR_LAST 143u

/* ---- the seat ---- */

static const char *const variables[SEAT_ITEMS] = {
	[SEAT_TERM] = "TERM",
	[SEAT_DISPLAY] = "DISPLAY",
	[SEAT_WAYLAND] = "WAYLAND_DISPLAY",
	[SEAT_XAUTHORITY] = "XAUTHORITY",
	[SEAT_BUS] = "DBUS_SESSION_BUS_ADDRESS",
	[SEAT_RUNTIME] = "XDG_RUNTIME_DIR",
	[SEAT_LC_CTYPE] = "LC_CTYPE",
	[SEAT_LC_MESSAGES] = "LC_MESSAGES",
};

const char *
pinentry_seat_variable(enum seat_item item)
{
	return variables[item];
}

bool
pinentry_seat_set(struct pinentry_seat *s, enum seat_item item, struct slice text)
{
	s->items[item][0] = '\0';
	if (text.len >= SEAT_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < 32 || text.data[i] == 127)
			return false;
	}
	if (text.len > 0)
		memcpy(s->items[item], text.data, text.len);
	s->items[item][text.len] = '\0';
	return true;
}

/* The controlling terminal by its number, for when the standard streams are files. */
static void
controlling_terminal(char out[SEAT_TEXT_MAX])
{
	char text[1024] = "";
	const char *p;
	unsigned long tty;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')'); /* behind the name: state, parent, group, session, terminal */
	for (int i = 0; p != NULL && i < 5; i++)
		p = strchr(p + 1, ' ');
	tty = p == NULL ? 0 : strtoul(p, NULL, 10);
	if (major(tty) >= PTS_MAJOR_FIRST && major(tty) <= PTS_MAJOR_LAST)
		(void)snprintf(out, SEAT_TEXT_MAX, "/dev/pts/%u", (major(tty) - PTS_MAJOR_FIRST) * 256 + minor(tty));
}

void
pinentry_seat_mine(struct pinentry_seat *out)
{
	*out = (struct pinentry_seat){ 0 };
	for (int i = 0; i < SEAT_ITEMS; i++) {
		const char *value = variables[i] == NULL ? NULL : getenv(variables[i]);

		if ((i == SEAT_LC_CTYPE || i == SEAT_LC_MESSAGES) && getenv("LC_ALL") != NULL)
			value = getenv("LC_ALL");
		if ((i == SEAT_LC_CTYPE || i == SEAT_LC_MESSAGES) && value == NULL)
			value = getenv("LANG");
		if (value != NULL)
			(void)pinentry_seat_set(out, (enum seat_item)i, slice_str(value));
	}
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && out->items[SEAT_TTY][0] == '\0'; fd++) {
		if (ttyname_r(fd, out->items[SEAT_TTY], SEAT_TEXT_MAX) != 0)
			out->items[SEAT_TTY][0] = '\0';
	}
	if (out->items[SEAT_TTY][0] == '\0' && terminal_can_ask())
		controlling_terminal(out->items[SEAT_TTY]);
}

bool
pinentry_seat_graphical(const struct pinentry_seat *s)
{
	return s->items[SEAT_DISPLAY][0] != '\0' || s->items[SEAT_WAYLAND][0] != '\0';
}

bool
pinentry_can_ask(void)
{
	struct pinentry_seat seat;

	pinentry_seat_mine(&seat);
	return pinentry_seat_graphical(&seat);
}

/* ---- the program ---- */

static int
check_program(const char *path, struct error *e)
{
	struct stat st;

	if (path[0] != '/')
		return error_set(e, ERR_USAGE, "the setting pinentry wants a whole path, from / on: '%.200s'", path);
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || access(path, X_OK) != 0)
		return error_set(e, ERR_NOT_FOUND, "%.200s is no program", path);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return error_set(e, ERR_DENIED,
		    "%.200s can be changed by others, who would then be told your passphrases: take another", path);
	return 0;
}

/* The administrator's choice first; those for windows fall back to the terminal by themselves. */
static const char *const usual[] = { "/usr/bin/pinentry", "/usr/local/bin/pinentry", "/usr/bin/pinentry-curses",
	"/usr/bin/pinentry-tty" };
static const char *const windows[] = { "/usr/bin/pinentry", "/usr/local/bin/pinentry", "/usr/bin/pinentry-gnome3",
	"/usr/bin/pinentry-qt", "/usr/bin/pinentry-gtk-2", "/usr/bin/pinentry-fltk" };

int
pinentry_program(const char *setting, const struct pinentry_seat *seat, char out[FILE_PATH_MAX], struct error *e)
{
	bool graphical = pinentry_seat_graphical(seat);
	const char *const *list = graphical ? windows : usual;
	size_t count = graphical ? sizeof windows / sizeof windows[0] : sizeof usual / sizeof usual[0];

	if (setting != NULL && setting[0] != '\0') {
		(void)snprintf(out, FILE_PATH_MAX, "%s", setting);
		return check_program(setting, e);
	}
	for (size_t i = 0; i < count; i++) {
		if (check_program(list[i], NULL) == 0) {
			(void)snprintf(out, FILE_PATH_MAX, "%s", list[i]);
			return 0;
		}
	}
	return error_set(e, ERR_NOT_FOUND, "there is no pinentry to ask with: install one (pinentry-curses)");
}

/* ---- waiting for it ---- */

static enum pinentry_state
exchange(int fd, struct pinentry_talk *t, int64_t deadline)
{
	enum pinentry_state state = PINENTRY_GOES_ON;
	uint8_t in[512];

	while (state == PINENTRY_GOES_ON) {
		struct slice out = pinentry_talk_output(t);
		struct pollfd p = { .fd = fd, .events = (short)(POLLIN | (out.len > 0 ? POLLOUT : 0)) };
		int64_t left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
			return pinentry_talk_end(t);
		if (p.revents & POLLOUT) {
			n = send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
			pinentry_talk_sent(t, n > 0 ? (size_t)n : 0);
		}
		if ((p.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
			continue;
		n = recv(fd, in, sizeof in, MSG_DONTWAIT);
		state = n > 0 ? pinentry_talk_feed(t, slice_of(in, (size_t)n)) : pinentry_talk_end(t);
		explicit_bzero(in, sizeof in);
	}
	return state;
}

static int
run(const char *program, struct pinentry_talk *t, struct error *e)
{
	const char *const argv[] = { program, NULL };
	int64_t deadline = clock_ms() + (int64_t)PINENTRY_WAIT_S * 1000 + GRACE_MS;
	enum pinentry_state state;
	int pair[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set_errno(e, ERR_IO, errno, "cannot make a socket");
	rc = spawn_on(argv, NULL, pair[1], &pid, e);
	(void)close(pair[1]);
	state = rc == 0 ? exchange(pair[0], t, deadline) : PINENTRY_BROKEN;
	(void)close(pair[0]);
	if (rc != 0)
		return rc;
	spawn_end(pid, 1000);
	if (state == PINENTRY_BROKEN)
		return error_set(e, ERR_USAGE, "%s could not ask", program);
	return state == PINENTRY_ANSWERED ? 0 : error_set(e, ERR_CLOSED, "it was not told: the window was closed");
}

int
pinentry_ask_secret(
    const char *setting, enum pinentry_kind kind, const char *question, struct buf *out, struct error *e)
{
	char program[FILE_PATH_MAX];
	struct pinentry_seat seat;
	struct pinentry_question q = { .kind = kind, .description = question, .seat = &seat };
	struct pinentry_talk *t;
	int rc;

	pinentry_seat_mine(&seat);
	rc = pinentry_program(setting, &seat, program, e);
	if (rc != 0)
		return rc == ERR_NOT_FOUND
		    ? error_set(e, ERR_USAGE, "there is no terminal to ask at, and no pinentry to ask with")
		    : rc;
	if (buf_reserve(out, out->max - out->len) == NULL)
		return error_nomem(e);
	rc = pinentry_talk_new(&q, &t, e);
	if (rc != 0)
		return rc;
	rc = run(program, t, e);
	if (rc == 0 && buf_put_slice(out, pinentry_talk_answer(t)) != 0)
		rc = error_set(e, out->err, "the answer is longer than %zu octets", out->max);
	pinentry_talk_free(t);
	return rc;
}
