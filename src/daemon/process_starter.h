/* SPDX-License-Identifier: ISC */
/*
 * The starter: a process that starts those children that connect to others
 * (process_connects()). The parent's own filter refuses connect(), and every
 * child inherits it; so before the parent confines itself it starts this one,
 * whose filter does not (SANDBOX_STARTER). It is this program with the words
 * "process starter". Over one socket it hears only the parent:
 *
 *   LOG    a level, with the log's descriptor: for itself and what is started from now on
 *   START  a kind, with the child's control socket; it answers with the pid
 *   END    a pid: killed unless it has ended, and waited for; it answers with the status
 *
 * Until END a child's pid is not used again. The starter dies with the parent,
 * and what it started with it. When the starter alone ends, the parent goes on
 * without it and without what it started, until the server is started again:
 * mail is received as before. It reads nothing of others' and does next to
 * nothing, so that it ends only when somebody ends it.
 */
#ifndef DAEMON_PROCESS_STARTER_H
#define DAEMON_PROCESS_STARTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "os/log.h"
#include "service/permit.h"

#define STARTER_WORD "starter"

struct starter {
	int control; /* -1: there is none */
	pid_t pid;
};

/* Whether such a process connects to others, and so is the starter's to start. */
bool process_connects(enum process_kind kind);

/* In a new process: becomes "letterlockd process WORD", with these as control socket and standard error. */
_Noreturn void process_become(const char *word, int control, int log);

/* ---- the parent's side ---- */

/* Before the parent's sandbox. ERR_IO. */
int starter_begin(struct starter *s, struct error *e);
/* level: of the starter's own log. control: the child's, which stays the caller's. ERR_CLOSED: the starter is gone, and *s says so; ERR_IO. */
int starter_start(
    struct starter *s, enum process_kind kind, enum log_level level, int control, pid_t *pid_out, struct error *e);
/* The log anew, after a rotation. */
void starter_tell_log(struct starter *s, enum log_level level);
/* Ends that child and returns its status as waitpid() gives it; 0 when the starter is gone. */
int starter_reap(struct starter *s, pid_t pid);
/* Its socket is readable though nothing was asked: it is gone. */
void starter_lost(struct starter *s);
/* When there is none nothing happens. */
void starter_end(struct starter *s);

/* ---- its own life ---- */

/* Returns an exit status. */
int starter_main(void);

#endif
