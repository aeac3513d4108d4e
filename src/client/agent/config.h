/* SPDX-License-Identifier: ISC */
/*
 * What the user set for the agent: the file agent.conf in the configuration
 * folder (`name = value`, os/settings.h), which need not be there. Options of
 * `letterlock agent run` stand over it.
 *
 *   idle = 600              # seconds after its last use that a key is forgotten
 *   max = 7200              # seconds after it was unlocked, whatever its use
 *   confirm = false         # ask before each use of a key
 *   lock = true             # forget everything when the session is locked
 *   pinentry = "/usr/bin/pinentry-curses"
 */
#ifndef CLIENT_AGENT_CONFIG_H
#define CLIENT_AGENT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "os/file.h"

#define AGENT_IDLE_S 600u
#define AGENT_MAX_S 7200u

struct agent_config {
	uint32_t idle_s, max_s;
	bool confirm, lock;
	char pinentry[FILE_PATH_MAX]; /* empty: the usual ones (os/pinentry.h) */
};

/* The defaults, and over them the file. What is wrong in it is an error: a bound that was mistyped must not be dropped. */
int agent_config_load(struct agent_config *out, struct error *e);

#endif
