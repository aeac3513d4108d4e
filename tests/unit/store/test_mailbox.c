/* SPDX-License-Identifier: ISC */
#include "store/box.h"

static int
create(struct box *b, uint64_t account, struct slice name)
{
	struct store_mailbox_create in = { .account = account, .name = name };
	struct store_mailbox_id id;

	return store_mailbox_create(b->port, &in, &b->arena, &id, NULL);
}

static int delete (struct box *b, uint64_t account, const char *name)
{
	struct store_mailbox_delete in = { account, slice_str(name) };
	struct store_nothing none;

	return store_mailbox_delete(b->port, &in, &b->arena, &none, NULL);
}

static int
rename_to(struct box *b, uint64_t account, const char *from, const char *to)
{
	struct store_mailbox_rename in = { account, slice_str(from), slice_str(to) };
	struct store_nothing none;

	return store_mailbox_rename(b->port, &in, &b->arena, &none, NULL);
}

/* All names, those without a mailbox in brackets, with a comma behind each. */
static const char *
names(struct box *b, uint64_t account)
{
	static char text[1000];
	struct store_mailbox_rows rows;
	struct store_mailbox_list in = { .account = account, .limit = 2 };
	size_t at = 0;

	text[0] = 0;
	do {
		assert_ok(store_mailbox_list(b->port, &in, &b->arena, &rows, &unit_error));
		for (size_t i = 0; i < rows.row_count; i++) {
			const struct store_mailbox *m = &rows.rows[i];

			at += (size_t)snprintf(text + at, sizeof text - at, m->selectable ? "%.*s%s," : "(%.*s)%s,",
			    (int)m->name.len, (const char *)m->name.data, m->has_children ? "+" : "");
			in.after = m->name;
		}
	} while (rows.more);
	return text;
}

static void
names_that_can_be(void **state)
{
	const struct {
		struct slice name;
		int rc;
	} rows[] = {
		{ SLICE("Work"), 0 },
		{ SLICE("Work"), ERR_EXISTS },
		{ SLICE("inbox"), ERR_EXISTS },
		{ SLICE("Trailing/"), 0 },
		{ SLICE("Trailing"), ERR_EXISTS },
		{ SLICE("Entw\xc3\xbcrfe"), 0 },
		{ SLICE("a b"), 0 },
		{ SLICE(""), ERR_SYNTAX },
		{ SLICE("/"), ERR_SYNTAX },
		{ SLICE("/a"), ERR_SYNTAX },
		{ SLICE("a//b"), ERR_SYNTAX },
		{ SLICE("a//"), ERR_SYNTAX },
		{ SLICE("a\0b"), ERR_SYNTAX },
		{ SLICE("a\r\nb"), ERR_SYNTAX },
		{ SLICE("a*"), ERR_SYNTAX },
		{ SLICE("a%b"), ERR_SYNTAX },
		{ SLICE("\xff"), ERR_SYNTAX },
		{ SLICE("\xc0\xaf"), ERR_SYNTAX },
		{ SLICE("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/33"),
		    ERR_LIMIT },
	};
	uint64_t account;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(create(&b, account, rows[i].name), rows[i].rc);
	assert_string_equal(names(&b, account), "Entw\xc3\xbcrfe,INBOX,Trailing,Work,a b,");
	box_free(&b);
}

static void
superiors_and_deletion(void **state)
{
	uint64_t account;
	uint32_t first, second;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	assert_int_equal(create(&b, account, SLICE("a/b/c")), 0);
	assert_string_equal(names(&b, account), "INBOX,(a)+,(a/b)+,a/b/c,");
	assert_int_equal(create(&b, account, SLICE("a/b")), 0);
	assert_string_equal(names(&b, account), "INBOX,(a)+,a/b+,a/b/c,");
	first = box_mailbox(&b, account, "a/b").uidvalidity;
	assert_int_equal(delete (&b, account, "a/b"), 0);
	assert_string_equal(names(&b, account), "INBOX,(a)+,(a/b)+,a/b/c,");
	assert_int_equal(delete (&b, account, "a/b"), ERR_ORDER);
	assert_int_equal(create(&b, account, SLICE("a/b")), 0);
	second = box_mailbox(&b, account, "a/b").uidvalidity;
	assert_true(second > first);
	assert_int_equal(delete (&b, account, "a/b/c"), 0);
	assert_int_equal(delete (&b, account, "a/b"), 0);
	assert_int_equal(delete (&b, account, "a"), 0);
	assert_int_equal(delete (&b, account, "a"), ERR_NOT_FOUND);
	assert_int_equal(delete (&b, account, "Inbox"), ERR_DENIED);
	assert_string_equal(names(&b, account), "INBOX,");
	box_free(&b);
}

static void
renaming(void **state)
{
	struct store_mailbox inbox, moved;
	struct store_appended one;
	uint64_t account;
	struct box b;

	(void)state;
	box_new(&b);
	box_open_socket(&b);
	account = box_account(&b, "a@example.org");
	assert_int_equal(create(&b, account, SLICE("a/b")), 0);
	assert_int_equal(create(&b, account, SLICE("a0")), 0);
	assert_int_equal(create(&b, account, SLICE("x")), 0);
	assert_int_equal(rename_to(&b, account, "a", "x"), ERR_EXISTS);
	assert_int_equal(rename_to(&b, account, "none", "y"), ERR_NOT_FOUND);
	assert_int_equal(rename_to(&b, account, "a", "a/c"), ERR_SYNTAX);
	assert_int_equal(rename_to(&b, account, "a", "n/m"), 0);
	assert_string_equal(names(&b, account), "INBOX,a0,(n)+,(n/m)+,n/m/b,x,");
	inbox = box_mailbox(&b, account, "inbox");
	one = box_append(&b, account, inbox.mailbox, SLICE("message"), STORE_SEEN);
	assert_int_equal(rename_to(&b, account, "INBOX", "old/mail"), 0);
	assert_int_equal(box_mailbox(&b, account, "INBOX").messages, 0);
	assert_int_equal(box_mailbox(&b, account, "INBOX").uidvalidity, inbox.uidvalidity);
	assert_true(box_mailbox(&b, account, "INBOX").uidnext > one.stored.uid);
	moved = box_mailbox(&b, account, "old/mail");
	assert_int_equal(moved.messages, 1);
	assert_slice(box_body(&b, box_list(&b, account, moved.mailbox).rows[0].body), "message");
	box_free(&b);
}

static void
subscriptions(void **state)
{
	struct store_names got;
	struct store_nothing none;
	uint64_t account;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	for (int i = 0; i < 2; i++) {
		assert_ok(store_subscribe(b.port, &(struct store_subscribe){ account, SLICE("not/there"), true },
		    &b.arena, &none, &unit_error));
		assert_ok(store_subscribe(
		    b.port, &(struct store_subscribe){ account, SLICE("inbox"), true }, &b.arena, &none, &unit_error));
	}
	assert_true(box_mailbox(&b, account, "INBOX").subscribed);
	assert_ok(store_subscription_list(
	    b.port, &(struct store_subscription_list){ .account = account }, &b.arena, &got, &unit_error));
	assert_int_equal(got.name_count, 2);
	assert_slice(got.names[0], "INBOX");
	assert_slice(got.names[1], "not/there");
	assert_ok(store_subscribe(
	    b.port, &(struct store_subscribe){ account, SLICE("INBOX"), false }, &b.arena, &none, &unit_error));
	assert_false(box_mailbox(&b, account, "INBOX").subscribed);
	box_free(&b);
}

static struct store_recent
recent(struct box *b, uint64_t account, uint64_t mailbox, bool look)
{
	struct store_recent_take in = { account, mailbox, look };
	struct store_recent out;

	assert_ok(store_recent_take(b->port, &in, &b->arena, &out, &unit_error));
	return out;
}

static void
expunge_one(struct box *b, uint64_t account, uint64_t mailbox, uint32_t uid)
{
	struct store_range range = { uid, uid };
	struct store_expunge in = { account, mailbox, &range, 1, true };
	struct store_expunged out;

	assert_ok(store_expunge(b->port, &in, &b->arena, &out, &unit_error));
}

static void
recent_is_taken_once(void **state)
{
	uint64_t account, inbox;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	account = box_account(&b, "a@example.org");
	inbox = box_mailbox(&b, account, "INBOX").mailbox;
	for (int i = 0; i < 4; i++)
		(void)box_append(&b, account, inbox, SLICE("x"), 0);
	expunge_one(&b, account, inbox, 4);
	assert_int_equal(box_mailbox(&b, account, "INBOX").recent, 3);
	assert_int_equal(recent(&b, account, inbox, true).first, 1);
	assert_int_equal(recent(&b, account, inbox, false).first, 1);
	assert_int_equal(recent(&b, account, inbox, false).first, 5);
	assert_int_equal(box_mailbox(&b, account, "INBOX").recent, 0);
	(void)box_append(&b, account, inbox, SLICE("x"), 0);
	(void)box_append(&b, account, inbox, SLICE("x"), 0);
	assert_int_equal(box_mailbox(&b, account, "INBOX").recent, 2);
	expunge_one(&b, account, inbox, 6);
	expunge_one(&b, account, inbox, 1);
	assert_int_equal(box_mailbox(&b, account, "INBOX").recent, 1);
	assert_int_equal(recent(&b, account, inbox, false).first, 5);
	assert_int_equal(recent(&b, account, inbox, false).first, 7);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(names_that_can_be), UNIT_TEST(superiors_and_deletion), UNIT_TEST(renaming),
    UNIT_TEST(subscriptions), UNIT_TEST(recent_is_taken_once))
