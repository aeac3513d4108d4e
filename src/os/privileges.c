/* SPDX-License-Identifier: ISC */
#include "os/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RECORD_MAX 16384u /* of one user: getpwnam_r()'s room */

bool
privileges_are_roots(void)
{
	return geteuid() == 0;
}

/* getpwnam_r() and getpwuid_r() in one; a name of digits alone is a number. */
static int
look_up(const char *name, struct passwd *record, char *room, struct passwd **found)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (name[0] >= '0' && name[0] <= '9' && *end == '\0' && number < UINT32_MAX)
		return getpwuid_r((uid_t)number, record, room, RECORD_MAX, found);
	return getpwnam_r(name, record, room, RECORD_MAX, found);
}

int
privileges_find(const char *name, struct privileges_user *out, struct error *e)
{
	struct passwd record, *found = NULL;
	char room[RECORD_MAX];
	int rc = look_up(name, &record, room, &found);

	if (found == NULL && (rc == 0 || rc == ENOENT || rc == ESRCH))
		return error_set(e, ERR_NOT_FOUND, "there is no user %s: make one, or name another", name);
	if (found == NULL)
		return error_set_errno(e, ERR_IO, rc, "the user %s cannot be looked up", name);
	*out = (struct privileges_user){ .uid = found->pw_uid, .gid = found->pw_gid };
	return 0;
}

static int
shut_in(const char *folder, struct error *e)
{
	if (folder == NULL)
		return 0;
	/* First into it, so that the working folder is never outside of the new root. */
	if (chdir(folder) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return error_set_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "cannot shut in %s", folder);
	return 0;
}

static int
become(const struct privileges_user *user, struct error *e)
{
	/* In this order: without root's user ID the groups could not be changed any more. */
	if (setgroups(1, &user->gid) != 0 || setresgid(user->gid, user->gid, user->gid) != 0)
		return error_set_errno(e, ERR_DENIED, errno, "cannot become group %u", (unsigned)user->gid);
	/* A service manager may have set either so that capabilities outlive root. */
	(void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (setresuid(user->uid, user->uid, user->uid) != 0)
		return error_set_errno(e, ERR_DENIED, errno, "cannot become user %u", (unsigned)user->uid);
	return 0;
}

static bool
has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t any = 0;

	if (syscall(SYS_capget, &header, data) != 0)
		return true;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		any |= data[i].permitted | data[i].effective;
	return any != 0;
}

static bool
is_only(const struct privileges_user *user)
{
	uid_t u[3];
	gid_t g[3], groups[2];

	return getresuid(&u[0], &u[1], &u[2]) == 0 && getresgid(&g[0], &g[1], &g[2]) == 0 && u[0] == user->uid &&
	    u[1] == user->uid && u[2] == user->uid && g[0] == user->gid && g[1] == user->gid && g[2] == user->gid &&
	    getgroups(2, groups) == 1 && groups[0] == user->gid;
}

static int
check_no_way_back(const struct privileges_user *user, struct error *e)
{
	if (!is_only(user) || has_capabilities())
		return error_set(
		    e, ERR_INTERNAL, "something of root was left after becoming user %u", (unsigned)user->uid);
	if (setresuid(0, 0, 0) == 0 || seteuid(0) == 0 || (user->gid != 0 && setegid(0) == 0))
		return error_set(e, ERR_INTERNAL, "user %u could become root again", (unsigned)user->uid);
	return 0;
}

int
privileges_drop(const struct privileges_user *user, const char *chroot_folder, struct error *e)
{
	int rc;

	if (!privileges_are_roots())
		return error_set(
		    e, ERR_DENIED, "only root can become another user; run without a user in the settings");
	if (user->uid == 0)
		return error_set(e, ERR_USAGE, "root is no user to become: name an ordinary one");
	rc = shut_in(chroot_folder, e);
	if (rc == 0)
		rc = become(user, e);
	return rc != 0 ? rc : check_no_way_back(user, e);
}

/* ---- a process that starts others ---- */

/* To become others, in a folder that may be closed to root itself, and to end them. */
static const uint8_t of_starting[] = { CAP_SETUID, CAP_SETGID, CAP_SYS_CHROOT, CAP_DAC_OVERRIDE, CAP_KILL };

int
privileges_keep_for_starting(struct error *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint64_t keep = 0;

	if (!privileges_are_roots())
		return 0;
	for (size_t i = 0; i < sizeof of_starting; i++)
		keep |= UINT64_C(1) << of_starting[i];
	/* Without the right to do this one has little that could be gained by executing; and no new privileges come. */
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((keep >> cap & 1) == 0)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) != 0)
		return error_set_errno(e, ERR_DENIED, errno, "capabilities cannot be read");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective &= data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) != 0)
		return error_set_errno(e, ERR_DENIED, errno, "capabilities cannot be given up");
	return 0;
}

void
privileges_keep_to_ourselves(void)
{
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}
