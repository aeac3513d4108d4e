/* SPDX-License-Identifier: ISC */
/*
 * The agent as a process: a unix socket in the user's runtime folder, served
 * by one thread. Only processes of the same user are answered (SO_PEERCRED).
 * The process cannot be traced or dumped, starts nothing itself (agent/launcher.h does) and
 * has a sandbox of its own. It ends when it is told to, when its socket was
 * removed or replaced, and after AGENT_IDLE_MS of holding nothing.
 *
 * It forgets everything when logind says that the machine is about to sleep or
 * that the session was locked. Without logind it forgets at the first moment
 * after sleep: the clock that goes on in sleep has then run ahead of the other.
 *
 * Limits: AGENT_PEERS_MAX connections; one that is in the middle of a request
 * or does not take its answer for AGENT_PEER_MS is closed. A person has
 * PINENTRY_WAIT_S for an answer.
 */
#ifndef CLIENT_AGENT_SERVER_H
#define CLIENT_AGENT_SERVER_H

#include "base/error.h"
#include "client/agent/config.h"
#include "os/locked.h"
#include "os/sandbox.h"

#define AGENT_PEERS_MAX 32u
#define AGENT_PEER_MS 30000
#define AGENT_IDLE_MS 600000
#define AGENT_LOOK_MS 5000  /* how often it looks whether its socket is still there */
#define AGENT_SLEPT_MS 2000 /* the clocks run apart by so much: the machine slept */

struct agent_setup {
	struct agent_config config;
	enum locked_kind memory; /* where it keeps everything (agent/memory.h); LOCKED_NOT also in tests, without */
	int launcher;            /* agent/launcher.h, started before the memory; the server closes it. -1: none */
	bool alone;              /* without a sandbox: for tests inside of one process */
	int hold_ms;             /* for the test that looks through its memory (agent/shield.h) */
};

/*
 * Serves on this path until it ends. ERR_EXISTS when another agent serves
 * there, ERR_IO.
 */
int agent_server_run(const char *socket_path, const struct agent_setup *setup, struct error *e);

/*
 * Whether the machine slept since the last time: boot_ms of the clock that goes on in sleep (clock_boot_ms()), ms of the one
 * that does not (clock_ms()). *ahead_ms is kept between the calls.
 */
bool agent_slept(int64_t *ahead_ms, int64_t boot_ms, int64_t ms);

/* "agent" in the runtime folder, which is made if missing and must be private. out: FILE_PATH_MAX octets. */
int agent_socket_path(char *out, struct error *e);

#endif
