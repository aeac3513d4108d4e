/* SPDX-License-Identifier: ISC */
/* Aliases, groups, details, what stands for a whole domain, and whose an address is. */
#include "store/folder.h"
#include "store/queue.h"

#include <pthread.h>
#include <sqlite3.h>

static int
alias(struct box *b, const char *address, const char *const *targets, uint32_t senders)
{
	struct slice to[8];
	struct store_alias_add in = { .address = slice_str(address), .targets = to, .senders = senders };
	struct store_nothing none;

	while (in.target_count < 8 && targets[in.target_count] != NULL) {
		to[in.target_count] = slice_str(targets[in.target_count]);
		in.target_count++;
	}
	return store_alias_add(b->port, &in, &b->arena, &none, &unit_error);
}

#define ALIAS(b, address, ...) alias((b), (address), (const char *const[]){ __VA_ARGS__, NULL }, 0)

static int
unalias(struct box *b, const char *address, const char *target)
{
	struct slice to = slice_str(target);
	struct store_alias_remove in = { slice_str(address), &to, target == NULL ? 0 : 1 };
	struct store_nothing none;

	return store_alias_remove(b->port, &in, &b->arena, &none, &unit_error);
}

static void
domain(struct box *b, const char *name)
{
	struct store_nothing none;

	assert_ok(store_domain_add(b->port, &(struct store_domain){ slice_str(name) }, &b->arena, &none, &unit_error));
}

/* Where mail goes: "1 3", or "nobody", "elsewhere", "not for". */
static const char *
goes_from(struct box *b, const char *address, uint64_t writer, const char *postmaster)
{
	static char text[200];
	const struct store_address_resolve in = { slice_str(address), writer, '+', slice_str(postmaster) };
	struct store_address_resolved out;
	size_t at = 0;

	assert_ok(store_address_resolve(b->port, &in, &b->arena, &out, &unit_error));
	text[0] = '\0';
	for (size_t i = 0; i < out.account_count; i++)
		at += (size_t)snprintf(
		    text + at, sizeof text - at, "%s%llu", i > 0 ? " " : "", (unsigned long long)out.accounts[i]);
	for (size_t i = 0; i < out.elsewhere_count; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s", at > 0 ? " " : "",
		    (int)out.elsewhere[i].len, (const char *)out.elsewhere[i].data);
	assert_true((out.resolution == STORE_RESOLVED) == (at > 0));
	return out.resolution == STORE_NOBODY   ? "nobody"
	    : out.resolution == STORE_ELSEWHERE ? "elsewhere"
	    : out.resolution == STORE_NOT_FOR   ? "not for"
						: text;
}

static const char *
goes(struct box *b, const char *address)
{
	return goes_from(b, address, 0, NULL);
}

static uint64_t
finds(struct box *b, const char *address)
{
	struct store_address_found out;

	assert_ok(store_address_find(
	    b->port, &(struct store_address_find){ slice_str(address) }, &b->arena, &out, &unit_error));
	return out.account;
}

static bool
owns(struct box *b, uint64_t account, const char *address)
{
	const struct store_address_owned in = { account, slice_str(address), '+', SLICE_EMPTY };
	struct store_owned out;

	assert_ok(store_address_owned(b->port, &in, &b->arena, &out, &unit_error));
	return out.owned;
}

/* alice 1, bob 2, carol 3 (of example.net). */
static void
three(struct box *b)
{
	box_new(b);
	box_open(b);
	assert_int_equal(box_account(b, "alice@example.org"), 1);
	assert_int_equal(box_account(b, "bob@example.org"), 2);
	assert_int_equal(box_account(b, "carol@example.net"), 3);
}

static void
rules_in_their_order(void **state)
{
	struct box b;

	(void)state;
	three(&b);
	assert_string_equal(goes(&b, "ALICE@example.ORG"), "1");
	assert_string_equal(goes(&b, "alice+lists@example.org"), "1");
	assert_string_equal(goes(&b, "alice+a+b@example.org"), "1");
	assert_string_equal(goes(&b, "+alice@example.org"), "nobody");
	assert_string_equal(goes(&b, "\"alice+x\"@example.org"), "nobody");
	assert_string_equal(goes(&b, "dora@example.org"), "nobody");
	assert_string_equal(goes(&b, "alice@example.com"), "elsewhere");
	assert_string_equal(goes(&b, "alice"), "elsewhere");
	assert_string_equal(goes(&b, "\xff@example.org"), "elsewhere");
	/* an alias; an address with a detail that is an alias of its own; an alias with a detail */
	assert_int_equal(ALIAS(&b, "Sales@example.org", "bob@example.org", "carol@example.net"), 0);
	assert_int_equal(ALIAS(&b, "alice+work@example.org", "bob@example.org"), 0);
	assert_string_equal(goes(&b, "sales@example.org"), "2 3");
	assert_string_equal(goes(&b, "alice+work@example.org"), "2");
	assert_string_equal(goes(&b, "alice+Work@example.org"), "2");
	assert_string_equal(goes(&b, "alice+other@example.org"), "1");
	assert_string_equal(goes(&b, "sales+x@example.org"), "2 3");
	/* an alias of aliases, where one is met twice */
	assert_int_equal(ALIAS(&b, "all@example.org", "sales@example.org", "alice@example.org", "bob@example.org"), 0);
	assert_string_equal(goes(&b, "all@example.org"), "1 2 3");
	/* the rest of a domain */
	assert_int_equal(ALIAS(&b, "@example.org", "carol@example.net"), 0);
	assert_string_equal(goes(&b, "dora@example.org"), "3");
	assert_string_equal(goes(&b, "alice+x@example.org"), "1");
	assert_string_equal(goes(&b, "dora@example.net"), "nobody");
	folder_verify_clean(&b);
	box_free(&b);
}

/* Statements that were run on any connection. */
static struct {
	pthread_mutex_t mutex;
	unsigned count;
} run = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static int
count_statement(unsigned kind, void *ctx, void *statement, void *text)
{
	(void)kind;
	(void)ctx;
	(void)statement;
	(void)pthread_mutex_lock(&run.mutex);
	run.count += strncmp(text, "SELECT", 6) == 0 || strncmp(text, "WITH", 4) == 0;
	(void)pthread_mutex_unlock(&run.mutex);
	return 0;
}

static int
trace_connection(sqlite3 *db, char **message, const void *api)
{
	(void)message;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_statement, NULL);
}

static unsigned
reads_for(struct box *b, const char *address)
{
	unsigned before;

	(void)goes(b, address); /* a reader's first sight of the tables is not counted */
	before = run.count;
	(void)goes(b, address);
	return run.count - before;
}

/* What RCPT costs: mail to a plain address one read, and whatever a stranger asks a handful. */
static void
few_reads(void **state)
{
	struct box b;

	(void)state;
	assert_int_equal(sqlite3_auto_extension((void (*)(void))trace_connection), SQLITE_OK);
	three(&b);
	assert_int_equal(ALIAS(&b, "team@example.org", "bob@example.org", "carol@example.net"), 0);
	assert_int_equal(ALIAS(&b, "@example.net", "@example.org"), 0);
	assert_int_equal(reads_for(&b, "alice@example.org"), 1);
	assert_int_equal(reads_for(&b, "alice+x@example.org"), 2);
	assert_int_equal(reads_for(&b, "team@example.org"), 3);
	assert_int_equal(reads_for(&b, "x@elsewhere.org"), 2);
	assert_int_equal(reads_for(&b, "dora@example.org"), 3);
	assert_int_equal(reads_for(&b, "dora+x@example.net"), 7);
	assert_int_equal(reads_for(&b, "abuse@example.org"), 4);
	assert_int_equal(sqlite3_cancel_auto_extension((void (*)(void))trace_connection), 1);
	box_free(&b);
}

static void
separator_is_a_setting(void **state)
{
	struct store_address_resolve in = { .address = SLICE("alice+x@example.org") };
	struct store_address_resolved out;
	struct box b;

	(void)state;
	three(&b);
	assert_ok(store_address_resolve(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.resolution, STORE_NOBODY);
	in = (struct store_address_resolve){ .address = SLICE("alice-x@example.org"), .separator = '-' };
	assert_ok(store_address_resolve(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.resolution, STORE_RESOLVED);
	box_free(&b);
}

static void
a_domain_for_another(void **state)
{
	struct box b;

	(void)state;
	three(&b);
	domain(&b, "example.com");
	assert_int_equal(ALIAS(&b, "@example.com", "@example.org"), 0);
	assert_string_equal(goes(&b, "alice@example.com"), "1");
	assert_string_equal(goes(&b, "alice+x@example.com"), "1");
	assert_string_equal(goes(&b, "dora@example.com"), "nobody");
	assert_int_equal(ALIAS(&b, "bob@example.com", "carol@example.net"), 0);
	assert_string_equal(goes(&b, "bob@example.com"), "3");
	assert_int_equal(ALIAS(&b, "@example.org", "bob@example.org"), 0);
	assert_string_equal(goes(&b, "dora@example.com"), "2");
	assert_true(owns(&b, 1, "alice@example.com"));
	assert_false(owns(&b, 2, "alice@example.com"));
	/* neither a third behind it, nor something beside it, nor itself */
	assert_int_equal(ALIAS(&b, "@example.net", "@example.com"), ERR_POLICY);
	assert_int_equal(ALIAS(&b, "@example.com", "alice@example.org"), ERR_POLICY);
	assert_int_equal(ALIAS(&b, "@example.net", "@example.net"), ERR_POLICY);
	assert_int_equal(ALIAS(&b, "@example.net", "@elsewhere.org"), ERR_NOT_FOUND);
	assert_int_equal(ALIAS(&b, "x@example.net", "@example.org"), ERR_POLICY);
	assert_int_equal(alias(&b, "@example.com", (const char *const[]){ NULL }, STORE_SENDERS_MEMBERS), ERR_POLICY);
	folder_verify_clean(&b);
	box_free(&b);
}

static void
leads_elsewhere(void **state)
{
	struct box b;

	(void)state;
	three(&b);
	assert_ok(ALIAS(&b, "out@example.org", "Friend.X@Elsewhere.ORG"));
	assert_string_equal(goes(&b, "out@example.org"), "Friend.X@elsewhere.org");
	assert_string_equal(goes(&b, "OUT+detail@example.org"), "Friend.X@elsewhere.org");
	assert_ok(ALIAS(&b, "both@example.org", "bob@example.org"));
	assert_ok(ALIAS(&b, "both@example.org", "out@example.org"));
	assert_ok(ALIAS(&b, "both@example.org", "z@elsewhere.net"));
	assert_string_equal(goes(&b, "both@example.org"), "2 Friend.X@elsewhere.org z@elsewhere.net");
	/* Mail to it is not one's alone. */
	assert_int_equal(finds(&b, "both@example.org"), 0);
	assert_false(owns(&b, 2, "both@example.org"));
	assert_int_equal(ALIAS(&b, "x@example.org", "no spaces@elsewhere.org"), ERR_SYNTAX);
	box_queue_verify(&b);
	{
		struct slice target = SLICE("Friend.X@elsewhere.org");
		struct store_alias_remove in = { SLICE("both@example.org"), &target, 1 };
		struct store_nothing none;

		assert_int_equal(store_alias_remove(b.port, &in, &b.arena, &none, &unit_error), ERR_NOT_FOUND);
		target = SLICE("z@ELSEWHERE.net");
		assert_ok(store_alias_remove(b.port, &in, &b.arena, &none, &unit_error));
	}
	assert_string_equal(goes(&b, "both@example.org"), "2 Friend.X@elsewhere.org");
	box_free(&b);
}

static void
refused_when_made(void **state)
{
	struct box b;

	(void)state;
	three(&b);
	assert_int_equal(ALIAS(&b, "alice@example.org", "bob@example.org"), ERR_EXISTS);
	assert_int_equal(ALIAS(&b, "x@elsewhere.org", "bob@example.org"), ERR_NOT_FOUND);
	assert_int_equal(ALIAS(&b, "x@example.org", "nobody@example.org"), ERR_NOT_FOUND);
	assert_int_equal(ALIAS(&b, "x@example.org", "alice+detail@example.org"), ERR_NOT_FOUND);
	assert_int_equal(ALIAS(&b, "x", "bob@example.org"), ERR_SYNTAX);
	assert_int_equal(ALIAS(&b, "@", "bob@example.org"), ERR_SYNTAX);
	assert_int_equal(ALIAS(&b, "@a@example.org", "bob@example.org"), ERR_SYNTAX);
	assert_int_equal(alias(&b, "x@example.org", (const char *const[]){ NULL }, 0), ERR_ORDER);
	/* nothing of it was kept */
	assert_string_equal(goes(&b, "x@example.org"), "nobody");
	/* circles of one, two and three */
	assert_int_equal(ALIAS(&b, "x@example.org", "x@example.org"), ERR_POLICY);
	assert_int_equal(ALIAS(&b, "x@example.org", "bob@example.org"), 0);
	assert_int_equal(ALIAS(&b, "y@example.org", "x@example.org"), 0);
	assert_int_equal(ALIAS(&b, "x@example.org", "y@example.org"), ERR_POLICY);
	assert_non_null(strstr(unit_error.text, "circle"));
	assert_int_equal(ALIAS(&b, "z@example.org", "y@example.org"), 0);
	assert_int_equal(ALIAS(&b, "x@example.org", "z@example.org"), ERR_POLICY);
	/* an address that is an alias is not free for an account */
	assert_int_equal(
	    store_account_create(b.port, &(struct store_account_create){ SLICE("X@example.org"), SLICE("v") }, &b.arena,
		&(struct store_account_id){ 0 }, &unit_error),
	    ERR_EXISTS);
	folder_verify_clean(&b);
	box_free(&b);
}

static void
no_deeper_than_eight(void **state)
{
	char last[40] = "alice@example.org", next[40];
	struct box b;

	(void)state;
	three(&b);
	for (unsigned i = 1; i <= STORE_ALIAS_DEPTH_MAX; i++) {
		(void)snprintf(next, sizeof next, "a%u@example.org", i);
		assert_int_equal(ALIAS(&b, next, last), 0);
		memcpy(last, next, sizeof last);
	}
	assert_string_equal(goes(&b, last), "1");
	assert_int_equal(ALIAS(&b, "deeper@example.org", last), ERR_LIMIT);
	/* and not from the middle either */
	assert_int_equal(ALIAS(&b, "m@example.org", "bob@example.org"), 0);
	assert_int_equal(ALIAS(&b, "n@example.org", "m@example.org"), 0);
	assert_int_equal(ALIAS(&b, "a1@example.org", "n@example.org"), ERR_LIMIT);
	box_free(&b);
}

static void
no_more_than_a_thousand(void **state)
{
	struct slice targets[STORE_ALIAS_TARGETS_MAX];
	struct store_alias_add in = { SLICE("a@example.org"), targets, STORE_ALIAS_TARGETS_MAX, 0 };
	const struct store_address_resolve all = { .address = SLICE("all@example.org") };
	struct store_address_resolved out;
	struct store_nothing none;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	for (unsigned i = 0; i <= STORE_ALIAS_TARGETS_MAX; i++) {
		char address[40];

		(void)snprintf(address, sizeof address, "u%u@example.org", i);
		(void)box_account(&b, address);
		if (i < STORE_ALIAS_TARGETS_MAX)
			targets[i] = arena_copy(&b.arena, slice_str(address));
	}
	assert_ok(store_alias_add(b.port, &in, &b.arena, &none, &unit_error));
	assert_int_equal(ALIAS(&b, "all@example.org", "a@example.org"), 0);
	assert_ok(store_address_resolve(b.port, &all, &b.arena, &out, &unit_error));
	assert_int_equal(out.account_count, STORE_ALIAS_TARGETS_MAX);
	assert_int_equal(ALIAS(&b, "a@example.org", "u1000@example.org"), ERR_LIMIT);
	/* by way of another alias it would be too many for what needs both */
	assert_int_equal(ALIAS(&b, "one@example.org", "u0@example.org"), 0);
	assert_int_equal(ALIAS(&b, "all@example.org", "one@example.org"), 0);
	assert_int_equal(ALIAS(&b, "one@example.org", "u1000@example.org"), ERR_LIMIT);
	assert_non_null(strstr(unit_error.text, "all@example.org leads to more than 1000"));
	box_free(&b);
}

static void
who_may_write(void **state)
{
	struct box b;

	(void)state;
	three(&b);
	assert_int_equal(
	    alias(&b, "team@example.org", (const char *const[]){ "bob@example.org", "carol@example.net", NULL },
		STORE_SENDERS_MEMBERS),
	    0);
	assert_string_equal(goes_from(&b, "team@example.org", 0, NULL), "not for");
	assert_string_equal(goes_from(&b, "team@example.org", 1, NULL), "not for");
	assert_string_equal(goes_from(&b, "team+x@example.org", 1, NULL), "not for");
	assert_string_equal(goes_from(&b, "team@example.org", 2, NULL), "2 3");
	/* only who may write changes: nothing is added */
	assert_int_equal(alias(&b, "team@example.org", (const char *const[]){ NULL }, STORE_SENDERS_DOMAIN), 0);
	assert_string_equal(goes_from(&b, "team@example.org", 0, NULL), "not for");
	assert_string_equal(goes_from(&b, "team@example.org", 1, NULL), "2 3");
	assert_string_equal(goes_from(&b, "team@example.org", 3, NULL), "not for");
	/* what the address itself is decides, not what is behind it */
	assert_int_equal(ALIAS(&b, "contact@example.org", "team@example.org"), 0);
	assert_string_equal(goes(&b, "contact@example.org"), "2 3");
	assert_int_equal(alias(&b, "postmaster@example.org", (const char *const[]){ "bob@example.org", NULL },
			     STORE_SENDERS_MEMBERS),
	    ERR_POLICY);
	assert_string_equal(goes_from(&b, "postmaster@example.org", 0, "team@example.org"), "2 3");
	box_free(&b);
}

static void
whose_an_address_is(void **state)
{
	struct box b;

	(void)state;
	three(&b);
	assert_int_equal(ALIAS(&b, "info@example.org", "alice@example.org"), 0);
	assert_int_equal(ALIAS(&b, "hello@example.org", "info@example.org"), 0);
	assert_int_equal(ALIAS(&b, "team@example.org", "alice@example.org", "bob@example.org"), 0);
	/* whom the key directory lets publish it */
	assert_int_equal(finds(&b, "ALICE@example.org"), 1);
	assert_int_equal(finds(&b, "hello@example.org"), 1);
	assert_int_equal(finds(&b, "team@example.org"), 0);
	assert_int_equal(finds(&b, "alice+x@example.org"), 0);
	assert_true(owns(&b, 1, "Alice@example.org"));
	assert_true(owns(&b, 1, "alice+x@example.org"));
	assert_true(owns(&b, 1, "info@example.org"));
	assert_true(owns(&b, 1, "hello@example.org"));
	assert_true(owns(&b, 1, "hello+x@example.org"));
	assert_false(owns(&b, 2, "alice@example.org"));
	assert_false(owns(&b, 2, "info@example.org"));
	assert_false(owns(&b, 1, "team@example.org"));
	assert_false(owns(&b, 1, "dora@example.org"));
	assert_false(owns(&b, 1, "alice@elsewhere.org"));
	/* the first account gets the postmaster's mail for want of somebody better: that makes it nobody's address */
	assert_string_equal(goes(&b, "postmaster@example.org"), "1");
	assert_false(owns(&b, 1, "postmaster@example.org"));
	assert_int_equal(ALIAS(&b, "@example.org", "bob@example.org"), 0);
	assert_true(owns(&b, 2, "dora@example.org"));
	assert_false(owns(&b, 2, "alice@example.org"));
	box_free(&b);
}

static void
postmaster_is_read(void **state)
{
	struct box b;

	(void)state;
	three(&b);
	assert_string_equal(goes(&b, "Postmaster"), "1");
	assert_string_equal(goes(&b, "POSTMASTER@example.net"), "1");
	assert_string_equal(goes(&b, "abuse@example.org"), "1");
	assert_string_equal(goes(&b, "postmaster@elsewhere.org"), "elsewhere");
	assert_string_equal(goes(&b, "hostmaster@example.org"), "nobody");
	assert_string_equal(goes_from(&b, "postmaster", 0, "bob@example.org"), "2");
	assert_string_equal(goes_from(&b, "abuse@example.net", 0, "bob@example.org"), "2");
	assert_string_equal(goes_from(&b, "postmaster@example.net", 0, "gone@example.org"), "1");
	assert_int_equal(ALIAS(&b, "@example.org", "carol@example.net"), 0);
	assert_string_equal(goes(&b, "postmaster@example.org"), "3");
	assert_string_equal(goes_from(&b, "postmaster@example.org", 0, "bob@example.org"), "2");
	assert_int_equal(ALIAS(&b, "postmaster@example.net", "bob@example.org", "carol@example.net"), 0);
	assert_string_equal(goes(&b, "postmaster"), "2 3");
	assert_string_equal(goes_from(&b, "postmaster@example.net", 0, "alice@example.org"), "2 3");
	box_free(&b);
}

/* RFC 6530 section 10.1, RFC 5890: put together otherwise, in A-labels or U-labels. */
static void
other_scripts(void **state)
{
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	domain(&b,
	    "B\xc3\xbc"
	    "cher.example");
	domain(&b, "xn--bcher-kva.example");
	assert_int_equal(box_account(&b,
			     "J\xc3\xbcrgen@b\xc3\xbc"
			     "cher.example"),
	    1);
	assert_string_equal(goes(&b, "j\xc3\xbcrgen@xn--bcher-kva.EXAMPLE"), "1");
	assert_string_equal(goes(&b,
				"ju\xcc\x88rgen@bu\xcc\x88"
				"cher.example"),
	    "1");
	assert_string_equal(goes(&b,
				"J\xc3\xbcrgen+\xe2\x82\xac@B\xc3\x9c"
				"CHER.example"),
	    "1");
	assert_true(owns(&b, 1, "j\xc3\xbcrgen@xn--bcher-kva.example"));
	/* outside ASCII capitals are other letters, as they always were */
	assert_string_equal(goes(&b, "j\xc3\x9crgen@xn--bcher-kva.example"), "nobody");
	assert_int_equal(store_account_create(b.port,
			     &(struct store_account_create){ SLICE("\xff@xn--bcher-kva.example"), SLICE("v") },
			     &b.arena, &(struct store_account_id){ 0 }, &unit_error),
	    ERR_SYNTAX);
	folder_verify_clean(&b);
	box_free(&b);
}

static void
what_is_needed_stays(void **state)
{
	struct store_nothing none;
	struct store_account_rename rename = { 2, SLICE("bob@example.org"), SLICE("robert@example.org") };
	struct store_address second = { 2, SLICE("bobby@example.org") };
	struct box b;

	(void)state;
	three(&b);
	assert_ok(store_address_add(b.port, &second, &b.arena, &none, &unit_error));
	assert_int_equal(ALIAS(&b, "Sales@example.org", "bob@example.org"), 0);
	assert_int_equal(ALIAS(&b, "help@example.org", "bobby@example.org", "sales@example.org"), 0);
	assert_int_equal(
	    store_account_remove(b.port, &(struct store_account_id){ 2 }, &b.arena, &none, &unit_error), ERR_ORDER);
	assert_non_null(strstr(unit_error.text, "Sales@example.org"));
	assert_non_null(strstr(unit_error.text, "help@example.org"));
	assert_int_equal(store_address_remove(b.port, &second, &b.arena, &none, &unit_error), ERR_ORDER);
	assert_non_null(strstr(unit_error.text, "help@example.org"));
	assert_int_equal(unalias(&b, "sales@example.org", NULL), ERR_ORDER);
	assert_int_equal(unalias(&b, "sales@example.org", "bob@example.org"), ERR_ORDER);
	/* a new name is followed */
	assert_ok(store_account_rename(b.port, &rename, &b.arena, &none, &unit_error));
	assert_string_equal(goes(&b, "sales@example.org"), "2");
	assert_int_equal(unalias(&b, "sales@example.org", "bob@example.org"), ERR_NOT_FOUND);
	folder_verify_clean(&b);
	assert_int_equal(unalias(&b, "help@example.org", "sales@example.org"), 0);
	assert_int_equal(unalias(&b, "sales@example.org", NULL), 0);
	assert_int_equal(unalias(&b, "sales@example.org", NULL), ERR_NOT_FOUND);
	assert_int_equal(unalias(&b, "help@example.org", NULL), 0);
	assert_ok(store_address_remove(b.port, &second, &b.arena, &none, &unit_error));
	assert_ok(store_account_remove(b.port, &(struct store_account_id){ 2 }, &b.arena, &none, &unit_error));
	/* domains */
	domain(&b, "example.com");
	assert_int_equal(ALIAS(&b, "@example.com", "@example.net"), 0);
	assert_ok(store_account_rename(b.port,
	    &(struct store_account_rename){ 3, SLICE("carol@example.net"), SLICE("carol@example.org") }, &b.arena,
	    &none, &unit_error));
	assert_int_equal(
	    store_domain_remove(b.port, &(struct store_domain){ SLICE("example.net") }, &b.arena, &none, &unit_error),
	    ERR_ORDER);
	assert_string_equal(unit_error.text, "@example.com stands for it: remove that first");
	assert_int_equal(
	    store_domain_remove(b.port, &(struct store_domain){ SLICE("example.com") }, &b.arena, &none, &unit_error),
	    ERR_ORDER);
	assert_int_equal(unalias(&b, "@example.com", "@example.net"), ERR_ORDER);
	assert_int_equal(unalias(&b, "@example.com", NULL), 0);
	assert_ok(
	    store_domain_remove(b.port, &(struct store_domain){ SLICE("example.net") }, &b.arena, &none, &unit_error));
	folder_verify_clean(&b);
	box_free(&b);
}

static void
lists(void **state)
{
	struct store_alias_list in = { .limit = 1 };
	struct store_aliases out;
	struct box b;

	(void)state;
	three(&b);
	assert_int_equal(
	    alias(&b, "Team@example.org", (const char *const[]){ "bob@example.org", "ALICE@example.org", NULL },
		STORE_SENDERS_DOMAIN),
	    0);
	assert_int_equal(ALIAS(&b, "@example.org", "Team@example.org"), 0);
	assert_ok(store_alias_list(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.row_count, 1);
	assert_true(out.more);
	assert_slice(out.rows[0].address, "@example.org");
	assert_slice(out.rows[0].targets[0], "Team@example.org");
	assert_int_equal(out.rows[0].accounts, 2);
	in.after = out.rows[0].address;
	assert_ok(store_alias_list(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.row_count, 1);
	assert_false(out.more);
	assert_slice(out.rows[0].address, "Team@example.org");
	assert_int_equal(out.rows[0].senders, STORE_SENDERS_DOMAIN);
	assert_int_equal(out.rows[0].target_count, 2);
	assert_slice(out.rows[0].targets[0], "alice@example.org");
	assert_slice(out.rows[0].targets[1], "bob@example.org");
	in = (struct store_alias_list){ .target = SLICE("team@example.org") };
	assert_ok(store_alias_list(b.port, &in, &b.arena, &out, &unit_error));
	assert_int_equal(out.row_count, 1);
	assert_slice(out.rows[0].address, "@example.org");
	box_free(&b);
}

/* What no call makes, put there by hand: mail still goes somewhere or is refused, and verify tells. */
static void
damaged(void **state)
{
	static const char sql[] =
	    "INSERT INTO alias_targets VALUES (CAST('x@example.org' AS BLOB), CAST('gone@example.org' AS BLOB)),"
	    " (CAST('x@example.org' AS BLOB), CAST('y@example.org' AS BLOB)),"
	    " (CAST('lost@example.org' AS BLOB), CAST('alice@example.org' AS BLOB));"
	    "DELETE FROM alias_targets WHERE address = CAST('empty@example.org' AS BLOB);"
	    "INSERT INTO aliases VALUES (CAST('carol@example.net' AS BLOB), CAST('carol@example.net' AS BLOB),"
	    " CAST('example.com' AS BLOB), 1);"
	    "INSERT INTO addresses VALUES (CAST('ju\xcc\x88rgen@example.org' AS BLOB), "
	    "CAST('J\xc3\xbcrgen@example.org' AS BLOB),"
	    " CAST('example.org' AS BLOB), 1, 9);"
	    "UPDATE domains SET shown = CAST('example.com' AS BLOB) WHERE domain = CAST('example.net' AS BLOB);"
	    "INSERT INTO alias_targets VALUES (CAST('carol@example.net' AS BLOB), CAST('bob@example.org' AS BLOB));";
	struct store_verify page = { .part = STORE_VERIFY_REFERENCES };
	struct store_verified found;
	struct buf said BUF_OWNED = { 0 };
	char path[200];
	sqlite3 *db;
	struct box b;

	(void)state;
	buf_init(&said, 1 << 16);
	three(&b);
	assert_int_equal(ALIAS(&b, "x@example.org", "alice@example.org"), 0);
	assert_int_equal(ALIAS(&b, "y@example.org", "x@example.org"), 0);
	assert_int_equal(ALIAS(&b, "empty@example.org", "bob@example.org"), 0);
	box_close(&b);
	(void)snprintf(path, sizeof path, "%s/store.db", b.folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	box_open(&b);
	assert_string_equal(goes(&b, "x@example.org"), "1"); /* in a circle, and with one that is gone */
	assert_string_equal(goes(&b, "y@example.org"), "1");
	assert_string_equal(goes(&b, "empty@example.org"), "nobody");
	assert_string_equal(goes(&b, "carol@example.net"), "3");
	do {
		assert_ok(store_verify(b.port, &page, &b.arena, &found, &unit_error));
		for (size_t i = 0; i < found.finding_count; i++)
			(void)buf_putf(&said, "%.*s\n", SLICE_ARGS(found.findings[i].text));
		page.after = found.after;
	} while (found.more);
	(void)buf_put_u8(&said, 0);
	assert_string_equal((const char *)said.data,
	    "alias carol@example.net is in a domain that is not there\n"
	    "alias carol@example.net is an account's address too\n"
	    "alias empty@example.org stands for nothing\n"
	    "a row of alias_targets names alias lost@example.org, which is not there\n"
	    "alias x@example.org stands for gone@example.org, which is nobody's\n"
	    "alias x@example.org leads back to itself\n"
	    "alias y@example.org leads back to itself\n"
	    "address J\xc3\xbcrgen@example.org is kept under another name\n"
	    "domain @example.com is kept under another name\n");
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(rules_in_their_order), UNIT_TEST(few_reads), UNIT_TEST(separator_is_a_setting),
    UNIT_TEST(a_domain_for_another), UNIT_TEST(leads_elsewhere), UNIT_TEST(refused_when_made),
    UNIT_TEST(no_deeper_than_eight), UNIT_TEST(no_more_than_a_thousand), UNIT_TEST(who_may_write),
    UNIT_TEST(whose_an_address_is), UNIT_TEST(postmaster_is_read), UNIT_TEST(other_scripts),
    UNIT_TEST(what_is_needed_stays), UNIT_TEST(lists), UNIT_TEST(damaged))
