/* SPDX-License-Identifier: ISC */
/*
 * Where all of the agent's memory lies: one range between guard pages
 * (os/locked.h), out of which libcrypto, our own code and so every key,
 * passphrase and buffer takes its pieces (base/region.h). A piece is overwritten
 * when it is given back. What does not come from there: the C library's own
 * (nothing secret goes through it), the stack (overwritten after each
 * operation), and the tables of Argon2, which libargon2 takes and overwrites itself.
 */
#ifndef CLIENT_AGENT_MEMORY_H
#define CLIENT_AGENT_MEMORY_H

#include "base/error.h"
#include "os/locked.h"

#define AGENT_MEMORY (6u << 20) /* octets; below the 8 MiB that a user may usually lock */

/* Once, before libcrypto is used; for the life of the process. no_memfd: for tests. ERR_NOMEM, ERR_ORDER. */
int agent_memory_start(bool no_memfd, enum locked_kind *kind_out, struct error *e);

#endif
