/* SPDX-License-Identifier: ISC */
/* `letterlock agent`: who it is, what it holds, and how to make it forget. */
#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "client/agent/client.h"
#include "client/agent/server.h"
#include "client/common.h"
#include "client/verbs.h"
#include "os/file.h"

static const char help[] = "letterlock agent VERB\n"
			   "\n"
			   "The agent holds your unlocked keys in locked memory and carries out operations with\n"
			   "them. It starts by itself when it is needed.\n"
			   "\n"
			   "  agent list             what it holds, and for how long\n"
			   "  agent forget [KEY]     make it forget one key (fingerprint), or everything\n"
			   "  agent stop             make it forget everything and end\n"
			   "  agent run              be the agent, in the foreground\n"
			   "\n"
			   "Examples:\n"
			   "  letterlock agent list --json\n"
			   "  letterlock agent forget\n";

struct agent_command {
	struct common common;
	struct option_list arguments;
	struct agent_client *agent;
	struct arena arena;
	struct error error;
};

/* Parses, connects. False: it is over, with *status. */
static bool
begin(struct agent_command *c, int argc, char **argv, int *status)
{
	const struct option options[] = { COMMON_OPTIONS(&c->common) };

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
	if (agent_client_open(false, &c->agent, &c->error) == 0)
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

static void
print_held(const struct agent_list *list)
{
	BUF_OWNED struct buf hex = { .max = 100 };

	if (list->item_count == 0)
		(void)puts("The agent holds no key.");
	for (size_t i = 0; i < list->item_count; i++) {
		buf_clear(&hex);
		(void)hex_write_upper(&hex, list->items[i].fingerprint);
		(void)printf("%.*s  for %" PRIu64 " more seconds\n", (int)hex.len, (const char *)hex.data,
		    list->items[i].seconds);
	}
}

static int
print_held_json(const struct agent_list *list, struct error *e)
{
	struct json_value *all = json_value_list();
	BUF_OWNED struct buf hex = { .max = 100 };

	for (size_t i = 0; i < list->item_count; i++) {
		struct json_value *o = json_value_object();

		buf_clear(&hex);
		(void)hex_write_upper(&hex, list->items[i].fingerprint);
		json_value_set_text(o, "fingerprint", buf_slice(&hex));
		json_value_set_i64(o, "seconds", (int64_t)list->items[i].seconds);
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

	if (!begin(&c, argc, argv, &status))
		return status;
	rc = agent_client_call(c.agent, AGENT_LIST, &request, &c.arena, &reply, &c.error);
	if (rc == 0 && c.common.json)
		rc = print_held_json(&reply, &c.error);
	else if (rc == 0)
		print_held(&reply);
	return end(&c, rc);
}

static int
agent_forget(int argc, char **argv)
{
	struct pgp_fingerprint f = { .len = 0 };
	struct agent_key request;
	struct agent_count reply;
	struct agent_command c;
	int status, rc = 0;

	if (!begin(&c, argc, argv, &status))
		return status;
	if (c.arguments.count > 0)
		rc = pgp_fingerprint_parse(slice_str(c.arguments.items[0]), &f, &c.error);
	request.fingerprint = slice_of(f.bytes, f.len);
	if (rc == 0)
		rc = agent_client_call(c.agent, AGENT_FORGET, &request, &c.arena, &reply, &c.error);
	if (rc == 0 && c.common.json)
		(void)printf("%u\n", reply.count);
	else if (rc == 0)
		(void)printf("The agent forgot %u thing%s.\n", reply.count, reply.count == 1 ? "" : "s");
	return end(&c, rc);
}

static int
agent_stop(int argc, char **argv)
{
	struct agent_nothing request = { 0 }, reply;
	struct agent_command c;
	int status, rc;

	if (!begin(&c, argc, argv, &status))
		return status;
	rc = agent_client_call(c.agent, AGENT_STOP, &request, &c.arena, &reply, &c.error);
	if (rc == 0)
		(void)puts(c.common.json ? "true" : "The agent ends.");
	return end(&c, rc);
}

static int
agent_run(int argc, char **argv)
{
	char path[FILE_PATH_MAX];
	struct error e;

	(void)argv;
	if (argc > 0)
		return client_help(help);
	if (agent_socket_path(path, &e) != 0 || agent_server_run(path, &e) != 0)
		return client_fail(&e);
	return EXIT_DONE;
}

int
verb_agent(int argc, char **argv)
{
	static const struct subverb table[] = { { "list", agent_list }, { "forget", agent_forget },
		{ "stop", agent_stop }, { "run", agent_run } };

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
