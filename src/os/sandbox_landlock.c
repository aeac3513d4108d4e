/* SPDX-License-Identifier: ISC */
/*
 * Landlock by its system calls; libc has no names for them. Each version (ABI)
 * of it knows more rights. A right that a ruleset handles is refused unless a
 * rule gives it, so a right of a later version must not be handled on an
 * earlier kernel, which would refuse the whole ruleset.
 */
#include "os/sandbox_internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12; numbers of the kernel's interface never change. */
#define FS_TRUNCATE (1ULL << 14)        /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15)       /* ABI 5 */
#define NET_BIND_TCP (1ULL << 0)        /* ABI 4 */
#define NET_CONNECT_TCP (1ULL << 1)     /* ABI 4 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6: no unix socket without a path of a process outside */
#define SCOPE_SIGNAL (1ULL << 1)        /* ABI 6: no signal to a process outside */

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* Plain files and folders only: a data folder needs no devices, FIFOs, sockets or symbolic links made in it. */
#define FS_WRITE \
	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)
/* All that ABI 1 knows: bits 0 to 12. */
#define FS_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
/* What a rule about a file, not a folder, may give. */
#define FS_OF_FILE \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | FS_TRUNCATE | \
	    FS_IOCTL_DEV)

#define RULE_NET_PORT 2

/* struct landlock_net_port_attr of ABI 4. */
struct net_port {
	uint64_t access, port;
};

/* struct landlock_ruleset_attr as of ABI 6. */
struct ruleset {
	uint64_t fs, net, scope;
};

struct domain {
	int fd;
	uint64_t fs; /* handled */
	struct error *e;
};

static uint64_t
fs_known(int abi)
{
	return FS_ABI_1 | (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	    (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static bool
does_connect(enum sandbox_profile profile)
{
	return profile == SANDBOX_STARTER || profile == SANDBOX_RESOLVER || profile == SANDBOX_RELAY ||
	    profile == SANDBOX_FILTER;
}

static struct ruleset
ruleset_of(enum sandbox_profile profile, int abi)
{
	/*
	 * The parent's domain is its children's too, and it is only about what may be executed. Renaming from one
	 * folder to another (REFER) is refused by every domain that does not give it expressly.
	 */
	if (profile == SANDBOX_PARENT)
		return (
		    struct ruleset){ .fs = (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REFER) & fs_known(abi) };
	return (struct ruleset){ /* The starter's children begin by reading this program and its libraries. */
		.fs = profile == SANDBOX_STARTER ? fs_known(abi) & ~(FS_READ | FS_IOCTL_DEV) : fs_known(abi),
		/* None accepts, so that a port is bound by UDP alone; what connects inherits the starter's. */
		.net = does_connect(profile) ? NET_BIND_TCP : NET_BIND_TCP | NET_CONNECT_TCP,
		.scope = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL
	};
}

/* An earlier kernel wants a shorter struct. */
static size_t
ruleset_size(int abi)
{
	return abi >= 6 ? sizeof(struct ruleset) : abi >= 4 ? offsetof(struct ruleset, scope) : sizeof(uint64_t);
}

static int
give(const struct domain *d, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;
	int rc = 0, errnum = errno;

	if (rule.parent_fd < 0)
		return error_set_errno(d->e, errnum == ENOENT || errnum == ENOTDIR ? ERR_NOT_FOUND : ERR_DENIED, errnum,
		    "cannot open %s", path);
	rule.allowed_access = rights & d->fs;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_OF_FILE;
	if (rule.allowed_access != 0 &&
	    syscall(SYS_landlock_add_rule, d->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		rc = error_set_errno(d->e, ERR_INTERNAL, errno, "Landlock does not take a rule for %s", path);
	(void)close(rule.parent_fd);
	return rc;
}

/* The dynamic loader that this program names; the kernel executes it too. NULL in a static program. */
static const char *
loader_path(void)
{
	size_t count = getauxval(AT_PHNUM), at = getauxval(AT_PHDR);
	const ElfW(Phdr) *header = (const ElfW(Phdr) *)at;
	size_t base = 0;

	for (size_t i = 0; i < count; i++)
		if (header[i].p_type == PT_PHDR)
			base = at - header[i].p_vaddr;
	for (size_t i = 0; i < count; i++)
		if (header[i].p_type == PT_INTERP)
			return (const char *)(base + header[i].p_vaddr);
	return NULL;
}

static int
give_itself(const struct domain *d)
{
	const char *loader = loader_path();
	int rc = give(d, "/proc/self/exe", LANDLOCK_ACCESS_FS_EXECUTE);

	if (rc == 0 && loader != NULL)
		rc = give(d, loader, LANDLOCK_ACCESS_FS_EXECUTE);
	return rc;
}

static int
give_paths(const struct domain *d, const struct sandbox_paths *paths)
{
	int rc = 0;

	for (size_t i = 0; i < paths->write_count && rc == 0; i++)
		rc = give(d, paths->write[i], FS_WRITE);
	for (size_t i = 0; i < paths->read_count && rc == 0; i++) {
		rc = give(d, paths->read[i], FS_READ);
		if (rc == ERR_NOT_FOUND)
			rc = 0;
	}
	return rc;
}

/* Port 0, which is one by chance: to connect from a certain address. Whoever listens there is refused that by the filter. */
static int
give_source(const struct domain *d, int abi)
{
	const struct net_port rule = { .access = NET_BIND_TCP };

	return abi < 4 || syscall(SYS_landlock_add_rule, d->fd, RULE_NET_PORT, &rule, 0) == 0
	    ? 0
	    : error_set_errno(d->e, ERR_INTERNAL, errno, "Landlock does not take a rule for connections' own ports");
}

static int
give_profile(const struct domain *d, enum sandbox_profile profile, const struct sandbox_paths *paths)
{
	int rc;

	if (profile != SANDBOX_PARENT && profile != SANDBOX_STARTER)
		return give_paths(d, paths);
	rc = give_itself(d);
	return rc != 0 || profile == SANDBOX_STARTER ? rc : give(d, "/", LANDLOCK_ACCESS_FS_REFER);
}

int
sandbox_landlock_enter(enum sandbox_profile profile, const struct sandbox_paths *paths, int *abi_out, struct error *e)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset attr;
	struct domain d;
	int rc;

	*abi_out = 0;
	if (abi < 1)
		return 0; /* ENOSYS: not built in. EOPNOTSUPP: switched off. EPERM: a container's filter */
	attr = ruleset_of(profile, abi);
	d = (struct domain){ .fs = attr.fs, .e = e };
	d.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, ruleset_size(abi), 0);
	if (d.fd < 0)
		return error_set_errno(e, ERR_INTERNAL, errno, "Landlock (version %d) does not take the ruleset", abi);
	rc = give_profile(&d, profile, paths);
	if (rc == 0 && (profile == SANDBOX_STARTER || profile == SANDBOX_RELAY))
		rc = give_source(&d, abi);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, d.fd, 0) != 0)
		rc = error_set_errno(e, ERR_INTERNAL, errno, "Landlock cannot be entered");
	(void)close(d.fd);
	if (rc == 0)
		*abi_out = abi;
	return rc;
}
