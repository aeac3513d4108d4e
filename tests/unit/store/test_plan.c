/* SPDX-License-Identifier: ISC */
/*
 * No statement of the store may take longer because there is more mail: each
 * that runs is asked for its query plan, and none may walk a whole table that
 * grows with mail or accounts but those that are named here, with a reason.
 */
#include "store/folder.h"
#include "store/queue.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>

#define TEXTS_MAX 400u

/* Every statement that was run, by whichever connection. */
static struct {
	pthread_mutex_t mutex;
	bool on;
	size_t count;
	char *texts[TEXTS_MAX];
} seen = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static int
note_statement(unsigned kind, void *ctx, void *statement, void *unused)
{
	const char *text = sqlite3_sql(statement);
	size_t i = 0;

	(void)kind;
	(void)ctx;
	(void)unused;
	(void)pthread_mutex_lock(&seen.mutex);
	while (i < seen.count && text != NULL && strcmp(seen.texts[i], text) != 0)
		i++;
	if (seen.on && text != NULL && i == seen.count && seen.count < TEXTS_MAX)
		seen.texts[seen.count++] = strdup(text);
	(void)pthread_mutex_unlock(&seen.mutex);
	return 0;
}

static int
trace_connection(sqlite3 *db, char **message, const void *api)
{
	(void)message;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note_statement, NULL);
}

/* Statements that may walk a table: by a part of their text. */
static const struct {
	const char *text;
	const char *why;
} may_scan[] = {
	{ "SELECT account FROM accounts ORDER BY account LIMIT 1", "the first row, and no more" },
	{ "SELECT count(*) FROM accounts", "info, for people; and of a stranger's certificate" },
	{ "SELECT coalesce(sum(messages), 0) FROM mailboxes", "info" },
	{ "SELECT count(*) FROM bodies", "info" },
	{ "SELECT coalesce(sum(length), 0) FROM bodies", "info" },
	{ "SELECT count(*) FROM certificates", "the same; they are bounded by the accounts" },
	{ "SELECT account, mailbox FROM mailboxes WHERE messages > 0", "once, after a power cut that took octets" },
	{ "instr(text_key", "a text anywhere in a user ID; the directory bounds who may ask how often" },
	{ "certificate_names", "an index by three characters: SQLite calls every use of it a scan" },
	{ "SELECT count(*) FROM directory_tokens", "a row for each mail of the last hour, and a bound" },
	{ "FROM queue_log ORDER BY entry LIMIT ?1", "the first few rows" },
	{ "SELECT look FROM queue ORDER BY look LIMIT 1", "the first row of an index" },
	{ "SELECT created FROM queue ORDER BY queue LIMIT 1", "the first row" },
	{ "UPDATE segments SET synced = used", "a row for each 256 MiB" },
};

/* Tables that hold a row for each few hundred MiB, or for each thing that an administrator sets; and a walk's own. */
static const char *const small[] = { "SCAN domains", "SCAN CONSTANT ROW", "SCAN reach", "SCAN needs", "SCAN r",
	"SCAN n", "SCAN segments", "SCAN s", "SCAN migration", "SCAN directory_totals", "SCAN queue_totals",
	"SCAN sqlite_schema", "SCAN sqlite_master", "SCAN sqlite_sequence" };

static bool
is_permitted(const char *text, const char *step)
{
	for (size_t i = 0; i < sizeof may_scan / sizeof may_scan[0]; i++) {
		if (strstr(text, may_scan[i].text) != NULL)
			return true;
	}
	for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
		if (strcmp(step, small[i]) == 0)
			return true;
	}
	return false;
}

/* AUTOMATIC: an index made for one run of the statement, which walks the table as well. */
static void
check_step(const char *text, const char *step)
{
	bool walks = strncmp(step, "SCAN", 4) == 0 || strstr(step, "AUTOMATIC") != NULL;

	if (walks && !is_permitted(text, step))
		fail_msg("a statement walks a whole table (%s): %s", step, text);
}

static void
check_plan(sqlite3 *db, const char *text)
{
	char *question = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
	sqlite3_stmt *plan;

	assert_int_equal(sqlite3_prepare_v2(db, question, -1, &plan, NULL), SQLITE_OK);
	while (sqlite3_step(plan) == SQLITE_ROW)
		check_step(text, (const char *)sqlite3_column_text(plan, 3));
	(void)sqlite3_finalize(plan);
	sqlite3_free(question);
}

static void
check_plans(const struct box *b)
{
	char path[200];
	sqlite3 *db;

	(void)snprintf(path, sizeof path, "%s/store.db", b->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_in_range(seen.count, 20, TEXTS_MAX - 1); /* otherwise they were not seen, or not all of them */
	for (size_t i = 0; i < seen.count; i++)
		check_plan(db, seen.texts[i]);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- a store that was killed ---- */

/* What a power cut may take: everything behind what was synced before the last batch. */
static void
cut_last_batch(const struct box *b)
{
	char path[200];
	sqlite3_stmt *q;
	sqlite3 *db;

	(void)snprintf(path, sizeof path, "file:%s/store.db?mode=ro", b->folder);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT max(segment), synced, used FROM segments", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_true(sqlite3_column_int64(q, 1) < sqlite3_column_int64(q, 2));
	(void)snprintf(path, sizeof path, "%s/bodies/s%08x", b->folder, (unsigned)sqlite3_column_int64(q, 0));
	assert_int_equal(truncate(path, sqlite3_column_int64(q, 1)), 0);
	(void)sqlite3_finalize(q);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Mail for three, of which the last letter is lost; others have mail, too. */
static void
fill_and_die(struct box *b)
{
	uint64_t accounts[4];
	int status;
	pid_t child = fork();

	if (child == 0) {
		box_open(b);
		for (unsigned i = 0; i < 4; i++)
			accounts[i] = box_account(
			    b, (const char *const[]){ "a@x.example", "b@x.example", "c@x.example", "d@x.example" }[i]);
		for (unsigned i = 1; i < 10; i++)
			folder_deliver(b, accounts + i % 2, 3, i, 3000);
		folder_deliver(b, accounts, 3, 10, 3000);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
trace_connections(void)
{
	assert_int_equal(sqlite3_auto_extension((void (*)(void))trace_connection), SQLITE_OK);
}

static void
after_a_power_cut(void **state)
{
	static const uint32_t left[] = { 4, 9, 9, 5 };
	struct box b;

	(void)state;
	trace_connections();
	box_new(&b);
	fill_and_die(&b);
	cut_last_batch(&b);
	seen.on = true;
	box_open(&b);
	seen.on = false;
	assert_non_null(strstr(b.said, "took out 1 messages"));
	for (uint64_t account = 1; account <= 4; account++) {
		struct store_mailbox inbox = box_mailbox(&b, account, "INBOX");

		assert_int_equal(inbox.messages, left[account - 1]);
		assert_int_equal(box_list(&b, account, inbox.mailbox).row_count, inbox.messages);
		/* The UID of what was lost is used up. */
		assert_int_equal(inbox.uidnext, inbox.messages + (account < 4 ? 2 : 1));
	}
	folder_verify_clean(&b);
	check_plans(&b);
	box_free(&b);
}

/* ---- every operation ---- */

static void
change_mailboxes(struct box *b, uint64_t account)
{
	uint64_t inbox = box_mailbox(b, account, "INBOX").mailbox;
	struct store_mailbox_rename rename = { account, SLICE("Archive"), SLICE("Old") };
	struct store_mailbox_rename rename_inbox = { account, SLICE("INBOX"), SLICE("Was inbox") };
	struct store_recent_take take = { .account = account, .mailbox = inbox };
	struct store_message_list page = { .account = account, .mailbox = inbox };
	struct store_message_rows rows;
	struct store_recent recent;
	struct store_nothing none;

	assert_ok(store_recent_take(b->port, &take, &b->arena, &recent, &unit_error));
	assert_ok(store_message_list(b->port, &page, &b->arena, &rows, &unit_error));
	assert_ok(store_cache_put(b->port, &(struct store_cache_put){ account, rows.rows[0].body, SLICE("parsed") },
	    &b->arena, &none, &unit_error));
	assert_ok(store_mailbox_rename(b->port, &rename, &b->arena, &none, &unit_error));
	assert_ok(store_mailbox_rename(b->port, &rename_inbox, &b->arena, &none, &unit_error));
	assert_ok(store_mailbox_delete(
	    b->port, &(struct store_mailbox_delete){ account, SLICE("Was inbox") }, &b->arena, &none, &unit_error));
}

static void
change_accounts(struct box *b, uint64_t account)
{
	struct store_account_rename rename = { account, SLICE("alice@example.org"), SLICE("alina@example.org") };
	struct store_address other = { account, SLICE("al@other.example") };
	struct store_domain unused = { SLICE("unused.example") };
	struct store_nothing none;

	assert_ok(store_account_rename(b->port, &rename, &b->arena, &none, &unit_error));
	assert_ok(store_address_remove(b->port, &other, &b->arena, &none, &unit_error));
	assert_ok(store_account_set_verifier(b->port,
	    &(struct store_account_set_verifier){ .account = account, .verifier = SLICE("v") }, &b->arena, &none,
	    &unit_error));
	assert_ok(store_domain_add(b->port, &unused, &b->arena, &none, &unit_error));
	assert_ok(store_domain_remove(b->port, &unused, &b->arena, &none, &unit_error));
}

static void
change_aliases(struct box *b, uint64_t account)
{
	static const char *const addresses[] = { "alina@example.org", "alina+x@example.org", "team@example.org",
		"nobody@example.org", "nobody@other.example", "nobody@unused.example", "postmaster@example.org",
		"postmaster" };
	struct slice bob = SLICE("bob@example.org");
	struct store_alias_remove some = { SLICE("team@example.org"), &bob, 1 };
	struct store_alias_list list = { .target = bob };
	struct store_address_owned owned = { account, SLICE("alina@example.org"), '+', SLICE_EMPTY };
	struct store_owned yes;
	struct store_aliases found;
	struct store_nothing none;

	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		struct store_address_resolve in = { slice_str(addresses[i]), account, '+', SLICE("gone@example.org") };
		struct store_address_resolved out;

		assert_ok(store_address_resolve(b->port, &in, &b->arena, &out, &unit_error));
	}
	assert_ok(store_address_owned(b->port, &owned, &b->arena, &yes, &unit_error));
	folder_alias(b, "team@example.org", "alina@example.org", STORE_SENDERS_DOMAIN);
	folder_alias(b, "@example.org", "team@example.org", 0);
	assert_ok(store_alias_list(b->port, &list, &b->arena, &found, &unit_error));
	assert_ok(store_alias_remove(b->port, &some, &b->arena, &none, &unit_error));
	assert_int_equal(
	    store_account_remove(b->port, &(struct store_account_id){ account }, &b->arena, &none, NULL), ERR_ORDER);
	folder_remove_aliases(b);
}

static void
change_credentials(struct box *b, uint64_t account)
{
	struct store_credential_add add = {
		.account = account, .name = SLICE("phone"), .verifier = SLICE("v"), .rights = 1
	};
	struct store_credential_use use = { .account = account, .right = 1 };
	struct store_credential_id id;
	struct store_credentials all;
	struct store_nothing none;

	assert_ok(store_credential_add(b->port, &add, &b->arena, &id, &unit_error));
	use.credential = id.credential;
	assert_ok(store_credential_use(b->port, &use, &b->arena, &none, &unit_error));
	assert_ok(store_credential_list(
	    b->port, &(struct store_credential_list){ .account = account }, &b->arena, &all, &unit_error));
	assert_ok(store_credential_remove(b->port,
	    &(struct store_credential_name){ .account = account, .name = add.name }, &b->arena, &none, &unit_error));
}

static void
find_certificates(struct box *b)
{
	struct store_certificates found;
	struct store_nothing none;
	uint8_t name[20], token[STORE_TOKEN_SIZE] = { 0 };
	struct store_certificate_publish change = { slice_of(name, sizeof name), SLICE("Somebody@example.org"), 0, 0 };
	struct store_certificate_find names = { .value = SLICE("some body") };
	struct store_bucket_find bucket = { 0 };
	struct store_bucket bucket_out;
	struct store_directory_changes days;
	struct store_certificate_kept kept;
	struct store_token_put put = { slice_of(token, sizeof token), STORE_TOKEN_PUT, SLICE("f"), SLICE("a@b"), 60,
		60 };
	struct store_token_take take = { put.token, STORE_TOKEN_PUT };
	struct store_token got;

	memset(name, 0x40, sizeof name);
	assert_ok(store_certificate_unpublish(b->port, &change, &b->arena, &kept, &unit_error));
	assert_ok(store_certificate_names(b->port, &names, &b->arena, &found, &unit_error));
	for (int by = 0; by < 2; by++) {
		bucket.by_fingerprint = by == 1;
		assert_ok(store_certificate_bucket(b->port, &bucket, &b->arena, &bucket_out, &unit_error));
	}
	assert_ok(
	    store_directory_changes(b->port, &(struct store_directory_day){ .day = 1 }, &b->arena, &days, &unit_error));
	assert_ok(store_token_put(b->port, &put, &b->arena, &none, &unit_error));
	assert_ok(store_token_look(b->port, &take, &b->arena, &got, &unit_error));
	assert_ok(store_token_take(b->port, &take, &b->arena, &got, &unit_error));
	for (uint32_t by = STORE_BY_FINGERPRINT; by <= STORE_BY_NAME; by++) {
		struct store_certificate_find in = {
			.by = by, .value = slice_of(name, by == STORE_BY_KEY_ID ? 8 : sizeof name), .account = 1
		};

		assert_ok(store_certificate_find(b->port, &in, &b->arena, &found, &unit_error));
	}
	assert_ok(store_certificate_remove(
	    b->port, &(struct store_certificate_name){ slice_of(name, sizeof name) }, &b->arena, &none, &unit_error));
}

static void
use_queue(struct box *b)
{
	static const char *const to[] = { "x@a.example", "y@b.example" };
	struct store_queue_list list = { .value = SLICE("a.example") };
	struct store_queue_change change = { .value = SLICE("a.example") };
	struct store_queue_defer defer = { SLICE("a.example"), 0, SLICE("dead") };
	struct store_queue_leased leased;
	struct store_queue_messages messages;
	struct store_queue_message message;
	struct store_queue_changed changed;
	struct store_queue_until until;
	struct store_queue_domains domains;
	struct store_queue_events log;
	struct store_body_data data;
	struct store_nothing none;
	uint64_t queue = box_queue_put(b, to, 2);

	leased = box_queue_lease(b, 10, 0, 100);
	assert_int_equal(leased.entry_count, 2);
	assert_ok(store_queue_release(b->port, &(struct store_queue_release){ 0 }, &b->arena, &none, &unit_error));
	assert_ok(store_queue_renew(b->port, &(struct store_queue_renew){ queue, leased.entries[0].lease, 100 },
	    &b->arena, &until, &unit_error));
	assert_ok(store_queue_read(b->port, &(struct store_queue_read){ queue, leased.entries[0].lease, 0, 100 },
	    &b->arena, &data, &unit_error));
	assert_ok(box_queue_settle(b, &leased.entries[0], 0, STORE_QUEUE_DEFERRED, 0));
	assert_ok(box_queue_settle(b, &leased.entries[1], 0, STORE_QUEUE_RETURNED, 0));
	assert_ok(store_queue_defer(b->port, &defer, &b->arena, &until, &unit_error));
	assert_ok(store_queue_get(b->port, &(struct store_queue_id){ queue }, &b->arena, &message, &unit_error));
	for (list.which = STORE_QUEUE_ALL; list.which <= STORE_QUEUE_LOOK; list.which++)
		assert_ok(store_queue_list(b->port, &list, &b->arena, &messages, &unit_error));
	assert_ok(
	    store_queue_domains(b->port, &(struct store_queue_domain_list){ 0 }, &b->arena, &domains, &unit_error));
	assert_ok(store_queue_log(b->port, &(struct store_queue_log){ queue, 0 }, &b->arena, &log, &unit_error));
	for (change.action = STORE_QUEUE_HOLD; change.action <= STORE_QUEUE_REMOVE; change.action++)
		for (change.which = STORE_QUEUE_ALL; change.which <= STORE_QUEUE_SENDER; change.which++)
			if (change.which != STORE_QUEUE_ONE)
				assert_ok(store_queue_change(b->port, &change, &b->arena, &changed, &unit_error));
	queue = box_queue_put(b, to, 2);
	leased = box_queue_lease(b, 10, 0, 100);
	for (size_t i = 0; i < leased.entry_count; i++)
		assert_ok(box_queue_settle(b, &leased.entries[i], 0, STORE_QUEUE_DELIVERED, 0));
	assert_int_equal(box_queue_totals(b).messages, 0);
	(void)queue;
}

static void
every_operation(void **state)
{
	struct buf said BUF_OWNED = { 0 };
	struct store_info info;
	struct box b;

	(void)state;
	trace_connections();
	buf_init(&said, 1 << 20);
	box_new(&b);
	b.options.segment_size = FOLDER_SEGMENT;
	box_open(&b);
	seen.on = true;
	folder_fill(&b);
	folder_tell(&b, &said);
	change_mailboxes(&b, 1);
	change_accounts(&b, 1);
	change_aliases(&b, 1);
	change_credentials(&b, 1);
	find_certificates(&b);
	use_queue(&b);
	assert_ok(store_info(b.port, &(struct store_nothing){ 0 }, &b.arena, &info, &unit_error));
	box_close(&b);
	box_open(&b);
	seen.on = false;
	check_plans(&b);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(after_a_power_cut), UNIT_TEST(every_operation))
