/* SPDX-License-Identifier: ISC */
/*
 * Makes a running process execute one system call, to see what its sandbox
 * says to it:
 *
 *   inject [--thread TID|NAME] [--timeout MS] PID NUMBER [ARGUMENT...]
 *
 * An argument is an integer (42, -1, 0x7f), @TEXT (a pointer to the text and
 * a NUL) or %HEX (a pointer to these octets). Prints the result as the kernel
 * gives it (-1 is -EPERM), "killed SIGSYS" or another signal, "exited N",
 * "blocked" when the call does not return in time (it is broken off), or
 * "replaced" after an execve.
 *
 * The thread is stopped with ptrace wherever it is, single-steps a syscall
 * instruction of its own program with registers of ours, and goes on as if
 * nothing had happened: a call that was interrupted is started again, also
 * one that the kernel would not (epoll_wait, which anybody else sees fail with
 * EINTR). What is pointed to lies below the red zone of its stack, which is
 * restored.
 *
 * Status 0 when something was printed; 77 and "skipped" where this cannot be
 * done (not x86_64, or ptrace is not permitted); 1 for other failures, with
 * the process left as it was; 2 for wrong usage.
 */
#include <stdio.h>

#ifndef __x86_64__
int
main(void)
{
	puts("skipped: only on x86_64");
	return 77;
}
#else

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS 6
#define POKED_MAX 16384u
#define RED_ZONE 128u
#define SKIPPED 77
/* Of the kernel, between itself and a tracer: how an interrupted call is to be restarted. */
#define RESTART_FIRST 512
#define RESTART_LAST 516

typedef unsigned long long word;

struct plan {
	word number, arguments[ARGUMENTS];
	size_t pointer_at[ARGUMENTS]; /* offset into octets */
	bool is_pointer[ARGUMENTS];
	unsigned char octets[POKED_MAX];
	size_t length;
	long timeout_ms;
};

struct target {
	pid_t process, thread;
	int memory; /* /proc/PID/mem */
	struct user_regs_struct saved;
	word at; /* of the poked octets */
	unsigned char below[POKED_MAX];
	int late_signal; /* came in between; delivered afterwards */
};

/* What wait_stop() saw. */
enum end { STOPPED, ENDED, LATE };

static void __attribute__((noreturn, format(printf, 2, 3))) end_with(int status, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vfprintf(status == SKIPPED ? stdout : stderr, format, list);
	va_end(list);
	exit(status);
}

/* ---- the plan ---- */

static word
number_of(const char *text)
{
	char *end;
	word n;

	errno = 0;
	n = text[0] == '-' ? (word)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0')
		end_with(2, "inject: %s is no integer\n", text);
	return n;
}

static void
add_octet(struct plan *p, unsigned octet)
{
	if (p->length >= POKED_MAX)
		end_with(2, "inject: arguments of more than %u octets\n", POKED_MAX);
	p->octets[p->length++] = (unsigned char)octet;
}

static void
add_hex(struct plan *p, const char *hex)
{
	for (; hex[0] != '\0'; hex += 2) {
		char pair[3] = { hex[0], hex[1], '\0' };

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
			end_with(2, "inject: %s are no pairs of hexadecimal digits\n", hex);
		add_octet(p, (unsigned)strtoul(pair, NULL, 16));
	}
}

static void
add_argument(struct plan *p, size_t i, const char *text)
{
	if (text[0] != '@' && text[0] != '%') {
		p->arguments[i] = number_of(text);
		return;
	}
	while (p->length % 16 != 0)
		add_octet(p, 0);
	p->is_pointer[i] = true;
	p->pointer_at[i] = p->length;
	if (text[0] == '%')
		add_hex(p, text + 1);
	else
		for (size_t k = 1; k <= strlen(text); k++)
			add_octet(p, (unsigned char)text[k]);
}

/* ---- the target ---- */

/* The thread with that number or name; the first one of several. */
static pid_t
find_thread(pid_t process, const char *wanted)
{
	char path[64], name[64];
	struct dirent *entry;
	pid_t found = 0;
	DIR *threads;

	(void)snprintf(path, sizeof path, "/proc/%d/task", process);
	threads = opendir(path);
	while (threads != NULL && found == 0 && (entry = readdir(threads)) != NULL) {
		FILE *f;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		(void)snprintf(path, sizeof path, "/proc/%d/task/%.10s/comm", process, entry->d_name);
		f = fopen(path, "r");
		if (f == NULL)
			continue;
		if (fgets(name, sizeof name, f) != NULL) {
			name[strcspn(name, "\n")] = '\0';
			if (strcmp(entry->d_name, wanted) == 0 || strcmp(name, wanted) == 0)
				found = (pid_t)strtol(entry->d_name, NULL, 10);
		}
		(void)fclose(f);
	}
	if (threads != NULL)
		(void)closedir(threads);
	if (found == 0)
		end_with(1, "inject: process %d has no thread %s\n", process, wanted);
	return found;
}

static long long
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Polls: a wait with a deadline would need signals of our own. */
static enum end
wait_stop(const struct target *t, long timeout_ms, int *status)
{
	long long deadline = now_ms() + timeout_ms;
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (;;) {
		pid_t got = waitpid(t->thread, status, __WALL | WNOHANG);

		if (got < 0)
			end_with(1, "inject: waiting for %d: %s\n", t->thread, strerror(errno));
		if (got > 0)
			return WIFSTOPPED(*status) ? STOPPED : ENDED;
		if (now_ms() >= deadline)
			return LATE;
		(void)nanosleep(&pause, NULL);
	}
}

static void
check(long result, const char *what)
{
	if (result < 0)
		end_with(1, "inject: %s: %s\n", what, strerror(errno));
}

static void
attach(struct target *t)
{
	char path[64];
	int status;

	/* What a forked call would leave running in the middle of the target's code is caught and killed. */
	if (ptrace(PTRACE_SEIZE, t->thread, NULL, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC) != 0) {
		if (errno == EPERM || errno == EACCES)
			end_with(SKIPPED, "skipped: ptrace of %d: %s\n", t->thread, strerror(errno));
		end_with(1, "inject: ptrace of %d: %s\n", t->thread, strerror(errno));
	}
	check(ptrace(PTRACE_INTERRUPT, t->thread, NULL, NULL), "interrupt");
	if (wait_stop(t, 10000, &status) != STOPPED)
		end_with(1, "inject: thread %d did not stop\n", t->thread);
	/* A signal that came first stands at the door: let it in later. */
	if (status >> 16 == 0 && WSTOPSIG(status) != SIGTRAP)
		t->late_signal = WSTOPSIG(status);
	check(ptrace(PTRACE_GETREGS, t->thread, NULL, &t->saved), "registers");
	(void)snprintf(path, sizeof path, "/proc/%d/mem", t->thread);
	t->memory = open(path, O_RDWR | O_CLOEXEC);
	check(t->memory, path);
}

static bool
is_syscall(const struct target *t, word at)
{
	unsigned char code[2];

	return pread(t->memory, code, 2, (off_t)at) == 2 && code[0] == 0x0f && code[1] == 0x05;
}

static word
search_range(const struct target *t, word from, word to)
{
	static unsigned char page[4097]; /* and one octet of the page before, for what straddles */

	for (word at = from; at < to; at += 4096) {
		ssize_t n = pread(t->memory, page, 4096, (off_t)at);

		for (ssize_t i = 0; i + 1 < n; i++)
			if (page[i] == 0x0f && page[i + 1] == 0x05)
				return at + (word)i;
	}
	return 0;
}

/* A thread that waits stands right behind one; otherwise any executable page of the process has it. */
static word
find_syscall(const struct target *t)
{
	char path[64], line[512];
	word found = 0;
	FILE *maps;

	if (is_syscall(t, t->saved.rip - 2))
		return t->saved.rip - 2;
	(void)snprintf(path, sizeof path, "/proc/%d/maps", t->thread);
	maps = fopen(path, "r");
	while (maps != NULL && found == 0 && fgets(line, sizeof line, maps) != NULL) {
		char *end, *permissions = strchr(line, ' ');
		word from = strtoull(line, &end, 16);

		if (permissions != NULL && permissions[3] == 'x' && *end == '-')
			found = search_range(t, from, strtoull(end + 1, NULL, 16));
	}
	if (maps != NULL)
		(void)fclose(maps);
	return found;
}

/*
 * A call that the interruption broke off is started again with its own
 * arguments. The kernel does that itself when it left one of its restart
 * codes; epoll_wait and a few others gave up with EINTR.
 */
static void
restart_interrupted(struct user_regs_struct *r)
{
	if ((long)r->orig_rax >= 0 && (long)r->rax == -EINTR) {
		r->rax = r->orig_rax;
		r->orig_rax = (word)-1;
		r->rip -= 2;
	}
}

static void
poke(struct target *t, const struct plan *p)
{
	ssize_t n = (ssize_t)p->length;

	t->at = (t->saved.rsp - RED_ZONE - p->length) & ~(word)63;
	if (n == 0)
		return;
	if (pread(t->memory, t->below, p->length, (off_t)t->at) != n ||
	    pwrite(t->memory, p->octets, p->length, (off_t)t->at) != n)
		end_with(1, "inject: the stack of %d has no room\n", t->thread);
}

static void
load(const struct target *t, const struct plan *p, word instruction)
{
	struct user_regs_struct r = t->saved;
	word a[ARGUMENTS];

	for (size_t i = 0; i < ARGUMENTS; i++)
		a[i] = p->is_pointer[i] ? t->at + p->pointer_at[i] : p->arguments[i];
	r.rdi = a[0];
	r.rsi = a[1];
	r.rdx = a[2];
	r.r10 = a[3];
	r.r8 = a[4];
	r.r9 = a[5];
	r.rax = p->number;
	r.orig_rax = (word)-1; /* or the kernel would restart what it interrupted, with our registers */
	r.rip = instruction;
	check(ptrace(PTRACE_SETREGS, t->thread, NULL, &r), "registers");
}

/* Stops that are not the end of the step: true when it goes on. */
static bool
is_between(struct target *t, int status)
{
	int event = status >> 16;
	unsigned long child = 0;

	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
		if (ptrace(PTRACE_GETEVENTMSG, t->thread, NULL, &child) == 0)
			(void)kill((pid_t)child, SIGKILL);
		return true;
	}
	if (event == 0 && WSTOPSIG(status) != SIGTRAP) {
		t->late_signal = WSTOPSIG(status);
		return true;
	}
	return event == PTRACE_EVENT_STOP; /* our own interruption, when a signal was there before it */
}

static enum end
step(struct target *t, long timeout_ms, int *status)
{
	enum end end;

	do {
		check(ptrace(PTRACE_SINGLESTEP, t->thread, NULL, NULL), "step");
		end = wait_stop(t, timeout_ms, status);
	} while (end == STOPPED && is_between(t, *status));
	return end;
}

/*
 * A call that does not return is interrupted. The end of the step, SIGTRAP, is
 * then still on its way and would kill the target once nobody traces it.
 */
static enum end
break_off(const struct target *t, int *status)
{
	char path[64], line[256];
	word pending = 0;
	enum end end;
	FILE *f;

	check(ptrace(PTRACE_INTERRUPT, t->thread, NULL, NULL), "interrupt");
	end = wait_stop(t, 10000, status);
	if (end != STOPPED || *status >> 16 != PTRACE_EVENT_STOP)
		return end;
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/status", t->process, t->thread);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "SigPnd:", 7) == 0)
			pending = strtoull(line + 7, NULL, 16);
	if (f != NULL)
		(void)fclose(f);
	if ((pending >> (SIGTRAP - 1) & 1) == 0)
		return end;
	check(ptrace(PTRACE_CONT, t->thread, NULL, NULL), "continue");
	return wait_stop(t, 10000, status);
}

static void
restore(struct target *t, const struct plan *p)
{
	struct user_regs_struct r = t->saved;

	if (p->length > 0)
		(void)!pwrite(t->memory, t->below, p->length, (off_t)t->at);
	if (t->late_signal == 0)
		restart_interrupted(&r);
	check(ptrace(PTRACE_SETREGS, t->thread, NULL, &r), "registers");
}

static void
let_go(const struct target *t)
{
	check(ptrace(PTRACE_DETACH, t->thread, NULL, NULL), "detach");
	if (t->late_signal != 0)
		(void)syscall(SYS_tgkill, t->process, t->thread, t->late_signal);
}

static void
tell_end(int status)
{
	if (WIFSIGNALED(status))
		printf("killed SIG%s\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("exited %d\n", WEXITSTATUS(status));
}

static void
tell_result(const struct target *t, word instruction)
{
	struct user_regs_struct r;
	long result;

	check(ptrace(PTRACE_GETREGS, t->thread, NULL, &r), "registers");
	result = (long)r.rax;
	/* A restart code means that the call was broken off before it did anything. */
	if (r.rip == instruction || (result <= -RESTART_FIRST && result >= -RESTART_LAST))
		puts("blocked");
	else
		printf("%ld\n", result);
}

static void
inject(struct target *t, const struct plan *p)
{
	word instruction = find_syscall(t);
	int status;
	enum end end;

	if (instruction == 0)
		end_with(1, "inject: no syscall instruction in %d\n", t->thread);
	poke(t, p);
	load(t, p, instruction);
	end = step(t, p->timeout_ms, &status);
	if (end == LATE)
		end = break_off(t, &status);
	if (end == ENDED) {
		tell_end(status);
		return;
	}
	if (end == LATE)
		end_with(1, "inject: thread %d cannot be stopped\n", t->thread);
	if (status >> 16 == PTRACE_EVENT_EXEC) {
		puts("replaced");
	} else {
		tell_result(t, instruction);
		restore(t, p);
	}
	let_go(t);
}

/* The words after the options; options fill thread and the plan's timeout. */
static char **
options(char **argv, const char **thread, struct plan *p)
{
	for (argv++; argv[0] != NULL && argv[1] != NULL; argv += 2) {
		if (strcmp(argv[0], "--thread") == 0)
			*thread = argv[1];
		else if (strcmp(argv[0], "--timeout") == 0)
			p->timeout_ms = (long)number_of(argv[1]);
		else
			break;
	}
	return argv;
}

int
main(int argc, char **argv)
{
	static struct plan plan = { .timeout_ms = 2000 };
	static struct target target;
	const char *thread = NULL;
	char **words = options(argv, &thread, &plan);

	if (argc < 3 || words[0] == NULL || words[1] == NULL)
		end_with(2, "usage: inject [--thread TID|NAME] [--timeout MS] PID NUMBER [ARGUMENT...]\n");
	target.process = (pid_t)number_of(words[0]);
	target.thread = thread == NULL ? target.process : find_thread(target.process, thread);
	plan.number = number_of(words[1]);
	for (size_t i = 0; words[i + 2] != NULL; i++) {
		if (i == ARGUMENTS)
			end_with(2, "inject: a system call has at most %d arguments\n", ARGUMENTS);
		add_argument(&plan, i, words[i + 2]);
	}
	attach(&target);
	inject(&target, &plan);
	return 0;
}
#endif
