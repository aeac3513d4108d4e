/* SPDX-License-Identifier: ISC */
/* Recipients and senders as they are asked about: by whom, under which rules, and what a message makes of the answers. */
#include "store/box.h"

#include "service/ask.h"
#include "service/grants.h"
#include "service/permit.h"
#include "service/smtp/message.h"

struct world {
	struct box box;
	struct grants *grants;
	struct ask *ask;
	struct port *local; /* mail's own sessions */
	struct port_server *server;
	struct port *mx;
	uint64_t alice, bob;
};

static void
world_new(struct world *w)
{
	struct slice bob = SLICE("bob@example.org");
	struct store_alias_add team = { SLICE("team@example.org"), &bob, 1, STORE_SENDERS_MEMBERS };
	struct store_nothing none;
	int fds[2];

	memset(w, 0, sizeof *w);
	box_new(&w->box);
	box_open(&w->box);
	w->alice = box_account(&w->box, "alice@example.org");
	w->bob = box_account(&w->box, "bob@example.org");
	assert_ok(store_alias_add(w->box.port, &team, &w->box.arena, &none, &unit_error));
	assert_ok(grants_new(10, &w->grants, &unit_error));
	assert_ok(ask_new(w->box.port, w->grants, &w->ask, &unit_error));
	assert_ok(port_open_local(ask_service(w->ask), &w->local, &unit_error));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_ok(port_server_new(ask_service(w->ask), &w->server, &unit_error));
	assert_ok(port_server_add(w->server, fds[0], NULL, process_number(PROCESS_MX, 7), &unit_error));
	assert_ok(port_open_socket(&ask_interface, fds[1], &w->mx, &unit_error));
}

static void
world_free(struct world *w)
{
	port_close(w->mx);
	port_close(w->local);
	port_server_free(w->server);
	ask_free(w->ask);
	grants_free(w->grants);
	box_free(&w->box);
}

static struct ask_answer
recipient(struct world *w, struct port *port, const char *address, uint64_t writer)
{
	const struct ask_recipient in = { slice_str(address), writer };
	struct ask_answer out;

	assert_ok(ask_recipient(port, &in, &w->box.arena, &out, &unit_error));
	assert_true((out.verdict == ASK_OK) == (out.account_count > 0));
	return out;
}

static uint32_t
sender(struct world *w, const char *address, uint64_t account)
{
	const struct ask_sender in = { account, slice_str(address) };
	struct ask_answer out;

	assert_ok(ask_sender(w->local, &in, &w->box.arena, &out, &unit_error));
	return out.verdict;
}

/* A process of strangers' mail that was taken over says that a member writes: it is a stranger all the same. */
static void
nobody_signs_in_with_mx(void **state)
{
	struct world w;

	(void)state;
	world_new(&w);
	assert_int_equal(recipient(&w, w.local, "team@example.org", w.bob).verdict, ASK_OK);
	assert_int_equal(recipient(&w, w.local, "team@example.org", w.alice).verdict, ASK_DENIED);
	assert_int_equal(recipient(&w, w.mx, "team@example.org", 0).verdict, ASK_DENIED);
	assert_int_equal(recipient(&w, w.mx, "team@example.org", w.bob).verdict, ASK_DENIED);
	assert_int_equal(recipient(&w, w.mx, "bob@example.org", 0).accounts[0], w.bob);
	assert_int_equal(recipient(&w, w.mx, "nobody@example.org", 0).verdict, ASK_UNKNOWN);
	assert_int_equal(recipient(&w, w.mx, "x@example.com", 0).verdict, ASK_ELSEWHERE);
	world_free(&w);
}

static void
rules_change(void **state)
{
	struct world w;

	(void)state;
	world_new(&w);
	assert_int_equal(recipient(&w, w.mx, "bob+x@example.org", 0).verdict, ASK_OK);
	assert_int_equal(sender(&w, "bob+x@example.org", w.bob), ASK_OK);
	assert_int_equal(sender(&w, "team@example.org", w.bob), ASK_OK);
	assert_int_equal(sender(&w, "bob@example.org", w.alice), ASK_FOREIGN);
	assert_int_equal(recipient(&w, w.mx, "postmaster", 0).accounts[0], w.alice);
	assert_int_equal(sender(&w, "postmaster@example.org", w.alice), ASK_FOREIGN);
	ask_set_rules(w.ask, &(struct ask_rules){ .separator = '-', .postmaster = SLICE("bob@example.org") });
	assert_int_equal(recipient(&w, w.mx, "bob+x@example.org", 0).verdict, ASK_UNKNOWN);
	assert_int_equal(recipient(&w, w.mx, "bob-x@example.org", 0).verdict, ASK_OK);
	assert_int_equal(sender(&w, "bob+x@example.org", w.bob), ASK_FOREIGN);
	assert_int_equal(recipient(&w, w.mx, "postmaster", 0).accounts[0], w.bob);
	assert_int_equal(sender(&w, "postmaster@example.org", w.bob), ASK_OK);
	ask_set_rules(w.ask, &(struct ask_rules){ 0 });
	assert_int_equal(recipient(&w, w.mx, "bob-x@example.org", 0).verdict, ASK_UNKNOWN);
	world_free(&w);
}

/* Accounts are gathered in order, each once; what would be too many adds nothing at all. */
static void
accounts_of_a_message(void **state)
{
	static const uint64_t odd[] = { 1, 3, 5, 7 }, mixed[] = { 2, 3, 7, 9 };
	static const uint64_t want[] = { 1, 2, 3, 5, 7, 9 };
	uint64_t many[SERVICE_RECIPIENTS_MAX];
	struct smtp_message *m = smtp_message_new(&(struct smtp_message_envelope){ .from = SLICE("x@example.net") });

	(void)state;
	assert_non_null(m);
	assert_int_equal(smtp_message_recipient(m, SLICE("a@example.org"), odd, 4), 0);
	assert_int_equal(smtp_message_recipient(m, SLICE("b@example.org"), mixed, 4), 0);
	assert_int_equal(smtp_message_recipient(m, SLICE("b@example.org"), mixed, 4), 0);
	assert_int_equal(smtp_message_recipient(m, SLICE("c@example.org"), &want[1], 1), 0);
	assert_int_equal(m->recipient_count, 4);
	assert_int_equal(m->account_count, 6);
	assert_memory_equal(m->accounts, want, sizeof want);
	for (size_t i = 0; i < SERVICE_RECIPIENTS_MAX; i++)
		many[i] = 5 + i;
	assert_int_equal(smtp_message_recipient(m, SLICE("all@example.org"), many, SERVICE_RECIPIENTS_MAX), ERR_LIMIT);
	assert_int_equal(m->recipient_count, 4);
	assert_memory_equal(m->accounts, want, sizeof want);
	/* 5, 7 and 9 are there: exactly as many as there may be */
	assert_int_equal(smtp_message_recipient(m, SLICE("most@example.org"), many, SERVICE_RECIPIENTS_MAX - 3), 0);
	assert_int_equal(m->account_count, SERVICE_RECIPIENTS_MAX);
	for (size_t i = 1; i < m->account_count; i++)
		assert_true(m->accounts[i - 1] < m->accounts[i]);
	/* The same again and again adds nobody, and is counted. */
	assert_int_equal(smtp_message_recipient(m, SLICE("most@example.org"), many, 500), 0);
	assert_int_equal(m->account_count, SERVICE_RECIPIENTS_MAX);
	assert_int_equal(m->named, 4 + 4 + 4 + 1 + SERVICE_RECIPIENTS_MAX + SERVICE_RECIPIENTS_MAX - 3 + 500);
	smtp_message_free(m);
}

UNIT_MAIN(UNIT_TEST(nobody_signs_in_with_mx), UNIT_TEST(rules_change), UNIT_TEST(accounts_of_a_message))
