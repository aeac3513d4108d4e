/* SPDX-License-Identifier: ISC */
/*
 * Asking for a secret in a window, through the program pinentry (Assuan
 * protocol, as GnuPG's agent speaks it), for people who started us without a
 * terminal.
 */
#ifndef OS_PINENTRY_H
#define OS_PINENTRY_H

#include "base/buf.h"
#include "base/error.h"

/* There is a graphical session. Whether pinentry is installed shows when it is asked. */
bool pinentry_can_ask(void);
/*
 * As terminal_ask_secret(): the answer is appended to out, which was initialised with TERMINAL_SECRET_MAX. ERR_CLOSED
 * when the person cancels, ERR_USAGE when there is no pinentry, ERR_TIMEOUT, ERR_LIMIT.
 */
int pinentry_ask_secret(const char *question, struct buf *out, struct error *e);

#endif
