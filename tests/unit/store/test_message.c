/* SPDX-License-Identifier: ISC */
#include "store/box.h"

struct mail {
	struct box box;
	uint64_t account;
	uint64_t inbox;
};

static void
mail_new(struct mail *m)
{
	box_new(&m->box);
	box_open(&m->box);
	m->account = box_account(&m->box, "a@example.org");
	m->inbox = box_mailbox(&m->box, m->account, "INBOX").mailbox;
}

static struct store_flags_done
set_flags(struct mail *m, struct store_range range, uint32_t mode, uint32_t flags, struct slice keyword)
{
	struct store_flags in = { .account = m->account,
		.mailbox = m->inbox,
		.ranges = &range,
		.range_count = 1,
		.mode = mode,
		.flags = flags,
		.keywords = &keyword,
		.keyword_count = keyword.len > 0 };
	struct store_flags_done out;

	assert_ok(store_flags(m->box.port, &in, &m->box.arena, &out, &unit_error));
	return out;
}

static struct store_changed
changes(struct mail *m, uint64_t since, uint32_t limit)
{
	struct store_changes in = { m->account, m->inbox, since, limit };
	struct store_changed out;

	assert_ok(store_changes(m->box.port, &in, &m->box.arena, &out, &unit_error));
	return out;
}

static struct store_expunged
expunge(struct mail *m, const struct store_range *ranges, size_t count, bool even_undeleted)
{
	struct store_expunge in = { m->account, m->inbox, ranges, count, even_undeleted };
	struct store_expunged out;

	assert_ok(store_expunge(m->box.port, &in, &m->box.arena, &out, &unit_error));
	return out;
}

static uint64_t
bodies(struct mail *m)
{
	struct store_nothing none = { 0 };
	struct store_info info;

	assert_ok(store_info(m->box.port, &none, &m->box.arena, &info, &unit_error));
	return info.bodies;
}

static void
append_and_list(void **state)
{
	const struct slice keywords[2] = { SLICE("$Forwarded"), SLICE("work") };
	struct store_message_rows rows;
	struct store_appended one;
	struct store_mailbox box;
	struct store_append in;
	struct mail m;

	(void)state;
	mail_new(&m);
	in = (struct store_append){ m.account, m.inbox,
		{ .data = SLICE("From: a\r\n\r\nHello\0there"), .header_size = 11, .cache = SLICE("env") }, 1000,
		STORE_SEEN | STORE_FLAGGED, keywords, 2 };
	assert_ok(store_append(m.box.port, &in, &m.box.arena, &one, &unit_error));
	assert_int_equal(one.stored.uid, 1);
	assert_true(one.stored.uidvalidity != 0);
	assert_int_equal(box_append(&m.box, m.account, m.inbox, SLICE_EMPTY, 0).stored.uid, 2);
	rows = box_list(&m.box, m.account, m.inbox);
	assert_int_equal(rows.row_count, 2);
	assert_int_equal(rows.next, 0);
	assert_int_equal(rows.uidnext, 3);
	assert_int_equal(rows.keyword_count, 2);
	assert_int_equal(rows.rows[0].flags, STORE_SEEN | STORE_FLAGGED);
	assert_int_equal(rows.rows[0].keywords, 3);
	assert_int_equal(rows.rows[0].internal_date, 1000);
	assert_int_equal(rows.rows[0].header_size, 11);
	assert_int_equal(rows.rows[0].size, in.content.data.len);
	assert_slice(rows.rows[0].cache, "env");
	assert_slices(box_body(&m.box, rows.rows[0].body), in.content.data);
	assert_int_equal(box_body(&m.box, rows.rows[1].body).len, 0);
	box = box_mailbox(&m.box, m.account, "INBOX");
	assert_int_equal(box.messages, 2);
	assert_int_equal(box.unseen, 1);
	assert_int_equal(box.size, in.content.data.len);
	assert_int_equal(box.highest_modseq, rows.highest_modseq);
	in.mailbox = 999;
	assert_int_equal(store_append(m.box.port, &in, &m.box.arena, &one, NULL), ERR_NOT_FOUND);
	in.mailbox = m.inbox;
	in.account = 999;
	assert_int_equal(store_append(m.box.port, &in, &m.box.arena, &one, NULL), ERR_NOT_FOUND);
	in.account = m.account;
	in.flags = 64;
	assert_int_equal(store_append(m.box.port, &in, &m.box.arena, &one, NULL), ERR_SYNTAX);
	assert_int_equal(box_list(&m.box, m.account, m.inbox).row_count, 2);
	box_free(&m.box);
}

static void
list_in_pages(void **state)
{
	struct store_message_rows rows;
	struct store_message_list in;
	uint32_t seen = 0;
	struct mail m;

	(void)state;
	mail_new(&m);
	for (int i = 0; i < 25; i++)
		(void)box_append(&m.box, m.account, m.inbox, SLICE("x"), 0);
	in =
	    (struct store_message_list){ .account = m.account, .mailbox = m.inbox, .first = 3, .last = 20, .limit = 7 };
	do {
		assert_ok(store_message_list(m.box.port, &in, &m.box.arena, &rows, &unit_error));
		for (size_t i = 0; i < rows.row_count; i++)
			assert_int_equal(rows.rows[i].uid, 3 + seen++);
		in.first = rows.next;
	} while (rows.next != 0);
	assert_int_equal(seen, 18);
	box_free(&m.box);
}

static void
one_body_for_many(void **state)
{
	struct store_target targets[3] = { 0 };
	struct store_deliver in = { .content = { .data = SLICE("letter") }, .targets = targets, .target_count = 3 };
	struct store_delivered out;
	uint64_t second;
	struct mail m;

	(void)state;
	mail_new(&m);
	second = box_account(&m.box, "b@example.org");
	targets[0].account = targets[2].account = m.account;
	targets[1].account = second;
	assert_ok(store_deliver(m.box.port, &in, &m.box.arena, &out, &unit_error));
	assert_int_equal(out.stored_count, 3);
	assert_int_equal(out.stored[0].uid, 1);
	assert_int_equal(out.stored[2].uid, 1);
	assert_int_equal(out.stored[2].modseq, out.stored[0].modseq);
	assert_int_equal(bodies(&m), 1);
	assert_int_equal(box_mailbox(&m.box, m.account, "INBOX").messages, 1);
	assert_int_equal(box_mailbox(&m.box, second, "INBOX").messages, 1);
	/* All or none. */
	targets[1].account = 12345;
	assert_int_equal(store_deliver(m.box.port, &in, &m.box.arena, &out, NULL), ERR_NOT_FOUND);
	assert_int_equal(box_mailbox(&m.box, m.account, "INBOX").messages, 1);
	assert_int_equal(bodies(&m), 1);
	(void)expunge(&m, NULL, 0, true);
	assert_int_equal(bodies(&m), 1);
	assert_slice(
	    box_body(&m.box, box_list(&m.box, second, box_mailbox(&m.box, second, "INBOX").mailbox).rows[0].body),
	    "letter");
	in.target_count = 0;
	assert_int_equal(store_deliver(m.box.port, &in, &m.box.arena, &out, NULL), ERR_SYNTAX);
	box_free(&m.box);
}

static void
flags_and_modseq(void **state)
{
	const struct slice none = SLICE_EMPTY;
	struct store_flags_done done;
	struct store_flags in;
	struct store_flags_done out;
	struct store_range all = { 1, UINT32_MAX };
	uint64_t before;
	struct mail m;

	(void)state;
	mail_new(&m);
	for (int i = 0; i < 3; i++)
		(void)box_append(&m.box, m.account, m.inbox, SLICE("x"), 0);
	before = box_mailbox(&m.box, m.account, "INBOX").highest_modseq;
	done = set_flags(&m, (struct store_range){ 2, 3 }, STORE_FLAGS_ADD, STORE_SEEN, SLICE("Work"));
	assert_int_equal(done.row_count, 2);
	assert_int_equal(done.keyword_count, 1);
	assert_int_equal(done.rows[0].uid, 2);
	assert_int_equal(done.rows[0].flags, STORE_SEEN);
	assert_int_equal(done.rows[0].keywords, 1);
	assert_int_equal(done.rows[0].modseq, before + 1);
	assert_int_equal(done.rows[1].modseq, before + 2);
	/* The same again changes nothing; keywords are one whatever their case. */
	done = set_flags(&m, (struct store_range){ 2, 3 }, STORE_FLAGS_ADD, STORE_SEEN, SLICE("WORK"));
	assert_int_equal(done.highest_modseq, before + 2);
	assert_int_equal(done.rows[0].modseq, before + 1);
	assert_int_equal(box_mailbox(&m.box, m.account, "INBOX").unseen, 1);
	done = set_flags(&m, (struct store_range){ 2, 2 }, STORE_FLAGS_SET, STORE_DELETED, none);
	assert_int_equal(done.rows[0].flags, STORE_DELETED);
	assert_int_equal(done.rows[0].keywords, 0);
	done = set_flags(&m, (struct store_range){ 3, 3 }, STORE_FLAGS_REMOVE, STORE_SEEN, SLICE("nowhere"));
	assert_int_equal(done.rows[0].flags, 0);
	assert_int_equal(done.rows[0].keywords, 1);
	assert_int_equal(done.keyword_count, 1);
	/* RFC 7162 3.1.3 */
	in = (struct store_flags){ .account = m.account,
		.mailbox = m.inbox,
		.ranges = &all,
		.range_count = 1,
		.mode = STORE_FLAGS_ADD,
		.flags = STORE_FLAGGED,
		.conditional = true,
		.unchanged_since = before };
	assert_ok(store_flags(m.box.port, &in, &m.box.arena, &out, &unit_error));
	assert_int_equal(out.row_count, 1);
	assert_int_equal(out.rows[0].uid, 1);
	assert_int_equal(out.modified_count, 2);
	assert_int_equal(out.modified[1], 3);
	/* What is gone is not there; that is no error. */
	assert_int_equal(set_flags(&m, (struct store_range){ 50, 60 }, STORE_FLAGS_ADD, STORE_SEEN, none).row_count, 0);
	all.first = 5;
	all.last = 4;
	assert_int_equal(store_flags(m.box.port, &in, &m.box.arena, &out, NULL), ERR_SYNTAX);
	box_free(&m.box);
}

static void
keywords_are_bounded(void **state)
{
	struct store_range all = { 1, 1 };
	struct slice keyword;
	struct store_flags in;
	struct store_flags_done out;
	struct mail m;

	(void)state;
	mail_new(&m);
	(void)box_append(&m.box, m.account, m.inbox, SLICE("x"), 0);
	in = (struct store_flags){ .account = m.account,
		.mailbox = m.inbox,
		.ranges = &all,
		.range_count = 1,
		.mode = STORE_FLAGS_ADD,
		.keywords = &keyword,
		.keyword_count = 1 };
	for (unsigned i = 0; i < STORE_KEYWORDS_MAX; i++) {
		keyword = arena_printf(&m.box.arena, "k%u", i);
		assert_ok(store_flags(m.box.port, &in, &m.box.arena, &out, &unit_error));
	}
	assert_true(out.rows[0].keywords == UINT64_MAX);
	keyword = SLICE("one more");
	assert_int_equal(store_flags(m.box.port, &in, &m.box.arena, &out, NULL), ERR_LIMIT);
	box_free(&m.box);
}

static void
expunge_and_changes(void **state)
{
	const struct store_range two = { 2, 3 };
	struct store_expunged gone;
	struct store_changed got;
	uint64_t since;
	size_t total;
	struct mail m;

	(void)state;
	mail_new(&m);
	for (int i = 0; i < 5; i++)
		(void)box_append(&m.box, m.account, m.inbox, SLICE("x"), 0);
	since = box_mailbox(&m.box, m.account, "INBOX").highest_modseq;
	assert_int_equal(changes(&m, since, 0).row_count, 0);
	(void)set_flags(&m, (struct store_range){ 3, 5 }, STORE_FLAGS_ADD, STORE_DELETED, SLICE_EMPTY);
	gone = expunge(&m, &two, 1, false);
	assert_int_equal(gone.uid_count, 1);
	assert_int_equal(gone.uids[0], 3);
	(void)box_append(&m.box, m.account, m.inbox, SLICE("y"), 0);
	got = changes(&m, since, 0);
	assert_int_equal(got.row_count, 3);
	assert_int_equal(got.expunged_count, 1);
	assert_int_equal(got.expunged[0], 3);
	assert_int_equal(got.rows[2].uid, 6);
	assert_int_equal(got.messages, 5);
	assert_false(got.more);
	assert_int_equal(changes(&m, got.upto, 0).row_count, 0);
	/* The same in pages: of each kind at most one. */
	total = 0;
	do {
		got = changes(&m, since, 1);
		assert_true(got.row_count <= 1 && got.expunged_count <= 1);
		total += got.row_count + got.expunged_count;
		since = got.upto;
	} while (got.more);
	assert_int_equal(total, 4);
	gone = expunge(&m, NULL, 0, false);
	assert_int_equal(gone.uid_count, 2);
	assert_int_equal(box_mailbox(&m.box, m.account, "INBOX").deleted, 0);
	assert_int_equal(box_mailbox(&m.box, m.account, "INBOX").messages, 3);
	assert_int_equal(bodies(&m), 3);
	assert_int_equal(expunge(&m, NULL, 0, true).uid_count, 3);
	assert_int_equal(box_append(&m.box, m.account, m.inbox, SLICE("z"), 0).stored.uid, 7);
	box_free(&m.box);
}

static struct store_copied
copy(struct mail *m, struct store_range range, uint64_t target, bool move)
{
	struct store_copy in = { m->account, m->inbox, &range, 1, target, move };
	struct store_copied out;

	assert_ok(store_copy(m->box.port, &in, &m->box.arena, &out, &unit_error));
	return out;
}

static void
copies_and_moves(void **state)
{
	struct store_message_rows rows;
	struct store_copied done;
	uint64_t target;
	struct mail m;

	(void)state;
	mail_new(&m);
	target = box_create(&m.box, m.account, "Copy");
	for (int i = 0; i < 4; i++)
		(void)box_append(&m.box, m.account, m.inbox, SLICE("x"), STORE_SEEN);
	(void)set_flags(&m, (struct store_range){ 1, 1 }, STORE_FLAGS_ADD, 0, SLICE("first"));
	(void)set_flags(&m, (struct store_range){ 2, 2 }, STORE_FLAGS_ADD, 0, SLICE("second"));
	done = copy(&m, (struct store_range){ 2, 3 }, target, false);
	assert_int_equal(done.from_count, 2);
	assert_int_equal(done.to[1], 2);
	rows = box_list(&m.box, m.account, target);
	assert_int_equal(rows.row_count, 2);
	assert_int_equal(rows.rows[0].keywords, 1); /* "second" is number 0 there */
	assert_int_equal(rows.rows[0].flags, STORE_SEEN);
	assert_int_equal(rows.rows[0].internal_date, 1234567);
	assert_int_equal(bodies(&m), 4);
	done = copy(&m, (struct store_range){ 1, 2 }, target, true);
	assert_int_equal(done.to[0], 3);
	assert_int_equal(box_mailbox(&m.box, m.account, "INBOX").messages, 2);
	assert_int_equal(box_mailbox(&m.box, m.account, "Copy").messages, 4);
	assert_int_equal(box_list(&m.box, m.account, target).rows[2].keywords, 2);
	assert_int_equal(changes(&m, 0, 0).expunged_count, 2);
	done = copy(&m, (struct store_range){ 3, 4 }, m.inbox, false);
	assert_int_equal(done.to[0], 5);
	assert_int_equal(box_mailbox(&m.box, m.account, "INBOX").messages, 4);
	assert_int_equal(bodies(&m), 4);
	assert_int_equal(expunge(&m, NULL, 0, true).uid_count, 4);
	assert_int_equal(bodies(&m), 3);
	assert_slice(box_body(&m.box, box_list(&m.box, m.account, target).rows[0].body), "x");
	box_free(&m.box);
}

static void
caches(void **state)
{
	struct store_appended one;
	struct store_nothing none;
	struct mail m;

	(void)state;
	mail_new(&m);
	one = box_append(&m.box, m.account, m.inbox, SLICE("x"), 0);
	assert_int_equal(box_list(&m.box, m.account, m.inbox).rows[0].cache.len, 0);
	assert_ok(store_cache_put(m.box.port, &(struct store_cache_put){ m.account, one.body, SLICE("later") },
	    &m.box.arena, &none, &unit_error));
	assert_slice(box_list(&m.box, m.account, m.inbox).rows[0].cache, "later");
	assert_int_equal(store_cache_put(m.box.port, &(struct store_cache_put){ m.account, 999, SLICE("x") },
			     &m.box.arena, &none, NULL),
	    ERR_NOT_FOUND);
	box_free(&m.box);
}

static void
parts_of_a_body(void **state)
{
	static uint8_t data[700000];
	struct store_appended one;
	struct store_body_data out;
	struct mail m;

	(void)state;
	mail_new(&m);
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	one = box_append(&m.box, m.account, m.inbox, slice_of(data, sizeof data), 0);
	for (size_t from = 0; from < sizeof data + 50000; from += 33333) {
		struct store_body_read in = { one.body, from, 50000 };

		assert_ok(store_body_read(m.box.port, &in, &m.box.arena, &out, &unit_error));
		assert_int_equal(out.length, sizeof data);
		assert_true(slice_eq(out.data, slice_sub(slice_of(data, sizeof data), from, 50000)));
	}
	assert_int_equal(store_body_read(m.box.port, &(struct store_body_read){ 999, 0, 1 }, &m.box.arena, &out, NULL),
	    ERR_NOT_FOUND);
	box_free(&m.box);
}

UNIT_MAIN(UNIT_TEST(append_and_list), UNIT_TEST(list_in_pages), UNIT_TEST(one_body_for_many),
    UNIT_TEST(flags_and_modseq), UNIT_TEST(keywords_are_bounded), UNIT_TEST(expunge_and_changes),
    UNIT_TEST(copies_and_moves), UNIT_TEST(caches), UNIT_TEST(parts_of_a_body))
