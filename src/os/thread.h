/* SPDX-License-Identifier: ISC */
/*
 * Threads of our own: they take no signals, so that those reach the main
 * thread, which decides what they mean.
 */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>

#include "base/error.h"

/* name: at most 15 characters are shown. ERR_NOMEM. */
int thread_start(pthread_t *thread_out, const char *name, void *(*run)(void *), void *arg, struct error *e);

#endif
