/* SPDX-License-Identifier: ISC */
/*
 * Other programs, started with a list of arguments and never through a shell.
 * They get standard input, output and error and no other descriptor.
 */
#ifndef OS_SPAWN_H
#define OS_SPAWN_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct spawn_result {
	int status; /* the exit status, or 128 and the signal's number */
};

/*
 * Runs argv[0] (looked up in PATH when without a slash) to its end. in goes to
 * its standard input; its standard output is appended to out (NULL: dropped);
 * standard error stays ours. After timeout_ms, or when out is full, it is
 * killed. 0 when it ran, whatever its status; ERR_NOT_FOUND, ERR_TIMEOUT,
 * ERR_LIMIT, ERR_IO.
 */
int spawn_run(const char *const argv[], struct slice in, struct buf *out, int timeout_ms, struct spawn_result *result,
    struct error *e);

/*
 * Starts argv[0] in a session of its own, with /dev/null as standard streams,
 * and does not wait for its end: it becomes nobody's child.
 */
int spawn_detached(const char *const argv[], struct error *e);

/*
 * Starts argv[0] (a path) with fd as its standard input and output, and this
 * environment (NULL: ours); standard error goes nowhere. Does not wait:
 * spawn_end(). ERR_NOT_FOUND, ERR_IO.
 */
int spawn_on(const char *const argv[], const char *const environment[], int fd, pid_t *pid_out, struct error *e);
/* Waits at most so long for its end, then kills it. */
void spawn_end(pid_t pid, int timeout_ms);

#endif
