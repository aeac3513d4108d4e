/* SPDX-License-Identifier: ISC */
/* letterlockd account address: further addresses of an account, whose mail comes into the same mailboxes. */
#include <stdio.h>
#include <string.h>

#include "daemon/place.h"
#include "daemon/verbs.h"
#include "store/store.h"

#define REPLY_BUDGET (8u << 20)

static int
add(struct port *port, const struct store_account *account, const struct verb_input *in, struct error *e)
{
	const struct store_address request = { account->account, slice_str(in->words[2]) };
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_address_add(port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("%s is an address of %s too.\n", in->words[2], in->words[1]);
	return rc;
}

static int
drop(struct port *port, const struct store_account *account, const struct verb_input *in, struct error *e)
{
	const struct store_address request = { account->account, slice_str(in->words[2]) };
	struct store_nothing reply;
	ARENA_OWNED struct arena a = { 0 };
	int rc;

	arena_init(&a, REPLY_BUDGET);
	rc = store_address_remove(port, &request, &a, &reply, e);
	if (rc == 0)
		(void)printf("%s is nobody's address any more.\n", in->words[2]);
	return rc;
}

static int
list(struct port *port, const struct store_account *account, const struct verb_input *in, struct error *e)
{
	(void)port;
	(void)e;
	for (size_t i = 0; i < account->address_count; i++) {
		struct json_value *object;

		if (!in->json) {
			(void)printf(
			    "%.*s\n", (int)account->addresses[i].len, (const char *)account->addresses[i].data);
			continue;
		}
		object = json_value_object();
		json_value_set_text(object, "address", account->addresses[i]);
		verb_print_json(object);
	}
	return 0;
}

static const struct {
	const char *name;
	int words; /* behind it */
	bool writes;
	int (*run)(
	    struct port *port, const struct store_account *account, const struct verb_input *in, struct error *e);
} words[] = {
	{ "add", 2, true, add },
	{ "list", 1, false, list },
	{ "remove", 2, true, drop },
};

int
verb_account_address(const struct verb_input *in)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const struct store_account_get by_address = { .address =
								  slice_str(in->word_count > 1 ? in->words[1] : NULL) };
		struct store_account account;
		ARENA_OWNED struct arena a = { 0 };
		struct place p;
		struct error e;
		int rc;

		if (in->word_count != 1 + words[i].words || strcmp(in->words[0], words[i].name) != 0)
			continue;
		rc = place_reach(in->config, words[i].writes, &p, &e);
		if (rc != 0)
			return verb_failed(&e);
		arena_init(&a, REPLY_BUDGET);
		rc = store_account_get(p.port, &by_address, &a, &account, &e);
		if (rc == 0)
			rc = words[i].run(p.port, &account, in, &e);
		place_close(&p);
		if (rc == ERR_ORDER || rc == ERR_LIMIT)
			return verb_refused(&e);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)fprintf(stderr, "letterlockd: say account address add ADDRESS NEW, list ADDRESS or remove ADDRESS OLD\n");
	return EXIT_USAGE;
}
