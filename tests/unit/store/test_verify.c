/* SPDX-License-Identifier: ISC */
/*
 * Verification: every damage of a table, made by hand in the rows or in the
 * files of a healthy store, is found and said; a healthy store is never
 * slandered, whatever is going on in it.
 */
#include "store/folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

static void
sql(const struct box *b, const char *text)
{
	char path[200];
	sqlite3 *db;

	(void)snprintf(path, sizeof path, "%s/store.db", b->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* One octet is flipped; at -1: the file is removed; -2: made with one octet; -3: cut to half. */
static void
damage_file(const struct box *b, const char *name, long at)
{
	char path[200];
	uint8_t octet = 0;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", b->folder, name);
	if (at == -1) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	fd = open(path, O_RDWR | O_CLOEXEC | (at == -2 ? O_CREAT : 0), 0600);
	assert_true(fd >= 0);
	if (at == -3)
		assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) / 2), 0);
	else if (at >= 0)
		assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= 0x20;
	if (at != -3)
		assert_int_equal(pwrite(fd, &octet, 1, at < 0 ? 0 : at), 1);
	assert_int_equal(close(fd), 0);
}

/* Rows of the queue that nobody wrote so. */
#define QUEUED(body) "INSERT INTO queue VALUES (1, 1, " body ", 0, 9, 2, x'', x'', 0, 0, x'', 5, 6, 6, 0, 0, 1);"
#define FOR_SOMEBODY(lease) \
	"INSERT INTO queue_recipients VALUES (1, 0, x'41', CAST('x.example' AS BLOB), 0, 5, 0, " lease \
	", 0, x'', 0, x'', x'', x'');"
#define DESTINATION(due) "INSERT INTO queue_domains VALUES (CAST('x.example' AS BLOB), " due ", 0, 0, 0, x'', 3);"

static const struct {
	const char *sql;  /* or */
	const char *file; /* see damage_file() */
	long at;
	const char *says;
} damages[] = {
	{ "UPDATE mailboxes SET messages = messages + 1 WHERE mailbox = 1", NULL, 0, "mailbox 1 of account 1 counts" },
	{ "UPDATE mailboxes SET unseen = 0 WHERE mailbox = 1", NULL, 0, "mailbox 1 of account 1 counts" },
	{ "UPDATE mailboxes SET deleted = 99 WHERE mailbox = 1", NULL, 0, "mailbox 1 of account 1 counts" },
	{ "UPDATE mailboxes SET size = size - 1 WHERE mailbox = 1", NULL, 0, "mailbox 1 of account 1 counts" },
	{ "UPDATE mailboxes SET uidnext = 20 WHERE mailbox = 1", NULL, 0, "and UIDNEXT is 20" },
	{ "UPDATE mailboxes SET modseq = 1 WHERE mailbox = 1", NULL, 0, "above the mailbox's 1" },
	{ "UPDATE mailboxes SET recent_from = 999 WHERE mailbox = 1", NULL, 0, "\\Recent begins at 999" },
	{ "UPDATE mailboxes SET uidvalidity = 4294967295 WHERE mailbox = 1", NULL, 0, "not given out yet" },
	{ "UPDATE mailboxes SET uidvalidity = (SELECT uidvalidity FROM mailboxes WHERE mailbox = 6) WHERE mailbox = 1",
	    NULL, 0, "the same UIDVALIDITY" },
	{ "UPDATE mailboxes SET keyword_count = 9 WHERE mailbox = 1", NULL, 0, "counts 9 keywords; there are 2" },
	{ "UPDATE mailboxes SET selectable = 0 WHERE mailbox = 1", NULL, 0, "holds mail and is only a name" },
	{ "UPDATE messages SET keywords = 1 << 40 WHERE mailbox = 1 AND uid = 1", NULL, 0, "a keyword without a name" },
	{ "UPDATE messages SET flags = 64 WHERE mailbox = 1 AND uid = 1", NULL, 0, "flags that are not known" },
	{ "UPDATE messages SET size = size + 1 WHERE mailbox = 1 AND uid = 1", NULL, 0,
	    "UID 1 in mailbox 1 of account 1 has" },
	{ "UPDATE messages SET modseq = (SELECT max(modseq) FROM expunged WHERE mailbox = 1) WHERE mailbox = 1 AND uid "
	  "= 1",
	    NULL, 0, "has MODSEQ" },
	{ "DELETE FROM messages WHERE mailbox = 1 AND uid = 1", NULL, 0, "counts 1 references; there are 0" },
	{ "UPDATE messages SET body = 999 WHERE mailbox = 1 AND uid = 1", NULL, 0,
	    "names body 999, which is not there" },
	{ "UPDATE expunged SET uid = 1 WHERE mailbox = 1", NULL, 0,
	    "UID 1 in mailbox 1 of account 1 was expunged and is there" },
	{ "UPDATE expunged SET uid = 999 WHERE mailbox = 1", NULL, 0, "had UID 999" },
	{ "UPDATE expunged SET mailbox = 77 WHERE mailbox = 1", NULL, 0,
	    "mail of mailbox 77 of account 1, which is not there" },
	{ "UPDATE bodies SET refs = refs + 1 WHERE body = 1", NULL, 0, "body 1 counts 2 references; there are 1" },
	{ "UPDATE bodies SET place = place + 1 WHERE body = 1", NULL, 0,
	    "body 1 (UID 1 in 'INBOX' of Alice@example.org)" },
	{ "UPDATE bodies SET place = (SELECT place FROM bodies WHERE body = 2) WHERE body = 1", NULL, 0,
	    "lie in the same place" },
	{ "UPDATE bodies SET length = 1 << 26 WHERE body = 1", NULL, 0, "lies behind the end of segment 1" },
	{ "UPDATE bodies SET segment = 99 WHERE body = 1", NULL, 0, "the file of a stored body is missing" },
	{ "UPDATE accounts SET octets = octets + 1 WHERE account = 2", NULL, 0, "account 2 counts" },
	{ "UPDATE accounts SET messages = 0 WHERE account = 2", NULL, 0, "account 2 counts 0 messages" },
	{ "DELETE FROM addresses WHERE account = 2", NULL, 0, "account 2 has no address" },
	{ "UPDATE mailboxes SET name = x'41' WHERE account = 2", NULL, 0, "account 2 has no INBOX" },
	{ "DELETE FROM accounts WHERE account = 2", NULL, 0, "a row of mailboxes names account 2" },
	{ "UPDATE addresses SET address = x'41' WHERE account = 2", NULL, 0, "is kept under another name" },
	{ "DELETE FROM domains WHERE domain = CAST('other.example' AS BLOB)", NULL, 0, "a domain that is not there" },
	{ "UPDATE keywords SET mailbox = 88 WHERE mailbox = 1", NULL, 0, "a row of keywords names mailbox 88" },
	{ "UPDATE subscriptions SET account = 88", NULL, 0, "a row of subscriptions names account 88" },
	{ "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'mailboxes'", NULL, 0, "and 2 would be given out next" },
	{ "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'bodies'", NULL, 0, "and 2 would be given out next" },
	{ QUEUED("1"), NULL, 0, "body 1 counts 1 references; there are 2" },
	{ QUEUED("999"), NULL, 0, "queued message 1 names body 999" },
	{ QUEUED("1"), NULL, 0, "queued message 1 has 9 octets" },
	{ QUEUED("1"), NULL, 0, "queued message 1 counts 1 recipients; there are 0" },
	{ QUEUED("1"), NULL, 0, "the queue counts 0 messages, 0 recipients, 0 octets; there are 1" },
	{ QUEUED("1") "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'queue'", NULL, 0,
	    "and 1 would be given out next" },
	{ FOR_SOMEBODY("0"), NULL, 0, "a recipient names queued message 1, which is not there" },
	{ FOR_SOMEBODY("0"), NULL, 0, "is for x.example, which is not among the destinations" },
	{ FOR_SOMEBODY("7"), NULL, 0, "a lease that was not given out yet" },
	{ QUEUED("1") FOR_SOMEBODY("0") "UPDATE queue SET held = 5", NULL, 0, "is held and the message is not" },
	{ DESTINATION("0"), NULL, 0, "destination x.example counts 3 recipients; there are 0" },
	{ FOR_SOMEBODY("0") DESTINATION("9000000000"), NULL, 0, "something for x.example is due" },
	{ "DELETE FROM queue_totals", NULL, 0, "the queue has 0 rows of sums" },
	{ "INSERT INTO summaries (body, version) VALUES (999, 1)", NULL, 0, "a summary is of body 999" },
	{ "UPDATE certificate_keys SET fingerprint = x'00' WHERE position = 0", NULL, 0,
	    "is not found by its own fingerprint" },
	{ "DELETE FROM certificates WHERE account = 0", NULL, 0, "names a key of certificate number" },
	{ "UPDATE certificates SET account = 77", NULL, 0, "is account 77's, which is not there" },
	{ "UPDATE certificate_users SET text_key = x'00'", NULL, 0, "is not found by its own words" },
	{ "UPDATE certificate_users SET length = 99", NULL, 0, "lies outside of it" },
	{ "UPDATE certificate_users SET state = 3", NULL, 0, "neither held nor published" },
	{ "DELETE FROM certificate_names", NULL, 0, "is not found by name as it is published" },
	{ "UPDATE directory_totals SET waiting = 9", NULL, 0, "the directory counts 2 certificates, 9 waiting" },
	{ "DELETE FROM directory_totals", NULL, 0, "the directory has 0 rows of sums" },
	{ "INSERT INTO directory_tombstones SELECT c.fingerprint, u.address_name, 0 FROM certificates c"
	  " JOIN certificate_users u USING (certificate)",
	    NULL, 0, "is published and was taken back" },
	{ "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name = 'messages_modseq'", NULL, 0,
	    "never used" },
	{ "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'modseq)', 'uid)')"
	  " WHERE name = 'messages_modseq'",
	    NULL, 0, "the database: row " },
	{ NULL, "bodies/s00000001", 100,
	    "body 1 (UID 1 in 'INBOX' of Alice@example.org): a stored body was changed on disk" },
	{ NULL, "bodies/s00000001", 9, "a stored body's head was changed on disk" },
	{ NULL, "bodies/s00000001", -1, "body segment s00000001 should have" },
	{ NULL, "bodies/s00000002", -3, "a stored body is cut short on disk" },
	{ NULL, "bodies/b0000000000000033", 200000, "a stored body was changed on disk" },
	{ NULL, "bodies/b0000000000000033", -1, "the file of a stored body is missing" },
	{ NULL, "bodies/b0000000000000033", -3, "a stored body is cut short on disk" },
	{ NULL, "bodies/notes", -2, "bodies/notes is nobody's" },
};

static void
copy_folder(const struct box *from, const struct box *to)
{
	char source[80];
	const char *words[] = { "cp", "-a", source, to->folder, NULL };

	(void)snprintf(source, sizeof source, "%s/.", from->folder);
	box_run(words);
}

static void
damages_are_found(void **state)
{
	struct box good;

	(void)state;
	box_new(&good);
	good.options.segment_size = FOLDER_SEGMENT;
	box_open(&good);
	folder_fill(&good);
	folder_verify_clean(&good);
	box_close(&good);
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
		struct buf said BUF_OWNED = { 0 };
		struct box b;

		buf_init(&said, 1 << 20);
		box_new(&b);
		copy_folder(&good, &b);
		if (damages[i].sql != NULL)
			sql(&b, damages[i].sql);
		else
			damage_file(&b, damages[i].file, damages[i].at);
		box_open(&b);
		(void)folder_verify(&b, &said);
		if (slice_search(buf_slice(&said), slice_str(damages[i].says)) == SIZE_MAX)
			fail_msg(
			    "damage %zu, '%s': verify said: %.*s", i, damages[i].says, SLICE_ARGS(buf_slice(&said)));
		box_free(&b);
	}
	box_free(&good);
}

/* ---- under load ---- */

static atomic_bool stop;

static void *
load(void *arg)
{
	struct box b = *(struct box *)arg;
	unsigned number = 1000;

	arena_init(&b.arena, (size_t)2 << 30);
	assert_ok(port_open_local(store_service(b.store), &b.port, &unit_error));
	while (!atomic_load(&stop)) {
		uint64_t both[2] = { 1, 2 };
		uint32_t uid = box_append(&b, 1, 1, folder_octets(&b, number, number % 4000), number % 32).stored.uid;

		folder_deliver(&b, both, 2, number, number % 40 == 0 ? 300000 : number % 20000);
		if (uid > 60)
			folder_expunge(&b, 1, 1, uid - 60, uid - 50);
		number++;
		arena_done(&b.arena);
	}
	port_close(b.port);
	return NULL;
}

static void
load_is_no_damage(void **state)
{
	pthread_t thread[2];
	struct box b;

	(void)state;
	box_new(&b);
	b.options.segment_size = FOLDER_SEGMENT;
	box_open(&b);
	folder_fill(&b);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, load, &b), 0);
	for (int i = 0; i < 12; i++)
		folder_verify_clean(&b);
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	folder_verify_clean(&b);
	box_free(&b);
}

static void
pages(void **state)
{
	static const struct store_verify bad[] = { { STORE_VERIFY_PARTS, 0, 0 }, { 0, UINT64_MAX, 0 },
		{ 0, 0, UINT64_MAX } };
	struct store_verified found;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	folder_verify_clean(&b); /* an empty store */
	(void)box_append(&b, box_account(&b, "a@example.org"), 1, SLICE_EMPTY, 0);
	folder_verify_clean(&b); /* an empty message */
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(store_verify(b.port, &bad[i], &b.arena, &found, NULL), ERR_SYNTAX);
	box_free(&b);
}

/* An account that is removed takes everything along. */
static void
removal_frees(void **state)
{
	struct store_account_rows accounts;
	struct store_nothing none = { 0 };
	struct store_info info;
	struct box b;

	(void)state;
	box_new(&b);
	b.options.segment_size = FOLDER_SEGMENT;
	box_open(&b);
	folder_fill(&b);
	folder_remove_aliases(&b);
	assert_ok(store_account_list(b.port, &(struct store_account_list){ 0 }, &b.arena, &accounts, &unit_error));
	for (size_t i = 0; i < accounts.row_count; i++) {
		struct store_account_id in = { accounts.rows[i].account };

		assert_ok(store_account_remove(b.port, &in, &b.arena, &none, &unit_error));
		folder_verify_clean(&b);
	}
	assert_ok(store_info(b.port, &none, &b.arena, &info, &unit_error));
	assert_true(info.accounts == 0 && info.messages == 0 && info.bodies == 0 && info.body_octets == 0);
	assert_int_equal(info.certificates, 1); /* nobody's */
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(damages_are_found), UNIT_TEST(load_is_no_damage), UNIT_TEST(pages), UNIT_TEST(removal_frees))
