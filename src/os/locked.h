/* SPDX-License-Identifier: ISC */
/*
 * Memory for secrets, for the life of a process: a range between two pages that
 * nobody may touch. memfd_secret(2) where the kernel has it: then not even the
 * kernel maps it, and neither ptrace nor /proc/PID/mem reads it. Else memory that is
 * locked (never written to a swap), left out of dumps and wiped in a forked
 * child. In both cases a forked child does not have it at all.
 */
#ifndef OS_LOCKED_H
#define OS_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum locked_kind {
	LOCKED_SECRET, /* memfd_secret */
	LOCKED_LOCKED, /* mlock2 */
	LOCKED_NOT     /* the limit of locked memory (ulimit -l) is too low: it may be swapped */
};

struct locked {
	void *data;
	size_t size;
	enum locked_kind kind;
};

/* size is rounded up to pages. no_memfd: not memfd_secret, for tests. ERR_NOMEM. */
int locked_new(size_t size, bool no_memfd, struct locked *out, struct error *e);
/* Overwrites. */
void locked_free(struct locked *l);
/* "memfd_secret", "locked", "not locked". */
const char *locked_kind_name(enum locked_kind kind);

#endif
