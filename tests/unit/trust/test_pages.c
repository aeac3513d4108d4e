/* SPDX-License-Identifier: ISC */
/* A certificate as files. What they are named is checked against gpg's own answer in tests/e2e/test_keys.py. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openpgp_helpers.h"
#include "os/file.h"
#include "trust/pages/pages.h"

#define MADE 1700000000u

static void
hashes(void **state)
{
	/* The draft's own example, section 3.1, and capitals: only ASCII ones become small. */
	static const struct {
		const char *local, *hash;
	} rows[] = { { "Joe.Doe", "iy9q119eutrkn8s1mk4r39qejnbu3n5q" },
		{ "joe.doe", "iy9q119eutrkn8s1mk4r39qejnbu3n5q" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		BUF_OWNED struct buf out = { .max = 100 };

		assert_ok(trust_pages_hash(slice_str(rows[i].local), &out, &unit_error));
		assert_slice(buf_slice(&out), rows[i].hash);
	}
}

static void
make(struct fixture *f, const struct slice *users, size_t count)
{
	struct pgp_generate_spec spec = { .version = 4, .user_ids = users, .user_id_count = count, .created = MADE };
	struct buf key;

	buf_init(&key, 1 << 16);
	assert_ok(pgp_generate(&spec, &key, &unit_error));
	fixture_from(f, buf_slice(&key));
	buf_wipe_done(&key);
}

static bool
exists(const char *folder, const char *name)
{
	char path[FILE_PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return file_exists(path);
}

/* User IDs are peer text: none of these leads out of the folder, none is markup. */
static void
peer_text_is_no_path_and_no_markup(void **state)
{
	const struct slice users[] = { SLICE("Joe.Doe@example.org"),
		SLICE("<b>x</b> <a@../../../tmp/letterlock-pages-never>"), SLICE("a@.."), SLICE("a@/etc"),
		SLICE("a@example..org"), SLICE("a@-"), SLICE("nobody") };
	char folder[] = "/tmp/letterlock-pages-XXXXXX";
	BUF_OWNED struct buf page = { .max = 1 << 20 };
	const struct pgp_policy policy = pgp_policy_default(MADE + 10);
	struct trust_pages p = { .policy = &policy };
	struct fixture f;
	size_t addresses;

	(void)state;
	make(&f, users, sizeof users / sizeof users[0]);
	p.cert = f.cert;
	assert_non_null(mkdtemp(folder));
	assert_ok(trust_pages_write(&p, folder, &addresses, &unit_error));
	assert_int_equal(addresses, 2); /* example.org, and "-", which is a name at least */
	assert_true(exists(folder, "example.org/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q"));
	assert_true(exists(folder, "example.org/.well-known/openpgpkey/policy"));
	assert_true(exists(
	    folder, "openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q"));
	assert_true(exists(folder, "openpgpkey.example.org/.well-known/openpgpkey/example.org/policy"));
	assert_true(exists(folder, "key.html") && exists(folder, "key.asc"));
	assert_false(exists(folder, "../letterlock-pages-never"));
	assert_ok(trust_pages_html(&p, &page, &unit_error));
	assert_true(slice_search(buf_slice(&page), SLICE("&lt;b&gt;x&lt;/b&gt;")) != SIZE_MAX);
	assert_true(slice_search(buf_slice(&page), SLICE("<b>")) == SIZE_MAX);
	assert_true(slice_search(buf_slice(&page), SLICE("<script")) == SIZE_MAX);
	/* Nothing secret in what everybody reads. */
	assert_true(slice_search(buf_slice(&page), SLICE("PRIVATE")) == SIZE_MAX);
	fixture_done(&f);
}

UNIT_MAIN(UNIT_TEST(hashes), UNIT_TEST(peer_text_is_no_path_and_no_markup))
