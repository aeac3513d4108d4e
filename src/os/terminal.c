/* SPDX-License-Identifier: ISC */
#include "os/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "os/clock.h"

#define PROGRESS_MS 100

bool
terminal_is(int fd)
{
	return isatty(fd) == 1;
}

bool
terminal_colour(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return terminal_is(fd) && (no == NULL || no[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

bool
terminal_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return strcasestr(value, "UTF-8") != NULL || strcasestr(value, "UTF8") != NULL;
	}
	return false;
}

unsigned
terminal_columns(int fd)
{
	struct winsize w = { 0 };

	return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

static int
open_terminal(struct error *e)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_set(
		    e, ERR_USAGE, "there is no terminal to ask at; see --help for the option that answers");
	return fd;
}

bool
terminal_can_ask(void)
{
	int fd = open_terminal(NULL);

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

#define INTERRUPT 3u /* Ctrl-C, where the terminal makes no signal of it */

/* A line without its end; octet by octet, for what follows is not ours. stop ends it too, and stays in it; '\n': nothing else. */
static int
read_line(int fd, uint8_t stop, struct buf *out, struct error *e)
{
	bool any = false;
	uint8_t c;
	ssize_t n;

	for (;;) {
		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(e, errno == EBADF ? ERR_USAGE : ERR_IO, errno,
			    "cannot read the answer from descriptor %d", fd);
		if (n == 0)
			return any ? 0 : error_set(e, ERR_CLOSED, "there was no answer");
		any = true;
		if (c == '\n')
			break;
		if (buf_put_u8(out, c) != 0)
			return error_set(e, out->err, "the answer is longer than %zu octets", out->max);
		if (c == stop)
			break;
	}
	if (out->len > 0 && out->data[out->len - 1] == '\r')
		buf_truncate(out, out->len - 1);
	return 0;
}

static void
say(int fd, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t w = write(fd, text, n);

		if (w <= 0 && errno != EINTR)
			return;
		if (w > 0) {
			text += w;
			n -= (size_t)w;
		}
	}
}

static int
read_secret(int fd, uint8_t stop, struct buf *out, struct error *e)
{
	/* All of it at once, so that growing leaves no copies behind. */
	if (buf_reserve(out, out->max - out->len) == NULL)
		return error_nomem(e);
	return read_line(fd, stop, out, e);
}

int
secret_from_fd(int fd, struct buf *out, struct error *e)
{
	return read_secret(fd, '\n', out, e);
}

/* Signals wait while echo is off, or the person would be left with a silent terminal. */
int
terminal_ask_secret(const char *question, struct buf *out, struct error *e)
{
	struct termios before, quiet;
	sigset_t stop, saved;
	bool restore;
	int fd = open_terminal(e), rc;

	if (fd < 0)
		return fd;
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &stop, &saved);
	restore = tcgetattr(fd, &before) == 0;
	if (restore) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ISIG);
		quiet.c_cc[VEOL] = INTERRUPT; /* it is there at once, and not only behind the next line's end */
		(void)tcsetattr(fd, TCSAFLUSH, &quiet);
	}
	say(fd, question);
	rc = read_secret(fd, INTERRUPT, out, e);
	say(fd, "\n");
	if (restore)
		(void)tcsetattr(fd, TCSAFLUSH, &before);
	(void)sigprocmask(SIG_SETMASK, &saved, NULL);
	(void)close(fd);
	/* Without ISIG a Ctrl-C arrives as its octet. */
	if (rc == 0 && slice_find(buf_slice(out), INTERRUPT) != SIZE_MAX)
		return error_set(e, ERR_CLOSED, "interrupted");
	return rc;
}

int
terminal_ask_line(const char *question, struct buf *out, struct error *e)
{
	int fd = open_terminal(e), rc;

	if (fd < 0)
		return fd;
	say(fd, question);
	rc = read_line(fd, '\n', out, e);
	(void)close(fd);
	return rc;
}

int
terminal_ask_yes(const char *question, bool *yes_out, struct error *e)
{
	char text[1024];
	struct buf b;
	int rc;

	(void)snprintf(text, sizeof text, "%s [y/N] ", question);
	buf_init(&b, 256);
	rc = terminal_ask_line(text, &b, e);
	if (rc == 0) {
		struct slice answer = slice_trim(buf_slice(&b));

		*yes_out = slice_ieq_str(answer, "y") || slice_ieq_str(answer, "yes");
	}
	buf_done(&b);
	return rc;
}

void
progress_show(struct progress *p, uint64_t done)
{
	int64_t now = clock_ms();

	if (!terminal_is(STDERR_FILENO) || (p->shown && now - p->shown_ms < PROGRESS_MS))
		return;
	p->shown = true;
	p->shown_ms = now;
	(void)fprintf(stderr, "\r%s  %llu ", p->label, (unsigned long long)(done >> 20));
	if (p->total > 0)
		(void)fprintf(stderr, "of %llu MiB (%u %%)", (unsigned long long)(p->total >> 20),
		    (unsigned)(done >= p->total ? 100 : done / (p->total / 100 + 1)));
	else
		(void)fprintf(stderr, "MiB");
	if (p->things != NULL)
		(void)fprintf(stderr, ", %llu %s", (unsigned long long)p->count, p->things);
	(void)fprintf(stderr, "\033[K");
	(void)fflush(stderr);
}

void
progress_done(struct progress *p)
{
	if (p->shown)
		(void)fprintf(stderr, "\r\033[K");
	p->shown = false;
}
