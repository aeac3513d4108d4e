/* SPDX-License-Identifier: ISC */
/* `letterlock agent`: starting it, what it is and holds, and how to make it forget. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/printable.h"
#include "client/agent/client.h"
#include "client/agent/launcher.h"
#include "client/agent/memory.h"
#include "client/agent/server.h"
#include "client/agent/tokens.h"
#include "client/common.h"
#include "client/verbs.h"
#include "crypto/secret.h"
#include "crypto/start.h"
#include "os/file.h"
#include "os/paths.h"
#include "os/pkcs11.h"
#include "os/spawn.h"

#define SECRET_HEAP (1u << 18) /* octets, of those verbs that only ask */
#define ARGUMENTS_MAX 12u

static const char help[] = "letterlock agent VERB\n"
			   "\n"
			   "The agent holds your unlocked keys in locked memory and carries out operations with\n"
			   "them. It starts by itself when it is needed, asks for passphrases by pinentry, and\n"
			   "forgets: a while after a key's last use, before the machine sleeps, when the session\n"
			   "is locked, and when it is told to.\n"
			   "\n"
			   "  agent start            start it (with the options below; else they are in agent.conf)\n"
			   "  agent status           what it is: its memory, its walls, what it listens to\n"
			   "  agent list             what it holds, and for how long\n"
			   "  agent forget [WHO]     make it forget one key (fingerprint or address), or everything\n"
			   "  agent lock             forget everything, and take no passphrase but a typed one\n"
			   "  agent stop             make it forget everything and end\n"
			   "  agent token list       the keys in tokens (smart cards, PKCS#11 modules)\n"
			   "  agent run              be the agent, in the foreground\n"
			   "\n"
			   "  --idle SECONDS         forget a key so long after its last use (600)\n"
			   "  --max SECONDS          forget it so long after it was unlocked, whatever its use (7200)\n"
			   "  --confirm              ask before each use of a key\n"
			   "  --pinentry PATH        the program that asks\n"
			   "\n"
			   "Examples:\n"
			   "  letterlock agent start --idle 120 --confirm\n"
			   "  letterlock agent list --json\n"
			   "  letterlock agent forget alice@example.org\n";

struct agent_command {
	struct common common;
	struct option_list arguments;
	struct agent_client *agent;
	struct arena arena;
	struct error error;
};

static void
start_crypto(void)
{
	crypto_start_brief();
	secret_heap_init(SECRET_HEAP);
}

/* Parses, connects. False: it is over, with *status. */
static bool
begin(struct agent_command *c, bool start, int argc, char **argv, int *status)
{
	const struct option options[] = { COMMON_OPTIONS(&c->common) };

	start_crypto();
	c->common = COMMON_INIT;
	c->agent = NULL;
	arena_init(&c->arena, 1 << 20);
	if (options_parse(argc, argv, options, sizeof options / sizeof options[0], &c->arguments, &c->error) != 0) {
		*status = client_fail(&c->error);
		return false;
	}
	if (c->common.help) {
		*status = client_help(help);
		return false;
	}
	if (agent_client_open(start, &c->agent, &c->error) == 0)
		return true;
	*status = c->error.code == ERR_NOT_FOUND ? EXIT_DONE : client_fail(&c->error);
	if (c->error.code == ERR_NOT_FOUND)
		(void)puts(c->common.json ? "[]" : "No agent is running.");
	return false;
}

static int
end(struct agent_command *c, int rc)
{
	agent_client_close(c->agent);
	arena_wipe_done(&c->arena);
	return rc == 0 ? EXIT_DONE : client_fail(&c->error);
}

/* ---- list ---- */

static void
put_hex(struct buf *out, struct slice octets)
{
	buf_clear(out);
	(void)hex_write_upper(out, octets);
}

static void
print_held(const struct agent_list *list)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	if (list->item_count == 0)
		(void)puts("The agent holds no key.");
	for (size_t i = 0; i < list->item_count; i++) {
		const struct agent_held *h = &list->items[i];

		put_hex(&hex, h->fingerprint);
		(void)printf("%.*s  for %" PRIu64 " more seconds%s%s  ", (int)hex.len, (const char *)hex.data,
		    h->seconds, h->confirm ? ", asks before each use" : "", h->token ? ", in a token" : "");
		client_print(h->user);
		(void)fputc('\n', stdout);
	}
}

static int
print_held_json(const struct agent_list *list, struct error *e)
{
	struct json_value *all = json_value_list();
	BUF_OWNED struct buf hex = { .max = 100 };

	for (size_t i = 0; i < list->item_count; i++) {
		const struct agent_held *h = &list->items[i];
		struct json_value *o = json_value_object();

		put_hex(&hex, h->fingerprint);
		json_value_set_text(o, "fingerprint", buf_slice(&hex));
		put_hex(&hex, h->primary);
		json_value_set_text(o, "primary", buf_slice(&hex));
		json_value_set_text(o, "user", h->user);
		json_value_set_i64(o, "seconds", (int64_t)h->seconds);
		json_value_set_bool(o, "confirm", h->confirm);
		json_value_set_bool(o, "token", h->token);
		json_value_append(all, o);
	}
	return client_print_json(all, e);
}

static int
agent_list(int argc, char **argv)
{
	struct agent_nothing request = { 0 };
	struct agent_list reply;
	struct agent_command c;
	int status, rc;

	if (!begin(&c, false, argc, argv, &status))
		return status;
	rc = agent_client_call(c.agent, AGENT_LIST, &request, &c.arena, &reply, &c.error);
	if (rc == 0 && c.common.json)
		rc = print_held_json(&reply, &c.error);
	else if (rc == 0)
		print_held(&reply);
	return end(&c, rc);
}

/* ---- status ---- */

static void
print_status(const struct agent_status *s)
{
	(void)printf("The agent runs as process %" PRIu64 " and holds %u key%s and %u password%s%s.\n", s->pid, s->keys,
	    s->keys == 1 ? "" : "s", s->passwords, s->passwords == 1 ? "" : "s",
	    s->locked ? "; it is locked: it takes no passphrase but a typed one" : "");
	(void)printf("Its memory is %.*s%s.\n", (int)s->memory.len, (const char *)s->memory.data,
	    slice_eq(s->memory, slice_str("not locked")) ? ": raise the limit of locked memory (ulimit -l)" : "");
	(void)printf("Walls: seccomp %s, Landlock %s. Questions: %s.\n", s->seccomp ? "yes" : "no",
	    s->landlock ? "yes" : "no", s->launcher ? "by pinentry" : "none, its launcher is gone");
	(void)printf("A key is forgotten %u seconds after its last use, and %u after it was unlocked%s;\n", s->idle,
	    s->max, s->confirm ? ", and each use is asked for" : "");
	(void)puts(s->logind ? "and before the machine sleeps, and when the session is locked (logind)."
			     : "and, since no logind is here to say it before, at once when the machine has slept.");
	if (s->forgot.len > 0)
		(void)printf("It last forgot something %.*s.\n", (int)s->forgot.len, (const char *)s->forgot.data);
}

static int
print_status_json(const struct agent_status *s, struct error *e)
{
	struct json_value *o = json_value_object();

	json_value_set_i64(o, "pid", (int64_t)s->pid);
	json_value_set_text(o, "memory", s->memory);
	json_value_set_bool(o, "seccomp", s->seccomp);
	json_value_set_bool(o, "landlock", s->landlock);
	json_value_set_bool(o, "launcher", s->launcher);
	json_value_set_bool(o, "logind", s->logind);
	json_value_set_bool(o, "locked", s->locked);
	json_value_set_bool(o, "confirm", s->confirm);
	json_value_set_i64(o, "keys", s->keys);
	json_value_set_i64(o, "passwords", s->passwords);
	json_value_set_i64(o, "idle", s->idle);
	json_value_set_i64(o, "max", s->max);
	json_value_set_text(o, "forgot", s->forgot);
	return client_print_json(o, e);
}

static int
show_status(struct agent_command *c)
{
	struct agent_nothing request = { 0 };
	struct agent_status reply;
	int rc = agent_client_call(c->agent, AGENT_STATUS, &request, &c->arena, &reply, &c->error);

	if (rc == 0 && c->common.json)
		rc = print_status_json(&reply, &c->error);
	else if (rc == 0)
		print_status(&reply);
	return end(c, rc);
}

static int
agent_status(int argc, char **argv)
{
	struct agent_command c;
	int status;

	return begin(&c, false, argc, argv, &status) ? show_status(&c) : status;
}

/* ---- forgetting ---- */

/* "Alice <alice@example.org>" is hers, and so is the bare address. */
static bool
is_address_of(struct slice user, struct slice address)
{
	size_t open = slice_find_last(user, '<');
	struct slice a = open == SIZE_MAX ? user : slice_from(user, open + 1);

	if (open != SIZE_MAX && a.len > 0 && a.data[a.len - 1] == '>')
		a.len--;
	return slice_ieq(a, address);
}

/* The primary keys that are meant. */
static int
forget_address(struct agent_command *c, struct slice address, uint32_t *count, struct error *e)
{
	struct agent_nothing nothing = { 0 };
	struct agent_list list;
	int rc = agent_client_call(c->agent, AGENT_LIST, &nothing, &c->arena, &list, e);

	for (size_t i = 0; rc == 0 && i < list.item_count; i++) {
		struct agent_key request = { .fingerprint = list.items[i].primary };
		struct agent_count reply = { 0 };

		if (!is_address_of(list.items[i].user, address))
			continue;
		rc = agent_client_call(c->agent, AGENT_FORGET, &request, &c->arena, &reply, e);
		*count += reply.count;
	}
	return rc;
}

static int
forget(struct agent_command *c, uint32_t *count, struct error *e)
{
	const char *who = c->arguments.count > 0 ? c->arguments.items[0] : NULL;
	struct pgp_fingerprint f = { .len = 0 };
	struct agent_key request;
	struct agent_count reply = { 0 };
	int rc;

	*count = 0;
	if (who != NULL && strchr(who, '@') != NULL)
		return forget_address(c, slice_str(who), count, e);
	if (who != NULL && pgp_fingerprint_parse(slice_str(who), &f, e) != 0)
		return ERR_SYNTAX;
	request.fingerprint = slice_of(f.bytes, f.len);
	rc = agent_client_call(c->agent, AGENT_FORGET, &request, &c->arena, &reply, e);
	*count = reply.count;
	return rc;
}

static int
say_forgotten(struct agent_command *c, int rc, uint32_t count, const char *more)
{
	if (rc == 0 && c->common.json)
		(void)printf("%u\n", count);
	else if (rc == 0)
		(void)printf("The agent forgot %u thing%s%s.\n", count, count == 1 ? "" : "s", more);
	return end(c, rc);
}

static int
agent_forget(int argc, char **argv)
{
	struct agent_command c;
	uint32_t count;
	int status, rc;

	if (!begin(&c, false, argc, argv, &status))
		return status;
	rc = forget(&c, &count, &c.error);
	return say_forgotten(&c, rc, count, "");
}

static int
agent_lock(int argc, char **argv)
{
	struct agent_nothing request = { 0 };
	struct agent_count reply = { 0 };
	struct agent_command c;
	int status, rc;

	if (!begin(&c, false, argc, argv, &status))
		return status;
	rc = agent_client_call(c.agent, AGENT_LOCK, &request, &c.arena, &reply, &c.error);
	return say_forgotten(&c, rc, reply.count, ", and is locked");
}

static int
agent_stop(int argc, char **argv)
{
	struct agent_nothing request = { 0 }, reply;
	struct agent_command c;
	int status, rc;

	if (!begin(&c, false, argc, argv, &status))
		return status;
	rc = agent_client_call(c.agent, AGENT_STOP, &request, &c.arena, &reply, &c.error);
	if (rc == 0)
		(void)puts(c.common.json ? "true" : "The agent ends.");
	return end(&c, rc);
}

/* ---- tokens ---- */

static const char *
kind_name(uint8_t kind)
{
	return kind == TOKEN_RSA ? "RSA" : kind == TOKEN_EC ? "EC" : "Edwards";
}

static void
print_tokens(const struct agent_tokens *list)
{
	BUF_OWNED struct buf hex = { .max = 2 * AGENT_TEXT_MAX };

	if (list->item_count == 0)
		(void)puts("No token with a key is here.");
	for (size_t i = 0; i < list->item_count; i++) {
		const struct agent_token_key *k = &list->items[i];

		put_hex(&hex, k->id);
		client_print(k->token);
		(void)printf("  %.*s  %s%s%s  ", (int)hex.len, (const char *)hex.data, kind_name(k->kind),
		    k->sign ? "  signs" : "", k->decrypt ? "  decrypts" : "");
		client_print(k->label);
		(void)fputc('\n', stdout);
	}
}

static int
print_tokens_json(const struct agent_tokens *list, struct error *e)
{
	struct json_value *all = json_value_list();
	BUF_OWNED struct buf hex = { .max = 2 * AGENT_TEXT_MAX };

	for (size_t i = 0; i < list->item_count; i++) {
		const struct agent_token_key *k = &list->items[i];
		struct json_value *o = json_value_object();

		put_hex(&hex, k->id);
		json_value_set_text(o, "token", k->token);
		json_value_set_text(o, "id", buf_slice(&hex));
		json_value_set_text(o, "label", k->label);
		json_value_set_text(o, "kind", slice_str(kind_name(k->kind)));
		json_value_set_bool(o, "signs", k->sign);
		json_value_set_bool(o, "decrypts", k->decrypt);
		json_value_append(all, o);
	}
	return client_print_json(all, e);
}

static int
token_list(int argc, char **argv)
{
	struct agent_nothing request = { 0 };
	struct agent_tokens reply;
	struct agent_command c;
	int status, rc;

	if (!begin(&c, true, argc, argv, &status))
		return status;
	rc = agent_client_call(c.agent, AGENT_TOKENS, &request, &c.arena, &reply, &c.error);
	if (rc == 0 && c.common.json)
		rc = print_tokens_json(&reply, &c.error);
	else if (rc == 0)
		print_tokens(&reply);
	return end(&c, rc);
}

static int
agent_token(int argc, char **argv)
{
	static const struct subverb table[] = { { "list", token_list } };

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}

/* ---- being it ---- */

struct run_options {
	struct agent_setup setup;
	const char *pinentry;
	bool help, json, locked;
	uint32_t hold_ms;
};

/* The file's settings, and over them the command line's. */
static int
parse_run(struct run_options *r, int argc, char **argv, struct error *e)
{
	struct agent_config *k = &r->setup.config;
	struct option_list arguments;
	const struct option options[] = {
		{ "help", OPTION_FLAG, &r->help },
		{ "json", OPTION_FLAG, &r->json },
		{ "idle", OPTION_NUMBER, &k->idle_s },
		{ "max", OPTION_NUMBER, &k->max_s },
		{ "confirm", OPTION_FLAG, &k->confirm },
		{ "pinentry", OPTION_TEXT, &r->pinentry },
		/* For the test that looks through the agent's memory; neither makes anything less safe for long. */
		{ "test-locked", OPTION_FLAG, &r->locked },
		{ "test-hold", OPTION_NUMBER, &r->hold_ms },
	};
	int rc = agent_config_load(k, e);

	if (rc == 0)
		rc = options_parse(argc, argv, options, sizeof options / sizeof options[0], &arguments, e);
	if (rc != 0 || r->help)
		return rc;
	if (arguments.count > 0)
		return error_set(e, ERR_USAGE, "'%.60s' is one word too many", arguments.items[0]);
	if (k->idle_s == 0 || k->max_s == 0 || k->idle_s > AGENT_SECONDS_MAX || k->max_s > AGENT_SECONDS_MAX)
		return error_set(e, ERR_USAGE, "--idle and --max take 1 to %u seconds", AGENT_SECONDS_MAX);
	if (r->pinentry != NULL &&
	    (size_t)snprintf(k->pinentry, sizeof k->pinentry, "%s", r->pinentry) >= sizeof k->pinentry)
		return error_set(e, ERR_USAGE, "the path of pinentry is too long");
	r->setup.hold_ms = (int)(r->hold_ms > 60000 ? 60000 : r->hold_ms);
	return 0;
}

static int
agent_run(int argc, char **argv)
{
	char path[FILE_PATH_MAX];
	struct run_options r = { .help = false };
	struct error e;

	if (parse_run(&r, argc, argv, &e) != 0)
		return client_fail(&e);
	if (r.help)
		return client_help(help);
	if (launcher_start(&r.setup.config, &r.setup.launcher, &e) != 0 ||
	    agent_memory_start(r.locked, &r.setup.memory, &e) != 0)
		return client_fail(&e);
	crypto_start_brief();
	if (agent_socket_path(path, &e) != 0 || agent_server_run(path, &r.setup, &e) != 0)
		return client_fail(&e);
	return EXIT_DONE;
}

static int
start_detached(int argc, char **argv, struct error *e)
{
	char self[FILE_PATH_MAX];
	const char *all[ARGUMENTS_MAX + 4] = { self, "agent", "run" };
	size_t n = 3;
	int rc = paths_self(self, e);

	for (int i = 0; i < argc && n < ARGUMENTS_MAX + 3; i++) {
		if (strcmp(argv[i], "--json") != 0)
			all[n++] = argv[i];
	}
	return rc == 0 ? spawn_detached(all, e) : rc;
}

/* Waits until it answers. */
static int
agent_start(int argc, char **argv)
{
	struct run_options r = { .help = false };
	struct agent_command c = { .agent = NULL };

	start_crypto();
	if (parse_run(&r, argc, argv, &c.error) != 0)
		return client_fail(&c.error);
	if (r.help)
		return client_help(help);
	if (agent_client_open(false, &c.agent, &c.error) == 0) {
		agent_client_close(c.agent);
		(void)error_set(&c.error, ERR_EXISTS, "an agent runs already: `letterlock agent stop` ends it");
		return client_fail(&c.error);
	}
	if (start_detached(argc, argv, &c.error) != 0 || agent_client_wait(&c.agent, &c.error) != 0)
		return client_fail(&c.error);
	c.common = COMMON_INIT;
	c.common.json = r.json;
	arena_init(&c.arena, 1 << 20);
	return show_status(&c);
}

static int
agent_run_tokens(int argc, char **argv)
{
	struct error e;

	(void)argv;
	if (argc > 0)
		return client_help(help);
	return token_process_run(&e) == 0 ? EXIT_DONE : client_fail(&e);
}

int
verb_agent(int argc, char **argv)
{
	static const struct subverb table[] = { { "start", agent_start }, { "status", agent_status },
		{ "list", agent_list }, { "forget", agent_forget }, { "lock", agent_lock }, { "stop", agent_stop },
		{ "token", agent_token }, { "run", agent_run }, { "run-tokens", agent_run_tokens } };

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
