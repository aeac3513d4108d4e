/* SPDX-License-Identifier: ISC */
/* What the process relay is told: read by the parent, for relay opens no file. */
#ifndef DAEMON_RELAYING_H
#define DAEMON_RELAYING_H

#include "base/buf.h"
#include "daemon/config.h"
#include "daemon/listening.h"
#include "net/server.h"

#define RELAYING_PASSWORD_MAX 1024u

struct process_relay;

/* Zeroed: nothing is read. */
struct relaying {
	bool read;
	struct buf password_file;
	struct slice password;
	struct slice routes[CONFIG_LIST_MAX], sources[CONFIG_LIST_MAX], tls[CONFIG_LIST_MAX], here[CONFIG_LIST_MAX];
	char here_texts[CONFIG_LIST_MAX][SERVER_ADDRESS_MAX]; /* where strangers' mail is taken */
	size_t here_count;
	uint32_t here_port;
};

/* What cannot be read is said in the log, and is missing. */
void relaying_read(const struct config *config, const struct listening *listening, struct relaying *out);
/* Borrows from both. */
struct process_relay relaying_setup(const struct config *config, const struct relaying *r);
void relaying_done(struct relaying *r);

#endif
