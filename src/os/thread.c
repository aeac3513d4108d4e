/* SPDX-License-Identifier: ISC */
#include "os/thread.h"

#include <signal.h>
#include <stdio.h>

int
thread_start(pthread_t *thread_out, const char *name, void *(*run)(void *), void *arg, struct error *e)
{
	char shown[16];
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread_out, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return error_set_errno(e, ERR_NOMEM, rc, "thread %s cannot be started", name);
	(void)snprintf(shown, sizeof shown, "%s", name);
	(void)pthread_setname_np(*thread_out, shown);
	return 0;
}
