/* SPDX-License-Identifier: ISC */
#include "os/sandbox_internal.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED_ADDRESS 1
#endif
#endif

#ifdef SANITIZED_ADDRESS
/*
 * LeakSanitizer asks this at the end of the process. It looks for leaks from a
 * second process that attaches to this one, which every profile kills; also in
 * a child that has only inherited its parent's profile.
 */
int __lsan_is_turned_off(void);
__attribute__((visibility("default"))) int
__lsan_is_turned_off(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0;
}
#endif

static const char *const names[SANDBOX_PROFILE_COUNT] = { "parent", "front", "worker", "auth", "mail", "resolver",
	"relay", "filter", "starter", "agent", "launcher" };

const char *
sandbox_profile_name(enum sandbox_profile profile)
{
	return names[profile];
}

/*
 * unshare(CLONE_THREAD) does nothing in a process with one thread and fails in
 * one with more; unlike /proc it is there in a chroot. Where it is refused
 * (containers) the folder of threads tells. With neither, the caller's word
 * stands: seccomp covers all threads anyway.
 */
static bool
has_threads(void)
{
	struct stat st;

	if (unshare(CLONE_THREAD) == 0)
		return false;
	if (errno == EINVAL)
		return true;
	/* One link for each folder in it, one for its name and one for ".". */
	return stat("/proc/self/task", &st) == 0 && st.st_nlink > 3;
}

static int
close_doors(struct error *e)
{
	static const struct rlimit no_core = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set_errno(e, ERR_DENIED, errno, "the process cannot give up new privileges");
	/* After an execve the process would be dumpable again: children come here themselves. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &no_core) != 0)
		return error_set_errno(e, ERR_DENIED, errno, "core dumps cannot be switched off");
	return 0;
}

int
sandbox_enter(
    enum sandbox_profile profile, const struct sandbox_paths *paths, struct sandbox_state *state_out, struct error *e)
{
	static const struct sandbox_paths none = { NULL, 0, NULL, 0 };
	struct sandbox_state state = { false, 0 };
	int rc;

	if (has_threads())
		return error_set(e, ERR_ORDER, "the sandbox %s must be entered before the first thread is started",
		    sandbox_profile_name(profile));
	rc = close_doors(e);
	/* Landlock first: the filter refuses the calls that set it up. */
	if (rc == 0 && profile != SANDBOX_LAUNCHER)
		rc = sandbox_landlock_enter(profile, paths == NULL ? &none : paths, &state.landlock_abi, e);
	if (rc == 0)
		rc = sandbox_filter_load(profile, &state.seccomp, e);
	if (rc != 0)
		return error_context(e, "the sandbox %s", sandbox_profile_name(profile));
	*state_out = state;
	return 0;
}
