/* SPDX-License-Identifier: ISC */
/*
 * From root to an ordinary user, for good: the groups, the group and the user
 * in all their three forms, and every capability. It is then tried whether
 * there is a way back; a drop that can be undone is an error. Before it the
 * process may be shut in a folder.
 *
 * Only root can do this; an ordinary user who runs the daemon has nothing to
 * drop and does not call it. Before the first thread, and before
 * sandbox_enter(), which refuses it.
 */
#ifndef OS_PRIVILEGES_H
#define OS_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct privileges_user {
	uid_t uid;
	gid_t gid; /* the user's own group; others that it is in are not taken along */
};

/* Whether this process is root and so has something to drop. */
bool privileges_are_roots(void);

/*
 * Looks the user up: a name, or a number that the system has a user for. It
 * reads files and loads libraries: before a chroot. ERR_NOT_FOUND; ERR_IO.
 */
int privileges_find(const char *name, struct privileges_user *out, struct error *e);

/*
 * Changes root and working folder to chroot_folder (NULL: stays), then becomes
 * user. ERR_DENIED when not root; ERR_USAGE when user is root; ERR_NOT_FOUND,
 * ERR_IO for the folder; ERR_INTERNAL when a way back was found. After an
 * error the process may be half changed: end it.
 */
int privileges_drop(const struct privileges_user *user, const char *chroot_folder, struct error *e);

/*
 * For a process of root's that only starts such processes: of the capabilities
 * that it has, those stay which privileges_drop() and ending the others need,
 * here and in all that it executes. Nothing happens when not root. ERR_DENIED.
 */
int privileges_keep_for_starting(struct error *e);

/*
 * What an ordinary user was given to bind ports below 1024 (systemd's AmbientCapabilities=) is not inherited by the
 * programs that this one starts from now on.
 */
void privileges_keep_to_ourselves(void);

#endif
