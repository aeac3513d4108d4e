/* SPDX-License-Identifier: ISC */
/* The agent's process in its parts: for server.c, operations.c, asking.c and tokens.c only. */
#ifndef CLIENT_AGENT_INTERNAL_H
#define CLIENT_AGENT_INTERNAL_H

#include <sys/types.h>

#include "base/arena.h"
#include "client/agent/launcher.h"
#include "client/agent/server.h"
#include "client/agent/vault.h"

/* A request that waits: 1, beside 0 and the errors. It is carried out again when what it waits for is there. */
#define AGENT_LATER 1

enum wait { WAITS_NOT, WAITS_ITS_TURN, WAITS_FOR_ANSWER };

struct peer {
	int fd;
	pid_t pid;
	int64_t since_ms; /* of the octets that wait */
	enum wait wait;   /* for a person: its first frame stays in front of in */
	struct pinentry_seat seat;
	struct buf in, out;
};

/* The one question to a person that is open. */
struct asking {
	struct peer *peer; /* NULL: none */
	struct pinentry_talk *talk;
	enum pinentry_state state;
	int fd; /* to pinentry; -1: none */
	int64_t until_ms;
	uint32_t wrong;     /* passphrases, so far */
	struct error error; /* why it could not be asked */
};

/* The process that loads the modules of tokens; started when it is first needed. */
struct tokens {
	int fd; /* -1: none */
	struct agent *agent;
	uint64_t ticket;
	uint32_t found; /* place of the key that tokens_find() found; UINT32_MAX: none */
	bool pin;       /* its token wants one */
};

struct agent {
	int listener, launcher;
	const char *path;
	ino_t inode;
	int64_t idle_since_ms;
	int64_t ahead_ms; /* that the clock which goes on in sleep was ahead of the other */
	bool stopping, locked, logind;
	struct agent_setup setup;
	struct sandbox_state sandbox;
	struct agent_elsewhere elsewhere;
	struct agent_vault *vault;
	struct asking asking;
	struct tokens tokens;
	struct peer *peers[AGENT_PEERS_MAX];
	size_t peer_count;
};

/* ---- operations.c ---- */

/* Carries the frame out and puts the reply. AGENT_LATER; ERR_SYNTAX: close the connection. */
int agent_carry_out(struct agent *a, struct peer *p, const struct codec_frame *f, int64_t now_ms);

/* ---- asking.c ---- */

/*
 * Begins a question for this peer. AGENT_LATER: it goes on, or another one has to end first. kind, description, error as
 * in struct pinentry_question.
 */
int asking_begin(struct agent *a, struct peer *p, const struct pinentry_question *q, int64_t now_ms, struct error *e);
/* Whether this peer's question is over: then asking.state says how. */
bool asking_is_over(const struct agent *a, const struct peer *p);
/* Ends it, and wipes the answer. Nothing when there is none of this peer. */
void asking_end(struct agent *a, const struct peer *p);
/* What poll() said about asking.fd; and its time. */
void asking_run(struct agent *a, short ready, int64_t now_ms);
/* The launcher could, or could not, start the program. */
void asking_started(struct agent *a, const struct launcher_message *m);

#endif
