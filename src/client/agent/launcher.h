/* SPDX-License-Identifier: ISC */
/*
 * A small process beside the agent that does what the agent must not do: it
 * starts programs (pinentry, and the process that loads the modules of tokens) and
 * listens to logind. It is forked before there is any key, and no secret
 * crosses it: pinentry's standard streams are one end of a socket whose other
 * end is the agent's, and it is handed on as a descriptor.
 *
 * The agent speaks to it over a socket of packets, each a struct launcher_message; both
 * are the same program, so it is its octets. It ends with the agent.
 */
#ifndef CLIENT_AGENT_LAUNCHER_H
#define CLIENT_AGENT_LAUNCHER_H

#include "base/error.h"
#include "client/agent/config.h"
#include "os/pinentry.h"

#define LAUNCHER_TEXT_MAX ERROR_TEXT_MAX

enum launcher_type {
	/* to it, the first two with a descriptor */
	LAUNCHER_PINENTRY = 1,
	LAUNCHER_TOKENS,
	LAUNCHER_FORGOT, /* everything is forgotten: the machine may sleep */
	/* from it */
	LAUNCHER_STARTED, /* code, text: what became of the last request with a descriptor */
	LAUNCHER_LOGIND,  /* code 1: it listens to logind, 0: it does not */
	LAUNCHER_SUSPEND, /* forget: the machine is about to sleep, and waits */
	LAUNCHER_LOCKED   /* forget: the session was locked */
};

struct launcher_message {
	uint32_t type;
	int32_t code;
	char text[LAUNCHER_TEXT_MAX];
	struct pinentry_seat seat; /* LAUNCHER_PINENTRY */
};

/* Forks it: before agent_memory_start(), for it has none of that memory. *fd_out: our end. ERR_IO. */
int launcher_start(const struct agent_config *config, int *fd_out, struct error *e);
/* fd: handed over, -1: none; it stays ours too. ERR_CLOSED when it is gone. */
int launcher_send(int launcher, const struct launcher_message *m, int fd, struct error *e);
/* 1 a message, 0 none now, ERR_CLOSED. */
int launcher_receive(int launcher, struct launcher_message *out);

#endif
