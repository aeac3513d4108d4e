/* SPDX-License-Identifier: ISC */
/* The life of a child: its settings, its sandbox, then one message of the parent after the other. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/start.h"
#include "daemon/process.h"
#include "daemon/process_starter.h"
#include "daemon/verbs.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/privileges.h"

#define SETUP_BUDGET (1u << 20)
#define DESCRIPTORS_ASIDE 200u /* what is open besides connections */

static const struct process_ops *const kinds[PROCESS_ROLES] = {
	[PROCESS_FRONT] = &process_front_ops,
	[PROCESS_MX] = &process_mx_ops,
	[PROCESS_WEB] = &process_web_ops,
	[PROCESS_AUTH] = &process_auth_ops,
	[PROCESS_RESOLVER] = &process_resolver_ops,
	[PROCESS_KEYS] = &process_keys_ops,
	[PROCESS_RELAY] = &process_relay_ops,
	[PROCESS_FILTER] = &process_filter_ops,
	[PROCESS_MAIL] = &process_mail_ops,
};

/* ---- to the parent ---- */

void
process_blame(const struct process *p, uint64_t number)
{
	const struct process_blame out = { .number = number };

	(void)message_send(p->control, MESSAGE_BLAME, 0, process_rules[MESSAGE_BLAME].schema, &out, -1, NULL);
}

void
process_fail(const struct process *p, const struct error *e)
{
	const struct process_failed out = { .code = e->code, .text = slice_str(e->text) };

	(void)message_send(p->control, MESSAGE_FAILED, 0, process_rules[MESSAGE_FAILED].schema, &out, -1, NULL);
}

static int
say(const struct process *p, enum process_message type, struct error *e)
{
	const struct process_nothing nothing = { 0 };

	return message_send(p->control, (uint16_t)type, 0, process_rules[type].schema, &nothing, -1, e);
}

/* ---- shut in ---- */

/* Before the sandbox, which permits no limit to be raised. */
static void
raise_descriptors(const struct process *p)
{
	rlim_t wanted = p->setup.connections_here + DESCRIPTORS_ASIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
drop(const struct process *p, struct error *e)
{
	char user[256], jail[FILE_PATH_MAX];
	struct privileges_user who;
	int rc;

	if (p->setup.user.len == 0 || !privileges_are_roots())
		return 0;
	(void)snprintf(user, sizeof user, "%.*s", (int)p->setup.user.len, (const char *)p->setup.user.data);
	(void)snprintf(jail, sizeof jail, "%.*s", (int)p->setup.jail.len, (const char *)p->setup.jail.data);
	rc = privileges_find(user, &who, e);
	return rc != 0 ? rc : privileges_drop(&who, jail[0] == '\0' ? NULL : jail, e);
}

static int
confine(const struct process *p, const struct process_ops *ops, struct error *e)
{
	char data[FILE_PATH_MAX];
	const char *write[] = { data }, *read[] = { "/dev/urandom", SANDBOX_GCONV_FOLDERS };
	const struct sandbox_paths mail = {
		.write = write, .write_count = 1, .read = read, .read_count = sizeof read / sizeof read[0]
	};
	struct sandbox_state state;
	int rc;

	(void)snprintf(data, sizeof data, "%.*s", (int)p->setup.data.len, (const char *)p->setup.data.data);
	rc = sandbox_enter(ops->profile, ops->profile == SANDBOX_MAIL ? &mail : NULL, &state, e);
	if (rc == 0)
		log_event(LOG_LEVEL_INFO, "process.confined", log_str("seccomp", state.seccomp ? "yes" : "no"),
		    log_u64("landlock", (uint64_t)state.landlock_abi), log_u64("uid", getuid()),
		    log_str("root", p->setup.jail.len > 0 && p->setup.user.len > 0 ? "empty" : "whole"));
	return rc;
}

static void
use_log(const struct process *p, int fd)
{
	char name[24];

	if (p->kind == PROCESS_FRONT)
		(void)snprintf(name, sizeof name, "front%u", p->setup.front + 1);
	else
		(void)snprintf(name, sizeof name, "%s", process_names[p->kind]);
	log_use((enum log_level)p->setup.log_level, fd, name);
}

/* As a process of its own: other rights, then what only this moment permits, then the sandbox. */
static int
shut_in(struct process *p, const struct process_ops *ops, struct error *e)
{
	int rc;

	use_log(p, STDERR_FILENO);
	raise_descriptors(p);
	rc = ops->load == NULL ? 0 : ops->load(e);
	if (rc == 0)
		rc = drop(p, e);
	/* The parent's death is ours; set behind the change of user, which clears it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	crypto_start();
	if (rc == 0 && ops->prepare != NULL)
		rc = ops->prepare(p, e);
	return rc != 0 ? rc : confine(p, ops, e);
}

static int
begin(struct process *p, const struct process_ops *ops, int fd, struct error *e)
{
	int rc;

	p->setup_fd = fd;
	if (p->alone)
		rc = shut_in(p, ops, e);
	else
		rc = ops->prepare == NULL ? 0 : ops->prepare(p, e);
	if (rc == 0)
		rc = ops->start(p, fd, e);
	else if (fd >= 0)
		(void)close(fd);
	rc = rc != 0 ? rc : say(p, MESSAGE_READY, e);
	return rc == ERR_CLOSED ? ERR_IO : rc; /* ERR_CLOSED is the end in order */
}

/* ---- messages ---- */

union decoded {
	struct process_setup setup;
	struct process_listener listener;
	struct process_certificate certificate;
	struct process_link link;
	struct process_key key;
	struct process_nothing nothing;
};

static void
take_settings(struct process *p, const struct process_ops *ops, const struct process_setup *fresh)
{
	if (p->alone)
		log_level_set((enum log_level)fresh->log_level);
	if (ops->settings != NULL)
		ops->settings(p, fresh);
}

/* As a thread it counts where all count. */
static int
take_metrics(const struct process *p, uint16_t type, int fd, struct error *e)
{
	int rc = !p->alone ? 0 : type == MESSAGE_METRICS ? metrics_use(fd, e) : metrics_look(fd, e);

	(void)close(fd);
	return rc;
}

/* 0 to go on; ERR_CLOSED: stop in order; others: it cannot go on. */
static int
take(struct process *p, const struct process_ops *ops, uint16_t type, const union decoded *in, int fd, struct error *e)
{
	switch (type) {
	case MESSAGE_LOG:
		if (p->alone) {
			(void)dup2(fd, STDERR_FILENO); /* or the file before a rotation would stay open */
			use_log(p, fd);
		} else {
			(void)close(fd); /* the parent's is ours */
		}
		return 0;
	case MESSAGE_CERTIFICATE:
		return ops->certificate(p, &in->certificate, e);
	case MESSAGE_LISTENER:
		return ops->listener(p, &in->listener, fd, e);
	case MESSAGE_LINK:
		return ops->link(p, &in->link, fd, e);
	case MESSAGE_KEYS_BEGIN:
	case MESSAGE_KEY:
	case MESSAGE_KEYS_END:
		return ops->key(p, type, &in->key, fd, e);
	case MESSAGE_GO:
		return ops->go(p, e);
	case MESSAGE_METRICS:
	case MESSAGE_METRICS_OF:
		return take_metrics(p, type, fd, e);
	case MESSAGE_PING:
		return say(p, MESSAGE_PONG, e) == 0 ? 0 : ERR_IO;
	case MESSAGE_DRAIN:
		ops->drain(p);
		return 0;
	case MESSAGE_SETTINGS:
		take_settings(p, ops, &in->setup);
		return 0;
	default:
		return ERR_CLOSED;
	}
}

/* One message. p->arena keeps the setup; of all others nothing is kept. */
static int
one_message(struct process *p, const struct process_ops *ops, uint32_t *seen, struct error *e)
{
	struct arena a ARENA_OWNED = { 0 };
	union decoded in;
	struct message m;
	int rc = message_receive(p->control, &m, e);

	if (rc != 0)
		_exit(EXIT_COULD_NOT); /* the parent is gone: nobody is left to end in order for */
	arena_init(&a, SETUP_BUDGET);
	if (!process_permits(m.type, true, p->kind, m.fd >= 0, seen))
		rc = error_set(e, ERR_ORDER, "the parent says what is not for this process");
	if (rc == 0)
		rc = codec_decode(
		    process_rules[m.type].schema, m.body, m.type == MESSAGE_SETUP ? &p->arena : &a, &in, e);
	if (rc == 0 && m.type == MESSAGE_SETUP)
		p->setup = in.setup;
	if (rc == 0 && m.type == MESSAGE_SETUP)
		rc = begin(p, ops, m.fd, e);
	else if (rc == 0)
		rc = take(p, ops, m.type, &in, m.fd, e);
	else if (m.fd >= 0)
		(void)close(m.fd);
	message_done(&m);
	return rc;
}

/* What still comes is not acted on. */
static void
wait_for_stop(const struct process *p)
{
	struct message m;
	uint16_t type;

	do {
		if (message_receive(p->control, &m, NULL) != 0)
			_exit(EXIT_COULD_NOT);
		if (m.fd >= 0)
			(void)close(m.fd);
		type = m.type;
		message_done(&m);
	} while (type != MESSAGE_STOP);
}

static int
serve(struct process *p)
{
	const struct process_ops *ops = kinds[p->kind];
	uint32_t seen = 0;
	struct error e;
	int rc;

	arena_init(&p->arena, SETUP_BUDGET);
	do
		rc = one_message(p, ops, &seen, &e);
	while (rc == 0);
	if (rc != ERR_CLOSED) {
		process_fail(p, &e);
		wait_for_stop(p);
	}
	if (p->self != NULL)
		ops->stop(p);
	arena_wipe_done(&p->arena);
	return rc == ERR_CLOSED ? EXIT_DONE : EXIT_COULD_NOT;
}

int
process_main(const char *kind_name)
{
	struct process p = { .kind = PROCESS_ROLES, .control = PROCESS_CONTROL_FD, .alone = true };
	int status;

	for (int i = PROCESS_FRONT; i <= PROCESS_MAIL; i++)
		if (strcmp(kind_name, process_names[i]) == 0)
			p.kind = (enum process_kind)i;
	if (p.kind == PROCESS_ROLES && strcmp(kind_name, STARTER_WORD) != 0)
		return EXIT_USAGE;
	(void)prctl(PR_SET_NAME, "letterlockd"); /* it was started as /proc/self/exe */
	(void)signal(SIGPIPE, SIG_IGN);
	/* What the terminal sends to all is the parent's to decide. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	status = p.kind == PROCESS_ROLES ? starter_main() : serve(&p);
	/* Nothing that runs at exit is of use in a sandbox. */
	_exit(status);
}

void *
process_thread_main(void *ctx)
{
	const struct process_thread *t = ctx;
	struct process p = { .kind = t->kind, .control = t->control };

	(void)serve(&p);
	(void)close(t->control); /* the parent sees its end */
	return NULL;
}
