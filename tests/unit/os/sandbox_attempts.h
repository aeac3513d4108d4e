/* SPDX-License-Identifier: ISC */
/* lint: a list of attempts. What test_sandbox.c tries. Each attempt gives 0 when the system let it through, or errno. */
#ifndef TESTS_UNIT_OS_SANDBOX_ATTEMPTS_H
#define TESTS_UNIT_OS_SANDBOX_ATTEMPTS_H

#include <arpa/inet.h>
#include <iconv.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <grp.h>

/* What a process inherits before it enters. Made anew for every attempt. */
struct scene {
	const char *data, *outside; /* folders */
	pid_t sibling;
	struct sockaddr_in tcp_address; /* somebody listens there */
	struct sockaddr_un unix_address;
	socklen_t unix_length;
	int listener, waiting; /* a unix socket that listens, and one that waits there to be accepted */
	int tcp, unix_free;    /* sockets that are not connected yet */
	int pair[2];
	int file; /* a plain file, open for reading */
};

static struct scenery {
	char data[64], outside[64];
	pid_t sibling;
	int tcp_listener;
	struct sockaddr_in address;
} scenery;

/* ---- the scene ---- */

static void
put_file(const char *folder, const char *name)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("octets", f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
scenery_begin(void **state)
{
	socklen_t length = sizeof scenery.address;

	(void)state;
	(void)snprintf(scenery.data, sizeof scenery.data, "/tmp/letterlock-sandbox-XXXXXX");
	(void)snprintf(scenery.outside, sizeof scenery.outside, "/tmp/letterlock-outside-XXXXXX");
	if (mkdtemp(scenery.data) == NULL || mkdtemp(scenery.outside) == NULL)
		return -1;
	put_file(scenery.outside, "file");
	scenery.tcp_listener = socket(AF_INET, SOCK_STREAM, 0);
	scenery.address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(scenery.tcp_listener, (struct sockaddr *)&scenery.address, sizeof scenery.address) != 0 ||
	    listen(scenery.tcp_listener, 1000) != 0 ||
	    getsockname(scenery.tcp_listener, (struct sockaddr *)&scenery.address, &length) != 0)
		return -1;
	scenery.sibling = fork();
	if (scenery.sibling == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	return scenery.sibling > 0 ? 0 : -1;
}

static void
remove_folder(const char *folder)
{
	char command[128];
	static const char *const names[] = { "sub/moved", "sub", "file", "copy", "made", "link", "fifo", "a.db",
		"a.db-wal", "a.db-shm" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(command, sizeof command, "%s/%s", folder, names[i]);
		(void)remove(command);
	}
	assert_int_equal(rmdir(folder), 0);
}

static int
scenery_end(void **state)
{
	(void)state;
	(void)kill(scenery.sibling, SIGKILL);
	(void)waitpid(scenery.sibling, NULL, 0);
	(void)close(scenery.tcp_listener);
	remove_folder(scenery.data);
	remove_folder(scenery.outside);
	return 0;
}

static void
scene_make(struct scene *s)
{
	*s = (struct scene){ .data = scenery.data, .outside = scenery.outside, .sibling = scenery.sibling };
	s->tcp_address = scenery.address;
	s->unix_address.sun_family = AF_UNIX;
	s->unix_length = sizeof s->unix_address;
	s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&s->unix_address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(s->listener, 5), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&s->unix_address, &s->unix_length), 0);
	s->waiting = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(s->waiting, (struct sockaddr *)&s->unix_address, s->unix_length), 0);
	s->tcp = socket(AF_INET, SOCK_STREAM, 0);
	s->unix_free = socket(AF_UNIX, SOCK_STREAM, 0);
	s->file = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->pair), 0);
}

static void
scene_end(struct scene *s)
{
	const int all[] = { s->listener, s->waiting, s->tcp, s->unix_free, s->pair[0], s->pair[1], s->file };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		(void)close(all[i]);
}

static int
got(long result)
{
	return result >= 0 ? 0 : errno;
}

/* ---- files ---- */

static int
open_in(const char *folder, const char *name, int flags)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return open(path, flags, 0600);
}

static int
read_outside(const struct scene *s)
{
	return got(open_in(s->outside, "file", O_RDONLY));
}

static int
read_own_maps(const struct scene *s)
{
	(void)s;
	return got(open("/proc/self/maps", O_RDONLY));
}

static int
make_outside(const struct scene *s)
{
	return got(open_in(s->outside, "made", O_WRONLY | O_CREAT));
}

static int
truncate_outside(const struct scene *s)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/file", s->outside);
	return got(truncate(path, 1));
}

static int
cut_outside(const struct scene *s)
{
	return got(open_in(s->outside, "file", O_RDONLY | O_TRUNC));
}

static int
make_inside(const struct scene *s)
{
	int fd = open_in(s->data, "file", O_RDWR | O_CREAT);

	return fd < 0 ? errno : got(write(fd, "octets", 6) == 6 && fsync(fd) == 0 ? 0 : -1);
}

static int
cut_inside(const struct scene *s)
{
	return got(open_in(s->data, "file", O_WRONLY | O_CREAT | O_TRUNC));
}

static int
rename_inside(const struct scene *s)
{
	int folder = open(s->data, O_RDONLY | O_DIRECTORY), rc;

	if (folder < 0)
		return errno;
	(void)mkdirat(folder, "sub", 0700);
	rc = openat(folder, "file", O_RDWR | O_CREAT, 0600);
	if (rc >= 0)
		rc = renameat(folder, "file", folder, "sub/moved");
	if (rc == 0)
		rc = linkat(folder, "sub/moved", folder, "copy", 0);
	if (rc == 0 || errno == EEXIST)
		rc = unlinkat(folder, "copy", 0) | unlinkat(folder, "sub/moved", 0) |
		    unlinkat(folder, "sub", AT_REMOVEDIR) | fsync(folder);
	return got(rc);
}

static int
store_calls(const struct scene *s)
{
	int fd = open_in(s->data, "file", O_RDWR | O_CREAT), copy = open_in(s->data, "copy", O_RDWR | O_CREAT);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET },
		     none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	struct stat st;

	if (fd < 0 || copy < 0)
		return errno;
	if (ftruncate(fd, 0) != 0 || pwrite(fd, "0123456789", 10, 0) != 10 ||
	    (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536) != 0 && errno != EOPNOTSUPP) ||
	    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) != 0 || fdatasync(fd) != 0 ||
	    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0 || fcntl(fd, F_SETLK, &lock) != 0 ||
	    fcntl(fd, F_SETLK, &none) != 0 || fcntl(fd, F_OFD_SETLK, &lock) != 0 || fchmod(fd, 0600) != 0 ||
	    fstat(fd, &st) != 0)
		return errno;
	return got(copy_file_range(fd, NULL, copy, NULL, 10, 0));
}

static int
link_inside(const struct scene *s)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/link", s->data);
	(void)unlink(path);
	return got(symlink("elsewhere", path));
}

static int
fifo_inside(const struct scene *s)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/fifo", s->data);
	(void)unlink(path);
	return got(mkfifo(path, 0600));
}

static int
read_urandom(const struct scene *s)
{
	(void)s;
	return got(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
}

/* The converter is a shared object that is opened, read and mapped executable; it has others that it needs. */
static int
iconv_late(const struct scene *s)
{
	char in[] = "\x82\xa0", out[8], *from = in, *to = out;
	size_t in_left = 2, out_left = sizeof out;
	iconv_t cd = iconv_open("UTF-8", "SHIFT_JISX0213");

	(void)s;
	if (cd == (iconv_t)-1)
		return EACCES;
	if (iconv(cd, &from, &in_left, &to, &out_left) != 0)
		return EILSEQ;
	(void)iconv_close(cd);
	return 0;
}

static int
sqlite_commits(const struct scene *s)
{
	char path[128];
	sqlite3 *db;
	int rc;

	(void)snprintf(path, sizeof path, "%s/a.db", s->data);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		return EACCES;
	rc = sqlite3_exec(db,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t(x);"
	    "BEGIN; INSERT INTO t VALUES(randomblob(100000)); COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
	    "VACUUM; SELECT count(*) FROM t",
	    NULL, NULL, NULL);
	(void)sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : rc == SQLITE_READONLY || rc == SQLITE_CANTOPEN ? EACCES : EIO;
}

/* ---- sockets ---- */

static int
connect_tcp(const struct scene *s)
{
	return got(connect(s->tcp, (const struct sockaddr *)&s->tcp_address, sizeof s->tcp_address));
}

static int
sendto_fastopen(const struct scene *s)
{
	return got(
	    sendto(s->tcp, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&s->tcp_address, sizeof s->tcp_address));
}

static int
sendmsg_fastopen(const struct scene *s)
{
	struct sockaddr_in address = s->tcp_address;
	char octet = 'x';
	struct iovec part = { &octet, 1 };
	struct msghdr m = { .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1 };

	return got(sendmsg(s->tcp, &m, MSG_FASTOPEN));
}

static int
connect_unix(const struct scene *s)
{
	return got(connect(s->unix_free, (const struct sockaddr *)&s->unix_address, s->unix_length));
}

static int
socket_inet(const struct scene *s)
{
	(void)s;
	return got(socket(AF_INET, SOCK_STREAM, 0));
}

static int
socket_unix(const struct scene *s)
{
	(void)s;
	return got(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int
socket_netlink(const struct scene *s)
{
	(void)s;
	return got(socket(AF_NETLINK, SOCK_RAW, 0));
}

/* The kernel looks at the lower half of an int argument only; a filter sees both. */
static int
socket_netlink_dirty(const struct scene *s)
{
	(void)s;
	return got(syscall(SYS_socket, (1L << 32) | AF_NETLINK, SOCK_RAW, 0));
}

static int
pair_stream(const struct scene *s)
{
	int fd[2];

	(void)s;
	return got(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd));
}

static int
pair_datagram(const struct scene *s)
{
	int fd[2];

	(void)s;
	return got(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd));
}

/* Nobody else is at the other address. */
static int
bind_inherited(const struct scene *s)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return got(bind(s->tcp, (const struct sockaddr *)&any, sizeof any));
}

static int
bind_certain(const struct scene *s)
{
	const struct sockaddr_in at = { AF_INET, htons(40977), { htonl(INADDR_LOOPBACK + 76) }, { 0 } };

	return got(bind(s->tcp, (const struct sockaddr *)&at, sizeof at));
}

static int
listen_inherited(const struct scene *s)
{
	return got(listen(s->tcp, 1));
}

static int
accept_inherited(const struct scene *s)
{
	return got(accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

static int
pass_descriptor(const struct scene *s)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char octet = 'x';
	struct iovec part = { &octet, 1 };
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space
	};

	memcpy(CMSG_DATA(&control.header), &s->file, sizeof s->file);
	if (sendmsg(s->pair[0], &m, MSG_NOSIGNAL) != 1)
		return errno;
	m.msg_controllen = sizeof control.space;
	return got(recvmsg(s->pair[1], &m, MSG_CMSG_CLOEXEC) == 1 && m.msg_controllen > 0 ? 0 : -1);
}

/* Nobody needs to be there. */
static int
udp_connected(const struct scene *s)
{
	const struct sockaddr_in6 there = {
		.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT
	};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)s;
	return fd < 0 ? errno : got(connect(fd, (const struct sockaddr *)&there, sizeof there));
}

static int
bind_udp(const struct scene *s)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)s;
	return fd < 0 ? errno : got(bind(fd, (const struct sockaddr *)&any, sizeof any));
}

static int
set_mtu_discover(const struct scene *s)
{
	const int omit = IP_PMTUDISC_OMIT;

	return got(setsockopt(s->tcp, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit));
}

static int
socket_mptcp(const struct scene *s)
{
	(void)s;
	return got(socket(AF_INET, SOCK_STREAM, 262));
}

static int
set_nodelay(const struct scene *s)
{
	const int one = 1;

	return got(setsockopt(s->tcp, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
}

static int
set_fastopen(const struct scene *s)
{
	const int one = 1;

	return got(setsockopt(s->tcp, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one));
}

/* ---- processes, threads, memory ---- */

static int
execute(const char *path)
{
	char name[] = "program", word[] = "true", *argv[] = { name, word, NULL }, *environment[] = { NULL };

	(void)execve(path, argv, environment);
	return errno;
}

static int
execute_true(const struct scene *s)
{
	(void)s;
	return execute("/bin/true");
}

static int
execute_self(const struct scene *s)
{
	(void)s;
	return execute("/proc/self/exe");
}

static int
try_fork(const struct scene *s)
{
	pid_t pid = fork();

	(void)s;
	if (pid == 0)
		_exit(0);
	return got(pid);
}

static int
try_clone3(const struct scene *s)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof args);

	(void)s;
	if (pid == 0)
		_exit(0);
	return got(pid);
}

static int
clone_user(const struct scene *s)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	(void)s;
	if (pid == 0)
		_exit(0);
	return got(pid);
}

static int
unshare_mounts(const struct scene *s)
{
	(void)s;
	return got(unshare(CLONE_NEWNS));
}

static void *
use_memory(void *result)
{
	const size_t size = 32u << 20;
	uint8_t *octets = malloc(size);

	if (octets == NULL)
		return NULL;
	for (size_t i = 0; i < size; i += 4096)
		octets[i] = 1;
	*(int *)result = octets[4096];
	free(octets);
	return NULL;
}

static int
thread_and_memory(const struct scene *s)
{
	pthread_t threads[4];
	int results[4] = { 0 }, rc = 0;

	(void)s;
	for (size_t i = 0; i < 4 && rc == 0; i++)
		rc = pthread_create(&threads[i], NULL, use_memory, &results[i]);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < 4; i++)
		if (pthread_join(threads[i], NULL) != 0 || results[i] != 1)
			return ENOMEM;
	return 0;
}

static int
map(int protection, int flags, int fd)
{
	return mmap(NULL, 4096, protection, flags, fd, 0) == MAP_FAILED ? errno : 0;
}

static int
map_both(const struct scene *s)
{
	(void)s;
	return map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int
protect_exec(const struct scene *s)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)s;
	return page == MAP_FAILED ? ENOMEM : got(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int
map_file_exec(const struct scene *s)
{
	return map(PROT_READ | PROT_EXEC, MAP_PRIVATE, s->file);
}

static int
wait_for_events(const struct scene *s)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), event = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };
	struct epoll_event e = { .events = EPOLLIN };

	(void)s;
	if (epoll < 0 || event < 0 || timer < 0 || timerfd_settime(timer, 0, &soon, NULL) != 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, event, &e) != 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &e) != 0)
		return errno;
	return got(epoll_wait(epoll, &e, 1, 1000));
}

static int
get_random(const struct scene *s)
{
	char octets[16];

	(void)s;
	return got(getrandom(octets, sizeof octets, 0));
}

static int
fstat_inherited(const struct scene *s)
{
	struct stat st;

	return got(fstat(s->file, &st));
}

static int
ask_terminal(const struct scene *s)
{
	return isatty(s->file) == 1 || errno == ENOTTY ? 0 : errno;
}

static int
name_thread(const struct scene *s)
{
	(void)s;
	return pthread_setname_np(pthread_self(), "named");
}

static int
get_limit(const struct scene *s)
{
	struct rlimit limit;

	(void)s;
	return got(getrlimit(RLIMIT_NOFILE, &limit));
}

static int
set_limit(const struct scene *s)
{
	const struct rlimit limit = { 100, 100 };

	(void)s;
	return got(setrlimit(RLIMIT_NOFILE, &limit));
}

static int
set_dumpable(const struct scene *s)
{
	(void)s;
	return got(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
set_owner(const struct scene *s)
{
	return got(fcntl(s->pair[0], F_SETOWN, s->sibling));
}

/* ---- others, and the machine ---- */

static int
signal_self(const struct scene *s)
{
	(void)s;
	return got(raise(SIGCONT));
}

static int
kill_sibling(const struct scene *s)
{
	return got(kill(s->sibling, SIGCONT));
}

static int
tgkill_sibling(const struct scene *s)
{
	return got(syscall(SYS_tgkill, s->sibling, s->sibling, SIGCONT));
}

static int
ptrace_sibling(const struct scene *s)
{
	return got(ptrace(PTRACE_SEIZE, s->sibling, NULL, NULL));
}

static int
vm_read_sibling(const struct scene *s)
{
	char octet;
	struct iovec here = { &octet, 1 };
	struct iovec there = { scenery.data, 1 };

	return got(process_vm_readv(s->sibling, &here, 1, &there, 1, 0));
}

static int
try_chroot(const struct scene *s)
{
	return got(chroot(s->data));
}

static int
try_setuid(const struct scene *s)
{
	(void)s;
	return got(setuid(getuid()));
}

static int
try_setgroups(const struct scene *s)
{
	const gid_t group = getgid();

	(void)s;
	return got(setgroups(1, &group));
}

/* Without effect, wherever it gets through: the folder is missing, the arguments are senseless. */
static int
let_through(long result)
{
	return result >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS) ? 0 : errno;
}

static int
try_mount(const struct scene *s)
{
	(void)s;
	return let_through(mount("none", "/no/such/folder", "tmpfs", 0, NULL));
}

static int
try_keyctl(const struct scene *s)
{
	(void)s;
	return let_through(syscall(SYS_keyctl, -1, 0, 0, 0, 0));
}

static int
try_bpf(const struct scene *s)
{
	(void)s;
	return let_through(syscall(SYS_bpf, -1, NULL, 0));
}

static int
try_io_uring(const struct scene *s)
{
	(void)s;
	return let_through(syscall(SYS_io_uring_setup, 0, NULL));
}

static int
try_perf(const struct scene *s)
{
	(void)s;
	return let_through(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

static int
try_userfaultfd(const struct scene *s)
{
	(void)s;
	return let_through(syscall(SYS_userfaultfd, -1));
}

#endif
