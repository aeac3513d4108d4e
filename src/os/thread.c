/* SPDX-License-Identifier: ISC */
#include "os/thread.h"

#include <signal.h>
#include <stdio.h>

#include "base/mem.h"

struct start {
	void *(*run)(void *);
	void *arg;
	char name[16];
};

/* A thread names itself: for another one that is a file under /proc, which a sandbox does not have. */
static void *
begin(void *ctx)
{
	struct start s = *(struct start *)ctx;

	mem_free(ctx);
	(void)pthread_setname_np(pthread_self(), s.name);
	return s.run(s.arg);
}

int
thread_start(pthread_t *thread_out, const char *name, void *(*run)(void *), void *arg, struct error *e)
{
	struct start *s = mem_alloc(sizeof *s);
	sigset_t all, before;
	int rc;

	if (s == NULL)
		return error_nomem(e);
	*s = (struct start){ .run = run, .arg = arg };
	(void)snprintf(s->name, sizeof s->name, "%s", name);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread_out, NULL, begin, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return 0;
	mem_free(s);
	return error_set_errno(e, ERR_NOMEM, rc, "thread %s cannot be started", name);
}
