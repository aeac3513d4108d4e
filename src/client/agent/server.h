/* SPDX-License-Identifier: ISC */
/*
 * The agent as a process: a unix socket in the user's runtime folder, served
 * by one thread. Only processes of the same user are answered (SO_PEERCRED).
 * The process cannot be traced or dumped. It ends when it is told to, when its
 * socket was removed or replaced, and after AGENT_IDLE_MS of holding nothing.
 *
 * Limits: AGENT_PEERS_MAX connections; one that is in the middle of a request
 * or does not take its answer for AGENT_PEER_MS is closed.
 */
#ifndef CLIENT_AGENT_SERVER_H
#define CLIENT_AGENT_SERVER_H

#include "base/error.h"

#define AGENT_PEERS_MAX 64u
#define AGENT_PEER_MS 30000
#define AGENT_IDLE_MS 600000
#define AGENT_LOOK_MS 5000 /* how often it looks whether its socket is still there */

/*
 * Serves on this path until it ends. ERR_EXISTS when another agent serves
 * there, ERR_IO.
 */
int agent_server_run(const char *socket_path, struct error *e);

/* "agent" in the runtime folder, which is made if missing and must be private. out: FILE_PATH_MAX octets. */
int agent_socket_path(char *out, struct error *e);

#endif
