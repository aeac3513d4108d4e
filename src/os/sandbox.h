/* SPDX-License-Identifier: ISC */
/*
 * What a process of the daemon may still ask of the system, once it has all
 * that it needs. A profile is a constant list; entering one is for good, also
 * for every process that is started afterwards. Two walls stand one behind the
 * other: a seccomp filter decides which system calls there are (and with which
 * flags), Landlock decides which files they reach. Both only ever take away,
 * so a child of a sandboxed process enters its own profile on top.
 *
 *   SANDBOX_PARENT  starts the others: a list of what is refused, because the
 *                   children inherit it and need more than the parent does;
 *                   it executes its own program file and nothing else
 *   SANDBOX_FRONT   accepts on the listening sockets it inherited; no file,
 *                   no other socket
 *   SANDBOX_WORKER  speaks over the sockets it inherited; no file
 *   SANDBOX_AUTH    the same; computes password hashes in threads
 *   SANDBOX_MAIL    files, within the folders it is given; accepts on the
 *                   control socket it inherited; no other socket
 *   SANDBOX_RESOLVER  makes and connects sockets of UDP and TCP over IP, and
 *                   listens on none; no file
 *   SANDBOX_RELAY   makes and connects sockets of TCP over IP, from an address and
 *                   a port by chance, and listens on none; no file
 *   SANDBOX_FILTER  makes and connects sockets of TCP over IP and of Unix, and
 *                   listens on none; no file
 *   SANDBOX_STARTER like the parent, for those children that connect: it does
 *                   not refuse that, which they would inherit; but it writes no
 *                   file, listens nowhere and signals nobody but its children
 *   SANDBOX_AGENT   the client's agent: accepts on its socket, and of files only
 *                   removes that socket's name, in the folder it is given; starts nothing
 *   SANDBOX_LAUNCHER  starts the programs that ask a person: they are others' and need
 *                   files, so it only loses what nobody here has an honest use for
 *
 * In a child's profile what is not listed fails with EPERM, and does not kill:
 * libraries try things that they can do without (a file of locales, the name
 * of a thread), and a refusal is an error that is handled where it happens.
 * Calls that only an intruder makes (ptrace, execve, mount, bpf, ...) end the
 * process with SIGSYS. A child makes no memory executable, except that mail
 * may map files (iconv's converters). What a child opened before stays usable.
 *
 * Traps: Landlock covers the calling thread and what it starts, so enter
 * before the first thread. Change user and root (os/privileges.h) before;
 * afterwards it is refused. What libraries load late (OpenSSL's providers,
 * converters, NSS) must be loaded before. The log of those without files
 * must be open and cannot be opened again. AddressSanitizer cannot look for
 * leaks inside (it would ptrace): that is switched off from here on.
 */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum sandbox_profile {
	SANDBOX_PARENT,
	SANDBOX_FRONT,
	SANDBOX_WORKER,
	SANDBOX_AUTH,
	SANDBOX_MAIL,
	SANDBOX_RESOLVER,
	SANDBOX_RELAY,
	SANDBOX_FILTER,
	SANDBOX_STARTER,
	SANDBOX_AGENT,
	SANDBOX_LAUNCHER,
};
#define SANDBOX_PROFILE_COUNT 11

/* "parent", "front", "worker", "auth", "mail", "resolver", "relay", "filter", "starter", "agent", "launcher". */
const char *sandbox_profile_name(enum sandbox_profile profile);

/*
 * Files and folders (with all below them) that stay reachable, as seen from
 * the process's root. Only SANDBOX_MAIL and SANDBOX_AGENT have use for them: the
 * other children have no call that takes a path.
 */
struct sandbox_paths {
	const char *const *write; /* read, write, make, rename, remove; each must exist */
	size_t write_count;
	const char *const *read; /* read only; one that does not exist is passed over */
	size_t read_count;
};

/* Where iconv of this system keeps its converters; for sandbox_paths.read. */
#define SANDBOX_GCONV_FOLDERS "/usr/lib/x86_64-linux-gnu/gconv", "/usr/lib/aarch64-linux-gnu/gconv", "/usr/lib/gconv"

/* What is in force; less than all of it where the kernel has less. */
struct sandbox_state {
	bool seccomp;
	int landlock_abi; /* 0: none. From 2 on files can change folder, from 3 on truncation is covered, from 4 on TCP */
};

/*
 * Enters profile. paths NULL: none. Besides the two walls: no new privileges,
 * no core dump, no attaching by other processes of the same user.
 *
 * A kernel without Landlock or seccomp is no error; state_out says what there
 * is, and is for the log. ERR_ORDER when there is more than one thread;
 * ERR_NOT_FOUND for a missing folder of paths->write; ERR_DENIED, ERR_IO,
 * ERR_INTERNAL. After an error the process may be half inside: end it.
 */
int sandbox_enter(
    enum sandbox_profile profile, const struct sandbox_paths *paths, struct sandbox_state *state_out, struct error *e);

#endif
