/* SPDX-License-Identifier: ISC */
#include "daemon/process_starter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/process.h"
#include "daemon/verbs.h"
#include "os/log.h"
#include "os/message.h"
#include "os/privileges.h"
#include "os/sandbox.h"

#define ANSWER_SECONDS 5 /* a starter that takes longer is ended */
#define BUDGET 4096u

enum starter_message {
	STARTER_LOG = 1,
	STARTER_START,
	STARTER_END,
	STARTER_ANSWER, /* its own */
};

/* What is asked and answered: a kind, a pid, or a status. */
struct starter_number {
	int64_t value;
};

static const struct codec_field number_fields[] = {
	CODEC_FIELD(struct starter_number, value, CODEC_I64, 0),
};
static const struct codec_schema number_schema = CODEC_SCHEMA(starter_number, number_fields);

bool
process_connects(enum process_kind kind)
{
	return kind == PROCESS_RESOLVER || kind == PROCESS_RELAY || kind == PROCESS_FILTER;
}

_Noreturn void
process_become(const char *word, int control, int log)
{
	char name[32], copy[16];
	char *argv[] = { name, "process", copy, NULL };
	sigset_t none;

	(void)snprintf(name, sizeof name, "letterlockd: %s", word);
	(void)snprintf(copy, sizeof copy, "%s", word);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* dup2() clears close-on-exec, except onto itself. */
	if ((control == PROCESS_CONTROL_FD ? dup(control) : dup2(control, PROCESS_CONTROL_FD)) >= 0 &&
	    dup2(log, STDERR_FILENO) >= 0)
		(void)execv("/proc/self/exe", argv);
	_exit(127);
}

/* ---- the parent's side ---- */

int
starter_begin(struct starter *s, struct error *e)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int fds[2], rc = message_pair(fds, e);

	if (rc != 0)
		return rc;
	(void)setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	s->pid = fork();
	if (s->pid == 0)
		process_become(STARTER_WORD, fds[1], log_descriptor());
	(void)close(fds[1]);
	s->control = fds[0];
	if (s->pid > 0)
		return 0;
	rc = error_set_errno(e, ERR_IO, errno, "no process for the starter");
	starter_end(s);
	return rc;
}

void
starter_end(struct starter *s)
{
	if (s->control < 0)
		return;
	(void)close(s->control);
	s->control = -1;
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
}

static int
ask(struct starter *s, enum starter_message what, int64_t value, int fd, int64_t *answer_out, struct error *e)
{
	struct starter_number number = { .value = value };
	struct arena a ARENA_OWNED = { 0 };
	struct message m;
	int rc = message_send(s->control, (uint16_t)what, 0, &number_schema, &number, fd, e);

	if (rc != 0 || answer_out == NULL)
		return rc;
	rc = message_receive(s->control, &m, e);
	if (rc != 0)
		return rc;
	arena_init(&a, BUDGET);
	rc = m.type == STARTER_ANSWER ? codec_decode(&number_schema, m.body, &a, &number, e)
				      : error_set(e, ERR_SYNTAX, "the starter says what it has not to say");
	if (m.fd >= 0)
		(void)close(m.fd);
	message_done(&m);
	*answer_out = number.value;
	return rc;
}

/* Whatever goes wrong with it, it is not to be relied on any more. */
static int
lost(struct starter *s, const struct error *why)
{
	log_event(LOG_LEVEL_ERROR, "parent.starter_ended", log_error(why),
	    log_str("so", "no names are looked up until letterlockd is started again"));
	starter_end(s);
	return ERR_CLOSED;
}

void
starter_lost(struct starter *s)
{
	struct error e;

	(void)error_set(&e, ERR_CLOSED, "the process that starts others is gone");
	(void)lost(s, &e);
}

int
starter_start(
    struct starter *s, enum process_kind kind, enum log_level level, int control, pid_t *pid_out, struct error *e)
{
	int64_t pid = 0;
	int rc;

	if (s->control < 0)
		return error_set(e, ERR_CLOSED, "the process that starts others is gone");
	rc = ask(s, STARTER_LOG, level, log_descriptor(), NULL, e);
	if (rc == 0)
		rc = ask(s, STARTER_START, kind, control, &pid, e);
	if (rc != 0)
		return lost(s, e);
	if (pid <= 0)
		return error_set(e, ERR_IO, "no process for %s", process_names[kind]);
	*pid_out = (pid_t)pid;
	return 0;
}

void
starter_tell_log(struct starter *s, enum log_level level)
{
	struct error e;

	if (s->control >= 0 && ask(s, STARTER_LOG, level, log_descriptor(), NULL, &e) != 0)
		(void)lost(s, &e);
}

int
starter_reap(struct starter *s, pid_t pid)
{
	int64_t status = 0;
	struct error e;

	if (s->control >= 0 && ask(s, STARTER_END, pid, -1, &status, &e) != 0)
		(void)lost(s, &e);
	return (int)status;
}

/* ---- its own life ---- */

struct self {
	struct sandbox_state state;
	bool said; /* in the log, of which it knows the level only when it is told */
};

static int64_t
start(int64_t kind, int control)
{
	pid_t pid;

	if (kind < 0 || kind >= PROCESS_ROLES || !process_connects((enum process_kind)kind) || control < 0)
		return 0;
	pid = fork();
	if (pid == 0)
		process_become(process_names[kind], control, STDERR_FILENO);
	return pid;
}

/* Nobody else's process is ended: waitpid() knows its own. */
static int64_t
end(int64_t pid)
{
	int status = 0;

	if (pid > 0 && pid <= INT32_MAX && waitpid((pid_t)pid, &status, WNOHANG) == 0) {
		(void)kill((pid_t)pid, SIGKILL);
		(void)waitpid((pid_t)pid, &status, 0);
	}
	return status;
}

static void
use_log(struct self *self, int64_t level, int fd)
{
	/* Standard error is what is handed to those that it starts; the file before a rotation is let go. */
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
	log_use(level >= 0 && level <= LOG_LEVEL_FATAL ? (enum log_level)level : LOG_LEVEL_INFO, STDERR_FILENO,
	    STARTER_WORD);
	if (!self->said)
		log_event(LOG_LEVEL_INFO, "process.confined", log_str("seccomp", self->state.seccomp ? "yes" : "no"),
		    log_u64("landlock", (uint64_t)self->state.landlock_abi), log_u64("uid", getuid()));
	self->said = true;
}

/* Takes m's descriptor. */
static int
act(struct self *self, struct message *m, int64_t value)
{
	struct starter_number out = { 0 };

	if (m->type == STARTER_LOG && m->fd >= 0) {
		use_log(self, value, m->fd);
		return 0;
	}
	if (m->type == STARTER_START)
		out.value = start(value, m->fd);
	else if (m->type == STARTER_END)
		out.value = end(value);
	if (m->fd >= 0)
		(void)close(m->fd);
	return message_send(PROCESS_CONTROL_FD, STARTER_ANSWER, 0, &number_schema, &out, -1, NULL);
}

/* Until the parent is gone or says what cannot be. */
static int
hear(struct self *self)
{
	struct arena a ARENA_OWNED = { 0 };
	struct starter_number in;
	struct message m;
	int rc = message_receive(PROCESS_CONTROL_FD, &m, NULL);

	if (rc != 0)
		return rc;
	arena_init(&a, BUDGET);
	rc = codec_decode(&number_schema, m.body, &a, &in, NULL);
	if (rc == 0)
		rc = act(self, &m, in.value);
	message_done(&m);
	return rc;
}

static int
shut_in(struct sandbox_state *state_out, struct error *e)
{
	int rc;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)close_range(PROCESS_CONTROL_FD + 1, ~0U, 0);
	rc = privileges_keep_for_starting(e);
	return rc != 0 ? rc : sandbox_enter(SANDBOX_STARTER, NULL, state_out, e);
}

int
starter_main(void)
{
	struct self self = { 0 };
	struct error e;

	log_use(LOG_LEVEL_INFO, STDERR_FILENO, STARTER_WORD);
	if (shut_in(&self.state, &e) != 0) {
		log_event(LOG_LEVEL_ERROR, "starter.failed", log_error(&e));
		return EXIT_COULD_NOT;
	}
	while (hear(&self) == 0)
		;
	return EXIT_DONE;
}
