/* SPDX-License-Identifier: ISC */
/* Policies of other domains: kept over a restart, replaced, forgotten, and gone when they expire. */
#include <time.h>

#include "store/box.h"

static void
put(struct box *b, const char *domain, const char *id, const char *text, int64_t more)
{
	struct store_nothing none;

	assert_ok(store_policy_put(b->port,
	    &(struct store_policy){ .kind = STORE_POLICY_STS,
		.domain = slice_str(domain),
		.version = slice_str(id),
		.value = slice_str(text),
		.fetched = (uint64_t)time(NULL),
		.expires = (uint64_t)((int64_t)time(NULL) + more) },
	    &b->arena, &none, &unit_error));
}

static struct store_policy
get(struct box *b, const char *domain)
{
	struct store_policy p;

	assert_ok(store_policy_get(
	    b->port, &(struct store_policy_key){ STORE_POLICY_STS, slice_str(domain) }, &b->arena, &p, &unit_error));
	return p;
}

static void
kept_until_it_expires(void **state)
{
	struct store_policy p;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	assert_false(get(&b, "example.org").found);
	put(&b, "example.org", "1", "first", 1000);
	put(&b, "example.org", "2", "second", 1000);
	put(&b, "example.net", "3", "third", -1);
	box_close(&b);
	box_open(&b);
	p = get(&b, "example.org");
	assert_true(p.found);
	assert_slice(p.version, "2");
	assert_slice(p.value, "second");
	assert_false(get(&b, "example.net").found);
	assert_false(get(&b, "EXAMPLE.org").found); /* who asks writes it small */
	put(&b, "example.org", "", "", 0);
	assert_false(get(&b, "example.org").found);
	box_free(&b);
}

static void
nobodys_is_refused(void **state)
{
	struct store_nothing none;
	struct box b;

	(void)state;
	box_new(&b);
	box_open(&b);
	assert_int_equal(
	    store_policy_put(b.port, &(struct store_policy){ .kind = STORE_POLICY_STS, .value = SLICE("x") }, &b.arena,
		&none, &unit_error),
	    ERR_SYNTAX);
	box_free(&b);
}

UNIT_MAIN(UNIT_TEST(kept_until_it_expires), UNIT_TEST(nobodys_is_refused))
