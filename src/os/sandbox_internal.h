/* SPDX-License-Identifier: ISC */
/* Between the files of the sandbox; nobody else includes it. */
#ifndef OS_SANDBOX_INTERNAL_H
#define OS_SANDBOX_INTERNAL_H

#include "os/sandbox.h"

/* The seccomp filter of profile, on every thread. false: the kernel has none. */
int sandbox_filter_load(enum sandbox_profile profile, bool *loaded_out, struct error *e);

/* The Landlock domain of profile, on this thread. abi_out 0: the kernel has none. */
int
sandbox_landlock_enter(enum sandbox_profile profile, const struct sandbox_paths *paths, int *abi_out, struct error *e);

#endif
