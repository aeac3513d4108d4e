/* SPDX-License-Identifier: ISC */
/*
 * The seccomp filters, by libseccomp: tables of system calls, each row for the
 * profiles that are named in it.
 *
 * A call number of another architecture (i386, x32 on amd64) kills.
 */
#include "os/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define OF(profile) (1u << (profile))
#define PARENT OF(SANDBOX_PARENT)
#define FRONT OF(SANDBOX_FRONT)
#define MAIL OF(SANDBOX_MAIL)
#define RESOLVER OF(SANDBOX_RESOLVER)
#define RELAY OF(SANDBOX_RELAY)
#define FILTER OF(SANDBOX_FILTER)
#define STARTER OF(SANDBOX_STARTER)
#define AGENT OF(SANDBOX_AGENT)
#define LAUNCHER OF(SANDBOX_LAUNCHER)
#define STARTERS (PARENT | STARTER) /* their children inherit what is refused to them */
#define CHILDREN (FRONT | OF(SANDBOX_WORKER) | OF(SANDBOX_AUTH) | MAIL | RESOLVER | RELAY | FILTER | AGENT)
#define FILELESS (CHILDREN & ~(MAIL | AGENT))

#define REFUSE SCMP_ACT_ERRNO(EPERM)
#define ABSENT SCMP_ACT_ERRNO(ENOSYS)
#define NOT_SUPPORTED SCMP_ACT_ERRNO(EOPNOTSUPP)
#define KILL SCMP_ACT_KILL_PROCESS

/* ---- calls, whatever their arguments ---- */

static const int of_every_child[] = {
	/* memory; what makes it executable is below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mlock2),
	SCMP_SYS(munlock), SCMP_SYS(membarrier),
	/* threads; what starts them is below */
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid),
	SCMP_SYS(getpid), SCMP_SYS(set_tid_address), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_get_priority_max),
	SCMP_SYS(sched_get_priority_min), SCMP_SYS(getcpu), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* signals of its own */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(rt_sigsuspend), SCMP_SYS(rt_sigpending), SCMP_SYS(sigaltstack), SCMP_SYS(signalfd4), SCMP_SYS(pause),
	SCMP_SYS(restart_syscall),
	/* waiting */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
	SCMP_SYS(pipe), SCMP_SYS(pipe2),
	/* descriptors that it has, or is sent */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(close_range),
	SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom), SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* time, chance, and what it is */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getppid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrlimit), SCMP_SYS(getrusage),
	SCMP_SYS(times), SCMP_SYS(sysinfo), SCMP_SYS(uname)
};

/* They make no socket, but take what comes to one. */
static const int of_acceptors[] = { SCMP_SYS(accept4), SCMP_SYS(accept) };

/* Landlock decides which files. No truncate(), of which its first two versions know nothing. */
static const int of_mail[] = { SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(umask),
	SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fadvise64), SCMP_SYS(readahead), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(msync), SCMP_SYS(flock), SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(copy_file_range) };

/* It looks whether its socket is still there, and removes it at its end. */
static const int of_agent[] = { SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(lstat), SCMP_SYS(stat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(flock) };

/* Nobody here has an honest use for these, no library tries them, and much of what breaks kernels goes through them. */
static const int hostile[] = { SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(mount),
	SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(setns),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(fanotify_init), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt),
	SCMP_SYS(personality), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(settimeofday),
	SCMP_SYS(adjtimex), SCMP_SYS(sethostname), SCMP_SYS(setdomainname) };

/* A child that becomes another program is not ours any more. */
static const int hostile_in_child[] = { SCMP_SYS(execve), SCMP_SYS(execveat) };

static const int refused_to_starters[] = { SCMP_SYS(syslog), SCMP_SYS(vhangup) };

/* Most children do not connect. What does (resolver, relay) is started by the starter, which is not below this filter. */
static const int refused_to_parent[] = { SCMP_SYS(connect) };

/* What it starts connects, and takes nothing that comes. */
static const int refused_to_starter[] = { SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4) };

/* Sockets of their own; which, is below. UDP's are bound to a port by chance, against forged answers. */
static const int of_filter[] = { SCMP_SYS(connect) };
static const int of_connecting[] = { SCMP_SYS(bind), SCMP_SYS(connect) };

/* Its flags lie in memory, where no filter can read them; told that it is absent, glibc takes clone(). */
static const int absent[] = { SCMP_SYS(clone3) };

static const struct call_list {
	unsigned who;
	uint32_t action;
	const int *calls;
	size_t count;
} lists[] = {
#define LIST(who, action, calls) \
	{ \
		who, action, calls, sizeof(calls) / sizeof(calls)[0] \
	}
	LIST(CHILDREN, SCMP_ACT_ALLOW, of_every_child),
	LIST(FRONT | MAIL | AGENT, SCMP_ACT_ALLOW, of_acceptors),
	LIST(AGENT, SCMP_ACT_ALLOW, of_agent),
	LIST(MAIL, SCMP_ACT_ALLOW, of_mail),
	LIST(RESOLVER | RELAY, SCMP_ACT_ALLOW, of_connecting),
	LIST(FILTER, SCMP_ACT_ALLOW, of_filter),
	LIST(CHILDREN | STARTERS, KILL, hostile),
	LIST(CHILDREN, KILL, hostile_in_child),
	LIST(LAUNCHER, REFUSE, hostile), /* other people's programs take a refusal better than an end */
	LIST(STARTERS, REFUSE, refused_to_starters),
	LIST(PARENT, REFUSE, refused_to_parent),
	LIST(STARTER, REFUSE, refused_to_starter),
	LIST(CHILDREN | STARTERS, ABSENT, absent),
};

/* ---- calls with certain arguments ---- */

#define ARGS_MAX 3
#define IS(number, value) \
	{ \
		number, SCMP_CMP_EQ, value, 0 \
	}
/* The bits of mask are those of value; also right for an int argument, whose upper half may hold anything. */
#define BITS(number, mask, value) \
	{ \
		number, SCMP_CMP_MASKED_EQ, mask, value \
	}

#define CLONE_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define CLONE_OF_THREAD (CLONE_THREAD | CLONE_VM | CLONE_SIGHAND)
#define CALL_TYPE 0xffu /* of a socket, without SOCK_CLOEXEC and SOCK_NONBLOCK */

static const struct arg_rule {
	unsigned who;
	uint32_t action;
	int call;
	unsigned count;
	struct scmp_arg_cmp args[ARGS_MAX];
} rules[] = {
#define ALLOW1(who, call, a) \
	{ \
		who, SCMP_ACT_ALLOW, SCMP_SYS(call), 1, \
		{ \
			a \
		} \
	}
#define ALLOW2(who, call, a, b) \
	{ \
		who, SCMP_ACT_ALLOW, SCMP_SYS(call), 2, \
		{ \
			a, b \
		} \
	}
#define ALLOW3(who, call, a, b, c) \
	{ \
		who, SCMP_ACT_ALLOW, SCMP_SYS(call), 3, \
		{ \
			a, b, c \
		} \
	}
#define REFUSE1(who, call, a) \
	{ \
		who, REFUSE, SCMP_SYS(call), 1, \
		{ \
			a \
		} \
	}
	/* No code is made: what is executable is not mapped writable, and is not made so later. */
	ALLOW1(CHILDREN, mmap, BITS(2, PROT_EXEC, 0)),
	ALLOW2(MAIL, mmap, BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), BITS(3, MAP_ANONYMOUS, 0)),
	ALLOW1(CHILDREN, mprotect, BITS(2, PROT_EXEC, 0)),
	/* Threads, and neither processes nor namespaces. */
	ALLOW1(CHILDREN, clone, BITS(0, CLONE_OF_THREAD | CLONE_NAMESPACES | CLONE_PTRACE, CLONE_OF_THREAD)),
	/* Threads name themselves. */
	ALLOW1(CHILDREN, prctl, IS(0, PR_SET_NAME)),
	ALLOW1(CHILDREN, prctl, IS(0, PR_GET_NAME)),
	ALLOW1(CHILDREN, prctl, IS(0, PR_GET_DUMPABLE)),
	ALLOW1(CHILDREN, prctl, IS(0, PR_GET_NO_NEW_PRIVS)),
	/* Limits are looked at: sysconf(), stacks of threads. */
	ALLOW2(CHILDREN, prlimit64, IS(0, 0), IS(2, 0)),
	/* No F_SETOWN: it sends signals to other processes, as kill() would. */
	ALLOW1(CHILDREN, fcntl, IS(1, F_GETFD)),
	ALLOW1(CHILDREN, fcntl, IS(1, F_SETFD)),
	ALLOW1(CHILDREN, fcntl, IS(1, F_GETFL)),
	ALLOW1(CHILDREN, fcntl, IS(1, F_SETFL)),
	ALLOW1(CHILDREN, fcntl, IS(1, F_DUPFD)),
	ALLOW1(CHILDREN, fcntl, IS(1, F_DUPFD_CLOEXEC)),
	ALLOW1(FRONT, fcntl, IS(1, F_GET_SEALS)), /* of the count of connections that all fronts share */
	ALLOW1(MAIL, fcntl, IS(1, F_GETLK)),
	ALLOW1(MAIL, fcntl, IS(1, F_SETLK)),
	ALLOW1(MAIL, fcntl, IS(1, F_SETLKW)),
	ALLOW1(MAIL, fcntl, IS(1, F_OFD_GETLK)),
	ALLOW1(MAIL, fcntl, IS(1, F_OFD_SETLK)),
	ALLOW1(MAIL, fcntl, IS(1, F_OFD_SETLKW)),
	ALLOW1(CHILDREN, ioctl, IS(1, FIONREAD)),
	ALLOW1(CHILDREN, ioctl, IS(1, FIONBIO)),
	ALLOW1(CHILDREN, ioctl, IS(1, TCGETS)), /* isatty() */
	/* glibc's fstat(). A path beside the flag would show whether a file exists, and no more. */
	ALLOW1(FILELESS, newfstatat, IS(3, AT_EMPTY_PATH)),
	/*
	 * TCP's fast open connects without connect(): an accepted socket that the peer has reset can be sent anywhere.
	 * So sendto() has no address and sendmsg() not that flag; sendmmsg() is not needed.
	 */
	ALLOW2(CHILDREN, sendto, IS(4, 0), BITS(3, MSG_FASTOPEN, 0)),
	ALLOW1(CHILDREN, sendmsg, BITS(2, MSG_FASTOPEN, 0)),
	/* As a system without it answers: then libunbound connects. Of two filters' errors the later one's is returned. */
	{ RESOLVER, NOT_SUPPORTED, SCMP_SYS(sendmsg), 1, { BITS(2, MSG_FASTOPEN, MSG_FASTOPEN) } },
	REFUSE1(STARTERS, sendto, BITS(3, MSG_FASTOPEN, MSG_FASTOPEN)),
	REFUSE1(STARTERS, sendmsg, BITS(2, MSG_FASTOPEN, MSG_FASTOPEN)),
	REFUSE1(STARTERS, sendmmsg, BITS(3, MSG_FASTOPEN, MSG_FASTOPEN)),
	/* Nor is a file cut by who opens it for reading: the same versions would let that pass. */
	ALLOW1(MAIL, open, BITS(1, O_TRUNC, 0)),
	ALLOW1(MAIL, open, BITS(1, O_TRUNC | O_ACCMODE, O_TRUNC | O_WRONLY)),
	ALLOW1(MAIL, open, BITS(1, O_TRUNC | O_ACCMODE, O_TRUNC | O_RDWR)),
	ALLOW1(MAIL, openat, BITS(2, O_TRUNC, 0)),
	ALLOW1(MAIL, openat, BITS(2, O_TRUNC | O_ACCMODE, O_TRUNC | O_WRONLY)),
	ALLOW1(MAIL, openat, BITS(2, O_TRUNC | O_ACCMODE, O_TRUNC | O_RDWR)),
	/* A pair of datagram sockets could be sent elsewhere by sendmsg(); of streams it cannot. */
	ALLOW2(CHILDREN, socketpair, IS(0, AF_UNIX), BITS(1, CALL_TYPE, SOCK_STREAM)),
	/* UDP (the resolver) and TCP over IP, and none of the rarer protocols. */
	ALLOW3(RESOLVER, socket, IS(0, AF_INET), BITS(1, CALL_TYPE, SOCK_DGRAM), IS(2, 0)),
	ALLOW3(RESOLVER, socket, IS(0, AF_INET6), BITS(1, CALL_TYPE, SOCK_DGRAM), IS(2, 0)),
	ALLOW3(RESOLVER | RELAY | FILTER, socket, IS(0, AF_INET), BITS(1, CALL_TYPE, SOCK_STREAM), IS(2, 0)),
	ALLOW3(RESOLVER | RELAY | FILTER, socket, IS(0, AF_INET6), BITS(1, CALL_TYPE, SOCK_STREAM), IS(2, 0)),
	ALLOW3(RESOLVER, socket, IS(0, AF_INET), BITS(1, CALL_TYPE, SOCK_STREAM), IS(2, IPPROTO_TCP)),
	ALLOW3(RESOLVER, socket, IS(0, AF_INET6), BITS(1, CALL_TYPE, SOCK_STREAM), IS(2, IPPROTO_TCP)),
	/* A milter may be at a file's name. */
	ALLOW3(FILTER, socket, IS(0, AF_UNIX), BITS(1, CALL_TYPE, SOCK_STREAM), IS(2, 0)),
	/* libunbound's, of which each has its reason against forged or broken answers; without them it makes no socket. */
	ALLOW2(RESOLVER, setsockopt, IS(1, SOL_SOCKET), IS(2, SO_REUSEADDR)),
	ALLOW2(RESOLVER, setsockopt, IS(1, IPPROTO_IP), IS(2, IP_MTU_DISCOVER)),
	ALLOW2(RESOLVER | RELAY, setsockopt, IS(1, IPPROTO_IP), IS(2, IP_BIND_ADDRESS_NO_PORT)),
	ALLOW2(RESOLVER, setsockopt, IS(1, IPPROTO_IPV6), IS(2, IPV6_V6ONLY)),
	ALLOW2(RESOLVER, setsockopt, IS(1, IPPROTO_IPV6), IS(2, IPV6_MTU)),
	ALLOW2(RESOLVER, setsockopt, IS(1, IPPROTO_IPV6), IS(2, IPV6_MTU_DISCOVER)),
	/* No filters, no protocols on top (TCP_ULP), no TCP_FASTOPEN_CONNECT. */
	ALLOW2(CHILDREN, setsockopt, IS(1, SOL_SOCKET), IS(2, SO_SNDBUF)),
	ALLOW2(CHILDREN, setsockopt, IS(1, SOL_SOCKET), IS(2, SO_RCVBUF)),
	ALLOW2(CHILDREN, setsockopt, IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO)),
	ALLOW2(CHILDREN, setsockopt, IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO)),
	ALLOW2(FRONT, setsockopt, IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE)),
	ALLOW2(FRONT, setsockopt, IS(1, SOL_SOCKET), IS(2, SO_LINGER)),
	ALLOW2(FRONT | RELAY | FILTER, setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)),
	ALLOW2(FRONT, setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_KEEPIDLE)),
	ALLOW2(FRONT, setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_KEEPINTVL)),
	ALLOW2(FRONT, setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_KEEPCNT)),
	ALLOW2(FRONT, setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_USER_TIMEOUT)),
	/* They fork, but make no namespaces: with one of users anyone is root enough to reach rare kernel code. */
	REFUSE1(STARTERS, clone, BITS(0, CLONE_NEWUSER, CLONE_NEWUSER)),
	REFUSE1(STARTERS, clone, BITS(0, CLONE_NEWNS, CLONE_NEWNS)),
	REFUSE1(STARTERS, clone, BITS(0, CLONE_NEWNET, CLONE_NEWNET)),
	REFUSE1(STARTERS, clone, BITS(0, CLONE_NEWPID, CLONE_NEWPID)),
	REFUSE1(STARTERS, clone, BITS(0, CLONE_NEWIPC, CLONE_NEWIPC)),
	REFUSE1(STARTERS, clone, BITS(0, CLONE_NEWUTS, CLONE_NEWUTS)),
	REFUSE1(STARTERS, clone, BITS(0, CLONE_NEWCGROUP, CLONE_NEWCGROUP)),
	REFUSE1(STARTERS, unshare, BITS(0, CLONE_NEWUSER, CLONE_NEWUSER)),
	REFUSE1(STARTERS, unshare, BITS(0, CLONE_NEWNS, CLONE_NEWNS)),
	REFUSE1(STARTERS, unshare, BITS(0, CLONE_NEWNET, CLONE_NEWNET)),
	REFUSE1(STARTERS, unshare, BITS(0, CLONE_NEWPID, CLONE_NEWPID)),
	REFUSE1(STARTERS, unshare, BITS(0, CLONE_NEWIPC, CLONE_NEWIPC)),
	REFUSE1(STARTERS, unshare, BITS(0, CLONE_NEWUTS, CLONE_NEWUTS)),
	REFUSE1(STARTERS, unshare, BITS(0, CLONE_NEWCGROUP, CLONE_NEWCGROUP)),
	/* The parent listens on AF_INET and AF_INET6, and tells systemd over AF_UNIX; these are doors to rare kernel code. */
	REFUSE1(STARTERS, socket, BITS(0, UINT32_MAX, AF_NETLINK)),
	REFUSE1(STARTERS, socket, BITS(0, UINT32_MAX, AF_PACKET)),
	REFUSE1(STARTERS, socket, BITS(0, UINT32_MAX, AF_VSOCK)),
	REFUSE1(STARTERS, socket, BITS(0, UINT32_MAX, AF_ALG)),
};

/* ---- making and loading it ---- */

static int
add_lists(scmp_filter_ctx filter, unsigned who)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		if ((lists[i].who & who) == 0)
			continue;
		/* One that this architecture does not have has a negative number, and is passed over. */
		for (size_t k = 0; k < lists[i].count && rc == 0; k++)
			if (lists[i].calls[k] >= 0)
				rc = seccomp_rule_add_array(filter, lists[i].action, lists[i].calls[k], 0, NULL);
	}
	return rc;
}

static int
add_rules(scmp_filter_ctx filter, unsigned who)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof rules / sizeof rules[0] && rc == 0; i++)
		if ((rules[i].who & who) != 0 && rules[i].call >= 0)
			rc = seccomp_rule_add_array(
			    filter, rules[i].action, rules[i].call, rules[i].count, rules[i].args);
	return rc;
}

/* raise(), abort() and pthread_kill(): signals to this process alone. */
static int
add_own_signals(scmp_filter_ctx filter, unsigned who)
{
	const struct scmp_arg_cmp self = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 };

	return (who & CHILDREN) == 0 ? 0 : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
}

static int
set_attributes(scmp_filter_ctx filter)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, KILL);

	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* A tree instead of a list of comparisons: it runs at each call that the kernel cannot decide beforehand. */
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return rc;
}

/* With filters in the kernel this fails for its null pointer only (seccomp(2)). */
static bool
kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != 0 && errno == EFAULT;
}

static int
load(scmp_filter_ctx filter, unsigned who, struct error *e)
{
	int rc = set_attributes(filter);

	if (rc == 0)
		rc = add_lists(filter, who);
	if (rc == 0)
		rc = add_rules(filter, who);
	if (rc == 0)
		rc = add_own_signals(filter, who);
	if (rc == 0)
		rc = seccomp_load(filter);
	return rc == 0 ? 0 : error_set_errno(e, ERR_INTERNAL, -rc, "the seccomp filter cannot be loaded");
}

int
sandbox_filter_load(enum sandbox_profile profile, bool *loaded_out, struct error *e)
{
	unsigned who = OF(profile);
	scmp_filter_ctx filter;
	int rc;

	*loaded_out = false;
	if (!kernel_has_filters())
		return 0;
	filter = seccomp_init((who & (STARTERS | LAUNCHER)) != 0 ? SCMP_ACT_ALLOW : REFUSE);
	if (filter == NULL)
		return error_set(e, ERR_INTERNAL, "libseccomp cannot begin a filter");
	rc = load(filter, who, e);
	seccomp_release(filter);
	*loaded_out = rc == 0;
	return rc;
}
