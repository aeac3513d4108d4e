/* SPDX-License-Identifier: ISC */
/*
 * systemd's logind, over the system's D-Bus (libsystemd's sd-bus, loaded when it
 * is wanted): it says before the machine sleeps, and waits for as long as we
 * hold a delay inhibitor (org.freedesktop.login1.Manager: PrepareForSleep,
 * Inhibit), and it says when the session of this process is locked
 * (org.freedesktop.login1.Session: Lock).
 *
 * One thread, nothing blocks but opening.
 */
#ifndef OS_LOGIND_H
#define OS_LOGIND_H

#include "base/error.h"

struct logind;

enum logind_event {
	LOGIND_NOTHING,
	LOGIND_SUSPEND, /* the machine is about to sleep, once logind_release() was called */
	LOGIND_LOCK,
	LOGIND_GONE /* the connection is lost: close */
};

/* Connects, subscribes, takes the inhibitor. ERR_NOT_FOUND when there is no logind, or no libsystemd. */
int logind_open(struct logind **out, struct error *e);
void logind_close(struct logind *l); /* NULL is permitted */
/* For poll(). l NULL: -1, nothing, for ever. */
int logind_fd(const struct logind *l);
short logind_events(const struct logind *l);
int logind_timeout_ms(const struct logind *l);
/* Call until it says LOGIND_NOTHING. NULL is permitted. After waking up it takes the inhibitor again by itself. */
enum logind_event logind_next(struct logind *l);
/* What had to be done before sleeping is done. NULL is permitted. */
void logind_release(struct logind *l);

#endif
