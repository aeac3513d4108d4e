/* SPDX-License-Identifier: ISC */
/* letterlockd alias: addresses, and whole domains, that stand for others. */
#include <stdio.h>
#include <string.h>

#include "daemon/place.h"
#include "daemon/verbs.h"
#include "store/store.h"

#define REPLY_BUDGET (64u << 20) /* a page of aliases with a thousand addresses each */

#define ARGS(s) (int)(s).len, (const char *)(s).data

static const char *const senders_names[] = {
	[STORE_SENDERS_ANYONE] = "anyone",
	[STORE_SENDERS_MEMBERS] = "members",
	[STORE_SENDERS_DOMAIN] = "domain",
};

static int
take_senders(const char *text, uint32_t *out, struct error *e)
{
	*out = 0;
	if (text == NULL)
		return 0;
	for (uint32_t i = STORE_SENDERS_ANYONE; i <= STORE_SENDERS_DOMAIN; i++) {
		if (strcmp(text, senders_names[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	return error_set(e, ERR_USAGE, "--senders is anyone, members or domain, not %s", text);
}

/* The words behind the alias; targets_out has room for all. */
static size_t
take_targets(const struct verb_input *in, struct slice *targets_out)
{
	size_t count = 0;

	for (int i = 2; i < in->word_count && count < STORE_ALIAS_TARGETS_MAX; i++)
		targets_out[count++] = slice_str(in->words[i]);
	return count;
}

static int
alias_add(struct place *p, const struct verb_input *in, struct error *e)
{
	struct slice targets[STORE_ALIAS_TARGETS_MAX];
	struct store_alias_add request = {
		.address = slice_str(in->words[1]), .targets = targets, .target_count = take_targets(in, targets)
	};
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc = take_senders(in->senders, &request.senders, e);

	arena_init(&a, REPLY_BUDGET);
	if (rc == 0)
		rc = store_alias_add(p->port, &request, &a, &reply, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < request.target_count; i++)
		(void)printf("%s stands for %s.\n", in->words[1], in->words[2 + i]);
	if (request.senders != 0)
		(void)printf("Who may write to %s: %s.\n", in->words[1], senders_names[request.senders]);
	return 0;
}

static int
alias_remove(struct place *p, const struct verb_input *in, struct error *e)
{
	struct slice targets[STORE_ALIAS_TARGETS_MAX];
	struct store_alias_remove request = {
		.address = slice_str(in->words[1]), .targets = targets, .target_count = take_targets(in, targets)
	};
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_alias_remove(p->port, &request, &a, &reply, e);
	if (rc == 0 && request.target_count == 0)
		(void)printf("%s stands for nobody any more.\n", in->words[1]);
	for (size_t i = 0; rc == 0 && i < request.target_count; i++)
		(void)printf("%s does not stand for %s any more.\n", in->words[1], in->words[2 + i]);
	return rc;
}

static void
print_alias(const struct store_alias *row, bool json)
{
	struct json_value *object, *targets;

	if (!json) {
		(void)printf("%.*s\t%s\t", ARGS(row->address), senders_names[row->senders]);
		for (size_t i = 0; i < row->target_count; i++)
			(void)printf("%s%.*s", i > 0 ? " " : "", ARGS(row->targets[i]));
		(void)printf("\n");
		return;
	}
	object = json_value_object();
	targets = json_value_list();
	for (size_t i = 0; i < row->target_count; i++)
		json_value_append_text(targets, row->targets[i]);
	json_value_set_text(object, "alias", row->address);
	json_value_set_str(object, "senders", senders_names[row->senders]);
	json_value_set(object, "targets", targets);
	json_value_set_i64(object, "accounts", row->accounts);
	verb_print_json(object);
}

static int
alias_list(struct place *p, const struct verb_input *in, struct error *e)
{
	struct store_alias_list request = { .target = slice_str(in->word_count > 1 ? in->words[1] : NULL) };
	uint8_t after[STORE_ADDRESS_MAX];
	bool more = true;

	while (more) {
		struct store_aliases reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, REPLY_BUDGET);
		rc = store_alias_list(p->port, &request, &a, &reply, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < reply.row_count; i++)
			print_alias(&reply.rows[i], in->json);
		more = reply.more && reply.row_count > 0;
		if (more) {
			struct slice last = reply.rows[reply.row_count - 1].address;

			memcpy(after, last.data, size_min(last.len, sizeof after));
			request.after = slice_of(after, size_min(last.len, sizeof after));
		}
	}
	return 0;
}

static const struct {
	const char *name;
	int least, most; /* words behind it */
	bool writes;
	int (*run)(struct place *p, const struct verb_input *in, struct error *e);
} words[] = {
	{ "add", 1, 1 + (int)STORE_ALIAS_TARGETS_MAX, true, alias_add },
	{ "remove", 1, 1 + (int)STORE_ALIAS_TARGETS_MAX, true, alias_remove },
	{ "list", 0, 1, false, alias_list },
};

int
verb_alias(const struct verb_input *in)
{
	struct place p;
	struct error e;
	int rc;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (in->word_count < 1 + words[i].least || in->word_count > 1 + words[i].most ||
		    strcmp(in->words[0], words[i].name) != 0)
			continue;
		rc = place_reach(in->config, words[i].writes, &p, &e);
		if (rc != 0)
			return verb_failed(&e);
		rc = words[i].run(&p, in, &e);
		place_close(&p);
		if (rc == ERR_ORDER || rc == ERR_POLICY || rc == ERR_LIMIT)
			return verb_refused(&e);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)error_set(&e, ERR_USAGE,
	    "say alias add ADDRESS TARGET... [--senders anyone|members|domain], list [TARGET] or remove ADDRESS "
	    "[TARGET...]");
	return verb_failed(&e);
}
